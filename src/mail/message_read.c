/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The command line's reader: a dot at the start of a line is held back, with the CR
 * behind it, until it is known whether the line is nothing else. A chunk of input may end
 * anywhere. The SMTP server has another one (smtp/server_data.c), as its rule is another:
 * what is lenient here would let others smuggle mail in there.
 */
#include "mail/message.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/file.h"

enum { CHUNK = 64 * 1024 };

struct ending {
	enum ending_rule rule;
	bool is_over;		/* what comes now is no part of the message */
	enum { AT_LINE_START, BEHIND_DOT, GIVING_BACK, INSIDE_LINE } state;
	bool has_dot;		/* one that begins a line was held back, */
	size_t crs;		/* and so many CR behind it */
};

/* The place behind the last of the lines up to one that begins with a dot. */
static const char *find_dot(const char *at, const char *end)
{
	while (at < end) {
		const char *lf = memchr(at, '\n', (size_t)(end - at));

		if (!lf)
			return end;
		at = lf + 1;
		if (at < end && *at == '.')
			break;
	}
	return at;
}

static bool give_back(struct ending *e, const char **piece, size_t *len)
{
	if (!e->has_dot && !e->crs) {
		e->state = INSIDE_LINE;
		return false;
	}
	*piece = e->has_dot ? "." : "\r";
	*len = 1;
	e->crs -= !e->has_dot;
	e->has_dot = false;
	return true;
}

/* The next byte behind the dot tells, unless it is a CR. */
static void look_behind_dot(struct ending *e, const char **at)
{
	char c = **at;

	if (c == '\n')
		e->is_over = true;
	else if (c != '\r')
		e->state = GIVING_BACK;
	if (c == '.' && !e->crs)
		e->has_dot = false;	/* this one is the text */
	if (c == '\r')
		e->crs++;
	if (c == '\r' || c == '\n')
		++*at;
}

static bool take_lines(struct ending *e, const char **at, const char *end,
		       const char **piece, size_t *len)
{
	const char *stop = e->rule == ENDS_AT_DOT ? find_dot(*at, end) : end;

	*piece = *at;
	*len = (size_t)(stop - *at);
	e->state = stop[-1] == '\n' ? AT_LINE_START : INSIDE_LINE;
	*at = stop;
	return true;
}

/*
 * The next piece of the message; begins with *at at the start of a chunk of input and
 * moves it. False: the chunk is used up, or the message is over.
 */
static bool next_piece(struct ending *e, const char **at, const char *end,
		       const char **piece, size_t *len)
{
	while (!e->is_over) {
		if (e->state == GIVING_BACK && give_back(e, piece, len))
			return true;
		if (*at == end)
			return false;
		if (e->state == BEHIND_DOT) {
			look_behind_dot(e, at);
		} else if (e->state == AT_LINE_START && **at == '.' && e->rule == ENDS_AT_DOT) {
			e->state = BEHIND_DOT;
			e->has_dot = true;
			++*at;
		} else {
			return take_lines(e, at, end, piece, len);
		}
	}
	return false;
}

/* When the input is over: what was still held back. */
static bool last_piece(struct ending *e, const char **piece, size_t *len)
{
	/* A lone dot without a line end is one as well. */
	if (e->is_over || (e->state == BEHIND_DOT && !e->crs))
		return false;
	return give_back(e, piece, len);
}

/* Like read(2), also for callers who hand us an end of theirs that does not block. */
static ssize_t read_patiently(int fd, char *bytes, size_t size)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while ((n = read_some(fd, bytes, size)) < 0 && errno == EAGAIN)
		(void)poll(&wait, 1, -1);
	return n;
}

static bool read_all(struct ending *e, int fd, struct message_intake *in, struct error *err)
{
	OWNED_TEXT chunk = xmalloc(CHUNK);
	const char *piece;
	size_t len;

	while (!e->is_over) {
		const char *at = chunk;
		ssize_t n = read_patiently(fd, chunk, CHUNK);

		if (n < 0)
			return error_errno(err, ERROR_IO, "cannot read the message");
		if (n == 0)
			break;
		while (next_piece(e, &at, chunk + n, &piece, &len))
			if (!message_intake_add(in, piece, len, err))
				return false;
	}
	while (last_piece(e, &piece, &len))
		if (!message_intake_add(in, piece, len, err))
			return false;
	return true;
}

bool message_read(struct message *m, int fd, enum ending_rule rule, uint64_t most,
		  struct error *err)
{
	struct message_intake *in = message_intake_begin(m, most);
	struct ending ending = { .rule = rule };

	if (read_all(&ending, fd, in, err))
		return message_intake_end(in, err);
	message_intake_abandon(in);
	return false;
}
