/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Text that others wrote ends up on terminals: addresses, replies of servers, words of
 * the command line. It is made harmless here, after all the pieces are one line, so that
 * no caller has to know which of them came from outside.
 */
#include "talk/say.h"

#include <stdarg.h>
#include <stdio.h>
#include <sysexits.h>

#include "base/self.h"
#include "base/text.h"

void say_text(const char *text)
{
	OWNED_TEXT copy = text_copy(text ? text : "");

	text_make_printable(copy);
	fputs(copy, stdout);
}

PRINTF(2, 0)
static void put_together(char line[SAY_LINE_MAX], const char *fmt, va_list args)
{
	vsnprintf(line, SAY_LINE_MAX, fmt, args);
	text_make_printable(line);
}

void say_line(const char *fmt, ...)
{
	char line[SAY_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	put_together(line, fmt, args);
	va_end(args);
	puts(line);
}

void say_aside(const char *fmt, ...)
{
	char line[SAY_LINE_MAX];
	va_list args;

	va_start(args, fmt);
	put_together(line, fmt, args);
	va_end(args);
	/* Both often go to one place, and should stand there in the order of events. */
	fflush(stdout);
	fprintf(stderr, "%s: %s\n", self_name(), line);
}

int say_error(const struct error *err)
{
	if (err->advice)
		say_aside(_("%s; %s"), error_words(err), tr(err->advice));
	else
		say_aside("%s", error_words(err));
	return error_exit_status(err);
}

void say_warning(const struct error *err)
{
	if (err)
		say_aside(_("warning: %s; %s"), error_words(err), tr(err->advice));
}

bool say_end(struct error *err)
{
	return (fflush(stdout) == 0 && !ferror(stdout)) ||
	       error_errno(err, ERROR_IO, "standard output");
}

int say_finish(void)
{
	struct error err;

	if (say_end(&err))
		return EX_OK;
	(void)say_error(&err);
	return EX_IOERR;
}
