/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A session with an account's server, from the secret to the answer to AUTH. */
#ifndef DELIVERY_CONNECTION_H
#define DELIVERY_CONNECTION_H

#include "config/account.h"
#include "secret/find.h"
#include "smtp/client.h"

struct connection {
	struct renewal renewal;		/* first: of a token that was kept */
	const struct asker *asker;	/* set before it is opened: who may be asked for a secret */
	const struct account *account;	/* borrowed while it is open */
	struct session *session;	/* NULL: closed */
	struct smtp_options options;
	struct secret_origin origin;	/* of the secret; no source: none is needed */
	bool is_renewed;		/* it is another than the one that was kept */
	struct secret secret;		/* until it is closed: no echo of it may be shown */
	char *helo;
	char peer[80];			/* the server's numeric address; "" before */
};

/*
 * The beginning in steps, for who wants to know how each went: how to log in and with
 * what secret, which contacts nobody; then a session that has said nothing yet.
 * connection_close() also after a failure.
 */
bool connection_prepare(struct connection *c, const struct account *account,
			struct trace *trace, struct error *err);
bool connection_dial(struct connection *c, struct error *err);

/*
 * Whether the settings suffice to send, and the secret is there as far as finding out
 * costs nothing; nobody is contacted. False: the error is what mail would wait for.
 */
bool connection_may_come_about(const struct account *account, struct error *err);

/*
 * Finds the secret, connects and logs in. Whatever it fails by holds for all mail of the
 * account; the error names the server where there was one. Not to be copied.
 */
bool connection_open(struct connection *c, const struct account *account,
		     struct trace *trace, struct error *err);

/* The error happened at the account's server, and says so; false. */
bool connection_blame(const struct account *account, struct error *err);

/*
 * Says QUIT if there is a session, and wipes the secret; a zeroed or closed one is fine.
 */
void connection_close(struct connection *c);

#endif
