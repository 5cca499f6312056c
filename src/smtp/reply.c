/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replies come from outside: a line and the whole have their limits, and each line is
 * made printable as it is read, so that nothing behind this need think of it. What has
 * come beyond a reply stays in the reader, where whoever begins TLS can see it.
 */
#include "smtp/reply.h"

#include <string.h>

#include "base/text.h"

enum { SHOWN_MAX = 60 };	/* bytes of a bad line that an error shows */

void reader_init(struct reader *r, struct transport *wire)
{
	r->wire = wire;
	r->start = r->end = 0;
}

bool reader_is_empty(const struct reader *r)
{
	return r->start == r->end;
}

static bool fill(struct reader *r, struct error *err)
{
	ssize_t n;

	memmove(r->bytes, r->bytes + r->start, r->end - r->start);
	r->end -= r->start;
	r->start = 0;
	if (r->end == sizeof(r->bytes))
		return error_set(err, ERROR_PROTOCOL,
				 "the server sent a line of more than %d bytes",
				 REPLY_LINE_MAX);
	n = r->wire->read(r->wire, r->bytes + r->end, sizeof(r->bytes) - r->end, err);
	if (n == 0)
		return error_set(err, ERROR_NETWORK, "the server closed the connection");
	if (n < 0)
		return false;
	r->end += (size_t)n;
	return true;
}

/* Points *line into the reader, without CR LF; good until the next call. */
static bool read_line(struct reader *r, char **line, struct error *err)
{
	char *lf;
	size_t len;

	while (!(lf = memchr(r->bytes + r->start, '\n', r->end - r->start)))
		if (!fill(r, err))
			return false;
	*line = r->bytes + r->start;
	len = (size_t)(lf - *line);
	r->start += len + 1;
	if (len > 0 && (*line)[len - 1] == '\r')
		len--;
	(*line)[len] = '\0';
	/* A NUL would hide the rest of the line from every check that follows. */
	for (size_t i = 0; i < len; i++)
		if (!(*line)[i])
			(*line)[i] = '?';
	text_make_printable(*line);
	return true;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Three digits, then a blank, a dash for "more follows", or nothing at all. */
static bool parse_code(const char *line, int *code)
{
	if (line[0] < '2' || line[0] > '5' || !is_digit(line[1]) || !is_digit(line[2]))
		return false;
	if (line[3] && line[3] != ' ' && line[3] != '-')
		return false;
	*code = (line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0');
	return true;
}

/* The line is left in the reply, as its caller may know what of it is not to be seen. */
static bool refuse_line(struct reply *reply, const char *line, struct error *err)
{
	reply->code = 0;
	buf_clear(&reply->text);
	buf_add(&reply->text, line);
	return reply_is_none(reply, err);
}

bool reply_is_none(const struct reply *reply, struct error *err)
{
	return error_set(err, ERROR_PROTOCOL, "the server did not answer in SMTP: \"%.*s\"",
			 SHOWN_MAX, buf_text(&reply->text));
}

bool reply_read(struct reader *r, struct reply *reply, struct error *err)
{
	char *line;
	int code;

	reply->code = 0;
	buf_clear(&reply->text);
	do {
		if (!read_line(r, &line, err))
			return false;
		/*
		 * RFC 5321 section 4.2.1: lines of two codes are no reply, whichever one
		 * is meant.
		 */
		if (!parse_code(line, &code) || (reply->code && code != reply->code))
			return refuse_line(reply, line, err);
		if (reply->code)
			buf_add_char(&reply->text, '\n');
		reply->code = code;
		buf_add(&reply->text, line[3] ? line + 4 : "");
		if (buf_is_full(&reply->text))
			return error_set(err, ERROR_PROTOCOL,
					 "the server sent a reply of more than %d bytes",
					 REPLY_TEXT_MAX);
	} while (line[3] == '-');
	return true;
}

void reply_free(struct reply *reply)
{
	buf_free(&reply->text);
}
