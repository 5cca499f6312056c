/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the program. */
#ifndef FRONT_COMMANDS_H
#define FRONT_COMMANDS_H

#include "front/command.h"

/* In the order of the manual; NULL ends them. */
extern const struct command *const command_rows[];

extern const struct command help_command, version_command;

#endif
