/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is at the door. Each that is let in has a process of its own, or one that has served
 * nobody but him (daemon/again.h). Who has come in vain again and again waits before that,
 * and costs a descriptor meanwhile (daemon/vain.h).
 */
#ifndef DAEMON_DOOR_CLIENTS_H
#define DAEMON_DOOR_CLIENTS_H

#include "config/account.h"
#include "daemon/again.h"
#include "daemon/vain.h"
#include "net/visitor.h"

enum {
	DOOR_CLIENTS_MAX = 2000,
	DOOR_WAITING_MAX = 256,	/* beyond that nobody waits, but is refused */
};

struct door_client {
	pid_t pid;
	uint64_t whose;		/* admission_whose() */
};

struct door_waiting {
	int fd;
	struct visitor who;
	int64_t until;		/* clock_ms() */
};

struct door_clients {
	/* How many may be here; NULL: nobody can be served yet. */
	const struct daemon_settings *settings;
	/* In a child: all that it does, at that connection and that line, which are its own. */
	void (*serve)(void *gate, int client, const struct visitor *who, int line);
	void *gate;		/* whose `serve` is */
	struct visitor_register visitors;
	struct door_client list[DOOR_CLIENTS_MAX];
	size_t count;
	struct again again;	/* which of them are free */
	struct door_waiting waiting[DOOR_WAITING_MAX];
	size_t waiting_count;
	struct vain vain;
};

/* One has connected: he is served, waits, or is told why not. The descriptor is taken. */
void door_clients_come(struct door_clients *c, int client);

/*
 * One who has waited long enough, if there is such a one, is served or told why not; and
 * processes that nobody has come to again end.
 */
void door_clients_call(struct door_clients *c);

/* Milliseconds until there is something of it to do; -1: nobody waits. */
int door_clients_pause(const struct door_clients *c);

/* again.events has something: some are free. */
void door_clients_hear(struct door_clients *c);

/* What is known has changed: those who are served now are so to their end, by nobody else. */
void door_clients_renew(struct door_clients *c);

/* Processes have ended, theirs perhaps. */
void door_clients_bury(struct door_clients *c);

/* A signal to all who are served. */
void door_clients_tell(const struct door_clients *c, int number);

/* door_clients_renew(); and those who wait hear that nobody is served any more. */
void door_clients_dismiss(struct door_clients *c);

bool door_clients_remain(const struct door_clients *c);

#endif
