/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A message made to suit what the server takes, as EHLO told. */
#ifndef SMTP_SUIT_H
#define SMTP_SUIT_H

#include "mail/envelope.h"
#include "mail/message.h"
#include "smtp/extensions.h"

struct suit {
	const struct message *message;	/* the caller's, where nothing has to be changed */
	struct message changed;		/* else this one */
	bool is_utf8;			/* MAIL must say SMTPUTF8 */
};

void suit_init(struct suit *suit);
void suit_free(struct suit *suit);
#define OWNED_SUIT	__attribute__((cleanup(suit_free))) struct suit

/*
 * What is to be sent in place of `m`: 8-bit text, long lines and NUL encoded, header text
 * beyond ASCII too, and its domains made ASCII; an address that has no ASCII is
 * said in words where the server offers no SMTPUTF8. Raw UTF-8 in a header is lawful with
 * SMTPUTF8 alone, which keeps a message from whoever does not know it: so it is
 * asked for, where it is offered, only if an address needs it or a signature must not be
 * broken. ERROR_DATA says why the message cannot be made to suit.
 */
bool message_suit(struct suit *suit, const struct message *m, const struct envelope *e,
		  const struct extensions *can, struct error *err);

#endif
