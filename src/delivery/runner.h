/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who delivers what is in the queue: once, every so often, or until it is empty. */
#ifndef DELIVERY_RUNNER_H
#define DELIVERY_RUNNER_H

#include "delivery/run.h"

enum { WAKE_WITHOUT_BELL = 5 };		/* seconds: who cannot hear looks so often */

/*
 * One round through the queue. While another process is at work on it a round of what is
 * due is left to that process, and so is a flush after a moment. What is not due, or has
 * no token of its account's quota, stays. ERROR_CREATE or ERROR_IO when the spool fails.
 */
bool runner_once(struct run *run, struct error *err);

/*
 * A round now, and one every `seconds`. What fails is logged and tried again the next
 * time; returns, with an error, only when the spool is gone.
 */
bool runner_every(struct run *run, long seconds, struct error *err);

/*
 * Rounds until nothing waits any more, asleep in between without configuration, secret or
 * connection; woken by spool_wake_runner(). If another process does that already, it is
 * woken instead.
 */
bool runner_stay(struct run *run, struct error *err);

#endif
