/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encoded words of RFC 2047: bytes over 127 in header text. */
#ifndef MAIL_ENCODED_WORD_H
#define MAIL_ENCODED_WORD_H

#include "base/buf.h"

/*
 * The length of the encoded word that begins at `text`; 0: none does. Its encoded
 * text may hold any printable byte but "?", commas and brackets too: programs
 * write them although section 5 (3) forbids it in names.
 */
size_t encoded_word_length(const char *text, size_t len);

/* Whether one stands anywhere in the text. */
bool encoded_word_is_in(const char *text, size_t len);

/*
 * Appends `text` as encoded words with blanks between them: UTF-8, or
 * unknown-8bit (RFC 1428) when it is not. Each is short enough for a line that begins
 * with a field's name, none splits a character, and all may stand in a name.
 */
void encoded_word_add(struct buf *out, const char *text, size_t len);

/* Appends the encoded word `word` with what may not stand in a name encoded as well. */
void encoded_word_add_safely(struct buf *out, const char *word, size_t len);

/*
 * Appends the encoded word in pieces that a line has room for, with blanks between them,
 * without a look at what it says: of a charset that nobody here knows a character may be
 * divided.
 */
void encoded_word_divide(struct buf *out, const char *word, size_t len);

/*
 * Appends the text as UTF-8 with its encoded words decoded, and without the blanks
 * between two of them (RFC 2047 section 6.2). False, and nothing is appended: it has
 * none, or one that nobody here can decode.
 */
bool encoded_words_decode(const char *text, size_t len, struct buf *out);

#endif
