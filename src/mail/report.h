/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Delivery status notifications: what became of a message, told to whoever sent it
 * (RFC 3464 in the multipart/report of RFC 6522; RFC 6533 for addresses and headers
 * beyond ASCII).
 */
#ifndef MAIL_REPORT_H
#define MAIL_REPORT_H

#include <time.h>

#include "mail/envelope.h"
#include "mail/message.h"

enum report_kind {
	REPORT_FAILED,		/* it is given up for those who were refused for good */
	REPORT_DELAYED,		/* it is late for those who wait */
};

enum { REPORT_RECIPIENTS_MAX = 1000 };	/* that one report names; the rest is counted */

struct report {			/* all borrowed */
	enum report_kind kind;
	const char *id;			/* unique: for Message-ID and the boundary */
	const char *from;		/* mailbox that it is from */
	const struct envelope *to;	/* whose recipients it is for */
	const char *machine;		/* the name of this one: Reporting-MTA */
	const char *server;		/* whose replies stand in the verdicts: Remote-MTA */
	const char *service;		/* that it is of, for advice about its replies */
	time_t now;
	/* Of the message that it is about: */
	const char *original_id;	/* its name in the queue */
	time_t arrived, until;		/* when it came; until when it is tried */
	bool is_held;			/* it is not tried until somebody releases it */
	long keep_days;			/* that it stays in the queue after its failure */
	const struct envelope *envelope;	/* with `ret` and `envid` */
	const struct error *why;	/* for recipients without a reason of their own; or NULL */
	const struct message *original;
	bool is_damaged;		/* it is: nothing of it can be shown, and it cannot be sent */
	const char *secret_ends;	/* the day, "2027-03-01", if it is near; else NULL */
	uint64_t max_size;		/* bytes of the report; 0: any */
};

/*
 * Whether such a report is about this recipient: those who were refused and were not told
 * of yet, or those who wait.
 */
bool report_is_about(enum report_kind kind, const struct recipient *r);

/*
 * Makes `out`, which it initialises and the caller frees in any case, the report. The
 * original's header is in it, or with RET=FULL the whole message if a server without
 * 8BITMIME could get it and the report stays within max_size; nothing of it if not even
 * the header does. ERROR_CREATE, ERROR_IO. Memory: the original's body is copied in
 * pieces.
 */
bool report_make(const struct report *r, struct message *out, struct error *err);

#endif
