/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Read as readers do it, and leniently: a type that makes no sense is text/plain (RFC
 * 2045 section 5.2), a multipart without a boundary is text whatever it says. A name that
 * is in no row is text as well: encoded, it loses nothing either way.
 */
#include "mail/mime_type.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mail/header.h"
#include "mail/lexer.h"
#include "mail/parameter.h"

/* RFC 2046 section 5.1.1 has 70; programs have more. */
enum { BOUNDARY_MAX = 900 };

/* First row that fits wins; a name that ends in "/" stands for all of them. */
static const struct {
	const char *name;
	enum mime_kind kind;
} kinds[] = {
	{ "message/rfc822",		MIME_MESSAGE },
	{ "message/news",		MIME_MESSAGE },
	/* RFC 2046 sections 5.2.2 and 5.2.3: 7bit, and nothing else. */
	{ "message/partial",		MIME_UNENCODABLE },
	{ "message/external-body",	MIME_UNENCODABLE },
	{ "message/global",		MIME_TEXT },
	{ "multipart/",			MIME_MULTIPART },
	{ "application/",		MIME_BINARY },
	{ "audio/",			MIME_BINARY },
	{ "chemical/",			MIME_BINARY },
	{ "font/",			MIME_BINARY },
	{ "image/",			MIME_BINARY },
	{ "model/",			MIME_BINARY },
	{ "video/",			MIME_BINARY },
};

static const struct {
	const char *name;
	enum mime_encoding encoding;
} encodings[] = {
	{ "7bit",		MIME_7BIT },
	{ "8bit",		MIME_8BIT },
	{ "binary",		MIME_BINARY_BYTES },
	{ "quoted-printable",	MIME_QUOTED_PRINTABLE },
	{ "base64",		MIME_BASE64 },
	{ "uuencode",		MIME_FOREIGN },
	{ "uue",		MIME_FOREIGN },
	{ "mac-binhex40",	MIME_FOREIGN },
};

/* Appends the characters of a token, and those of `more`, without blanks and comments. */
static void read_token(struct lexer *l, const char *more, struct buf *out)
{
	while (lexer_skip_blanks(l, l->len, NULL) && l->at < l->len) {
		char c = l->text[l->at];

		if (c <= ' ' || c > '~' ||
		    (strchr("()<>@,;:\\\"/[]?=", c) && !strchr(more, c)))
			return;
		buf_add_char(out, c);
		l->at++;
	}
}

static enum mime_kind kind_of(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		const char *rest = text_after(name, kinds[i].name);

		if (rest && (!*rest || rest[-1] == '/'))
			return kinds[i].kind;
	}
	return MIME_TEXT;
}

static char *find_boundary(const struct field *field)
{
	OWNED_BUF value = BUF_INIT(BOUNDARY_MAX);
	struct parameter p;

	for (size_t at = 0; parameter_next(field->body, field->body_len, &at, &p); ) {
		if (!text_is_n(field->body + p.name, p.name_end - p.name, "boundary"))
			continue;
		parameter_value(field->body, &p, &value);
		while (value.len && text_is_white(value.text[value.len - 1]))
			value.text[--value.len] = '\0';
		if (buf_is_full(&value) || !value.len ||
		    memchr(value.text, '\0', value.len))
			return NULL;
		return buf_take(&value);
	}
	return NULL;
}

static void read_type(struct mime_type *type, const struct buf *header, bool is_digest)
{
	OWNED_BUF name = BUF_INIT(MIME_NAME_SIZE - 1);
	struct field field;
	struct error ignored;
	const char *slash;

	type->is_given = header_find(header, "Content-Type", &field);
	if (type->is_given) {
		struct lexer l = { .text = field.body, .len = field.body_len,
				   .err = &ignored };

		read_token(&l, "/", &name);
	}
	slash = strchr(buf_text(&name), '/');
	if (!slash || slash == name.text || !slash[1] || strchr(slash + 1, '/')) {
		buf_clear(&name);
		buf_add(&name, is_digest && !type->is_given ? "message/rfc822" :
			"text/plain");
	}
	memcpy(type->name, name.text, name.len + 1);
	text_lower(type->name);
	type->kind = kind_of(type->name);
	if (type->kind == MIME_MULTIPART && !(type->boundary = find_boundary(&field))) {
		type->kind = MIME_TEXT;
		type->is_void = true;
	}
}

static enum mime_encoding read_encoding(const struct buf *header)
{
	OWNED_BUF name = BUF_INIT(MIME_NAME_SIZE);
	struct error ignored;
	struct field field;
	struct lexer l = { .err = &ignored };

	if (!header_find(header, "Content-Transfer-Encoding", &field))
		return MIME_7BIT;
	l.text = field.body;
	l.len = field.body_len;
	read_token(&l, "", &name);
	for (size_t i = 0; i < COUNT_OF(encodings); i++)
		if (text_is(buf_text(&name), encodings[i].name))
			return encodings[i].encoding;
	return text_after(buf_text(&name), "x-") ? MIME_FOREIGN : MIME_7BIT;
}

void mime_type_read(struct mime_type *type, const struct buf *header, bool is_digest)
{
	*type = (struct mime_type){ 0 };
	read_type(type, header, is_digest);
	type->encoding = read_encoding(header);
	/* Against the rules, but it is encoded: what is in it is nobody's business. */
	if (type->kind == MIME_MESSAGE && type->encoding > MIME_BINARY_BYTES)
		type->kind = MIME_TEXT;
}

void mime_type_free(struct mime_type *type)
{
	free(type->boundary);
	type->boundary = NULL;
}
