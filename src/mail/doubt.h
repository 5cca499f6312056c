/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines that are no fields, in a header that is perhaps not over: a name beyond ASCII or with
 * a control character in it, no name at all, no colon, a fold with nothing before it.
 *
 * For some readers such a line is in the header still, for others it begins the body. What is
 * wrong to guess is where a Bcc stands behind it: in a body it would be for all to see. So the
 * lines wait until one of them tells:
 *
 *	Bcc: ...		all before it was the header
 *	To: ..., Subject: ...	the same, if all before it had a colon
 *	an empty line		the same, but not where the message begins with such lines
 *	the end, or DOUBT_MAX	it was text
 */
#ifndef MAIL_DOUBT_H
#define MAIL_DOUBT_H

#include "base/buf.h"

enum { DOUBT_MAX = 64 * 1024 };	/* bytes that wait; no header has so much of it */

enum line_kind {
	LINE_FIELD,
	LINE_FOLD,	/* a blank in front: it continues a field, if there is one */
	LINE_EMPTY,
	LINE_ODD,	/* a field, but for its name */
	LINE_TEXT,
};

enum doubt_verdict { DOUBT_REMAINS, DOUBT_IS_HEADER, DOUBT_IS_BODY };

struct doubt {
	bool is_at_top;		/* no field stands before it */
	bool has_text;		/* a line without a colon */
	struct buf lines;	/* with their line ends; the caller adds them */
};

/* What the bytes of one line, without its end, are by themselves. */
enum line_kind line_kind(const char *line, size_t len);

void doubt_begin(struct doubt *d, bool is_at_top);
void doubt_free(struct doubt *d);

/* What the next line says of those that wait, and of itself. */
enum doubt_verdict doubt_judge(struct doubt *d, const char *line, size_t len);

/*
 * Appends the lines as a header has them: those that are no fields as text in fields of
 * ours, X-Unreadable; an odd name that means a known one becomes that.
 */
void doubt_add_header(const struct doubt *d, struct buf *header);

/* The same for one line, without its end. */
void doubt_add_line(struct buf *header, const char *line, size_t len);

#endif
