/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the daemon listens at, and where that is. */
#ifndef DAEMON_SOCKETS_H
#define DAEMON_SOCKETS_H

#include "config/account.h"
#include "net/listen.h"

struct sockets {
	struct listeners open;		/* for clients */
	struct listeners control;	/* the keeper's, one */
	char *control_path;
};

/*
 * Those of systemd, and those of the settings that it has not opened. ERROR_CONFIG: one
 * cannot be had, or others than this machine's programs could send by it and nothing says
 * who may.
 */
bool sockets_open(struct sockets *s, const struct daemon_settings *settings, struct error *err);
void sockets_close(struct sockets *s);

/*
 * Where clients come by other settings: what is open stays if they want it, as does what
 * systemd has opened, and the path; what is new of `listen` is opened beside it. Whose
 * `open` they become closes the rest. ERROR_CONFIG as above; nothing has changed then.
 */
bool sockets_follow(const struct sockets *s, const struct daemon_settings *settings,
		    struct listeners *now, struct error *err);

/* The keeper's alone, where the door is started apart. */
bool sockets_open_control(struct sockets *s, const struct daemon_settings *settings,
			  struct error *err);

/* What `listen` says, alone, and of it what is not `there`, at its end listening as well. */
bool sockets_open_network(struct listeners *l, const struct daemon_settings *settings,
			  const struct listeners *there, struct error *err);

/*
 * Whether the settings suit these, whoever has opened them; ERROR_CONFIG as of
 * sockets_open().
 */
bool sockets_may_serve(const struct listeners *open, const struct daemon_settings *settings,
		       struct error *err);

/*
 * They are for all users, and not for our own alone: root's, and those of a unit of the
 * system.
 */
bool sockets_are_of_system(void);

#endif
