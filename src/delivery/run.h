/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a run through the queue is to do, and what it has done. */
#ifndef DELIVERY_RUN_H
#define DELIVERY_RUN_H

#include "delivery/worker.h"

struct run {
	const struct queue *queue;
	const char *config;		/* of -C, or NULL */
	struct log_place log;		/* of what concerns no account */
	struct trace *trace;		/* NULL: none */
	const struct asker *asker;	/* the person who watches it; NULL: nobody does */
	long connections;		/* for one account at one time; 0: one */
	bool is_flush;			/* also what is not due */
	bool is_asked_for;		/* now, by somebody: an account that pauses is tried once */
	bool (*selects)(const void *selector, const struct entry *e);	/* NULL: all */
	const void *selector;
	/* Called after each message with what was done so far; NULL: nobody */
	void (*progress)(void *taker, const struct work_counts *counts, size_t waiting);
	void *taker;
	/* Filled: */
	struct work_counts counts;
	size_t waiting;			/* messages that are left, without those that are held */
	bool is_elsewhere;		/* another process is at it, and nothing was done here */
};

#endif
