/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon's two programs, each started as its user with what it may know. */
#ifndef DAEMON_LAUNCH_H
#define DAEMON_LAUNCH_H

#include <sys/types.h>

#include "config/account.h"
#include "daemon/sockets.h"

struct launch_plan {
	const char *config_file;	/* of -C, a whole path, or NULL */
	struct config config;
	char *spool;			/* where the queue is */
	/* Started as root: whose they become. */
	bool is_root;
	uid_t keeper_uid, door_uid;
	int counts;			/* admission_counts_file(), which all its doors get */
};

/* ERROR_CONFIG: what the files say, or a user is not there. */
bool launch_read_settings(struct launch_plan *l, struct error *err);
/* The file of -C and the counts stay. */
void launch_forget_settings(struct launch_plan *l);

/* Each is there, and ready, when it is true; *pid is its. */
bool launch_keeper(const struct launch_plan *l, const struct sockets *sockets, pid_t *pid,
		   struct error *err);
bool launch_door(const struct launch_plan *l, const struct sockets *sockets, pid_t *pid,
		 struct error *err);

/*
 * Where both are started apart: becomes the keeper, at its socket, until SIGTERM. *status
 * is what to exit with. ERROR_CONFIG: it cannot begin, for what the files say.
 */
bool launch_keeper_alone(const char *config_file, int *status, struct error *err);

#endif
