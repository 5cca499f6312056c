/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/lines.h"

#include <stdlib.h>
#include <string.h>

void lines_begin(struct line_reader *r, const struct message *m)
{
	*r = (struct line_reader){ .m = m, .at = m->header.len + 2,
				   .bytes = xmalloc(LINE_PIECE_MAX) };
}

void lines_free(struct line_reader *r)
{
	free(r->bytes);
	r->bytes = NULL;
}

static bool fill(struct line_reader *r, struct error *err)
{
	ssize_t n;

	memmove(r->bytes, r->bytes + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	n = message_get(r->m, &r->at, r->bytes + r->end, LINE_PIECE_MAX - r->end, err);
	r->end += n > 0 ? (size_t)n : 0;
	r->has_failed = n < 0;
	return n >= 0;
}

/* The length of a piece that divides neither a CRLF nor a character of UTF-8. */
static size_t whole(const char *bytes, size_t len)
{
	if (bytes[len - 1] == '\r')
		return len - 1;
	for (size_t back = 1; back <= 4; back++) {
		unsigned char c = (unsigned char)bytes[len - back];

		if (c < 0x80)
			break;
		if (c >= 0xc0)
			return len - back;
	}
	return len;
}

bool lines_next(struct line_reader *r, struct line *line, struct error *err)
{
	const char *lf = memchr(r->bytes + r->start, '\n', r->end - r->start);
	size_t len;

	if (!lf) {
		if (!fill(r, err))
			return false;
		lf = memchr(r->bytes, '\n', r->end);
	}
	if (r->start == r->end)
		return false;
	*line = (struct line){ .bytes = r->bytes + r->start,
			       .is_start = !r->is_inside_line, .is_end = lf != NULL };
	len = (lf ? (size_t)(lf - r->bytes) : r->end) - r->start;
	if (lf)
		line->len = len && lf[-1] == '\r' ? len - 1 : len;
	else
		line->len = r->end == LINE_PIECE_MAX ? whole(line->bytes, len) : len;
	r->start += lf ? len + 1 : line->len;
	r->is_inside_line = !lf;
	return true;
}
