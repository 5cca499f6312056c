/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp queue: the rows of its commands, each defined in the file that runs it. */
#ifndef QUEUE_COMMANDS_H
#define QUEUE_COMMANDS_H

#include "talk/command.h"

extern const struct command queue_list_command, queue_show_command;
extern const struct command queue_run_command;
extern const struct command queue_retry_command, queue_hold_command, queue_release_command;
extern const struct command queue_move_command, queue_remove_command;

#endif
