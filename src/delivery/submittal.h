/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is submitted (delivery/submit.h): whose, how it is wished, and what became of it.
 */
#ifndef DELIVERY_SUBMITTAL_H
#define DELIVERY_SUBMITTAL_H

#include "config/account.h"
#include "delivery/caller.h"
#include "delivery/prepare.h"
#include "delivery/queue.h"
#include "smtp/trace.h"

enum submit_mode {
	SUBMIT_AS_SET,		/* as [delivery] mode says */
	SUBMIT_DIRECTLY,	/* the caller learns the outcome */
	SUBMIT_IN_BACKGROUND,	/* durable, and somebody delivers it */
	SUBMIT_TO_QUEUE,	/* durable, and waits for a run of the queue */
	SUBMIT_NOTHING,		/* it is made ready and goes nowhere */
};

struct wishes {			/* of a caller; zeroed: none */
	const char *account;	/* its name; NULL: as the addresses say, or the default */
	const char *full_name;	/* for From; NULL: the account's, or the caller's own */
	const char *log_tag;	/* what names us in the log; NULL: acsmtp */
	struct trace *trace;	/* shows the dialogue; NULL: none */
	enum submit_mode mode;	/* a queue that is off makes each of them direct */
	bool holds;		/* it is not tried before somebody releases it */
	bool is_bare;		/* nothing is added to the header */
	bool keeps_failures;	/* what is refused is kept and reported by mail */
	bool keeps_some;	/* the same, but only where others have the message */
};

struct submittal {
	/*
	 * What many messages may share; borrowed, and the queue is opened if it is not
	 * yet.
	 */
	const struct caller *caller;
	const struct config *config;
	const char *config_file;	/* of -C, or NULL */
	struct aliases *aliases;
	struct queue *queue;
	struct wishes wishes;
	/* What is this message's own; borrowed. */
	const char *id;
	const char *sender;		/* a mailbox, "" the null one; NULL: none was given */
	const struct error *sender_fault;	/* what was given is no address; or NULL */
	const struct address_list *joined;	/* names with commas, to log; or NULL */
	/* Filled: */
	const struct account *account;	/* NULL: none is found */
	const char *why_account, *why_sender;	/* of the envelope */
	struct preparation prepared;	/* how the message was made ready */
	bool is_begun;			/* a server or the queue is asked, and the log tells */
	bool is_queued;			/* for those recipients that are LATER or UNKNOWN */
	time_t next;			/* when they are tried */
	struct error why_queued;	/* if is_queued after an attempt, or instead of one */
	struct error no_runner;		/* if is_queued: why nobody could be started to send it */
	bool is_kept;			/* what was refused is kept, with a report under way */
};

#endif
