/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of a message, line by line, in little memory however long the lines are. */
#ifndef MAIL_LINES_H
#define MAIL_LINES_H

#include "mail/message.h"

enum { LINE_PIECE_MAX = 16 * 1024 };

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

void lines_begin(struct line_reader *r, const struct message *m);
void lines_free(struct line_reader *r);

/* False at the end, or with ERROR_IO: r->has_failed. */
bool lines_next(struct line_reader *r, struct line *line, struct error *err);

#endif
