/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The language of the person at the terminal. What is written for people goes through
 * gettext; what is written for administrators and programs (logs, the queue's files,
 * reports, transcripts, JSON, all of sendmail's ways) stays English, and so does all of a
 * process that never calls language_init(). The catalogs are src/po/LANGUAGE.po.
 */
#ifndef BASE_LANGUAGE_H
#define BASE_LANGUAGE_H

#include "base/base.h"

/*
 * From now on people are spoken to in the language that LANGUAGE, LC_ALL, LC_MESSAGES or
 * LANG asks for, if its letters are UTF-8 and there is a catalog. The locale of the
 * process stays as it is: strerror(3), strftime(3) and libraries go on in English.
 */
void language_init(void);

/* English again: what follows is for a program. */
void language_leave(void);

/* Whether the terminal's letters are UTF-8; false before language_init(). */
bool language_is_utf8(void);

/* Whether tr() may say anything else than what it is given. */
bool language_is_on(void);

/*
 * The text in the person's language; it lives for ever. xgettext finds what stands in
 * tr(), _() and N_() (which marks the texts of tables and does nothing), and formats and
 * advice of base/error.h, find() and advise(), which call tr() themselves.
 */
const char *tr(const char *text) __attribute__((format_arg(1)));
const char *tr_n(const char *one, const char *many, unsigned long number)
	__attribute__((format_arg(1), format_arg(2)));
#define _(text)		tr(text)
#define N_(text)	text

/* strerror(3) in the person's language. */
const char *language_reason(int number);

/* Bytes of the character that the text begins with, at least 1; *columns is its width. */
size_t language_character(const char *text, int *columns);

/* Columns of a text on a terminal; and the bytes of what fits into `most` of them. */
size_t language_width(const char *text);
size_t language_cut(const char *text, size_t most);

#endif
