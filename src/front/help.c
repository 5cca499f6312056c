/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/help.h"

#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/language.h"
#include "config/account.h"
#include "front/commands.h"
#include "front/completion.h"
#include "front/options.h"

enum { HELP_COLUMN = 26 };

static int finish(FILE *out)
{
	return fflush(out) == 0 && !ferror(out) ? EX_OK : EX_IOERR;
}

static void print_command(FILE *out, const struct command *c)
{
	OWNED_BUF used = BUF_INIT(1000);

	buf_addf(&used, "  %s%s%s%s%s", c->word, c->sub ? " " : "", c->sub ? c->sub : "",
		 *c->arguments ? " " : "", c->arguments);
	command_put_help(out, buf_text(&used), HELP_COLUMN, c->help);
}

static void print_commands(FILE *out)
{
	fputs(_("usage: sendmail [OPTION...] [RECIPIENT...] < MESSAGE\n"
	      "       acsmtp [OPTION...] [RECIPIENT...] < MESSAGE\n"
	      "       acsmtp COMMAND [...]\n\n"
	      "Reads a message and submits it to Azure Communication Services, or to another\n"
	      "submission server that the account in the configuration names.\n\n"), out);
	fputs(_("Commands:\n"), out);
	for (size_t n = 0; command_row(n); n++)
		print_command(out, command_row(n));
}

int help_brief(FILE *out)
{
	print_commands(out);
	fputs(_("\nacsmtp setup makes the first account; acsmtp --help lists the options, too.\n"),
	      out);
	return finish(out);
}

int help_print(FILE *out)
{
	struct option_help row;

	print_commands(out);
	fputs(_("\nOptions:\n"), out);
	for (size_t i = 0; option_help(i, &row); i++) {
		OWNED_BUF used = BUF_INIT(1000), help = BUF_INIT(1000);

		buf_addf(&used, "  -%s%s%s", row.spelling, row.value ? " " : "",
			 row.value ? tr(row.value) : "");
		buf_addf(&help, row.is_to_come ? _("%s (still to come)") : "%s", tr(row.help));
		command_put_help(out, buf_text(&used), HELP_COLUMN, buf_text(&help));
	}
	fputs(_("\nsendmail(8), acsmtp.ini(5) and acsmtp(1) tell the rest.\n"), out);
	return finish(out);
}

int help_settings(FILE *out)
{
	struct setting_help row;

	for (size_t i = 0; setting_help(i, &row); i++)
		fprintf(out, "%s\t%s\t%s\t%s\n", row.section, row.name, row.standard,
			tr(row.help));
	return finish(out);
}

int help_version(FILE *out)
{
	fputs("acsmtp " VERSION "\n", out);
	return finish(out);
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
		return help_print(stdout);
	if (!strcmp(call->arguments[0], "settings") && call->count == 1)
		return help_settings(stdout);
	if (!strcmp(call->arguments[0], "completion"))
		return print_completion(call);
	error_set(&err, ERROR_USAGE, "help: unknown topic; there is \"settings\" and \"completion\"");
	return command_fail(call, &err);
}

static int run_version(struct command_call *call)
{
	int status;

	return command_parse(call, NULL, &status) ? help_version(stdout) : status;
}

const struct command help_command = {
	.word = "help", .arguments = "[settings | completion bash|zsh|fish]", .most = 2,
	.help = N_("every option and command, or every setting"), .run = run_help,
};
const struct command version_command = {
	.word = "version", .arguments = "", .help = N_("name and version"), .run = run_version,
};
