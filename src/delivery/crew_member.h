/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One of a crew: a process that sends the mail of one account, or a part of it. Orders go
 * to it through one pipe and its reports come through another, each less than a pipe
 * takes at once. It ends by itself when it had no order for a while, or with its leader;
 * its end is seen as the end of its reports.
 */
#ifndef DELIVERY_CREW_MEMBER_H
#define DELIVERY_CREW_MEMBER_H

#include <signal.h>
#include <sys/types.h>

#include "delivery/run.h"

struct crew_task {
	char id[ID_SIZE];	/* "": a round */
	unsigned lane, lanes;	/* as in struct round */
	bool is_flush;
};

struct crew_report {
	struct work_counts counts;	/* since it began */
	time_t wake;
	size_t unread, unwritten;
	bool spool_fails, owes, is_done;
};

/* As its leader knows it. */
struct crew_member {
	pid_t pid;
	int to, from;		/* orders to it, reports of it; to -1: it was told to go */
	uint64_t account;	/* entry_start_key() */
	unsigned lane, lanes;	/* the part of its mail that it has, of the last order */
	unsigned orders;	/* that it has not done yet */
	bool is_flushing;	/* one of these is a flush */
	bool is_piled;		/* more came than it was told of */
	bool wants_round, wants_flush;	/* when it has done these */
	bool owes;		/* it knows what the disk does not */
	struct work_counts counts;
};

/* What it has of its leader. */
struct crew_birth {
	const struct run *run;
	bool remembers;			/* it stays while it owes */
	void (*leave)(const void *leader);	/* closes what is the leader's alone */
	const void *leader;
};

/*
 * Starts one for m->account, and fills its pid and its pipes, from which the leader never
 * waits. ERROR_SYSTEM.
 */
bool crew_member_start(struct crew_member *m, const struct crew_birth *birth,
		       struct error *err);

/* The signals that end a crew: what our caller has ignored stays so. */
void crew_member_endings(sigset_t *set);

#endif
