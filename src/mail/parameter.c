/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Read is RFC 2045 section 5.1, and what programs make of it: blanks around "=" and in
 * values without quotes, comments anywhere. A quote that nothing closes goes on to the
 * end; such a comment is one character, as a lone "(" is usual in the name of a file.
 *
 * Written is RFC 2231: percent signs, and numbered pieces where a value is longer than a
 * line.
 */
#include "mail/parameter.h"

#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "mail/encoded_word.h"
#include "mail/lexer.h"

enum {
	VALUE_MAX = 8 * 1024 * 1024,
	PIECE_MAX = 50,		/* characters of a value on one line */
	COMMENT_MAX = 500,	/* bytes; so that a "(" without end costs no more */
};

/* The place behind the quotes that open at `at`; the end if nothing closes them. */
static size_t quoted_end(const char *text, size_t at, size_t len)
{
	size_t end = lexer_quoted_end(text, at, len);

	return end ? end : len;
}

/* The place behind the comment that opens at `at`; one character if nothing closes it. */
static size_t comment_end(const char *text, size_t at, size_t len)
{
	size_t end = lexer_comment_end(text, at, len - at > COMMENT_MAX ? at + COMMENT_MAX : len);

	return end ? end : at + 1;
}

/* The next ";" outside of quotes and comments, or the end. */
static size_t find_separator(const char *text, size_t at, size_t len)
{
	while (at < len && text[at] != ';')
		at = text[at] == '"' ? quoted_end(text, at, len) :
		     text[at] == '(' ? comment_end(text, at, len) : at + 1;
	return at < len ? at : len;
}

static size_t skip_blanks(const char *text, size_t at, size_t end)
{
	while (at < end && text_is_white(text[at]))
		at++;
	return at;
}

/* The place of a parameter's name; comments may stand before it. */
static size_t find_name(const char *text, size_t at, size_t end)
{
	size_t next;

	at = skip_blanks(text, at, end);
	while (at < end && text[at] == '(' && (next = comment_end(text, at, end)) > at + 1)
		at = skip_blanks(text, next, end);
	return at;
}

static size_t trim(const char *text, size_t start, size_t end)
{
	while (end > start && text_is_white(text[end - 1]))
		end--;
	return end;
}

/* A value in quotes ends with these, another one before a comment. */
static size_t find_value_end(const char *text, size_t at, size_t end)
{
	if (at < end && text[at] == '"')
		return quoted_end(text, at, end);
	end = trim(text, at, end);
	if (end > at && text[end - 1] == ')')
		for (size_t i = at + 1; i < end; i++)
			if (text[i] == '(' && text_is_white(text[i - 1]))
				return trim(text, at, i);
	return end;
}

bool parameter_next(const char *text, size_t len, size_t *at, struct parameter *p)
{
	const char *equals;
	size_t start;

	if (*at == 0)
		*at = find_separator(text, 0, len);
	if (*at >= len)
		return false;
	*p = (struct parameter){ .start = *at };
	p->end = *at = find_separator(text, *at + 1, len);
	start = find_name(text, p->start + 1, p->end);
	equals = memchr(text + start, '=', p->end - start);
	p->name = p->name_end = p->value = p->value_end = start;
	if (equals) {
		size_t place = (size_t)(equals - text);

		p->name_end = trim(text, start, place);
		p->value = skip_blanks(text, place + 1, p->end);
		p->value_end = find_value_end(text, p->value, p->end);
	}
	return true;
}

void parameter_value(const char *text, const struct parameter *p, struct buf *out)
{
	size_t start = p->value, end = p->value_end;

	if (start < end && text[start] == '"') {
		start++;
		if (end > start && text[end - 1] == '"')
			end--;
		lexer_add_inside(out, text + start, end - start);
		return;
	}
	for (; start < end; start++)
		if (text[start] != '\r' && text[start] != '\n')
			buf_add_char(out, text[start]);
}

/* RFC 2231 section 7: attribute-char. */
static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (c && strchr("!#$&+-.^_`{|}~", c));
}

/* What stands for one byte; of a value that is encoded already little is changed. */
static size_t encode_byte(char c, bool is_encoded, char token[4])
{
	if (is_plain(c) || (is_encoded && (c == '%' || c == '\''))) {
		token[0] = c;
		return 1;
	}
	hex_write(token, '%', c);
	return 3;
}

/* "%8X" to "%BX": not the first byte of a character. */
static bool is_continuation(const char *text)
{
	return text[0] == '%' && text[1] && strchr("89ABab", text[1]);
}

/*
 * The end of the piece of `value` that begins at `at`; neither "%XX" nor, of UTF-8, a
 * character is divided: some programs decode the pieces one by one.
 */
static size_t piece_end(const struct buf *value, size_t at)
{
	size_t end = at + PIECE_MAX;

	if (end >= value->len)
		return value->len;
	for (size_t back = 2; back > 0; back--)
		if (value->text[end - back] == '%')
			end -= back;
	for (size_t cut = end, n = 0; n < 4; n++, cut -= 3) {
		if (!is_continuation(value->text + cut))
			return cut;
		if (value->text[cut - 3] != '%')
			break;
	}
	return end;
}

static void add_pieces(const char *name, int name_len, const struct buf *value,
		       struct buf *out)
{
	unsigned number = 0;

	if (value->len <= PIECE_MAX) {
		buf_addf(out, ";\r\n %.*s*=%s", name_len, name, buf_text(value));
		return;
	}
	for (size_t at = 0, end; at < value->len; at = end) {
		end = piece_end(value, at);
		buf_addf(out, ";\r\n %.*s*%u*=", name_len, name, number++);
		buf_add_bytes(out, value->text + at, end - at);
	}
}

/*
 * Encoded words are none here, and still written and read: as they are no line has room.
 */
static void add_plain_value(const char *text, const struct parameter *p, bool is_encoded,
			    struct buf *plain)
{
	OWNED_BUF value = BUF_INIT(VALUE_MAX);

	parameter_value(text, p, &value);
	if (is_encoded || !encoded_words_decode(buf_text(&value), value.len, plain))
		buf_add_bytes(plain, buf_text(&value), value.len);
}

bool parameter_encode(const char *text, const struct parameter *p, struct buf *out)
{
	OWNED_BUF plain = BUF_INIT(VALUE_MAX);
	OWNED_BUF value = BUF_INIT(VALUE_MAX);
	const char *name = text + p->name;
	size_t name_len = p->name_end - p->name;
	bool is_encoded = name_len > 1 && name[name_len - 1] == '*';
	char token[4];

	name_len -= is_encoded;
	if (name_len == 0 || memchr(name, '*', name_len) ||
	    text_is_n(name, name_len, "boundary"))
		return false;
	add_plain_value(text, p, is_encoded, &plain);
	if (!is_encoded)
		buf_addf(&value, "%s''", text_is_utf8(buf_text(&plain), plain.len) ?
			 "UTF-8" : "unknown-8bit");
	for (size_t i = 0; i < plain.len; i++) {
		size_t n = encode_byte(plain.text[i], is_encoded, token);

		buf_add_bytes(&value, token, n);
	}
	add_pieces(name, (int)name_len, &value, out);
	return !buf_is_full(&plain) && !buf_is_full(&value);
}
