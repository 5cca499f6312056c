/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One member of a JSON object (RFC 8259) that came from outside: what a server says of a
 * refusal, what a token says of itself. Nothing is kept of it but what was asked for, and
 * no form of it costs more than one look at each byte.
 */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include "base/base.h"

/*
 * The text of the first member of that name of the outermost object; of an array, its
 * first text. It is cut at the room that there is, and harmless for a terminal. False:
 * there is none, or no object before it; then `text` is "".
 */
bool json_read_text(const char *json, size_t len, const char *name, char *text,
		    size_t size);

/* The same of a whole number of up to 15 digits, which may stand in quotes; else 0. */
bool json_read_number(const char *json, size_t len, const char *name, int64_t *number);

#endif
