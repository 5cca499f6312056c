/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As a stream: what is kept is a column, a blank or a group of bytes, whatever the size
 * of the part. A blank is held back until it is known not to end its line, where RFC 2045
 * section 6.7 (3) has it encoded. A "-" is encoded where a line that we begin would begin
 * with it, and might be taken for a delimiter.
 *
 * The mending kinds never decode: to a decoder all is as before.
 */
#include "mail/transfer.h"

#include <string.h>

#include "base/base64.h"
#include "base/hex.h"

enum {
	QP_LINE = 75,		/* and a "=" at its end: RFC 2045 section 6.7 (5) */
	MENDED_LINE = 990,	/* what is encoded already keeps its lines if it can */
	BASE64_COLUMNS = 76,
};

void encoder_start(struct encoder *e, enum transfer how)
{
	*e = (struct encoder){ .how = how };
}

/* --- quoted-printable */

/* A character or "=XX" that stays on one line, with room for `need` bytes there. */
static void put(struct encoder *e, const char *token, size_t len, size_t need,
		struct buf *out)
{
	size_t most = e->how == TRANSFER_QUOTED_PRINTABLE ? QP_LINE : MENDED_LINE;

	if (e->column + need > most) {
		buf_add(out, "=\r\n");
		e->column = 0;
		if (*token == '-') {
			/* No line that we begin looks like a delimiter of parts. */
			token = "=2D";
			len = 3;
		}
	}
	buf_add_bytes(out, token, len);
	e->column += len;
}

static void put_encoded(struct encoder *e, char c, struct buf *out)
{
	char token[3];

	hex_write(token, '=', c);
	put(e, token, sizeof(token), sizeof(token), out);
}

/* The blank that was held back; it may stand as itself unless it ends its line. */
static void release_blank(struct encoder *e, bool is_last, struct buf *out)
{
	if (e->blank && is_last)
		put_encoded(e, e->blank, out);
	else if (e->blank)
		put(e, &e->blank, 1, 1, out);
	e->blank = '\0';
}

static void end_line(struct encoder *e, struct buf *out)
{
	release_blank(e, true, out);
	buf_add(out, "\r\n");
	e->column = 0;
}

static bool is_line_end(const char *at, const char *end)
{
	return end - at >= 2 && at[0] == '\r' && at[1] == '\n';
}

static void add_quoted_printable(struct encoder *e, const char *at, const char *end,
				 struct buf *out)
{
	for (; at < end; at++) {
		if (is_line_end(at, end)) {
			end_line(e, out);
			at++;
			continue;
		}
		release_blank(e, false, out);
		if (*at == ' ' || *at == '\t')
			e->blank = *at;
		else if (*at > ' ' && *at <= '~' && *at != '=')
			put(e, at, 1, 1, out);
		else
			put_encoded(e, *at, out);
	}
}

/*
 * Whether this "=" is one of the encoding: before two digits or the end of a line, or cut
 * off from them by the end of the piece.
 */
static bool is_escape(const char *at, const char *end)
{
	const char *next = at + 1;

	while (next < end && (*next == ' ' || *next == '\t'))
		next++;
	if (next == end || is_line_end(next, end))
		return true;
	return next == at + 1 && hex_value(next[0]) >= 0 &&
	       (end - next == 1 || hex_value(next[1]) >= 0);
}

static void mend_quoted_printable(struct encoder *e, const char *at, const char *end,
				  struct buf *out)
{
	for (; at < end; at++) {
		if (is_line_end(at, end)) {
			end_line(e, out);
			at++;
		} else if (*at == '=' && is_escape(at, end)) {
			put(e, at, 1, 3, out);
		} else if (((*at >= ' ' && *at <= '~') || *at == '\t') && *at != '=') {
			put(e, at, 1, 1, out);
		} else {
			put_encoded(e, *at, out);
		}
	}
}

/* --- base64 */

static void put_group(struct encoder *e, struct buf *out)
{
	if (e->column)
		buf_add(out, "\r\n");
	buf_add_base64(out, e->group, e->count);
	e->column = BASE64_COLUMNS;
	e->count = 0;
}

static void add_base64(struct encoder *e, const char *at, const char *end,
		       struct buf *out)
{
	while (at < end) {
		size_t n = BASE64_LINE - e->count;

		if (n == 0) {
			put_group(e, out);
			continue;
		}
		n = n < (size_t)(end - at) ? n : (size_t)(end - at);
		memcpy(e->group + e->count, at, n);
		e->count += n;
		at += n;
	}
}

/* Everything else means nothing to a decoder (RFC 2045 section 6.8). */
static void mend_base64(struct encoder *e, const char *at, const char *end,
			struct buf *out)
{
	for (; at < end; at++) {
		if (base64_value(*at, "+/") < 0 && *at != '=')
			continue;
		if (e->column == BASE64_COLUMNS) {
			buf_add(out, "\r\n");
			e->column = 0;
		}
		buf_add_char(out, *at);
		e->column++;
	}
}

/* --- either */

void encoder_add(struct encoder *e, const char *bytes, size_t len, struct buf *out)
{
	static void (*const add[])(struct encoder *e, const char *at, const char *end,
				   struct buf *out) = {
		[TRANSFER_QUOTED_PRINTABLE] = add_quoted_printable,
		[TRANSFER_BASE64] = add_base64,
		[TRANSFER_MEND_QUOTED_PRINTABLE] = mend_quoted_printable,
		[TRANSFER_MEND_BASE64] = mend_base64,
	};

	if (e->how == TRANSFER_AS_IS)
		buf_add_bytes(out, bytes, len);
	else
		add[e->how](e, bytes, bytes + len, out);
}

void encoder_end(struct encoder *e, struct buf *out)
{
	if (e->how == TRANSFER_BASE64 && e->count)
		put_group(e, out);
	release_blank(e, true, out);
}
