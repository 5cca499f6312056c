/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where a message ends on its way in, and which of its dots are text. How its lines are
 * written in the end is another matter: see mail/message.h.
 */
#ifndef MAIL_ENDING_H
#define MAIL_ENDING_H

#include <stdbool.h>
#include <stddef.h>

enum ending_rule {
	ENDS_WITH_INPUT,	/* a dot is text */
	/*
	 * Also at a line that is a lone dot, as sendmail without -i has it; of two dots at the
	 * start of a line one is removed. LF ends a line, with any number of CR before it; a CR
	 * alone is text.
	 */
	ENDS_AT_DOT,
};

struct ending {
	enum ending_rule rule;
	bool is_over;		/* what comes now is no part of the message */
	enum { AT_LINE_START, BEHIND_DOT, GIVING_BACK, INSIDE_LINE } state;
	bool has_dot;		/* one that begins a line was held back, */
	size_t crs;		/* and so many CR behind it */
};

/*
 * The next piece of the message; begins with *at at the start of a chunk of input and moves
 * it. False: the chunk is used up, or the message is over. The piece is good as long as the
 * chunk is.
 */
bool ending_next(struct ending *e, const char **at, const char *end, const char **piece,
		 size_t *len);

/* When the input is over: what was still held back, piece by piece. False: no more. */
bool ending_finish(struct ending *e, const char **piece, size_t *len);

#endif
