/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The header section of a message: fields as they stand, each ending in CRLF,
 * without the empty line that ends the section (RFC 5322 section 2.2). Field names
 * in any case, white space before the colon allowed.
 */
#ifndef MAIL_HEADER_H
#define MAIL_HEADER_H

#include "base/buf.h"

struct field {
	const char *start;	/* of the whole field; not NUL-terminated */
	size_t len;		/* with its folds and its last CRLF */
	size_t name_len;	/* of the name at `start` */
	const char *body;	/* after the colon */
	size_t body_len;	/* with its folds, without the last CRLF */
};

/* Steps through the fields: *at begins with 0. False: no more. */
bool header_next(const struct buf *header, size_t *at, struct field *field);

bool field_is(const struct field *field, const char *name);

/* The first field of that name. */
bool header_find(const struct buf *header, const char *name, struct field *field);

/* Whether the bytes of one line, without line end, begin a header field. */
bool header_is_field_line(const char *line, size_t len);

/* A field's body on one line for people: unfolded, trimmed; the caller frees. */
char *field_text(const struct field *field);

/*
 * Appends "name: body CRLF", folded at blanks so that lines stay below 78 bytes where
 * they can. `body` has no line breaks (they become blanks).
 */
void header_add(struct buf *header, const char *name, const char *body);

/*
 * Appends `name <mailbox>` to `text`, the name quoted or RFC 2047-encoded (UTF-8) as it
 * needs; only the mailbox when the name is NULL or empty.
 */
void header_format_address(struct buf *text, const char *name, const char *mailbox);

#endif
