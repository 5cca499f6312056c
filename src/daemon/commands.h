/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp daemon: the rows of its commands. */
#ifndef DAEMON_COMMANDS_H
#define DAEMON_COMMANDS_H

#include "talk/command.h"

extern const struct command daemon_command, daemon_status_command;
extern const struct command daemon_reload_command, daemon_stop_command;

#endif
