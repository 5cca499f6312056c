/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a part's header says of its content: RFC 2045 sections 5 and 6. */
#ifndef MAIL_MIME_TYPE_H
#define MAIL_MIME_TYPE_H

#include "base/buf.h"

enum mime_kind {
	MIME_TEXT,		/* text/... and what else is made of lines */
	MIME_BINARY,		/* application/..., image/... and their like */
	MIME_MULTIPART,		/* with a boundary */
	MIME_MESSAGE,		/* message/rfc822 in itself, not encoded */
	MIME_UNENCODABLE,	/* message/partial ... */
};

enum mime_encoding {
	MIME_7BIT,		/* or no field, or a word that means nothing */
	MIME_8BIT,
	MIME_BINARY_BYTES,
	MIME_QUOTED_PRINTABLE,
	MIME_BASE64,
	MIME_FOREIGN,		/* uuencode, x-...: not ours to decode */
};

enum { MIME_NAME_SIZE = 48 };

struct mime_type {
	enum mime_kind kind;
	enum mime_encoding encoding;
	char name[MIME_NAME_SIZE];	/* "text/plain"; cut where it is longer */
	bool is_given;			/* there is a Content-Type field */
	bool is_void;			/* a multipart without a boundary: text to every reader */
	char *boundary;			/* of a MIME_MULTIPART, else NULL */
};

/* Reads a header section; `is_digest`: of a part of multipart/digest. */
void mime_type_read(struct mime_type *type, const struct buf *header, bool is_digest);

void mime_type_free(struct mime_type *type);

#endif
