/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a machine's account needs besides its lines: a daemon that may read it, and runs.
 */
#ifndef SETUP_DAEMON_H
#define SETUP_DAEMON_H

#include "base/base.h"

/*
 * A file of root's that only root can read is given to the group of the daemon's user, if
 * there is such a user; `daemon` is his name. False: there is none, or it stays closed.
 */
bool setup_share(const char *path, const char *daemon);

/*
 * Starts the daemon of the system, or lets it read its settings again: by systemd where
 * that runs and its units are enabled, or by itself where there is no systemd. Says what
 * it did.
 */
void setup_start_daemon(void);

/* Where nobody gets root's mail by the settings in `path`, what to do about it. */
void setup_tell_of_names(const char *path);

#endif
