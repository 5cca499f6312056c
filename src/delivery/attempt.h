/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One attempt to deliver one message: a verdict for every recipient, and a log line. */
#ifndef DELIVERY_ATTEMPT_H
#define DELIVERY_ATTEMPT_H

#include "delivery/caller.h"
#include "delivery/connection.h"

struct attempt {		/* what is known of it, for the log */
	const struct account *account;
	/*
	 * Whose mail it is where that is another one, and what kept that; NULL: its own.
	 */
	const struct account *instead_of;
	const char *why;
	const char *id;
	const struct caller *caller;	/* who handed the message in, borrowed */
	int64_t started;	/* clock_ms() */
	struct witness *witness;	/* of its transactions, borrowed; NULL: none */
	char reply[256], tls[32], peer[80];
	int code;		/* of the reply; 0: there was none */
};

/* From here to attempt_end() the log is the account's, whoever's mail it is. */
void attempt_begin(struct attempt *a, const struct account *account, const char *id,
		   const struct caller *caller);

/* smtp_send() over an open connection; the error names the server. */
bool attempt_send(struct attempt *a, struct connection *c, struct envelope *e,
		  const struct message *m, struct error *err);

/*
 * The end, also of an attempt that had no connection: `ok` and `err` are what the steps
 * before said. Every recipient gets a verdict. True: all of them were accepted. False:
 * `err` is the reason to give to people: the failure of the whole, or that of the first
 * recipient that may be tried again, or else of the first that was refused. The account
 * is not in it, since what keeps it names the account already.
 */
bool attempt_end(const struct attempt *a, bool ok, struct envelope *e,
		 const struct message *m, struct error *err);

/* The log line of a message that was refused before there was an attempt. */
void attempt_log_not_taken(const char *id, const struct caller *caller,
			   const struct error *err);

/*
 * A log line for each reason of those who did not get the message, in which all of them
 * stand, or several where they are many; but for those who were reported before.
 */
void attempt_log_left_out(const char *id, const struct envelope *e);

#endif
