/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who delivers what is in the queue: once, every so often, or until it is empty. */
#ifndef DELIVERY_RUNNER_H
#define DELIVERY_RUNNER_H

#include "delivery/worker.h"

enum { WAKE_WITHOUT_BELL = 5 };		/* seconds: who cannot hear looks so often */

struct run {
	const struct queue *queue;
	const char *config;		/* of -C, or NULL */
	struct log_place log;		/* of what concerns no account */
	struct trace *trace;		/* NULL: none */
	const struct asker *asker;	/* the person who watches it; NULL: nobody does */
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

/*
 * One round through the queue. While another process is at work on it a round of what is due
 * is left to that process, and so is a flush after a moment. What is not due,
 * or has no token of its account's quota, stays. ERROR_CREATE or ERROR_IO when the
 * spool fails.
 */
bool runner_once(struct run *run, struct error *err);

/*
 * A round now, and one every `seconds`. What fails is logged and tried again the next time;
 * returns, with an error, only when the spool is gone.
 */
bool runner_every(struct run *run, long seconds, struct error *err);

/*
 * Rounds until nothing waits any more, asleep in between without configuration, secret or
 * connection; woken by spool_wake_runner(). If another process does that already, it is
 * woken instead.
 */
bool runner_stay(struct run *run, struct error *err);

#endif
