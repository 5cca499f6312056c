/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is connected to the keeper. Whoever asks has a child, who answers. A session of the
 * door may say nothing for hours, and costs a descriptor then; the crew takes its mail in.
 */
#ifndef DAEMON_KEEPER_CLIENTS_H
#define DAEMON_KEEPER_CLIENTS_H

#include "daemon/intake_crew.h"
#include "net/visitor.h"

enum { KEEPER_CLIENTS_MAX = 4096 };

struct keeper_client {
	struct visitor who;
	pid_t pid;		/* its child's; 0: it has none, */
	int fd;			/* and what it says comes here; else -1 */
	int64_t deadline;	/* clock_ms(), for its first word */
	bool gives;		/* it has said what it is for: visit_begins_to_give() */
	uint64_t turn;		/* it has a message, and waits for one of the crew; 0: no */
	bool is_lent;		/* to one of them */
};

struct keeper_clients {
	int control;		/* the socket that they come to */
	int events;		/* what is heard of all of them: epoll(7) */
	uid_t door_uid;
	struct intake_job job;	/* of the crew; every child begins with its begin() */
	/* What a child does for one who asks, at its connection; then it ends. */
	void (*answer)(void *keeper, const struct keeper_client *client, int fd);
	struct keeper_client list[KEEPER_CLIENTS_MAX];
	size_t count;
	struct intake_crew crew;
	uint64_t turns;		/* the last one that was given out, */
	size_t waiting;		/* and how many have one */
	bool refuses;		/* there is no crew, which was said */
	int64_t lack_until;	/* clock_ms(); 0, or until then nobody is let in */
};

/* When `control`, `door_uid`, `job` and `answer` are known. ERROR_SYSTEM. */
bool keeper_clients_begin(struct keeper_clients *c, struct error *err);

/*
 * Milliseconds until there is something to do though `events` says nothing; -1: for ever.
 */
int keeper_clients_pause(const struct keeper_clients *c);

/* What there is to do: they are let in, lent, answered, forgotten. Does not wait. */
void keeper_clients_hear(struct keeper_clients *c);

/* A process has ended, theirs perhaps. */
void keeper_clients_bury(struct keeper_clients *c, pid_t pid);

/* In a child: what is theirs is no child's. */
void keeper_clients_leave(struct keeper_clients *c);

/* Sessions of the door that are here; the door asks as well, and is none then. */
size_t keeper_clients_giving(const struct keeper_clients *c);

/* All end: those who have a process are told to, the others are forgotten. */
void keeper_clients_end(struct keeper_clients *c);

/* Whether a process of theirs is still there. */
bool keeper_clients_remain(const struct keeper_clients *c);

#endif
