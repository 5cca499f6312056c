/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a terminal can show, and what may go there. */
#ifndef TALK_TERMINAL_H
#define TALK_TERMINAL_H

#include <stdio.h>

#include "base/base.h"

/* Whether it is a terminal with colours whose user has not said NO_COLOR. */
bool terminal_has_colours(FILE *out);

/* Columns of the terminal; 0: it is none, or does not say. */
size_t terminal_columns(FILE *out);

/* The start of a colour, "" where there are none; and the end of it. */
enum colour { COLOUR_NONE, COLOUR_DIM, COLOUR_RED, COLOUR_GREEN, COLOUR_YELLOW };
const char *terminal_colour(bool has_colours, enum colour colour);

#endif
