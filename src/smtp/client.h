/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SMTP client (RFC 5321, 6409): a session over a transport, from greeting to AUTH
 * in one call, then any number of transactions.
 */
#ifndef SMTP_CLIENT_H
#define SMTP_CLIENT_H

#include "base/secret.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "net/transport.h"
#include "smtp/trace.h"

enum smtp_auth { SMTP_AUTH_OFF, SMTP_AUTH_AUTO, SMTP_AUTH_LOGIN, SMTP_AUTH_PLAIN,
		 SMTP_AUTH_XOAUTH2 };

struct smtp_options {		/* borrowed while the session lives */
	const char *service;	/* whose advice fits its replies */
	const char *helo;	/* our name in EHLO */
	bool starttls;		/* insist on it */
	enum smtp_auth auth;
	const char *user;
	const struct secret *secret;
	long timeout;		/* seconds for each reply; ten times that after the final dot */
	long max_recipients;	/* of one transaction; the server's LIMITS may lower it */
	struct trace *trace;	/* NULL: none */
};

struct session;

/* Takes the transport, also when it fails (NULL). */
struct session *smtp_open(struct transport *transport, const struct smtp_options *options,
			  struct error *err);

/*
 * Sends one message; every recipient without a verdict gets one as far as the server
 * said. False: the session or the whole transaction failed, `err` says why, recipients
 * keep VERDICT_NONE when nothing was decided. True: look at the verdicts.
 */
bool smtp_send(struct session *s, struct envelope *e, const struct message *m,
	       struct error *err);

/* The server's words for the last accepted message; "" before. */
const char *smtp_last_reply(const struct session *s);
const struct transport *smtp_transport(const struct session *s);

/* Whether no further message can go over it. */
bool smtp_is_broken(const struct session *s);

/* Says QUIT, does not wait, frees; NULL is fine. */
void smtp_close(struct session *s);

#endif
