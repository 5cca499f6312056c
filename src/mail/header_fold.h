/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Header lines that are too long for SMTP (RFC 5322 section 2.1.1). */
#ifndef MAIL_HEADER_FOLD_H
#define MAIL_HEADER_FOLD_H

#include "base/buf.h"

enum { LINE_MAX_BYTES = 998 };	/* RFC 5321 section 4.5.3.1.6, without CRLF */

/* Whether a line of the text, which ends each in CRLF, is longer than that. */
bool header_has_long_line(const char *text, size_t len);

/*
 * Appends a whole field, the long ones of its lines folded at blanks; with
 * `at_separators` also behind "," ";" and ">", where a blank changes nothing. What has no
 * such place, as a message id or an address in the web, stays as it is, however long.
 */
void header_fold(struct buf *out, const char *field, size_t len, bool at_separators);

#endif
