/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The one canonicaliser, behind all that read a message: what ends a line, and which
 * lines are the header. Where the message ends, and which dots are text, its reader
 * knows.
 */
#include "mail/message.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mail/doubt.h"
#include "mail/header.h"

/* So much of a line decides whether it is a field: no name is longer. */
enum { LINE_START_MAX = 1000 };

enum part { PART_TOP, PART_HEADER, PART_DOUBT, PART_BODY };

struct message_intake {
	struct message *m;
	uint64_t most;		/* bytes of a body; 0: any */
	enum part part;
	struct doubt doubt;	/* the lines of PART_DOUBT */
	struct buf line;	/* the start of a line whose part is not decided yet */
	bool is_decided;	/* the line goes to `part` */
	bool is_dropped;	/* a "From " line */
	size_t crs;		/* that stand last, and may be part of one line end */
	size_t line_len;	/* bytes of this line so far */
	struct error *err;
};

static bool add_body(struct message_intake *in, const char *bytes, size_t len)
{
	if (in->most && in->m->body_len + len > in->most)
		return error_set(in->err, ERROR_DATA, "the message has more than %" PRIu64
				 " bytes, far more than any account takes (max_size)", in->most);
	return message_add_body(in->m, bytes, len, in->err);
}

static bool add_header(struct message_intake *in, const char *bytes, size_t len)
{
	struct message *m = in->m;

	buf_add_bytes(&m->header, bytes, len);
	if (buf_is_full(&m->header))
		return error_set(in->err, ERROR_DATA, "the header is longer than %d bytes",
				 HEADER_MAX);
	return true;
}

/* The lines that waited go where they belong, and what comes now goes behind them. */
static bool settle(struct message_intake *in, enum part part)
{
	struct doubt *d = &in->doubt;
	size_t before = in->m->header.len, column = 0;
	bool ok = true;

	in->part = part;
	if (part == PART_BODY)
		ok = add_body(in, buf_text(&d->lines), d->lines.len);
	else
		doubt_add_header(d, &in->m->header);
	message_follow_lines(in->m, &column, buf_text(&in->m->header) + before,
			     in->m->header.len - before);
	doubt_free(d);
	return ok;
}

static bool add(struct message_intake *in, const char *bytes, size_t len)
{
	if (in->is_dropped)
		return true;
	if (in->part == PART_DOUBT) {
		buf_add_bytes(&in->doubt.lines, bytes, len);
		if (!buf_is_full(&in->doubt.lines))
			return true;
		if (!settle(in, PART_BODY))
			return false;
	}
	return in->part == PART_BODY ? add_body(in, bytes, len) : add_header(in, bytes, len);
}

/* "From " and ">From " of mbox files, at the top alone; "From : a@b" is a field. */
static bool is_from_line(const struct message_intake *in)
{
	const char *line = buf_text(&in->line);

	return in->part == PART_TOP && !header_is_field_line(line, in->line.len) &&
	       (!strncmp(line, "From ", 5) || !strncmp(line, ">From ", 6));
}

/* A line that is no field, or one behind such lines. */
static bool doubt(struct message_intake *in)
{
	const char *line = buf_text(&in->line);
	size_t len = in->line.len;
	enum doubt_verdict verdict;

	if (in->part != PART_DOUBT)
		doubt_begin(&in->doubt, in->part == PART_TOP);
	in->part = PART_DOUBT;
	verdict = doubt_judge(&in->doubt, line, len);
	if (verdict == DOUBT_REMAINS)
		return true;
	if (!settle(in, verdict == DOUBT_IS_BODY ? PART_BODY : PART_HEADER))
		return false;
	if (verdict == DOUBT_IS_HEADER && len == 0) {
		in->part = PART_BODY;
		in->is_dropped = true;
	} else if (line_kind(line, len) == LINE_ODD) {
		OWNED_BUF mended = BUF_INIT(HEADER_MAX);

		doubt_add_line(&mended, line, len);
		buf_clear(&in->line);
		buf_add_bytes(&in->line, buf_text(&mended), mended.len);
	}
	return true;
}

/*
 * Where the line goes of which in->line is the start, or all. A line of white space alone
 * continues the field before it: only an empty one ends the header.
 */
static bool decide(struct message_intake *in)
{
	enum line_kind kind;

	in->is_decided = true;
	in->is_dropped = is_from_line(in);
	if (in->is_dropped || in->part == PART_BODY)
		return true;
	kind = line_kind(buf_text(&in->line), in->line.len);
	if (in->part == PART_DOUBT)
		return doubt(in);
	if (kind == LINE_FIELD || (kind == LINE_FOLD && in->m->header.len)) {
		in->part = PART_HEADER;
		return true;
	}
	/* The empty line between header and body is no part of either. */
	in->is_dropped = kind == LINE_EMPTY;
	in->part = in->is_dropped ? PART_BODY : in->part;
	return in->is_dropped || doubt(in);
}

/* Editors on Windows mark a text so; in front of a header it would make a body of it. */
static void cut_byte_order_mark(struct message_intake *in)
{
	static const char mark[] = "\xef\xbb\xbf";
	const size_t len = sizeof(mark) - 1;

	if (in->part != PART_TOP || in->line.len <= len || memcmp(in->line.text, mark, len) != 0 ||
	    !header_is_field_line(in->line.text + len, in->line.len - len))
		return;
	in->line.len -= len;
	memmove(in->line.text, in->line.text + len, in->line.len + 1);
}

/* What was held back of the line goes where it belongs. */
static bool release(struct message_intake *in)
{
	bool ok;

	cut_byte_order_mark(in);
	ok = decide(in) && add(in, buf_text(&in->line), in->line.len);
	buf_clear(&in->line);
	return ok;
}

/*
 * Bytes of one line, without its end. They are held back until there are enough of them
 * to tell where the line goes.
 */
static bool take_bytes(struct message_intake *in, const char *bytes, size_t len)
{
	size_t enough = in->part != PART_BODY ? LINE_START_MAX : 0;
	size_t held;

	in->line_len += len;
	if (!in->is_decided) {
		held = enough - in->line.len;
		held = held < len ? held : len;
		buf_add_bytes(&in->line, bytes, held);
		if (in->line.len < enough)
			return true;
		if (!release(in))
			return false;
		bytes += held;
		len -= held;
	}
	return add(in, bytes, len);
}

static bool end_line(struct message_intake *in)
{
	if (!in->is_decided && !release(in))
		return false;
	if (in->line_len > in->m->longest_line)
		in->m->longest_line = in->line_len;
	if (!add(in, "\r\n", 2))
		return false;
	in->is_decided = in->is_dropped = false;
	in->line_len = 0;
	return true;
}

static bool end_lines(struct message_intake *in, size_t count)
{
	for (in->crs = 0; count > 0; count--)
		if (!end_line(in))
			return false;
	return true;
}

/* After a CR: with an LF behind them any number of them is one line end, else each is. */
static bool take_line_end(struct message_intake *in, const char **at, const char *end)
{
	for (; *at < end && **at == '\r'; ++*at)
		in->crs++;
	if (*at == end)
		return true;
	if (**at != '\n')
		return end_lines(in, in->crs);
	++*at;
	return end_lines(in, 1);
}

static const char *find_line_end(const char *at, const char *end)
{
	const char *lf = memchr(at, '\n', (size_t)(end - at));
	const char *cr = memchr(at, '\r', (size_t)((lf ? lf : end) - at));

	return cr ? cr : lf ? lf : end;
}

/*
 * Most of a large message: a line of the body, whole in this chunk. Returns the place
 * behind it; NULL: this is none.
 */
static const char *skip_plain_line(const struct message_intake *in, const char *stop,
				   const char *end)
{
	if (in->part != PART_BODY || in->line_len)
		return NULL;
	if (end - stop >= 1 && stop[0] == '\n')
		return stop + 1;
	return end - stop >= 2 && stop[1] == '\n' ? stop + 2 : NULL;
}

static bool take_plain_line(struct message_intake *in, const char *line, size_t len)
{
	if (len > in->m->longest_line)
		in->m->longest_line = len;
	return add_body(in, line, len) && add_body(in, "\r\n", 2);
}

/* LF, CR, CR LF and CR CR LF end one line each. */
static bool take_text(struct message_intake *in, const char *at, const char *end)
{
	while (at < end) {
		const char *stop, *next;

		if (in->crs) {
			if (!take_line_end(in, &at, end))
				return false;
			continue;
		}
		stop = find_line_end(at, end);
		next = skip_plain_line(in, stop, end);
		if (next) {
			if (!take_plain_line(in, at, (size_t)(stop - at)))
				return false;
			at = next;
			continue;
		}
		if (stop > at && !take_bytes(in, at, (size_t)(stop - at)))
			return false;
		in->crs = stop < end && *stop == '\r';
		if (stop < end && *stop == '\n' && !end_line(in))
			return false;
		at = stop < end ? stop + 1 : end;
	}
	return true;
}

struct message_intake *message_intake_begin(struct message *m, uint64_t most)
{
	struct message_intake *in = xmalloc(sizeof(*in));

	*in = (struct message_intake){ .m = m, .most = most, .part = PART_TOP,
				       .line = BUF_INIT(LINE_START_MAX) };
	return in;
}

bool message_intake_add(struct message_intake *in, const char *bytes, size_t len,
			struct error *err)
{
	in->err = err;
	return take_text(in, bytes, bytes + len);
}

bool message_intake_end(struct message_intake *in, struct error *err)
{
	bool ok;

	in->err = err;
	ok = end_lines(in, in->crs ? in->crs : in->line_len > 0) &&
	     (in->part != PART_DOUBT || settle(in, PART_BODY)) && message_finish(in->m, in->err);
	message_intake_abandon(in);
	return ok;
}

void message_intake_abandon(struct message_intake *in)
{
	buf_free(&in->line);
	doubt_free(&in->doubt);
	free(in);
}
