/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Parameters of Content-Type and Content-Disposition (RFC 2045 section 5.1), as people
 * and programs write them: blanks in values without quotes, comments, missing quotes.
 */
#ifndef MAIL_PARAMETER_H
#define MAIL_PARAMETER_H

#include "base/buf.h"

struct parameter {
	size_t start, end;		/* of all of it, from its ";" on */
	size_t name, name_end;		/* empty: there is no "=" */
	size_t value, value_end;	/* with its quotes */
};

/*
 * The next parameter from *at on, which it moves behind it; what stands before the first
 * ";" is skipped. False: no more.
 */
bool parameter_next(const char *text, size_t len, size_t *at, struct parameter *p);

/* Appends the value: quotes and backslashes resolved, unfolded. */
void parameter_value(const char *text, const struct parameter *p, struct buf *out);

/*
 * Appends "; name*=charset''value" (RFC 2231), in numbered pieces on lines of their own
 * where it is long. False: the name does not allow it (a boundary, a numbered piece).
 */
bool parameter_encode(const char *text, const struct parameter *p, struct buf *out);

#endif
