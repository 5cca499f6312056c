/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A line is judged by what stands before its colon, without what nobody sees in that: a
 * blank that does not break, or a NUL, in "Bcc" must not make a text of it. And rather is
 * text taken for a header than a Bcc for text: lines that get into the header wrongly are
 * still there to be read, as X-Unreadable; a Bcc that gets into the body is given away.
 */
#include "mail/doubt.h"

#include <string.h>

#include "base/text.h"
#include "mail/header.h"

/* What a text hardly has at the start of a line, and a header without it is of no use. */
static const char *const telling[] = {
	"Bcc", "Resent-Bcc",	/* more than the others: see is_hidden() */
	"From", "To", "Cc", "Subject", "MIME-Version", "Content-Type",
	"Resent-From", "Resent-To", "Resent-Cc",
};
enum { HIDDEN = 2, NAME_SIZE = 32 };

/* Bytes before the blanks in front of a colon that are none; len: there is no colon. */
static size_t odd_name_length(const char *line, size_t len)
{
	size_t name = 0, at;

	while (name < len && !text_is_blank(line[name]) && line[name] != ':')
		name++;
	for (at = name; at < len && text_is_blank(line[at]); at++)
		;
	return at < len && line[at] == ':' ? name : len;
}

enum line_kind line_kind(const char *line, size_t len)
{
	if (len == 0)
		return LINE_EMPTY;
	if (text_is_blank(*line))
		return LINE_FOLD;
	if (header_is_field_line(line, len))
		return LINE_FIELD;
	return odd_name_length(line, len) < len ? LINE_ODD : LINE_TEXT;
}

/*
 * The row of what the name means, whatever stands in it that nobody sees: a blank that
 * does not break, a mark of the byte order, NUL. COUNT_OF(telling): none of them.
 */
static size_t meaning_of(const char *line, size_t len)
{
	char name[NAME_SIZE];
	size_t odd_len = odd_name_length(line, len), n = 0, row = 0;

	if (odd_len == len)
		return COUNT_OF(telling);
	for (size_t i = 0; i < odd_len && n < sizeof(name); i++)
		if (line[i] > ' ' && line[i] <= '~')
			name[n++] = line[i];
	while (row < COUNT_OF(telling) && !text_is_n(name, n, telling[row]))
		row++;
	return row;
}

void doubt_begin(struct doubt *d, bool is_at_top)
{
	*d = (struct doubt){ .is_at_top = is_at_top, .lines = BUF_INIT(DOUBT_MAX) };
}

void doubt_free(struct doubt *d)
{
	buf_free(&d->lines);
}

enum doubt_verdict doubt_judge(struct doubt *d, const char *line, size_t len)
{
	enum line_kind kind = line_kind(line, len);
	size_t meaning = meaning_of(line, len);

	if (meaning < HIDDEN || (meaning < COUNT_OF(telling) && !d->has_text))
		return DOUBT_IS_HEADER;
	if (kind == LINE_EMPTY)
		return d->has_text || d->is_at_top ? DOUBT_IS_BODY : DOUBT_IS_HEADER;
	d->has_text = d->has_text || kind == LINE_TEXT ||
		      (kind == LINE_FOLD && d->is_at_top && !d->lines.len);
	return DOUBT_REMAINS;
}

void doubt_add_line(struct buf *header, const char *line, size_t len)
{
	enum line_kind kind = line_kind(line, len);
	size_t meaning = kind == LINE_ODD ? meaning_of(line, len) : COUNT_OF(telling);
	bool is_plain = kind == LINE_FIELD || (kind == LINE_FOLD && header->len);

	if (meaning < COUNT_OF(telling)) {
		const char *colon = memchr(line, ':', len);

		buf_add(header, telling[meaning]);
		len -= (size_t)(colon - line);
		line = colon;
	} else if (!is_plain) {
		buf_add(header, "X-Unreadable: ");
	}
	buf_add_bytes(header, line, len);
}

void doubt_add_header(const struct doubt *d, struct buf *header)
{
	const char *at = buf_text(&d->lines), *end = at + d->lines.len, *lf;

	for (; at < end && (lf = memchr(at, '\n', (size_t)(end - at))); at = lf + 1) {
		doubt_add_line(header, at, (size_t)(lf - at) - 1);
		buf_add(header, "\r\n");
	}
}
