/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Printed from the tables that are obeyed, so that help and program cannot differ. */
#include "sendmail/usage.h"

#include <sysexits.h>

#include "base/buf.h"
#include "base/language.h"
#include "sendmail/options.h"

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

static void print_commands(FILE *out, const struct program *program)
{
	fputs(_("usage: sendmail [OPTION...] [RECIPIENT...] < MESSAGE\n"
	      "       acsmtp [OPTION...] [RECIPIENT...] < MESSAGE\n"
	      "       acsmtp COMMAND [...]\n\n"
	      "Reads a message and submits it to the service that its account is of.\n\n"), out);
	fputs(_("Commands:\n"), out);
	for (size_t i = 0; program->commands[i]; i++)
		print_command(out, program->commands[i]);
}

int usage_brief(FILE *out, const struct program *program)
{
	print_commands(out, program);
	fputs(_("\nacsmtp setup makes the first account; acsmtp --help lists the options, too.\n"),
	      out);
	return finish(out);
}

int usage_print(FILE *out, const struct program *program)
{
	struct option_help row;

	print_commands(out, program);
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

int usage_version(FILE *out)
{
	fputs("acsmtp " VERSION "\n", out);
	return finish(out);
}
