/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hexadecimal, as what people are called has blanks and letters that no parameter may
 * have.
 */
#include "delivery/along.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"

enum {
	VALUE_MAX = 200,	/* bytes of each: the four fit into a parameter */
	TEXT_MAX = 2 * 4 * VALUE_MAX + 34,
};

#define IN(field)	offsetof(struct along, field)
static const struct along_row {
	char letter;
	bool has_text;
	size_t place;
} rows[] = {
	{ 'A', true,  IN(account) },
	{ 'N', true,  IN(full_name) },
	{ 'U', true,  IN(user_name) },
	{ 'F', true,  IN(sender_fault) },
	{ 'S', false, IN(has_no_sender) },
	{ 'B', false, IN(is_bare) },
	{ 'H', false, IN(is_held) },
	{ 'Q', false, IN(is_left) },
};

static char **text_at(struct along *a, const struct along_row *row)
{
	return (char **)((char *)a + row->place);
}

static bool *flag_at(struct along *a, const struct along_row *row)
{
	return (bool *)((char *)a + row->place);
}

void along_free(struct along *a)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].has_text)
			free(*text_at(a, &rows[i]));
	*a = (struct along){ .account = NULL };
}

static void say(struct buf *out, char letter, const char *value)
{
	char token[3];

	if (out->len > 0)
		buf_add_char(out, ',');
	buf_add_char(out, letter);
	for (size_t i = 0; value && value[i] && i < VALUE_MAX; i++) {
		hex_write(token, ' ', value[i]);
		buf_add_bytes(out, token + 1, 2);
	}
}

char *along_text(const struct along *a)
{
	struct along copy = *a;
	OWNED_BUF out = BUF_INIT(TEXT_MAX);

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const char *value = rows[i].has_text ? *text_at(&copy, &rows[i]) : NULL;

		if (value || (!rows[i].has_text && *flag_at(&copy, &rows[i])))
			say(&out, rows[i].letter, value);
	}
	return out.len > 0 ? buf_take(&out) : NULL;
}

/* NULL: it is no such text. */
static char *read_value(const char *digits, size_t len)
{
	OWNED_BUF value = BUF_INIT(VALUE_MAX);

	for (size_t i = 0; i < len; i += 2) {
		int high = hex_value(digits[i]), low = i + 1 < len ? hex_value(digits[i + 1]) : -1;

		if (high < 0 || low < 0 || high * 16 + low == 0)
			return NULL;
		buf_add_char(&value, (char)(high * 16 + low));
	}
	if (buf_is_full(&value) || text_has_control(buf_text(&value)))
		return NULL;
	return buf_take(&value);
}

static bool read_item(const char *item, size_t len, struct along *a)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (len == 0 || *item != rows[i].letter)
			continue;
		if (!rows[i].has_text)
			return *flag_at(a, &rows[i]) = len == 1;
		free(*text_at(a, &rows[i]));
		*text_at(a, &rows[i]) = read_value(item + 1, len - 1);
		return *text_at(a, &rows[i]) != NULL;
	}
	return false;
}

bool along_read(const char *text, struct along *a)
{
	*a = (struct along){ .account = NULL };
	for (size_t len; text && *text; text += text[len] == ',' ? len + 1 : len) {
		len = strcspn(text, ",");
		if (read_item(text, len, a))
			continue;
		along_free(a);
		return false;
	}
	return true;
}
