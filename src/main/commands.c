/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The list of commands, as --help shows them: what comes first in a person's life comes
 * first. A new one is a row in its own file and a line here.
 */
#include "main/commands.h"

#include "account/commands.h"
#include "check/check.h"
#include "daemon/commands.h"
#include "queue/commands.h"
#include "sendmail/explain.h"
#include "setup/setup.h"
#include "main/help.h"

const struct command *const command_rows[] = {
	&setup_command,
	&check_command,
	&explain_command,
	&account_list_command,
	&account_show_command,
	&account_import_command,
	&password_set_command,
	&password_test_command,
	&password_clear_command,
	&login_command,
	&queue_list_command,
	&queue_show_command,
	&queue_run_command,
	&queue_retry_command,
	&queue_hold_command,
	&queue_release_command,
	&queue_move_command,
	&queue_remove_command,
	&daemon_status_command,
	&daemon_reload_command,
	&daemon_stop_command,
	&daemon_command,
	&help_command,
	&help_version_command,
	NULL
};
