/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header text, word by word: what may not stand in a header becomes encoded words. */
#ifndef MAIL_HEADER_WORDS_H
#define MAIL_HEADER_WORDS_H

#include "base/buf.h"

enum words_kind {
	WORDS_TEXT,	/* an unstructured field's */
	WORDS_UNKNOWN,	/* the same, of a field that may be for programs: a word of ASCII
			   stays, whatever its length */
	WORDS_PHRASE,	/* a display name's, with quoted strings */
	WORDS_COMMENT,	/* a comment's, with its parentheses */
};

enum { HEADER_WORD_MAX = 900 };	/* bytes; longer ones cannot stand on a line */

/*
 * Appends `text` with each run of bad words as encoded words, folded before column 76;
 * all other bytes as they are. What it decodes to is the same (RFC 2047 section 6.2:
 * blanks between encoded words are none).
 */
void header_words_add(struct buf *out, const char *text, size_t len, enum words_kind kind,
		      bool keeps_8bit);

#endif
