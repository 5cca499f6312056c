/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A stream with a stack of open multiparts. A delimiter of any open one counts, also
 * where inner ones were never closed (RFC 2046 section 5.1.2): a part that ran on past it
 * would hide what is behind. The line end before a delimiter is part of it, so each is
 * held back until the next line tells.
 *
 * Memory does not grow with the message: long lines come in pieces; depth, number of
 * parts and header sections have limits, as each of them is the sender's to choose.
 */
#include "mail/mime_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mail/header.h"

enum {
	DELIMITER_MAX = 998,		/* bytes of a line between parts that we hand on */
	LINE_PIECE_MAX = 16 * 1024,	/* in memory, however long a line is */
};

/* A line, or a piece of a long one, which divides no character of UTF-8. */
struct line {
	const char *bytes;	/* good until the next call */
	size_t len;		/* without its CRLF */
	bool is_start, is_end;	/* of the line */
};

struct line_reader {
	const struct message *m;
	uint64_t at;		/* of the message: what is read next */
	char *bytes;
	size_t start, end;	/* of what was read and not handed out */
	bool is_inside_line;
	bool has_failed;
};

/* A multipart that is open, or a message in a message (without boundary). */
struct level {
	size_t number;		/* of the part that it is */
	char *boundary;
	size_t boundary_len;
	bool is_closed;		/* after its last delimiter all is epilogue */
	bool is_digest;
	const char *seal, *seal_inside;
};

struct parts_walk {
	const struct message *m;
	struct mime_visitor *visitor;
	struct error *err;
	/* Where we are. */
	enum { IN_HEADER, IN_CONTENT, IN_OUTSIDE } state;
	struct level *levels;
	size_t depth, room;
	struct mime_part part;
	struct buf header;
	bool has_pending;	/* a CRLF that is content unless a delimiter follows */
};

/* --- lines */

static void lines_begin(struct line_reader *r, const struct message *m)
{
	*r = (struct line_reader){ .m = m, .at = m->header.len + 2,
				   .bytes = xmalloc(LINE_PIECE_MAX) };
}

static void lines_free(struct line_reader *r)
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
	return bytes[len - 1] == '\r' ? len - 1 : text_whole(bytes, len);
}

static bool lines_next(struct line_reader *r, struct line *line, struct error *err)
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

/* --- pieces */

static const char *seal_of(const struct parts_walk *w)
{
	return w->depth ? w->levels[w->depth - 1].seal : NULL;
}

static const char *seal_inside(const struct parts_walk *w)
{
	return w->depth ? w->levels[w->depth - 1].seal_inside : NULL;
}

static bool hand_out(struct parts_walk *w, enum mime_piece_kind kind, const char *bytes,
		     size_t len)
{
	bool is_part = kind <= MIME_CONTENT_END;
	struct mime_piece piece = {
		.kind = kind, .bytes = bytes, .len = len,
		.part = is_part ? &w->part : NULL,
		.of = is_part ? 0 : w->levels[w->depth - 1].number,
		.seal = is_part ? w->part.seal : seal_of(w),
	};

	return w->visitor->visit(w->visitor, &piece, w->err);
}

/* A line, with its CRLF if it has it all. */
static bool hand_out_line(struct parts_walk *w, enum mime_piece_kind kind,
			  const struct line *line)
{
	return hand_out(w, kind, line->bytes, line->len) &&
	       (!line->is_end || hand_out(w, kind, "\r\n", 2));
}

static bool release_pending(struct parts_walk *w, enum mime_piece_kind kind)
{
	bool had = w->has_pending;

	w->has_pending = false;
	return !had || hand_out(w, kind, "\r\n", 2);
}

/* --- parts */

static void begin_part(struct parts_walk *w, bool is_message)
{
	mime_type_free(&w->part.type);
	w->part.number++;
	w->part.is_message = is_message;
	buf_clear(&w->header);
	w->part.header = &w->header;
	w->state = IN_HEADER;
}

/* RFC 1847: what is in it belongs to whoever signed or encrypted it. */
static const char *seal_of_type(const char *name)
{
	static const char *const sealed[] = { "multipart/signed", "multipart/encrypted" };

	for (size_t i = 0; i < COUNT_OF(sealed); i++)
		if (text_is(name, sealed[i]))
			return sealed[i];
	return NULL;
}

static bool open_level(struct parts_walk *w)
{
	struct mime_type *type = &w->part.type;
	const char *seal = seal_of_type(type->name);
	size_t len = type->boundary ? strlen(type->boundary) : 0;

	if (w->depth >= MIME_DEPTH_MAX)
		return error_set(w->err, ERROR_DATA, "the message has parts in parts, "
				 "more than %d deep", MIME_DEPTH_MAX);
	grow((void **)&w->levels, &w->room, w->depth, sizeof(*w->levels));
	w->levels[w->depth++] = (struct level){
		.number = w->part.number,
		.boundary = text_take(&type->boundary), .boundary_len = len,
		.is_digest = text_is(type->name, "multipart/digest"),
		.seal = w->part.seal, .seal_inside = w->part.seal ? w->part.seal : seal,
	};
	return true;
}

static void close_levels(struct parts_walk *w, size_t depth)
{
	while (w->depth > depth)
		free(w->levels[--w->depth].boundary);
}

/* The header section is complete: what follows depends on what it says. */
static bool end_header(struct parts_walk *w, bool has_blank)
{
	struct mime_part *part = &w->part;
	struct field field;

	if (part->number >= MIME_PARTS_MAX)
		return error_set(w->err, ERROR_DATA, "the message has more than %d parts",
				 MIME_PARTS_MAX);
	mime_type_read(&part->type, part->header, w->depth && !part->is_message &&
		       w->levels[w->depth - 1].is_digest);
	part->has_blank = has_blank;
	part->seal = seal_inside(w);
	if (!part->seal && part->is_message &&
	    header_find(part->header, "DKIM-Signature", &field))
		part->seal = "DKIM-Signature";
	if (!hand_out(w, MIME_HEADER, NULL, 0))
		return false;
	w->state = IN_CONTENT;
	if (part->type.kind != MIME_MULTIPART && part->type.kind != MIME_MESSAGE)
		return true;
	w->state = IN_OUTSIDE;
	if (!open_level(w))
		return false;
	if (part->type.kind == MIME_MESSAGE)
		begin_part(w, true);
	return true;
}

/* --- delimiters */

/* `len` bytes, without the blanks at the end. */
static bool is_delimiter(const struct level *level, const char *line, size_t len,
			 bool *is_last)
{
	size_t boundary = level->boundary_len;

	*is_last = len == boundary + 4;
	return boundary && !level->is_closed && (len == boundary + 2 || *is_last) &&
	       !memcmp(line + 2, level->boundary, boundary) &&
	       (!*is_last || !memcmp(line + len - 2, "--", 2));
}

/* The innermost multipart that the line belongs to, + 1; 0: it is no delimiter. */
static size_t find_level(const struct parts_walk *w, const struct line *line, bool *is_last)
{
	size_t len = line->len;

	if (!line->is_start || !line->is_end || len < 3 || memcmp(line->bytes, "--", 2) != 0)
		return 0;
	while (text_is_blank(line->bytes[len - 1]))
		len--;
	for (size_t depth = w->depth; depth > 0; depth--)
		if (is_delimiter(&w->levels[depth - 1], line->bytes, len, is_last))
			return depth;
	return 0;
}

/* The part before is complete; `pending` is what the line end before this place is. */
static bool end_part(struct parts_walk *w, enum mime_piece_kind pending)
{
	if (w->state == IN_HEADER && w->part.header->len && !end_header(w, false))
		return false;
	if (pending == MIME_CONTENT && !release_pending(w, pending))
		return false;
	if (w->state == IN_CONTENT && !hand_out(w, MIME_CONTENT_END, NULL, 0))
		return false;
	return release_pending(w, pending);
}

/* At the end of the message: a delimiter may be missing, but its line end is there. */
static enum mime_piece_kind last_pending(const struct parts_walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		if (w->levels[i].boundary && !w->levels[i].is_closed)
			return MIME_DELIMITER;
	return MIME_CONTENT;
}

static bool take_delimiter(struct parts_walk *w, const struct line *line, size_t depth,
			   bool is_last)
{
	struct line shown = *line;

	if (!end_part(w, MIME_DELIMITER))
		return false;
	close_levels(w, depth);
	if (shown.len > DELIMITER_MAX)
		shown.len = w->levels[depth - 1].boundary_len + (is_last ? 4 : 2);
	if (!hand_out_line(w, MIME_DELIMITER, &shown))
		return false;
	w->levels[depth - 1].is_closed = is_last;
	if (is_last)
		w->state = IN_OUTSIDE;
	else
		begin_part(w, false);
	return true;
}

/* --- the whole */

/* Whether the line belongs to the header section; message_read() has the same rules. */
static bool is_of_header(const struct parts_walk *w, const struct line *line)
{
	if (!line->is_start)
		return true;
	if (w->header.len && line->len && text_is_blank(line->bytes[0]))
		return true;
	return header_is_field_line(line->bytes, line->len);
}

static bool take_header_line(struct parts_walk *w, const struct line *line)
{
	buf_add_bytes(&w->header, line->bytes, line->len);
	if (line->is_end)
		buf_add(&w->header, "\r\n");
	if (buf_is_full(&w->header))
		return error_set(w->err, ERROR_DATA, "the header of part %zu is longer "
				 "than %d bytes", w->part.number + 1, MIME_HEADER_MAX);
	return true;
}

static bool take_content(struct parts_walk *w, const struct line *line)
{
	if (!release_pending(w, MIME_CONTENT))
		return false;
	w->has_pending = line->is_end;
	return hand_out(w, MIME_CONTENT, line->bytes, line->len);
}

static bool take_line(struct parts_walk *w, const struct line *line)
{
	bool is_last, is_empty = line->is_start && line->is_end && !line->len;
	size_t depth = find_level(w, line, &is_last);

	if (depth)
		return take_delimiter(w, line, depth, is_last);
	if (w->state == IN_HEADER) {
		if (!is_empty && is_of_header(w, line))
			return take_header_line(w, line);
		if (!end_header(w, true))
			return false;
		/* A line that is no field may be a delimiter of the part that begins. */
		return is_empty || take_line(w, line);
	}
	return w->state == IN_CONTENT ? take_content(w, line) :
	       hand_out_line(w, MIME_OUTSIDE, line);
}

static bool take_all(struct parts_walk *w)
{
	struct line_reader reader;
	struct line line;
	bool ok;

	w->part.header = &w->m->header;
	w->part.is_message = true;
	ok = end_header(w, true);
	lines_begin(&reader, w->m);
	while (ok && lines_next(&reader, &line, w->err))
		ok = take_line(w, &line);
	lines_free(&reader);
	return ok && !reader.has_failed && end_part(w, last_pending(w));
}

bool mime_parts_walk(const struct message *m, struct mime_visitor *visitor,
		     struct error *err)
{
	struct parts_walk w = { .m = m, .visitor = visitor, .err = err,
			  .header = BUF_INIT(MIME_HEADER_MAX) };
	bool ok = take_all(&w);

	close_levels(&w, 0);
	free(w.levels);
	buf_free(&w.header);
	mime_type_free(&w.part.type);
	return ok;
}
