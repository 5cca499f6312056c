/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who sends. Whoever takes a message (a command line, a dialogue) says it once, and it
 * goes with the message into the log, the sender policy, the queue and the reports: it
 * need not be the user of this process, and nobody below asks for that one.
 */
#ifndef DELIVERY_CALLER_H
#define DELIVERY_CALLER_H

#include <sys/types.h>

#include "base/log.h"
#include "secret/source.h"

struct caller {			/* all of it is borrowed */
	uid_t uid;
	const char *login;	/* NULL: as the user database has it for the uid */
	const char *full_name;	/* what he calls himself in mail, "": nothing; NULL: as the database does */
	const char *host;	/* where he calls from; NULL: this machine */
	const struct asker *asker;	/* the person who waits; NULL: nobody may be asked */
};

/* The login name, NULL if nobody knows it. The caller frees, here and below. */
char *caller_login(const struct caller *c);

/* LOGIN@this-machine, or "uidN@": what he sends as where nothing says more. */
char *caller_mailbox(const struct caller *c);

/* "" if nobody knows it. */
char *caller_full_name(const struct caller *c);

/* Who it was, among the facts of a line of the log. */
#define CALLER_FACTS(c)	{ "uid", LOG_NUMBER, .number = (c)->uid },	\
			{ "user", LOG_WORD, .text = (c)->login },	\
			{ "host", LOG_WORD, .text = (c)->host }

#endif
