/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keeper: it owns the queue and what logs in, and sends. Whoever connects to its
 * socket is served by a process of its own: the door's sessions give mail
 * (daemon/handover.h), others ask how it goes. The leader reads no message and no secret.
 */
#ifndef DAEMON_KEEPER_H
#define DAEMON_KEEPER_H

#include <sys/types.h>

#include "base/error.h"

struct keeper_job {		/* borrowed */
	int control;		/* the socket that listens */
	const char *config;	/* of -C, or NULL */
	const char *spool;	/* where the queue is; NULL: as the settings say */
	uid_t door_uid;		/* who may give mail, besides ourselves */
	const char *confined;	/* what confines the door, for those who ask */
	/*
	 * Gets "ok\n" when the keeper is ready, or what went wrong; -1: it is a service
	 * of its own, and tells the service manager.
	 */
	int report;
};

/* Until SIGTERM; the exit status. SIGHUP: the settings are read again. */
int keeper_run(const struct keeper_job *job);

#endif
