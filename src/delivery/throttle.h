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

struct turn {			/* to send mail of an account */
	const struct spool *spool;
	const struct account *account;
	size_t messages;	/* transactions */
	bool is_awaited;	/* somebody waits for the outcome */
};

struct pause {
	time_t at;
	enum error_kind kind;	/* of what it is for */
	char why[256];
};

/*
 * May that many transactions of the account begin now? True: they are counted as
 * attempts. False: *pause says the earliest moment worth asking again, and why. More than
 * the quota ever lets through at once wait until nothing is counted any more. After a
 * failure one caller alone gets true until it has told what came of it, or two minutes
 * have passed; but where no server had been reached, whoever is awaited may try all the
 * same, as the trouble was perhaps another's. A pause ends when the configuration has
 * changed since, unless it is for a quota. A spool that is closed or cannot be written
 * limits nothing; that is logged.
 */
bool throttle_ask(const struct turn *turn, time_t now, struct pause *pause);

/*
 * What came of it. NULL: accepted; the pause ends, the share grows. An error whose
 * retry_scope() is the account begins or lengthens its pause; any other, in a
 * transaction, shows that the account is well, and ends it. What no server heard of is
 * not counted after all. True: a pause has ended by it, and others may go.
 */
bool throttle_learn(const struct turn *turn, const struct error *err, bool in_transaction,
		    time_t now);

/*
 * Until when the account waits for that error; 0: for such a one it does not, or its pause
 * could not be kept, so that whoever has failed must wait by himself.
 */
time_t throttle_until(const struct turn *turn, const struct error *err, bool in_transaction,
		      time_t now);

/* Whether it is known that no message of it was ever accepted. */
bool throttle_has_never_sent(const struct spool *s, const struct account *account);

struct throttle_view {
	long used_minute, used_hour;	/* attempts that are counted now */
	long share_minute, share_hour;	/* what this machine uses of the quota; 0: no limit */
	time_t paused_until;		/* 0: it is not paused */
	char why[256];			/* of the last failure; "": all is well */
	enum error_kind kind;		/* of such failures, more or less; ERROR_NONE: none */
	unsigned failures;		/* in a row */
	time_t last_success;		/* 0: not known */
	time_t spent;			/* since when the quota is used up; 0: it is not */
};
void throttle_look(const struct spool *s, const struct account *account, time_t now,
		   struct throttle_view *view);

/* A person says: all is well again. Ends the pause, not the windows. */
void throttle_resume(const struct spool *s, const struct account *account);

/*
 * Somebody asks for the mail to be tried now: one try may begin, whatever the pause, but
 * not whatever the windows. Where a try costs something, a program that asks on and on
 * (is_attended: a person is there) gets no more of them after some failures. False: there
 * is no pause that could be ended.
 */
bool throttle_nudge(const struct spool *s, const struct account *account, bool is_attended);

#endif
