/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Submission: a message of any caller, who need not be this process's own user, becomes a
 * verdict for each of its recipients. Account, sender policy and header work come first;
 * then it is sent while the caller waits, or made durable first, or after an attempt that
 * did not reach everybody yet. Whoever takes messages in calls this, and nothing else
 * here.
 */
#ifndef DELIVERY_SUBMIT_H
#define DELIVERY_SUBMIT_H

#include "delivery/submittal.h"

/*
 * The envelope has the recipients, resolved (delivery/local.h), and perhaps some that are
 * REFUSED; it gets its sender here, and each recipient a verdict. The message is made
 * ready in place. True: taken, by the server or the queue, for every recipient (or
 * SUBMIT_NOTHING). False: `err` is the reason to give to the caller, who still has those
 * recipients that are not ACCEPTED, and if is_queued not LATER or UNKNOWN either.
 */
bool submit(struct submittal *s, struct envelope *e, struct message *m, struct error *err);

/* The first step alone: which account such a message goes through, and why. */
bool submit_find_account(struct submittal *s, const struct message *m, struct error *err);

/* How it will be sent, if there is a queue: what the wishes come to. */
enum submit_mode submit_mode(const struct wishes *wishes,
			     const struct delivery_settings *settings);

/* Bytes of the largest message that any account takes; 0: an account takes any size. */
uint64_t submit_largest(const struct config *config);

#endif
