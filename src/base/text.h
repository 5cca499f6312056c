/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about text, in ASCII whatever the locale. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/base.h"

/* Equal without regard to the case of ASCII letters. */
bool text_is(const char *a, const char *b);
bool text_is_n(const char *bytes, size_t len, const char *word);

/* The rest of `text` after `prefix` (any case), or NULL. */
const char *text_after(const char *text, const char *prefix);

/* A C0 control character or DEL; the second leaves tabs out. */
bool text_has_control(const char *text);
bool text_has_control_but_tab(const char *text);

/* A byte over 127. */
bool text_has_8bit(const char *bytes, size_t len);
bool text_is_utf8(const char *bytes, size_t len);	/* RFC 3629, no surrogates */

/* A blank or a tab; the second takes CR and LF too. */
bool text_is_blank(char c);
bool text_is_white(char c);

/* ASCII letters, in place. */
void text_lower(char *text);
void text_upper(char *text);

/*
 * How much of the text has no character of UTF-8 at its end of which bytes are missing.
 */
size_t text_whole(const char *bytes, size_t len);

/* The character of UTF-8 that begins there, and how many bytes it has; 0: it is none. */
size_t text_next(const char *text, size_t len, uint32_t *code);

/*
 * Whether a terminal would do something else than show this character: controls, ends of
 * lines, and the marks that change the direction of the text after them.
 */
bool text_is_harmful(uint32_t code);

/*
 * Makes what came from outside harmless for a terminal or a log line: "?", in place, for
 * each byte of a character that is harmful, and of what is no UTF-8.
 */
void text_make_printable(char *text);

/* As much of it as an error line has room for, printable; "..." ends what was cut. */
enum { SHOWN_SIZE = 64 };
const char *text_show(const char *text, char shown[SHOWN_SIZE]);

/* HOST:PORT, with brackets around an address that has colons itself. The caller frees. */
char *text_server(const char *host, long port);

/* A number within bounds, all of `text` in decimal digits; false: not one. */
bool text_to_number(const char *text, long least, long most, long *number);

/* The candidates of something, counted from 0; NULL ends them. */
typedef const char *text_candidate(const void *of, size_t i);

/*
 * Moves *list behind separators, to the next item. How long that is; 0: there is no more.
 * Who has seen it moves *list behind it.
 */
size_t text_item(const char **list, const char *separators);

/* Whether one of the items is this word, in any case. */
bool text_list_has(const char *list, const char *separators, const char *word);

/*
 * Of the candidates that `next` gives, the one nearest to `word` by edit
 * distance, if it is near enough to be what was meant, else NULL.
 */
const char *text_nearest(const char *word, text_candidate *next, const void *of);

#endif
