/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Header fields made lawful for a server without SMTPUTF8: RFC 2047 in text, names and
 * comments, RFC 2231 in parameters, RFC 6857 where neither may stand, and lines of at
 * most 998 bytes where they can be folded. Fields that are lawful stay as they are, byte
 * for byte.
 */
#ifndef MAIL_HEADER_ENCODE_H
#define MAIL_HEADER_ENCODE_H

#include "base/error.h"
#include "mail/header.h"

/* Whether no server may get the field as it is: NUL, 8-bit text (UTF-8 may stay). */
bool field_is_bad(const struct field *field, bool keeps_utf8);

/* The same, or it has a long line, which field_encode() folds where it can. */
bool field_must_encode(const struct field *field, bool keeps_utf8);

/*
 * Appends the field, changed where it must be; in front of it another one, "Downgraded-"
 * and its name, if something in it can neither be encoded nor stay where it is. Bytes
 * over 127 in an address itself stay: only SMTPUTF8 carries these. ERROR_DATA names the
 * field that cannot be made lawful.
 */
bool field_encode(const struct field *field, bool keeps_utf8, struct buf *out,
		  struct error *err);

#endif
