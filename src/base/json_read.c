/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Values that nobody asked for are skipped by their brackets and quotes alone. */
#include "base/json_read.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"

enum { DIGITS_MAX = 15 };

struct json_cursor {
	const char *at, *end;
};

static bool is_at(const struct json_cursor *c, char wanted)
{
	return c->at < c->end && *c->at == wanted;
}

/* Behind blanks, which are passed over in any case. */
static bool take(struct json_cursor *c, char wanted)
{
	while (c->at < c->end && text_is_white(*c->at))
		c->at++;
	if (!is_at(c, wanted))
		return false;
	c->at++;
	return true;
}

/* Behind its opening quote; *inside is what stands in it. */
static bool skip_string(struct json_cursor *c, struct json_cursor *inside)
{
	inside->at = c->at;
	for (; c->at < c->end; c->at++) {
		inside->end = c->at;
		if (*c->at == '"') {
			c->at++;
			return true;
		}
		if (*c->at == '\\')
			c->at++;
	}
	c->at = c->end;
	return false;
}

/* Up to the comma or bracket behind it. */
static void skip_value(struct json_cursor *c)
{
	struct json_cursor ignored;
	size_t depth = 0;

	for (;;) {
		if (take(c, '"')) {
			if (!skip_string(c, &ignored))
				return;
		} else if (c->at >= c->end || (depth == 0 && strchr(",]}", *c->at))) {
			return;
		} else {
			depth += *c->at == '{' || *c->at == '[';
			depth -= depth > 0 && (*c->at == '}' || *c->at == ']');
			c->at++;
		}
	}
}

/* The cursor then stands at the value. */
static bool find(struct json_cursor *c, const char *name)
{
	struct json_cursor key;
	bool goes_on = take(c, '{');

	for (; goes_on && take(c, '"'); goes_on = take(c, ',')) {
		if (!skip_string(c, &key) || !take(c, ':'))
			return false;
		if ((size_t)(key.end - key.at) == strlen(name) &&
		    !memcmp(key.at, name, strlen(name)))
			return true;
		skip_value(c);
	}
	return false;
}

/* The character behind a backslash; what is beyond ASCII becomes a question mark. */
static char unescape(struct json_cursor *c)
{
	unsigned code = 0;

	if (c->at >= c->end || *c->at != 'u')
		return c->at < c->end && strchr("\"\\/", *c->at) ? *c->at : '?';
	for (int i = 0; i < 4; i++) {
		int digit = c->at + 1 < c->end ? hex_value(c->at[1]) : -1;

		if (digit < 0)
			return '?';
		code = code * 16 + (unsigned)digit;
		c->at++;
	}
	return code >= ' ' && code < 127 ? (char)code : '?';
}

static void take_text(struct json_cursor inside, char *text, size_t size)
{
	size_t len = 0;

	for (; inside.at < inside.end && len + 1 < size; inside.at++) {
		char c = *inside.at;

		if (c == '\\') {
			inside.at++;
			c = unescape(&inside);
		}
		text[len++] = c ? c : '?';
	}
	len = text_whole(text, len);
	text[len] = '\0';
	text_make_printable(text);
}

bool json_read_text(const char *json, size_t len, const char *name, char *text,
		    size_t size)
{
	struct json_cursor c = { json, json + len }, inside;

	text[0] = '\0';
	if (!find(&c, name))
		return false;
	(void)take(&c, '[');
	if (!take(&c, '"') || !skip_string(&c, &inside))
		return false;
	take_text(inside, text, size);
	return true;
}

bool json_read_number(const char *json, size_t len, const char *name, int64_t *number)
{
	struct json_cursor c = { json, json + len };
	size_t digits = 0;

	*number = 0;
	if (!find(&c, name))
		return false;
	(void)take(&c, '"');
	for (; c.at < c.end && *c.at >= '0' && *c.at <= '9' && digits < DIGITS_MAX; digits++)
		*number = *number * 10 + (*c.at++ - '0');
	return digits > 0;
}
