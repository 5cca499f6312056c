/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JSON (RFC 8259) for machines, written piece by piece to a stream: what the reader sees
 * is one value in one line. Errors of the stream are the caller's to ask for, with
 * ferror(3).
 */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdio.h>

#include "base/base.h"

enum { JSON_DEPTH_MAX = 16 };	/* objects and arrays within each other */

struct json {
	FILE *out;			/* NULL: nothing is written */
	unsigned depth;
	char ends[JSON_DEPTH_MAX];	/* of those that are open */
	bool has_items[JSON_DEPTH_MAX];	/* a comma comes before the next one */
};

/*
 * Each adds one value to what is open; `key` is NULL in an array, and for the outermost
 * value. Objects and arrays stay open until json_end(); after the outermost comes a LF.
 */
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end(struct json *j);

/*
 * Bytes that are no UTF-8 become U+FFFD, one each; what is harmful for a terminal is
 * escaped; a NULL text is null.
 */
void json_text(struct json *j, const char *key, const char *text);
void json_number(struct json *j, const char *key, int64_t number);
void json_thousandths(struct json *j, const char *key, int64_t number);	/* 42: 0.042 */
void json_bool(struct json *j, const char *key, bool value);

#endif
