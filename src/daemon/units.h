/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon as services of systemd: keeper and door have other users than each other and
 * than who asks, and sockets that start them anew, so that a signal to one of them is not
 * enough.
 */
#ifndef DAEMON_UNITS_H
#define DAEMON_UNITS_H

#include <sys/types.h>

#include "base/error.h"

/* Whether that process, the keeper, is acsmtp.service. */
bool units_have(pid_t keeper);

/* Ends them and their sockets, or has both read their settings again; waits until that is done.
   ERROR_SYSTEM with what systemctl says. */
bool units_stop(struct error *err);
bool units_reload(struct error *err);

#endif
