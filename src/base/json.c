/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Written as it is said, with nothing kept but the open brackets. */
#include "base/json.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void put_harmful(FILE *out, uint32_t code)
{
	static const char short_forms[] = "\bb\ff\nn\rr\tt";
	const char *found = code && code < ' ' ? strchr(short_forms, (int)code) : NULL;

	if (found)
		fprintf(out, "\\%c", found[1]);
	else
		fprintf(out, "\\u%04" PRIx32, code);
}

/* People look at it too, on terminals: nothing in it is a command for one. */
static void put_text(FILE *out, const char *text)
{
	size_t left = strlen(text), len;

	putc('"', out);
	for (; left > 0; text += len, left -= len) {
		uint32_t code;

		len = text_next(text, left, &code);
		if (len == 0) {
			/*
			 * RFC 8259 section 8.1: it is UTF-8; U+FFFD stands for what is
			 * none.
			 */
			fputs("\xef\xbf\xbd", out);
			len = 1;
		} else if (text_is_harmful(code)) {
			put_harmful(out, code);
		} else if (code == '"' || code == '\\') {
			fprintf(out, "\\%c", (int)code);
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

void json_thousandths(struct json *j, const char *key, int64_t number)
{
	int64_t size = number < 0 ? -number : number;

	if (begin_value(j, key))
		fprintf(j->out, "%s%" PRId64 ".%03d", number < 0 ? "-" : "", size / 1000,
			(int)(size % 1000));
}

void json_bool(struct json *j, const char *key, bool value)
{
	if (begin_value(j, key))
		fputs(value ? "true" : "false", j->out);
}
