/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A message changed for a server that does not take it as it is: content transfer
 * encodings for 8-bit text, long lines and NUL (RFC 6152 section 3), encoded words in the
 * header. Only what needs it is changed; decoded, the message is the same.
 */
#ifndef MAIL_MIME_H
#define MAIL_MIME_H

#include "mail/message.h"

struct mime_limits {		/* what the server takes */
	bool eightbit;		/* 8BITMIME is offered */
	bool utf8_header;	/* the message goes out with SMTPUTF8 */
};

/*
 * Whether the message must be changed for it. It may be yes where mime_convert() then
 * finds nothing to do.
 */
bool mime_must_convert(const struct message *m, const struct mime_limits *limits);

/*
 * Makes `out`, which it initialises and the caller frees in any case, a changed copy:
 * each line up to 998 bytes (but for those of a header that cannot be folded, or that are
 * signed), without NUL, 7-bit where the server wants it (but for addresses that only
 * SMTPUTF8 carries). ERROR_DATA says why that cannot be: a part that
 * is signed or encrypted, or that must not be encoded; a header field that cannot be
 * lawful. ERROR_IO, ERROR_CREATE. Memory: about 1 MiB beyond the header's.
 */
bool mime_convert(const struct message *m, const struct mime_limits *limits,
		  struct message *out, struct error *err);

#endif
