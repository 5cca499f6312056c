/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Direct delivery: this process talks to the server and the caller learns the outcome. */
#ifndef DELIVERY_DIRECT_H
#define DELIVERY_DIRECT_H

#include "config/account.h"
#include "mail/envelope.h"
#include "mail/message.h"
#include "smtp/trace.h"

struct delivery {
	const struct account *account;
	const char *id;			/* for the log */
	struct trace *trace;		/* NULL: none */
};

/*
 * Sends a prepared message. Every recipient gets a verdict. True: all were accepted.
 * False: `err` is the reason to give to the caller: the failure of the whole, or that of the
 * first recipient that may be tried again, or else of the first that was refused. One log
 * line either way.
 */
bool deliver_directly(const struct delivery *d, struct envelope *e,
		      const struct message *m, struct error *err);

#endif
