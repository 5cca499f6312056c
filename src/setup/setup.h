/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp setup: from what a person or a script answers to an account that works. */
#ifndef SETUP_SETUP_H
#define SETUP_SETUP_H

#include "talk/command.h"

extern const struct command setup_command;

#endif
