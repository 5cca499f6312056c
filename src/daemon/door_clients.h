/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is at the door: each that is let in has a process of its own. */
#ifndef DAEMON_DOOR_CLIENTS_H
#define DAEMON_DOOR_CLIENTS_H

#include "config/account.h"
#include "net/visitor.h"

enum { DOOR_CLIENTS_MAX = 2000 };

struct door_client {
	pid_t pid;
	uint64_t whose;		/* admission_whose() */
};

struct door_clients {
	/* How many may be here; NULL: nobody can be served yet. */
	const struct daemon_settings *settings;
	/* In a child: all that it does, at that connection, which is its own. */
	void (*serve)(void *gate, int client, const struct visitor *who);
	void *gate;		/* whose `serve` is */
	struct door_client list[DOOR_CLIENTS_MAX];
	size_t count;
};

/* One has connected, and is served or told why not. The descriptor is taken. Does not wait. */
void door_clients_come(struct door_clients *c, int client);

/* Processes have ended, theirs perhaps. */
void door_clients_bury(struct door_clients *c);

/* A signal to all who are served. */
void door_clients_tell(const struct door_clients *c, int number);

#endif
