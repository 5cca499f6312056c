/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The commands of the program. */
#ifndef MAIN_COMMANDS_H
#define MAIN_COMMANDS_H

#include "talk/command.h"

/* In the order of the manual; NULL ends them. */
extern const struct command *const command_rows[];

#endif
