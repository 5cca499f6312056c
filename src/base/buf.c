/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What does not fit is left out whole, and so is all that comes after it: half a
 * command or half a path means something else. One question at the end tells
 * (buf_is_full).
 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Doubling, so that a text of many pieces is copied twice on the average and not each
 * time.
 */
char *buf_reserve(struct buf *b, size_t more)
{
	size_t need, room;

	if (b->full || more > b->limit - b->len) {
		b->full = true;
		return NULL;
	}
	need = b->len + more + 1;
	if (need > b->room) {
		room = b->room ? b->room : 64;
		while (room < need)
			room *= 2;
		b->text = xrealloc(b->text, room);
		b->room = room;
	}
	return b->text + b->len;
}

void buf_add_bytes(struct buf *b, const void *bytes, size_t len)
{
	char *place = buf_reserve(b, len);

	if (!place)
		return;
	memcpy(place, bytes, len);
	b->len += len;
	b->text[b->len] = '\0';
}

void buf_add(struct buf *b, const char *text)
{
	buf_add_bytes(b, text, strlen(text));
}

void buf_add_char(struct buf *b, char c)
{
	buf_add_bytes(b, &c, 1);
}

void buf_addf(struct buf *b, const char *fmt, ...)
{
	va_list args;
	char *place;
	int len;

	va_start(args, fmt);
	len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (len < 0 || !(place = buf_reserve(b, (size_t)len)))
		return;
	va_start(args, fmt);
	vsnprintf(place, (size_t)len + 1, fmt, args);
	va_end(args);
	b->len += (size_t)len;
}

void buf_add_base64(struct buf *b, const void *bytes, size_t len)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *in = bytes;
	char *out = buf_reserve(b, (len + 2) / 3 * 4);

	if (!out)
		return;
	for (; len >= 3; len -= 3, in += 3) {
		*out++ = digits[in[0] >> 2];
		*out++ = digits[(in[0] & 3) << 4 | in[1] >> 4];
		*out++ = digits[(in[1] & 15) << 2 | in[2] >> 6];
		*out++ = digits[in[2] & 63];
	}
	if (len > 0) {
		*out++ = digits[in[0] >> 2];
		*out++ = digits[(in[0] & 3) << 4 | (len > 1 ? in[1] >> 4 : 0)];
		*out++ = len > 1 ? digits[(in[1] & 15) << 2] : '=';
		*out++ = '=';
	}
	*out = '\0';
	b->len = (size_t)(out - b->text);
}

bool buf_is_full(const struct buf *b)
{
	return b->full;
}

const char *buf_text(const struct buf *b)
{
	return b->text ? b->text : "";
}

char *buf_take(struct buf *b)
{
	char *text = b->text ? b->text : text_copy("");

	*b = (struct buf)BUF_INIT(b->limit);
	return text;
}

void buf_clear(struct buf *b)
{
	b->len = 0;
	b->full = false;
	if (b->text)
		b->text[0] = '\0';
}

void buf_free(struct buf *b)
{
	free(b->text);
	*b = (struct buf)BUF_INIT(b->limit);
}
