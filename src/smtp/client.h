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
#include "service/service.h"
#include "smtp/extensions.h"
#include "smtp/trace.h"

/*
 * Who can have another token than the one that was just refused (535); embedded first in
 * what implements it. True: the secret of the options is a new one, and worth one more
 * login.
 */
struct renewal {
	bool (*renew)(struct renewal *renewal);
};

struct smtp_options {		/* borrowed while the session lives */
	const char *service;	/* whose advice fits its replies */
	const char *helo;	/* our name in EHLO */
	bool starttls;		/* insist on it */
	enum auth_choice auth;
	const char *user;
	const struct secret *secret;
	bool secret_is_token;	/* an access token, no password */
	struct renewal *renewal;	/* of a token; NULL: there is no other */
	const char *host;	/* as the account names the server, for OAUTHBEARER */
	long port;
	long timeout;		/* seconds for each reply; ten times that after the final dot,
				   and for all the rest of the dialogue about a message */
	long max_recipients;	/* of one transaction; the server's LIMITS may lower it */
	struct trace *trace;	/* NULL: none */
};

/*
 * Who has to know how far a message has come, whatever ends us when; embedded first in
 * what implements it. What it cannot bear ends smtp_send() with its error.
 */
struct witness {
	/*
	 * The bytes that go out next are all that the server needs to take the message.
	 */
	bool (*at_brink)(struct witness *w, struct error *err);
	/* A transaction is over, and its recipients have the verdicts that the server gave
	   them; is_last: no other one follows in this dialogue, whatever this returns. */
	bool (*after_transaction)(struct witness *w, bool is_last, struct error *err);
	/*
	 * Nobody could be told who has it: to everybody in one transaction, or to nobody.
	 */
	bool all_or_none;
};

struct session;

/* Takes the transport, also when it fails (NULL). */
struct session *smtp_open(struct transport *transport, const struct smtp_options *options,
			  struct error *err);

/* How far a session has come; each stage has what is before it behind it. */
enum smtp_stage {
	SMTP_GREETED,		/* the server has said hello */
	SMTP_SECURED,		/* TLS is there, if it is to be */
	SMTP_INFORMED,		/* what the server says that it can do is known */
	SMTP_READY,		/* logged in, if that is to be */
};

/*
 * The same in stages, for who wants to know how each went: smtp_new() takes the transport
 * and says nothing; after a failure of smtp_advance() only smtp_close() makes sense.
 */
struct session *smtp_new(struct transport *transport, const struct smtp_options *options);
bool smtp_advance(struct session *s, enum smtp_stage stage, struct error *err);

/*
 * Whom to tell of the messages from now on, borrowed; NULL: nobody, as in the beginning.
 */
void smtp_set_witness(struct session *s, struct witness *witness);

/*
 * Sends one message; every recipient without a verdict gets one as far as the server
 * said. False: the session or the whole transaction failed, `err` says why, recipients
 * keep VERDICT_NONE when nothing was decided. True: look at the verdicts. A server that
 * is slow with every answer gets the message for some of them and ERROR_LATER for the
 * rest.
 */
bool smtp_send(struct session *s, struct envelope *e, const struct message *m,
	       struct error *err);

/*
 * Asks whether the server would take mail from `sender` to `recipient`, mailboxes in
 * ASCII, and takes the question back: MAIL FROM, RCPT TO, RSET. Nothing is sent. The
 * error's kind is that which sending would have: ERROR_SENDER and others for MAIL,
 * ERROR_NO_USER for RCPT.
 */
bool smtp_probe(struct session *s, const char *sender, const char *recipient,
		struct error *err);

/*
 * What the server has said that it can do; the mechanism that logged in, NULL: none did.
 */
const struct extensions *smtp_extensions(const struct session *s);
const char *smtp_mechanism(const struct session *s);

/* The server's words for the last accepted message; "" before. */
const char *smtp_last_reply(const struct session *s);
int smtp_last_code(const struct session *s);	/* of it; 0 before */
const struct transport *smtp_transport(const struct session *s);

/* Whether the last message failed since the server will never take its sender. */
bool smtp_sender_is_refused(const struct session *s);

/*
 * Whether no further message can go over it; ask between messages. What came unasked is a
 * 421 or the end of the connection: whoever sends a message ahead of its answers must not
 * learn of that afterwards, when it is in doubt whether the message was taken.
 */
bool smtp_is_broken(const struct session *s);

/* Says QUIT, does not wait, frees; NULL is fine. */
void smtp_close(struct session *s);

#endif
