/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One mail transaction (RFC 5321 section 3.3): MAIL, RCPT..., DATA or BDAT. */
#ifndef SMTP_TRANSACTION_H
#define SMTP_TRANSACTION_H

#include "smtp/session.h"

struct transaction {
	struct session *session;
	struct envelope *envelope;
	const struct message *message;
	bool is_utf8;			/* it, or the envelope, needs SMTPUTF8 */
	struct recipient **recipients;	/* those of this transaction */
	size_t count;
};

/*
 * Gives each of its recipients a verdict as far as the server says one. False: the whole
 * transaction failed, with the reason; recipients that were not refused themselves keep
 * VERDICT_NONE, or have VERDICT_UNKNOWN when the answer to the message was lost.
 */
bool transaction_run(struct transaction *t, struct error *err);

#endif
