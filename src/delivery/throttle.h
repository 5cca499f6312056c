/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whether an account may send now, for all processes of this machine: its quota, and the
 * pause after a failure that concerns all of its mail. Whoever is about to speak to the
 * server asks, and tells what came of it.
 */
#ifndef DELIVERY_THROTTLE_H
#define DELIVERY_THROTTLE_H

#include <time.h>

#include "config/account.h"
#include "spool/spool.h"

struct pause {
	time_t at;
	char why[256];
};

/*
 * May `messages` transactions of the account begin now? True: they are counted as attempts.
 * False: *pause says the earliest moment worth asking again, and why. More than the quota
 * ever lets through at once wait until nothing is counted any more. After a failure one
 * caller alone gets true until it has told what came of it, or two minutes have passed.
 * A spool that is closed or cannot be written limits nothing; that is logged.
 */
bool throttle_ask(const struct spool *s, const struct account *account, size_t messages,
		  time_t now, struct pause *pause);

/*
 * What came of it. NULL: accepted; the pause ends, the share grows. An error whose
 * retry_scope() is the account begins or lengthens its pause; any other, in a
 * transaction, shows that the account is well, and ends it.
 */
void throttle_learn(const struct spool *s, const struct account *account,
		    const struct error *err, bool in_transaction, time_t now);

struct throttle_view {
	long used_minute, used_hour;	/* attempts that are counted now */
	long share_minute, share_hour;	/* what this machine uses of the quota; 0: no limit */
	time_t paused_until;		/* 0: it is not paused */
	char why[256];			/* of the last failure; "": all is well */
	unsigned failures;		/* in a row */
	time_t last_success;		/* 0: not known */
};
void throttle_look(const struct spool *s, const struct account *account, time_t now,
		   struct throttle_view *view);

/* A person says: try now. Ends the pause, not the windows. */
void throttle_resume(const struct spool *s, const struct account *account);

/* Somebody runs the queue: the same where a try costs nothing (retry_class_counts()). */
void throttle_nudge(const struct spool *s, const struct account *account);

#endif
