/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One call of sendmail, and the steps that all kinds of calls share. */
#ifndef SENDMAIL_CALL_H
#define SENDMAIL_CALL_H

#include "mail/aliases.h"
#include "delivery/caller.h"
#include "delivery/prepare.h"
#include "delivery/submit.h"
#include "sendmail/options.h"

/* Everything about it, so that each step takes one thing. */
struct call {
	const char *name;
	struct caller caller;
	struct options options;
	struct config config;
	struct aliases aliases;
	struct message message;
	struct envelope envelope;
	struct address sender_address;	/* of -f; no mailbox: none was given */
	struct error sender_fault;	/* -f was given and is no address; ERROR_NONE: it is one */
	struct address_list joined;	/* recipients whose names have commas without quotes */
	struct trace trace;
	struct queue queue;
	struct submittal submittal;
	char id[ID_SIZE];
};

/* Who calls a command: the user of this process, and who sits before it. */
struct caller call_from_here(void);

/* Whether standard error may hear of it: -oe and what became of the message decide. */
bool call_may_say(const struct call *call);
void call_print_error(const struct call *call, const struct error *err);

/* The steps, in the order in which they need each other. */
bool call_check_recipients(struct call *call, struct error *err);
bool call_read_sender(struct call *call, struct error *err);
bool call_read_config(struct call *call, struct error *err);
bool call_read_message(struct call *call, struct error *err);
bool call_find_recipients(struct call *call, struct error *err);

/* What to submit, as options and settings want it; borrows from the call. */
struct submittal call_submittal(struct call *call);

void call_free(struct call *call);

#endif
