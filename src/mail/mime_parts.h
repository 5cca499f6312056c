/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message taken apart as RFC 2046 describes it, as a stream: the parts of nested
 * multiparts, message/rfc822 within them, and all that stands between. The pieces put
 * together again are the message, byte for byte.
 */
#ifndef MAIL_MIME_PARTS_H
#define MAIL_MIME_PARTS_H

#include "mail/message.h"
#include "mail/mime_type.h"

enum {
	MIME_DEPTH_MAX = 100,
	MIME_PARTS_MAX = 100 * 1000,
	MIME_HEADER_MAX = 400 * 1024,	/* bytes of a header section within the body */
};

enum mime_piece_kind {
	MIME_HEADER,		/* a part begins: part->header */
	MIME_CONTENT,		/* of a part that has none in it; CRLF is never divided */
	MIME_CONTENT_END,
	MIME_OUTSIDE,		/* before the first part of a multipart, after the last */
	MIME_DELIMITER,		/* the line between parts, and the CRLF before it */
};

struct mime_part {
	size_t number;			/* 0 is the message itself */
	const struct buf *header;	/* the fields, without the empty line */
	struct mime_type type;
	bool is_message;		/* its header is a message's, as the top's is */
	bool has_blank;			/* an empty line ends the header, or should */
	const char *seal;		/* why nothing in it may be altered, or NULL */
};

struct mime_piece {
	enum mime_piece_kind kind;
	const struct mime_part *part;	/* NULL for MIME_OUTSIDE and MIME_DELIMITER: */
	size_t of;			/* these belong to the multipart of this number */
	const char *bytes;
	size_t len;
	const char *seal;
};

/* Takes a piece; false with an error ends the walk. Embed it first. */
struct mime_visitor {
	bool (*visit)(struct mime_visitor *visitor, const struct mime_piece *piece,
		      struct error *err);
};

/*
 * Hands each piece of the message to the visitor, in order. ERROR_DATA where it is beyond
 * the limits above, ERROR_IO when reading fails, or the visitor's error. Memory: a piece
 * is at most 16 KiB.
 */
bool mime_parts_walk(const struct message *m, struct mime_visitor *visitor,
		     struct error *err);

#endif
