/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp help and acsmtp version. */
#include "main/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/language.h"
#include "config/account.h"
#include "main/completion.h"
#include "sendmail/usage.h"

/* One setting a line: section, name, standard, help. */
static int print_settings(const struct command_call *call)
{
	struct setting_help row;

	for (size_t i = 0; setting_help(i, &row); i++)
		printf("%s\t%s\t%s\t%s\n", row.section, row.name, row.standard, tr(row.help));
	return command_finish(call);
}

static int print_completion(struct command_call *call)
{
	struct error err;

	if (call->count == 2 && completion_print(call->arguments[1]))
		return command_finish(call);
	error_set(&err, ERROR_USAGE, "help completion: for which shell? bash, zsh or fish");
	return command_fail(call, &err);
}

static int run_help(struct command_call *call)
{
	struct error err;
	int status;

	if (!command_parse(call, NULL, &status))
		return status;
	if (call->count == 0)
		return usage_print(stdout, call->program);
	if (!strcmp(call->arguments[0], "settings") && call->count == 1)
		return print_settings(call);
	if (!strcmp(call->arguments[0], "completion"))
		return print_completion(call);
	error_set(&err, ERROR_USAGE, "help: unknown topic; there is \"settings\" and \"completion\"");
	return command_fail(call, &err);
}

static int run_version(struct command_call *call)
{
	int status;

	return command_parse(call, NULL, &status) ? usage_version(stdout) : status;
}

const struct command help_command = {
	.word = "help", .arguments = "[settings | completion bash|zsh|fish]", .most = 2,
	.help = N_("every option and command, or every setting"), .run = run_help,
};
const struct command version_command = {
	.word = "version", .arguments = "", .help = N_("name and version"), .run = run_version,
};
