/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Those who send for a run: a process for each account, or several where much waits, so
 * that none waits for the server of another. Whoever leads them never speaks to a server,
 * and so has time to listen. They keep their connection warm for a while, and end with
 * their leader.
 */
#ifndef DELIVERY_CREW_H
#define DELIVERY_CREW_H

#include "delivery/crew_member.h"

enum {
	CREW_MAX = 8,		/* processes */
	CREW_FDS = CREW_MAX + 1,
	CREW_PRIVATE = 3,
};

struct crew {
	const struct run *run;
	bool remembers;			/* the leader stays, and so do those who owe */
	const int *private[CREW_PRIVATE];	/* descriptors of the leader alone; NULL: none */
	struct crew_member members[CREW_MAX];
	size_t count;
	int signals;			/* those that end us, to be read */
	uint64_t unflushed[ACCOUNTS_MAX];	/* whose flush was not ordered, or not done */
	size_t unflushed_count;
	int ending;			/* the one that all were told to end with; 0: none */
	/* Told by them since the leader has looked: */
	struct work_counts counts;	/* all that they did */
	time_t wake;			/* when the first of what they left is due; 0: none */
	size_t unread, unwritten;
	bool spool_fails;
	bool wants_look;		/* something was not done that should have been */
	bool is_wanted;			/* there is no room for another one: who is done leaves */
	bool has_room;			/* one has, since; the leader takes note of it */
	bool has_failed;		/* no process could be had */
};

/* `signals` that would end this process wait until crew_wait() sees to them. */
void crew_begin(struct crew *c, const struct run *run);

/* All of them go, when they have done what they are at. */
void crew_end(struct crew *c);

/*
 * Mail of the account is to be sent: this message, or (NULL) all that is due, or with
 * `is_flush` all, after what they are at. False: all are busy now (is_wanted), and
 * has_room tells when that is over; or no process could be had (has_failed, logged).
 * With a `backlog` of so many messages (0: not known) they are shared among several, as
 * far as the run allows.
 */
bool crew_order(struct crew *c, uint64_t account, const char *id, bool is_flush,
		size_t backlog);

/* The next round that is ordered of the account will be a flush. */
void crew_want_flush(struct crew *c, uint64_t account);

bool crew_is_busy(const struct crew *c);

/*
 * Waits so many milliseconds (-1: for ever) for a word of theirs, or for `bell` (-1:
 * none). A signal is passed on to them, and ends this process when they have gone.
 */
void crew_wait(struct crew *c, int bell, int ms);

#endif
