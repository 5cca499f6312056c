/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An attempt that the caller waits for: by the account, or where that cannot now by those
 * that take its mail (`failover`).
 */
#ifndef DELIVERY_TRIAL_H
#define DELIVERY_TRIAL_H

#include "delivery/direct.h"
#include "delivery/submittal.h"

struct trial {
	const struct account *by;	/* whose attempt it was; NULL: of the submittal's account */
	char *by_why;			/* what kept that one then, for trial_end(); or NULL */
	struct error err;
	bool is_accounts;	/* the error is about the account, not about an address */
	bool had_session;
	time_t account_until;	/* after an attempt: as struct settlement has it */
	time_t not_before;	/* there was none: the account has to wait until then */
	struct direct direct;
};

/*
 * Through the account of the submittal, which has been made ready unless it is the
 * daemon's; or through those that take its mail. True: all have it. False: trial->err,
 * and each recipient has a verdict, or (VERDICT_NONE) waits for an account.
 */
bool trial_run(const struct submittal *s, struct envelope *e, const struct message *m,
	       struct trial *trial);

void trial_end(struct trial *trial);

/* What the queue is to be told of the message; after an attempt, or NULL. */
struct intake_facts trial_facts(const struct submittal *s, const struct trial *trial);

#endif
