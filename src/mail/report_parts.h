/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two parts of a report that we write ourselves. For mail/report_write.c alone. */
#ifndef MAIL_REPORT_PARTS_H
#define MAIL_REPORT_PARTS_H

#include "base/buf.h"
#include "mail/report.h"

/*
 * Bytes of a part: REPORT_RECIPIENTS_MAX times an address and an error, and what is
 * around them.
 */
enum { REPORT_PART_MAX = 16 * 1024 * 1024 };

/* For people: plain text in UTF-8. */
void report_add_text(const struct report *r, struct buf *out);

/* For programs: the fields of message/delivery-status, ASCII alone. */
void report_add_status(const struct report *r, struct buf *out);

/* Why the recipient has no message; NULL: nobody said. */
const struct error *report_reason(const struct report *r, const struct recipient *to);

/* Makes one line of it, in place, that harms no terminal. */
void report_make_line(char *text);

/*
 * Appends the words of `text` in lines that begin with `first`, then `next`: short ones
 * where there are blanks, and none over 998 bytes.
 */
void report_add_lines(struct buf *out, const char *first, const char *next,
		      const char *text);

#endif
