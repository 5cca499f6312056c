/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the small text files of the spool have in common: lines of a word and its values,
 * and, in those whose content must not be half of what was written, a last line with a
 * checksum.
 */
#ifndef SPOOL_CODEC_H
#define SPOOL_CODEC_H

#include "base/buf.h"

/* Seals the text from `start` on: a line "end" with the checksum of it. */
void codec_seal(struct buf *text, size_t start);

/* The length of what is before that line; 0: it is not the last one, or wrong. */
size_t codec_sealed(const char *text, size_t len);

/* The rest behind a word and its blank, or NULL. */
const char *codec_after(const char *text, const char *word);

/*
 * Reads a text that ends with NUL from its beginning on; `ok` is sticky, so that one may
 * read on and ask at the end. What could not be read is `least`, 0 or "".
 */
struct scanner {
	const char *at;		/* what is left */
	bool ok;
};
void scanner_words(struct scanner *s, const char *words);
uint64_t scanner_number(struct scanner *s, uint64_t least, uint64_t most);	/* decimal digits */
uint64_t scanner_next(struct scanner *s, uint64_t least, uint64_t most);	/* behind a blank */
uint64_t scanner_sum(struct scanner *s);		/* 16 hexadecimal digits */

/* Behind a blank, up to the end of the line, and that: less than `size` bytes. */
void scanner_rest(struct scanner *s, char *text, size_t size);

#endif
