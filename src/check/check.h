/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp check: does it work, and if not, why. */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "talk/command.h"

/* All steps for the account that is named; EX_OK when mail can be sent. */
extern const struct command check_command;

#endif
