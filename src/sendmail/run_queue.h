/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Running the queue: sendmail -q and its kin, and `acsmtp queue run`. */
#ifndef SENDMAIL_RUN_QUEUE_H
#define SENDMAIL_RUN_QUEUE_H

#include "smtp/trace.h"
#include "delivery/queue.h"
#include "sendmail/options.h"

/* Whether -qI, -qR and -qS let a message pass. */
bool run_queue_selects(const struct options *options, const struct entry *e);

/*
 * What -q, -qf, -qI, -qR, -qS, -qQ and -Q say: one round through the queue (also through
 * what is not due), a round every so often, or holding and releasing what is selected.
 * With an interval it goes into the background unless -qf was given.
 */
bool run_queue_as_told(const struct options *options, const struct config *config,
		       const struct queue *queue, struct trace *trace, struct error *err);

#endif
