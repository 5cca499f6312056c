/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one growing buffer. Its limit is stated where it is made and is about the
 * data. Being full is sticky: append ten times, ask once. Not for secrets.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/base.h"

struct buf {
	char *text;	/* NUL-terminated when not NULL; the NUL is not counted */
	size_t len, room, limit;
	bool full;
};
#define BUF_INIT(max)	{ .limit = (max) }
#define OWNED_BUF	__attribute__((cleanup(buf_free))) struct buf

void buf_add(struct buf *b, const char *text);
void buf_add_bytes(struct buf *b, const void *bytes, size_t len);
void buf_add_char(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);
void buf_add_base64(struct buf *b, const void *bytes, size_t len);

/* Room for `more` bytes to be written at text + len; NULL when that is over the limit. */
char *buf_reserve(struct buf *b, size_t more);

/* Whether something did not fit; nothing of that piece or of later ones was added. */
bool buf_is_full(const struct buf *b);

/* The text, "" when nothing was added; good until the next change. */
const char *buf_text(const struct buf *b);

/* The text, which the caller frees; the buffer is empty afterwards. */
char *buf_take(struct buf *b);

void buf_clear(struct buf *b);	/* keeps the room */
void buf_free(struct buf *b);

#endif
