/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How much of an account's quota this machine uses, and whether the account has to wait.
 * Reckoning alone: the time and the chance come from outside, the file is
 * spool/account_state.h's, the schedule of the pauses delivery/retry.h's.
 *
 * Two windows count attempts, since the service counts what it refuses too. Others may
 * use the same quota unseen: after a refusal this machine takes a smaller share of it,
 * spread evenly, which grows again while messages are accepted.
 */
#ifndef SPOOL_PACE_H
#define SPOOL_PACE_H

#include <time.h>

#include "base/base.h"

enum {
	/* Of a window there are 60; one more, for an attempt may have come late in its slot,
	   and two, for it may take longer to the service than those after it. */
	PACE_SLOTS = 63,
	PACE_ALL = 1000000,	/* a share is told in millionths of the quota */
	PACE_PROBE = 120,	/* seconds that one try after a failure has for itself */
	PACE_PAUSE_MAX = 2 * 3600,
	PACE_SPACING_MAX = 6 * 3600,
	PACE_TEXT_MAX = 256,
	PACE_COUNT_MAX = INT32_MAX / 63,	/* of a slot: as good as any number */
};

struct quota {
	long per_minute, per_hour;	/* 0: none */
};

struct window {
	int64_t newest;			/* number of the slot that counts[0] is of */
	uint32_t counts[PACE_SLOTS];	/* and then the older ones */
};

struct pace {
	time_t stamp;		/* the latest moment that it knows of */
	struct window minute, hour;	/* in slots of 1 and of 60 seconds */
	long share, goal;	/* now; and before it was cut */
	long seen;		/* attempts in the hour before the row of failures */
	time_t cut;		/* when it was cut last */
	time_t grown;		/* until when the growth of the share is reckoned */
	time_t due;		/* when the next message's turn is, by the share */
	time_t until;		/* of the pause; past or 0: none */
	unsigned failures;	/* in a row; 0: all is well */
	bool is_probed;		/* somebody tries whether the pause may end */
	char class[16];		/* of these failures, a word */
	uint64_t about;		/* the configuration that failed, as a sum */
	time_t store_away;	/* the shared store is not asked before then; 0: it answers */
	char why[PACE_TEXT_MAX];
	time_t last_success;	/* 0: never */
	time_t spent;		/* since when the quota is used up; 0: it is not */
};

/* Of an account of which nothing is known. */
void pace_init(struct pace *p);

struct moment {
	time_t now;
	uint32_t random;
	bool is_free;		/* of the pause: whoever it is waits for the windows alone */
};

/*
 * Whether `messages` transactions may begin now; then they are counted. After a failure
 * one caller alone gets true, and the others wait for what comes of it. More messages
 * than a window holds wait until it is empty, and fill it. False: *at is the earliest
 * moment worth asking again. If the clock went back p->stamp has, too, and must be kept,
 * or the time that is left would begin anew with each call.
 */
bool pace_ask(struct pace *p, const struct quota *quota, size_t messages,
	      struct moment moment, time_t *at);

/* One was accepted: the pause ends and the share grows. */
void pace_accepted(struct pace *p, const struct quota *quota, time_t now);

/* The server was reached and the account is well, whatever became of the message. */
void pace_reached(struct pace *p, time_t now);

/* Whoever was let through has nothing to tell: the server was not asked. */
void pace_undecided(struct pace *p);

/* Nor did it hear of these, so they do not count. */
void pace_give_back(struct pace *p, size_t messages);

/*
 * The account has to wait `delay` seconds; during a pause that nobody probes nothing
 * changes, for it is old news. pace_failures() says how often in a row it was so before.
 */
struct setback {
	const char *class, *why;
	bool is_quota;		/* the share is cut */
	long delay;
	uint64_t about;		/* see struct pace */
};
void pace_failed(struct pace *p, const struct quota *quota, const struct setback *setback,
		 struct moment moment);
unsigned pace_failures(const struct pace *p, const char *class);

/* A person says: all is well now. */
void pace_resume(struct pace *p);

/* The pause may be over: one may find out. What failed so far is known still. */
void pace_nudge(struct pace *p);

/*
 * Attempts in the windows, and what the share lets this machine use of them; brings the
 * windows and all times up to `now`.
 */
struct pace_use {
	long minute, hour, share_minute, share_hour;
};
void pace_look(struct pace *p, const struct quota *quota, time_t now, struct pace_use *use);

#endif
