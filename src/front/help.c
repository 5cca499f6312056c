/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/help.h"

#include <sysexits.h>

#include "config/account.h"
#include "front/options.h"

enum { HELP_COLUMN = 26 };

static int finish(FILE *out)
{
	return fflush(out) == 0 && !ferror(out) ? EX_OK : EX_IOERR;
}

int help_print(FILE *out)
{
	struct option_help row;

	fputs("usage: sendmail [OPTION...] [RECIPIENT...] < MESSAGE\n"
	      "       acsmtp [OPTION...] [RECIPIENT...] < MESSAGE\n"
	      "       acsmtp help [settings]\n"
	      "       acsmtp version\n\n"
	      "Reads a message and submits it to Azure Communication Services, or to another\n"
	      "submission server that the account in the configuration names.\n\n", out);
	for (size_t i = 0; option_help(i, &row); i++) {
		int width = fprintf(out, "  -%s%s%s", row.spelling, row.value ? " " : "",
				    row.value ? row.value : "");

		fprintf(out, "%*s%s\n", width < HELP_COLUMN ? HELP_COLUMN - width : 2, "",
			row.help);
	}
	fputs("\nsendmail(8), acsmtp.ini(5) and acsmtp(1) tell the rest.\n", out);
	return finish(out);
}

int help_settings(FILE *out)
{
	struct setting_help row;

	for (size_t i = 0; setting_help(i, &row); i++)
		fprintf(out, "%s\t%s\t%s\t%s\n", row.section, row.name, row.standard, row.help);
	return finish(out);
}

int help_version(FILE *out)
{
	fputs("acsmtp " VERSION "\n", out);
	return finish(out);
}
