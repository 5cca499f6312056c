/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Content transfer encodings of RFC 2045 section 6, as a stream: quoted-printable, which
 * keeps lines of text as lines, and base64, which keeps any bytes.
 */
#ifndef MAIL_TRANSFER_H
#define MAIL_TRANSFER_H

#include "base/buf.h"

enum transfer {
	TRANSFER_AS_IS,
	TRANSFER_QUOTED_PRINTABLE,
	TRANSFER_BASE64,
	/* For what is encoded already, but with bytes or lines that no server may get. */
	TRANSFER_MEND_QUOTED_PRINTABLE,
	TRANSFER_MEND_BASE64,
};

enum { BASE64_LINE = 57 };	/* bytes that make a line of 76 characters */

struct encoder {
	enum transfer how;
	size_t column;		/* of the line that is being written */
	char blank;		/* held back: at the end of a line it must be encoded */
	unsigned char group[BASE64_LINE];
	size_t count;		/* bytes in it */
};

void encoder_start(struct encoder *e, enum transfer how);

/*
 * Appends the next bytes, encoded: up to four times as many and a line end. CRLF in the
 * text must not be divided between two calls.
 */
void encoder_add(struct encoder *e, const char *bytes, size_t len, struct buf *out);

/* Appends what was held back; no line end after it. */
void encoder_end(struct encoder *e, struct buf *out);

#endif
