/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands of the queue have in common: flags, and the queue they are about. */
#ifndef QUEUE_FLAGS_H
#define QUEUE_FLAGS_H

#include "base/language.h"
#include "talk/command.h"
#include "queue/pick.h"

struct queue_flags {
	const char *config;
	struct pick pick;
	const char *target;	/* the account that `queue move` gives them to */
	bool json, message, header;
	bool must_pick;	/* of the command: without words and filters it wants --all */
};

#define QUEUE_FLAG_IN(field)	offsetof(struct queue_flags, field)
#define QUEUE_FLAGS_COMMON \
	{ "config", FLAG_TEXT, QUEUE_FLAG_IN(config), "FILE", N_("configuration file") }, \
	{ "json", FLAG_SWITCH, QUEUE_FLAG_IN(json), NULL, N_("output for programs") }
#define QUEUE_FLAGS_FILTERS \
	{ "account", FLAG_TEXT, QUEUE_FLAG_IN(pick.account), "ACCOUNT", \
	  N_("only messages that go through this account") }, \
	QUEUE_FLAGS_OTHER_FILTERS
#define QUEUE_FLAGS_OTHER_FILTERS \
	{ "sender", FLAG_TEXT, QUEUE_FLAG_IN(pick.sender), "PATTERN", \
	  N_("only those of such a sender") }, \
	{ "recipient", FLAG_TEXT, QUEUE_FLAG_IN(pick.recipient), "PATTERN", \
	  N_("only those with such a recipient") }, \
	{ "failed", FLAG_SWITCH, QUEUE_FLAG_IN(pick.failed), NULL, \
	  N_("those that have failed instead of those that wait") }, \
	{ "damaged", FLAG_SWITCH, QUEUE_FLAG_IN(pick.damaged), NULL, \
	  N_("those that were found damaged instead") }

/*
 * What each of them begins with. Reads the flags (into zeroed ones, but for must_pick),
 * opens the view, and leaves those rows that are meant, from failed/ too. False: *status
 * is what to exit with, and all is said. True: *status is EX_OK, or what to exit with
 * after the rest is done, for words that fit nothing.
 */
bool queue_begin(struct command_call *call, struct queue_flags *flags,
		 struct queue_view *view, struct queue_rows *rows, int *status);

#endif
