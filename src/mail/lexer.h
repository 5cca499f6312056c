/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The text of header fields in units: a quoted string, a comment, an encoded word, a
 * character behind a backslash with that, text in ISO-2022-JP, or one character (RFC 5322
 * section 3.2).
 */
#ifndef MAIL_LEXER_H
#define MAIL_LEXER_H

#include "base/buf.h"
#include "base/error.h"

struct lexer {
	const char *text;
	size_t at, len;
	struct error *err;
};

/* Puts text[from..to), its place, `why` and what is expected into the error, ERROR_DATA;
   returns false. */
bool lexer_fail(const struct lexer *l, size_t from, size_t to, const char *why);

/* RFC 5322 section 3.2.3, and RFC 6531 section 3.3. */
bool lexer_is_atom_char(char c);

/*
 * The place behind the quoted string or comment that opens at `at`; 0: nothing closes it.
 */
size_t lexer_quoted_end(const char *text, size_t at, size_t len);
size_t lexer_comment_end(const char *text, size_t at, size_t len);

/* What is open at a place of a text in which quotes and comments may have no end. */
struct lexer_open {
	bool is_quoted;
	size_t comments;
};

/*
 * Steps over the character at `at`, with what a backslash in quotes or a comment, or an
 * ESC, takes along; returns the next place.
 */
size_t lexer_step(struct lexer_open *open, const char *text, size_t at, size_t len);

/* The place after the unit at `at`; 0 and an error: it has no end. */
size_t lexer_unit_end(const struct lexer *l, size_t at);

/*
 * Moves l->at over blanks and comments; *comment (not NULL) is the place of the last one.
 */
bool lexer_skip_blanks(struct lexer *l, size_t to, size_t *comment);

/* Appends text for people to see: without the line ends of its folds, "?" for NUL. */
void lexer_add_shown(struct buf *out, const char *text, size_t len);

/* Appends what stands in quotes or parentheses: backslashes resolved, unfolded. */
void lexer_add_inside(struct buf *out, const char *text, size_t len);

/* The text of the comment at `at`; NULL: empty. The caller frees. */
char *lexer_comment(const struct lexer *l, size_t at);

/* A name of words and quoted strings, blanks between them made one; NULL: empty. */
char *lexer_phrase(const struct lexer *l, size_t from, size_t to);

#endif
