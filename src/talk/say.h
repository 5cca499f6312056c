/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one way to say something to people. What was asked for goes to standard output;
 * what they should know besides goes to standard error, a line at a time, behind the
 * program's name (base/self.h). Whatever is quoted in it is harmless for a terminal. It
 * is said in the person's language, which is English unless a command called
 * language_init(): formats are translated by who gives them, errors and their advice
 * here.
 */
#ifndef TALK_SAY_H
#define TALK_SAY_H

#include "base/error.h"

enum { SAY_LINE_MAX = 16 * 1024 };	/* bytes of a line; what is longer is cut */

/* On standard output: a piece of a line (NULL is nothing), and a whole one. */
void say_text(const char *text);
void say_line(const char *fmt, ...) PRINTF(1, 2);

/* On standard error, behind what standard output was told before: "NAME: text". */
void say_aside(const char *fmt, ...) PRINTF(1, 2);

/* "NAME: text; advice"; returns the error's exit status. */
int say_error(const struct error *err);

/* "NAME: warning: text; advice" of an error that has advice; NULL: nothing. */
void say_warning(const struct error *err);

/*
 * Whether all of standard output is written: who reads it must not take a part for it.
 * ERROR_IO.
 */
bool say_end(struct error *err);

/* The same as an exit status, EX_OK or EX_IOERR; the reason is said. */
int say_finish(void);

#endif
