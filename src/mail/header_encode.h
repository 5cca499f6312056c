/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Header fields made lawful for a server without SMTPUTF8: RFC 2047 in text, names and
 * comments, RFC 2231 in parameters, RFC 6857 where neither may stand, and lines of at
 * most 998 bytes. Fields that are lawful stay as they are, byte for byte.
 */
#ifndef MAIL_HEADER_ENCODE_H
#define MAIL_HEADER_ENCODE_H

#include "base/error.h"
#include "mail/header.h"

/* Whether the field must be changed: NUL, a long line, 8-bit text (UTF-8 may stay). */
bool field_must_encode(const struct field *field, bool keeps_utf8);

/*
 * Appends the field, changed where it must be. Bytes over 127 in an address itself stay:
 * only SMTPUTF8 carries these. ERROR_DATA names the field that cannot be made lawful.
 */
bool field_encode(const struct field *field, bool keeps_utf8, struct buf *out,
		  struct error *err);

#endif
