/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Those who take mail in for the keeper. A session of the door is lent to one of them when
 * it has a message, and comes back when it has said nothing more for a moment: so there are
 * as many of them as there are messages at a time, however many sessions there are, and a
 * message does not wait until a process has begun.
 */
#ifndef DAEMON_INTAKE_CREW_H
#define DAEMON_INTAKE_CREW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { INTAKE_CREW_MAX = 4096 };

struct intake_job {			/* what one of them does; borrowed */
	void (*begin)(void *keeper);	/* once: it leaves what is the keeper's alone */
	bool (*serve)(void *keeper, int client);	/* true: the connection is of further use */
	void *keeper;
};

struct intake_crew {
	const struct intake_job *job;
	int events;		/* of epoll(7), borrowed: their lines are heard there */
	struct intake_member {
		pid_t pid;
		int line;	/* to it; -1: it was told to go, or has ended */
		int client;	/* what is lent to it, a descriptor of the keeper's; -1: it waits */
		int64_t since;	/* it waits, clock_ms() */
		bool is_old;	/* what it knows of the settings is past */
	} members[INTAKE_CREW_MAX];
	size_t count;
	bool lacks;		/* none could be started the last time; that was said */
};

/*
 * Lends the connection, which its owner leaves alone until it is told that it is back.
 * False: nobody is free, and the system lets none be started (logged, once).
 */
bool intake_crew_lend(struct intake_crew *c, int client);

/* One of them waits, if one can be had: whoever comes next need not wait for a process. */
void intake_crew_be_ready(struct intake_crew *c);

/*
 * There is something on a line. True: it is of one of them, and *client is back (-1: none was
 * lent to it); or, not *is_good, it is of no use any more.
 */
bool intake_crew_hear(struct intake_crew *c, int line, int *client, bool *is_good);

/* Milliseconds until intake_crew_rest() has something to do; -1: for ever. */
int intake_crew_pause(const struct intake_crew *c);

/* Who has waited for long goes, but for one. */
void intake_crew_rest(struct intake_crew *c);

/* The settings are others: all go, when they have done what they are at. */
void intake_crew_renew(struct intake_crew *c);

/* A process has ended. True: it was one of them; *client was lent to it (-1: none). */
bool intake_crew_bury(struct intake_crew *c, pid_t pid, int *client);

/* All are told to end, with SIGTERM. */
void intake_crew_end(const struct intake_crew *c);

/* In a child: what is between the keeper and them is no child's. */
void intake_crew_leave(const struct intake_crew *c);

#endif
