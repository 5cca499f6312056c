/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An attempt that the caller waits for. */
#ifndef DELIVERY_TRIAL_H
#define DELIVERY_TRIAL_H

#include "delivery/direct.h"
#include "delivery/submittal.h"

struct trial {
	struct error err;
	bool is_accounts;	/* the error is about the account, not about an address */
	bool had_session;
	time_t not_before;	/* there was none: the account has to wait until then */
	struct direct direct;
};

/*
 * Through the account of the submittal, which has been made ready unless it is the daemon's.
 * True: all have it. False: trial->err, and each recipient has a verdict if anybody was asked.
 */
bool trial_run(const struct submittal *s, struct envelope *e, const struct message *m,
	       struct trial *trial);

/* What the queue is to be told of the message; after an attempt, or NULL. */
struct intake_facts trial_facts(const struct submittal *s, const struct trial *trial);

#endif
