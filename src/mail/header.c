/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A field is pointed to where it stands, and never taken apart and put together again:
 * what we do not have to change goes out byte for byte, which signatures need. A line
 * that is no field does not come here (see message_intake.c); fields that we make are
 * folded, quoted and encoded here.
 */
#include "mail/header.h"

#include <string.h>

#include "base/text.h"
#include "mail/encoded_word.h"
#include "mail/lexer.h"

/* RFC 5322 section 2.1.1: what a line should not be longer than. */
enum { LINE_WISH = 78, LINE_LIMIT = 998 };

/* RFC 5322 section 3.6.8: what a field's name is made of. */
static size_t name_length(const char *line, size_t len)
{
	size_t n = 0;

	while (n < len && line[n] > ' ' && line[n] <= '~' && line[n] != ':')
		n++;
	return n;
}

/* The place of the colon after a name and blanks; 0: there is none. */
static size_t colon_place(const char *line, size_t len)
{
	size_t at = name_length(line, len);

	if (at == 0)
		return 0;
	while (at < len && text_is_blank(line[at]))
		at++;
	return at < len && line[at] == ':' ? at : 0;
}

bool header_is_field_line(const char *line, size_t len)
{
	return colon_place(line, len) > 0;
}

/* Bytes of the line at `text`, its LF included. */
static size_t line_length(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);

	return end ? (size_t)(end - text) + 1 : len;
}

bool header_next(const struct buf *header, size_t *at, struct field *field)
{
	const char *start = buf_text(header) + *at;
	size_t left = header->len - *at, len, end;

	if (left == 0)
		return false;
	len = line_length(start, left);
	while (len < left && text_is_blank(start[len]))
		len += line_length(start + len, left - len);
	end = len;
	while (end > 0 && (start[end - 1] == '\n' || start[end - 1] == '\r'))
		end--;
	*field = (struct field){ .start = start, .len = len,
				 .name_len = name_length(start, len) };
	field->body = start + colon_place(start, end);
	if (field->body < start + end)
		field->body++;
	field->body_len = (size_t)(start + end - field->body);
	*at += len;
	return true;
}

bool field_is(const struct field *field, const char *name)
{
	return text_is_n(field->start, field->name_len, name);
}

bool header_find(const struct buf *header, const char *name, struct field *field)
{
	for (size_t at = 0; header_next(header, &at, field); )
		if (field_is(field, name))
			return true;
	return false;
}

char *field_text(const struct field *field)
{
	const char *c = field->body, *end = c + field->body_len;
	char *text = xmalloc(field->body_len + 1);
	size_t len = 0;

	while (c < end && text_is_white(*c))
		c++;
	while (end > c && text_is_white(end[-1]))
		end--;
	for (; c < end; c++)
		if (*c != '\r' && *c != '\n')
			text[len++] = *c;
	text[len] = '\0';
	return text;
}

/* How much of `body` goes on this line: up to the last blank that keeps it short. */
static size_t piece_length(const char *body, size_t len, size_t used)
{
	size_t best = 0;
	struct lexer_open open = { 0 };

	if (used + len < LINE_WISH)
		return len;
	for (size_t i = 0, next; i < len; i = next) {
		next = lexer_step(&open, body, i, len);
		/* A fold must leave something but blanks on both of its lines. */
		if (i == 0 || !text_is_blank(body[i]) || text_is_blank(body[i - 1]) || open.is_quoted)
			continue;
		if (used + i >= LINE_WISH && best)
			break;
		best = i;
	}
	if (best && best + strspn(body + best, " \t") < len)
		return best;
	return len;
}

void header_add(struct buf *header, const char *name, const char *body)
{
	OWNED_TEXT line = text_copy(body);
	size_t used = strlen(name) + 2, left = strlen(line);
	const char *at = line;

	for (char *c = line; *c; c++)
		if (*c == '\r' || *c == '\n')
			*c = ' ';
	buf_addf(header, "%s: ", name);
	for (;;) {
		size_t piece = piece_length(at, left, used);

		buf_add_bytes(header, at, piece);
		buf_add(header, "\r\n");
		at += piece;
		left -= piece;
		used = 0;
		if (left == 0)
			break;
	}
}

/* RFC 5322 section 3.2.3, and blanks: a name of such words needs no quotes. */
static bool is_phrase(const char *name)
{
	for (const char *c = name; *c; c++) {
		bool is_letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		bool is_digit = *c >= '0' && *c <= '9';

		if (!is_letter && !is_digit && !strchr(" !#$%&'*+-/=?^_`{|}~", *c))
			return false;
	}
	return name[0] != ' ' && name[strlen(name) - 1] != ' ' && !strstr(name, "=?");
}

static void add_quoted(struct buf *text, const char *name)
{
	buf_add_char(text, '"');
	for (const char *c = name; *c; c++) {
		if (*c == '"' || *c == '\\')
			buf_add_char(text, '\\');
		buf_add_char(text, *c);
	}
	buf_add_char(text, '"');
}

/*
 * Word by word, for a name with encoded words in it: these may not stand in quotes
 * (RFC 2047 section 5), other words perhaps must.
 */
static void add_words(struct buf *text, const char *name)
{
	for (size_t len = strlen(name), at = 0, end; at < len; at = end) {
		size_t encoded = encoded_word_length(name + at, len - at);
		OWNED_TEXT word = NULL;

		end = at + (encoded ? encoded : strcspn(name + at, " \t"));
		word = text_copy_n(name + at, end - at);
		if (encoded)
			encoded_word_add_safely(text, word, encoded);
		else if (is_phrase(word))
			buf_add(text, word);
		else
			add_quoted(text, word);
		end += strspn(name + end, " \t");
		if (end < len)
			buf_add_char(text, ' ');
	}
}

/* Long ones too, so that the line can be folded. */
static bool must_encode(const char *name, size_t len)
{
	return text_has_8bit(name, len) || text_has_control(name) ||
	       (len > LINE_LIMIT / 4 && !encoded_word_is_in(name, len));
}

void header_format_address(struct buf *text, const char *name, const char *mailbox)
{
	size_t len = name ? strlen(name) : 0;

	if (len == 0) {
		buf_add(text, mailbox);
		return;
	}
	if (must_encode(name, len))
		encoded_word_add(text, name, len);
	else if (encoded_word_is_in(name, len))
		add_words(text, name);
	else if (is_phrase(name))
		buf_add(text, name);
	else
		add_quoted(text, name);
	buf_addf(text, " <%s>", mailbox);
}
