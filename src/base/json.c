/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { UTF8_MAX = 4 };		/* bytes of a character */

/* Bytes of the character that begins there; 0: it is none. */
static size_t character(const char *text)
{
	for (size_t len = 1; len <= UTF8_MAX; len++) {
		if (text_is_utf8(text, len))
			return len;
		if (!text[len - 1])
			break;
	}
	return 0;
}

static void put_control(FILE *out, unsigned char c)
{
	static const char short_forms[] = "\bb\ff\nn\rr\tt";
	const char *found = c ? strchr(short_forms, c) : NULL;

	if (found)
		fprintf(out, "\\%c", found[1]);
	else
		fprintf(out, "\\u%04x", c);
}

static void put_text(FILE *out, const char *text)
{
	size_t len;

	putc('"', out);
	for (; *text; text += len) {
		unsigned char c = (unsigned char)*text;

		len = character(text);
		if (c < ' ' || c == 0x7f) {
			put_control(out, c);
		} else if (c == '"' || c == '\\') {
			fprintf(out, "\\%c", c);
		} else if (len == 0) {
			fputs("\xef\xbf\xbd", out);
			len = 1;
		} else {
			fwrite(text, 1, len, out);
		}
	}
	putc('"', out);
}

/* What stands before a value: a comma, and its name. False: nothing is to be written. */
static bool begin_value(struct json *j, const char *key)
{
	if (!j->out)
		return false;
	if (j->depth > 0) {
		if (j->has_items[j->depth - 1])
			fputs(", ", j->out);
		j->has_items[j->depth - 1] = true;
	}
	if (key) {
		put_text(j->out, key);
		fputs(": ", j->out);
	}
	return true;
}

static void begin_nest(struct json *j, const char *key, char first, char last)
{
	if (!begin_value(j, key))
		return;
	if (j->depth == JSON_DEPTH_MAX)
		abort();
	putc(first, j->out);
	j->ends[j->depth] = last;
	j->has_items[j->depth++] = false;
}

void json_object(struct json *j, const char *key)
{
	begin_nest(j, key, '{', '}');
}

void json_array(struct json *j, const char *key)
{
	begin_nest(j, key, '[', ']');
}

void json_end(struct json *j)
{
	if (!j->out)
		return;
	putc(j->ends[--j->depth], j->out);
	if (j->depth == 0)
		putc('\n', j->out);
}

void json_text(struct json *j, const char *key, const char *text)
{
	if (!begin_value(j, key))
		return;
	if (text)
		put_text(j->out, text);
	else
		fputs("null", j->out);
}

void json_number(struct json *j, const char *key, int64_t number)
{
	if (begin_value(j, key))
		fprintf(j->out, "%" PRId64, number);
}

void json_bool(struct json *j, const char *key, bool value)
{
	if (begin_value(j, key))
		fputs(value ? "true" : "false", j->out);
}
