/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Base64 (RFC 4648) back into bytes; buf_add_base64() is the other way. */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include "base/base.h"

/*
 * The value of a digit; -1: it is none. `last_digits` are those behind the "9": "+/", or
 * "-_" as in tokens.
 */
int base64_value(char c, const char *last_digits);

/*
 * Decodes into `bytes`, which has room for `len` of them. Padding may be missing, and may
 * end a group anywhere: some programs put several texts together. False: a byte that is
 * no digit, or a group of one.
 */
bool base64_decode(const char *text, size_t len, const char *last_digits, char *bytes,
		   size_t *count);

#endif
