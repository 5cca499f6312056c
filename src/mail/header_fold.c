/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of up to 998 bytes stay as they are. A longer one is cut at the last good place
 * before 78 bytes, or the first one behind. A blank in quotes is a good place too (RFC
 * 5322 section 3.2.4); a separator in there is none, as the blank behind it would be new.
 * No cut leaves a line of blanks alone, which ends the header for some readers.
 */
#include "mail/header_fold.h"

#include <string.h>

#include "base/text.h"
#include "mail/lexer.h"

enum { LINE_WISH = 78 };	/* RFC 5322 section 2.1.1 */

/* Bytes of the line at `text`, without its CRLF. */
static size_t line_length(const char *text, size_t len, size_t *whole)
{
	const char *end = memchr(text, '\n', len);
	size_t n = end ? (size_t)(end - text) : len;

	*whole = end ? n + 1 : n;
	return n > 0 && text[n - 1] == '\r' ? n - 1 : n;
}

bool header_has_long_line(const char *text, size_t len)
{
	for (size_t at = 0, whole; at < len; at += whole)
		if (line_length(text + at, len - at, &whole) > LINE_MAX_BYTES)
			return true;
	return false;
}

struct place {
	size_t at;		/* the line may end before this byte */
	bool is_blank;		/* which begins the next line; else one is put there */
};

struct fold {
	const char *line;
	size_t len;
	bool at_separators;
	struct lexer_open open;	/* at the place that was looked at last */
};

static bool is_separator(const struct fold *f, size_t i)
{
	return f->at_separators && !f->open.is_quoted && !f->open.comments && i + 1 < f->len &&
	       !text_is_blank(f->line[i + 1]) && f->line[i] && strchr(",;>", f->line[i]) &&
	       (f->line[i] != '>' || f->line[i + 1] == '<');
}

/* The last place where the line may end before LINE_WISH, or else the first one. */
static bool find_place(struct fold *f, size_t start, struct place *best)
{
	bool has_text = false, is_found = false;

	for (size_t i = start, next; i < f->len; i = next) {
		char c = f->line[i];

		if (i - start > LINE_WISH && is_found)
			break;
		next = lexer_step(&f->open, f->line, i, f->len);
		if (next > i + 1) {
			has_text = true;
			continue;
		}
		if (text_is_blank(c) && has_text && !text_is_blank(f->line[i - 1])) {
			*best = (struct place){ i, true };
			is_found = true;
		} else if (is_separator(f, i)) {
			*best = (struct place){ i + 1, false };
			is_found = true;
		}
		has_text = has_text || !text_is_blank(c);
	}
	return is_found;
}

/* Blanks at the end mean nothing, but a line of a field must not be empty. */
static size_t trimmed(const char *line, size_t len)
{
	while (len > 1 && text_is_blank(line[len - 1]))
		len--;
	return len;
}

/*
 * Where this line of the field ends. A line that is a name and nothing else is lawful,
 * and still not worth it where what follows is too long all the same.
 */
static bool find_cut(const struct fold *f, size_t start, struct place *place)
{
	struct fold ahead = *f;
	struct place next = { .at = f->len };
	bool has_next;

	if (!find_place(&ahead, start, place))
		return false;
	if (start > 0 || !place->is_blank || f->line[place->at - 1] != ':')
		return true;
	ahead = *f;
	has_next = find_place(&ahead, place->at, &next);
	if (next.at - place->at <= LINE_MAX_BYTES)
		return true;
	*place = next;
	return has_next;
}

/* What is open must be followed again from where the line was cut. */
static void fold_line(struct buf *out, struct fold f)
{
	size_t start = 0;

	f.len = trimmed(f.line, f.len);
	while (f.len - start > LINE_WISH) {
		struct place place = { 0 };

		if (!find_cut(&f, start, &place))
			break;
		for (size_t i = start; i < place.at;)
			i = lexer_step(&f.open, f.line, i, f.len);
		buf_add_bytes(out, f.line + start, place.at - start);
		buf_add(out, place.is_blank ? "\r\n" : "\r\n ");
		start = place.at;
	}
	buf_add_bytes(out, f.line + start, f.len - start);
}

void header_fold(struct buf *out, const char *field, size_t len, bool at_separators)
{
	for (size_t at = 0, whole; at < len; at += whole) {
		size_t line = line_length(field + at, len - at, &whole);
		struct fold f = { .line = field + at, .len = line,
				  .at_separators = at_separators };

		if (line <= LINE_MAX_BYTES) {
			buf_add_bytes(out, field + at, whole);
		} else {
			fold_line(out, f);
			buf_add(out, "\r\n");
		}
	}
}
