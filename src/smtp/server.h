/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The SMTP server (RFC 5321, 6409): a dialogue over any transport, which asks a taker
 * what becomes of senders, recipients and messages. It knows no user, no queue and no
 * socket.
 */
#ifndef SMTP_SERVER_H
#define SMTP_SERVER_H

#include <signal.h>

#include "base/clock.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "net/transport.h"

enum { SERVER_RECIPIENTS_MAX = 10000 };

/*
 * Each says true, or false with an error that becomes the reply: 4xx where the same may
 * succeed later (error_is_worth_retrying), 452 of them where there is no room
 * (error_is_no_room), else 5xx, 552 of them where the message is too large
 * (error_is_too_large); its text is seen by the client.
 */
struct server_taker {
	/* A mailbox, or "" for the null sender; begins a message. */
	bool (*sender)(struct server_taker *t, const char *mailbox, struct error *err);
	/* A mailbox, or a name without a domain. */
	bool (*recipient)(struct server_taker *t, const char *mailbox, struct error *err);
	/*
	 * True is the 250 that says that we have it. The envelope holds sender,
	 * recipients and what was said of reports and along with them; both stay the
	 * server's. `id` is where the taker puts what it calls the message.
	 */
	bool (*message)(struct server_taker *t, struct envelope *e, struct message *m,
			char id[ID_SIZE], struct error *err);
	/*
	 * The reply to that has left us, or the client is gone. NULL: nobody wants to
	 * know.
	 */
	void (*answered)(struct server_taker *t);
	/*
	 * Whether name and password belong together, in a time that says nothing of
	 * either; the password is wiped afterwards. ERROR_AUTH: they do not; what is
	 * worth retrying besides: it cannot be found out now. NULL: nobody logs in. Asked
	 * under TLS alone.
	 */
	bool (*login)(struct server_taker *t, const char *name, const char *password,
		      struct error *err);
	/*
	 * Set by the taker, or by a signal: it can take nothing more, but a new dialogue
	 * may. 421 ends this one, at the next command or when nothing can be read.
	 */
	volatile sig_atomic_t is_closed;
};

struct server_options {		/* borrowed while the dialogue lasts */
	const char *name;	/* ours, in the greeting */
	uint64_t max_size;	/* bytes of a message; 0: any */
	size_t max_recipients;	/* of one message */
	/*
	 * Seconds that the client may say nothing. In a message they are also how far it
	 * may stay behind 500 bytes a second.
	 */
	long idle_timeout;
	/*
	 * Commands sent ahead of a reply that they have to wait for end the dialogue:
	 * over a network they are how others' mail is smuggled in. Not for a script on a
	 * pipe.
	 */
	bool is_strict;
	bool offers_tls;	/* STARTTLS: the transport knows how */
	bool needs_login;	/* no message before that */
	bool takes_along;	/* XACSMTP: a sendmail of ours may say more of a message */
};

/*
 * From the greeting to QUIT, the end of input or the taker's; true then, whatever became
 * of messages.
 * False: the connection was lost (ERROR_NETWORK), TLS did not begin (ERROR_TLS), or the
 * client had to be turned out (ERROR_PROTOCOL), which it was told. The transport stays
 * the caller's.
 */
bool smtp_serve(struct transport *wire, const struct server_options *options,
		struct server_taker *taker, struct error *err);

/* The greeting is a refusal: nobody is served, for this reason (421). */
bool smtp_turn_away(struct transport *wire, const struct server_options *options,
		    const struct error *why, struct error *err);

#endif
