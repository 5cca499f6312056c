/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A dot at the start of a line is held back, with the CR behind it, until it is known
 * whether the line is nothing else. A chunk of input may end anywhere.
 */
#include "mail/ending.h"

#include <string.h>

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

bool ending_next(struct ending *e, const char **at, const char *end, const char **piece,
		 size_t *len)
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

bool ending_finish(struct ending *e, const char **piece, size_t *len)
{
	/* A lone dot without a line end is one as well. */
	if (e->is_over || (e->state == BEHIND_DOT && !e->crs))
		return false;
	return give_back(e, piece, len);
}
