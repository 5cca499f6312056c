/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The log of those who become other users. The leader opens it, and the door gets it open;
 * the keeper opens it itself, and those of all accounts whenever it sends.
 */
#ifndef DAEMON_OWN_LOG_H
#define DAEMON_OWN_LOG_H

#include "daemon/launch.h"

/*
 * Opens the leader's log, anew where it was open: it may have been renamed. As root it
 * makes the files that the settings name, gives them to the keeper's user, and says which
 * of them that user cannot write, in the log and where complaints go.
 */
void own_log_open(const struct launch_plan *plan);

#endif
