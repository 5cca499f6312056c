/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Every command's row, defined in the file that runs it. */
#ifndef FRONT_COMMANDS_H
#define FRONT_COMMANDS_H

#include "front/command.h"

extern const struct command check_command;	/* front/check.c */
extern const struct command setup_command;	/* front/setup.c */
extern const struct command explain_command;	/* front/explain.c */
extern const struct command help_command;	/* front/help.c */
extern const struct command version_command;
extern const struct command queue_list_command;		/* front/queue_list.c */
extern const struct command queue_show_command;		/* front/queue_show.c */
extern const struct command queue_run_command;	/* front/run_queue.c */
extern const struct command queue_retry_command;	/* front/queue_changes.c */
extern const struct command queue_hold_command;
extern const struct command queue_release_command;
extern const struct command queue_move_command;
extern const struct command queue_remove_command;
extern const struct command account_import_command;	/* front/import.c */
extern const struct command password_set_command;	/* front/password.c */
extern const struct command password_clear_command;
extern const struct command password_test_command;
extern const struct command account_list_command;	/* front/account.c */
extern const struct command account_show_command;

#endif
