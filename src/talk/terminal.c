/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream that is no terminal gets no colours and has no width: a program reads it. */
#include "talk/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool terminal_has_colours(FILE *out)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");

	return (!no_colour || !*no_colour) && term && strcmp(term, "dumb") != 0 &&
	       isatty(fileno(out));
}

size_t terminal_columns(FILE *out)
{
	struct winsize size;

	return isatty(fileno(out)) && ioctl(fileno(out), TIOCGWINSZ, &size) == 0 ?
	       size.ws_col : 0;
}

const char *terminal_colour(bool has_colours, enum colour colour)
{
	static const char *const starts[] = {
		[COLOUR_NONE] = "\033[0m",
		[COLOUR_DIM] = "\033[2m",
		[COLOUR_RED] = "\033[31m",
		[COLOUR_GREEN] = "\033[32m",
		[COLOUR_YELLOW] = "\033[33m",
	};

	return has_colours ? starts[colour] : "";
}
