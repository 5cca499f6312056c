/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The envelope: who sends to whom, and what became of each recipient. */
#ifndef MAIL_ENVELOPE_H
#define MAIL_ENVELOPE_H

#include "base/error.h"

enum verdict {
	VERDICT_NONE,		/* not tried, or not answered */
	VERDICT_ACCEPTED,	/* the server has the message for this recipient */
	VERDICT_REFUSED,	/* for good */
	VERDICT_LATER,		/* refused for now */
	VERDICT_UNKNOWN,	/* the answer to the message was lost: it may have been sent */
};

struct recipient {
	char *mailbox;		/* local@domain; whatever was refused from the beginning */
	enum verdict verdict;
	bool is_reported;	/* REFUSED, and no report is due any more */
	bool is_untold;		/* that, but there was nobody to be told */
	struct error *why;	/* for REFUSED, LATER, UNKNOWN; else NULL */
};

struct envelope {
	char *sender;		/* reverse-path: local@domain, or "" for the null one */
	/* Whom to tell of a failure: the sender as it was before a policy changed it, perhaps a
	   bare local name; "" nobody, NULL unknown */
	char *origin;
	struct recipient *recipients;
	size_t count, room;
	uint32_t *slots;	/* envelope_add()'s table of who is there: place + 1 by hash */
	size_t slot_count;
	/* RFC 3461; NULL where the caller said nothing */
	char *notify;		/* "NEVER", or a list of SUCCESS,FAILURE,DELAY */
	char *ret;		/* "FULL" or "HDRS" */
	char *envid;		/* xtext */
};

void envelope_free(struct envelope *e);
#define OWNED_ENVELOPE	__attribute__((cleanup(envelope_free))) struct envelope

/* Adds a recipient unless it is there already (address_is_same). Copies. */
void envelope_add(struct envelope *e, const char *mailbox);

/* Whether it is there and not refused. */
bool envelope_has(const struct envelope *e, const char *mailbox);

/*
 * Adds one that cannot be sent to, REFUSED from the beginning; the others can still be
 * served. `name` is what a person wrote, a mailbox or not; once if it is refused already.
 * Where somebody of that name is to be served it becomes "name (refused)".
 */
void envelope_refuse(struct envelope *e, const char *name, const struct error *why);

/* How many recipients have this verdict. */
size_t envelope_count(const struct envelope *e, enum verdict verdict);

/* Gives a recipient its verdict; `why` is copied, NULL for ACCEPTED. */
void recipient_judge(struct recipient *r, enum verdict verdict, const struct error *why);

/* Whether the mailbox cannot be said without SMTPUTF8 (RFC 6531). NULL: it can. */
bool mailbox_needs_utf8(const char *mailbox);

/* The same of any address of the envelope that is not refused. */
bool envelope_needs_utf8(const struct envelope *e);

#endif
