/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp account and acsmtp password: the rows of their commands. */
#ifndef ACCOUNT_COMMANDS_H
#define ACCOUNT_COMMANDS_H

#include "talk/command.h"

extern const struct command account_list_command, account_show_command;
extern const struct command account_import_command;
extern const struct command password_set_command, password_clear_command;
extern const struct command password_test_command;
extern const struct command login_command;

#endif
