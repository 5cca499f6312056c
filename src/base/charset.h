/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text in other charsets than ours, as mail names them. */
#ifndef BASE_CHARSET_H
#define BASE_CHARSET_H

#include "base/buf.h"

/*
 * Appends the text as UTF-8. False, and nothing is appended: nobody here knows the
 * charset, or the text is none in it.
 */
bool charset_to_utf8(const char *charset, const char *text, size_t len, struct buf *out);

#endif
