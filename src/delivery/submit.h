/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done with a prepared message: sent while the caller waits, or made durable first,
 * or after an attempt that did not reach everybody yet.
 */
#ifndef DELIVERY_SUBMIT_H
#define DELIVERY_SUBMIT_H

#include "delivery/prepare.h"
#include "delivery/queue.h"
#include "smtp/trace.h"

enum submit_mode {
	SUBMIT_DIRECTLY,	/* the caller learns the outcome */
	SUBMIT_IN_BACKGROUND,	/* durable, and somebody delivers it */
	SUBMIT_TO_QUEUE,	/* durable, and waits for a run of the queue */
};

struct submittal {
	const struct caller *caller;	/* who sends it; that of prepared */
	const struct account *account;
	const struct preparation *prepared;	/* how the message was */
	const struct queue *queue;
	const char *id;
	const char *config;		/* of -C, or NULL */
	struct trace *trace;		/* NULL: none */
	enum submit_mode mode;		/* a queue that is off makes each of them direct */
	bool holds;			/* it is not tried before somebody releases it */
	bool keeps_failures;		/* what is refused is kept and reported by mail */
	bool keeps_some;		/* the same, but only where others have the message */
	/* Filled: */
	bool is_queued;			/* for those recipients that are LATER or UNKNOWN */
	time_t next;			/* when they are tried */
	struct error why_queued;	/* if is_queued after an attempt, or instead of one */
	struct error no_runner;		/* if is_queued: why nobody could be started to send it */
	bool is_kept;			/* what was refused is kept, with a report under way */
};

/*
 * True: taken, by the server or the queue, for every recipient. False: `err` is the reason to
 * give to the caller, who still has those recipients that are not ACCEPTED, and if is_queued
 * not LATER or UNKNOWN either.
 */
bool submit(struct submittal *s, struct envelope *e, const struct message *m,
	    struct error *err);

#endif
