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
	/* For REFUSED, LATER, UNKNOWN, else NULL. It is the envelope's, and of all for whom it
	   holds; recipient_reason() says it of this one. */
	const struct error *why;
};

/* Stands in the text of a reason for the mailbox of whomever it is told of. */
#define WHOM	"\x1f"

struct envelope {
	char *sender;		/* reverse-path: local@domain, or "" for the null one */
	/* Whom to tell of a failure: the sender as it was before a policy changed it, perhaps a
	   bare local name; "" nobody, NULL unknown */
	char *origin;
	struct recipient *recipients;
	size_t count, room;
	uint32_t *slots;	/* envelope_add()'s table of who is there: place + 1 by hash */
	size_t slot_count;
	struct error **reasons;	/* that recipients have, each once */
	size_t reason_count, reason_room;
	/* RFC 3461; NULL where the caller said nothing */
	char *notify;		/* "NEVER", or a list of SUCCESS,FAILURE,DELAY */
	char *ret;		/* "FULL" or "HDRS" */
	char *envid;		/* xtext */
	/* What else goes along to a daemon of ours (delivery/along.h), NULL: nothing */
	char *along;
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

/* How many recipients have this verdict; and how many still have to be tried. */
size_t envelope_count(const struct envelope *e, enum verdict verdict);
size_t envelope_waiting(const struct envelope *e);

/* The first who was refused, or NULL. */
const struct recipient *envelope_first_refusal(const struct envelope *e);

/* Whether it still has to be tried: neither ACCEPTED nor REFUSED. */
static inline bool recipient_waits(const struct recipient *r)
{
	return r->verdict != VERDICT_ACCEPTED && r->verdict != VERDICT_REFUSED;
}

/*
 * Gives one of its recipients a verdict. `why`, NULL for ACCEPTED, is copied; once for
 * all who are judged for the same reason: a thousand that one reply refuses cost one
 * text.
 */
void envelope_judge(struct envelope *e, struct recipient *r, enum verdict verdict,
		    const struct error *why);

/*
 * Its reason, which it has, with its mailbox where that belongs; and the other way round.
 */
void recipient_reason(const struct recipient *r, struct error *why);
void recipient_leave_out(const struct recipient *r, struct error *why);

/* Whether recipient_reason() of both has the same text. */
bool recipient_reason_is_same(const struct recipient *a, const struct recipient *b);

/* Whether the mailbox cannot be said without SMTPUTF8 (RFC 6531). NULL: it can. */
bool address_needs_utf8(const char *mailbox);

/* The same of any address of the envelope that is not refused. */
bool envelope_needs_utf8(const struct envelope *e);

#endif
