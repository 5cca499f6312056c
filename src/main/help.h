/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp help and acsmtp version. */
#ifndef MAIN_HELP_H
#define MAIN_HELP_H

#include "talk/command.h"

extern const struct command help_command, help_version_command;

#endif
