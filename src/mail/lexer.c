/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mail/lexer.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "mail/encoded_word.h"

enum { SHOWN_MAX = 60, NAME_LIMIT = 64 * 1024 };

void lexer_add_shown(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] != '\r' && text[i] != '\n')
			buf_add_char(out, text[i] ? text[i] : '?');
}

bool lexer_fail(const struct lexer *l, size_t from, size_t to, const char *why)
{
	size_t len = to > from ? to - from : 0;
	OWNED_BUF piece = BUF_INIT(SHOWN_MAX);

	lexer_add_shown(&piece, l->text + from, len < SHOWN_MAX ? len : SHOWN_MAX);
	if (piece.len)
		text_make_printable(piece.text);
	error_text(l->err, ERROR_DATA, why);
	error_context(l->err, "\"%s%s\" at byte %zu is no address", buf_text(&piece),
		      len > SHOWN_MAX ? "..." : "", from + 1);
	return error_advise(l->err, "expected: name@domain, or Name <name@domain>, with commas "
			    "between addresses");
}

bool lexer_is_atom_char(char c)
{
	return (unsigned char)c > 127 || (c > ' ' && c <= '~' && !strchr("()<>[]:;@\\,.\"", c));
}

bool lexer_is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The place after the string that begins at `at`; 0: it has no end. */
static size_t quoted_end(const struct lexer *l, size_t at)
{
	for (at++; at < l->len; at++) {
		if (l->text[at] == '"')
			return at + 1;
		if (l->text[at] == '\\')
			at++;
	}
	return 0;
}

static size_t comment_end(const struct lexer *l, size_t at)
{
	size_t depth = 0;

	for (; at < l->len; at++) {
		if (l->text[at] == '\\')
			at++;
		else if (l->text[at] == '(')
			depth++;
		else if (l->text[at] == ')' && --depth == 0)
			return at + 1;
	}
	return 0;
}

size_t lexer_unit_end(const struct lexer *l, size_t at)
{
	size_t end, word;

	if (l->text[at] == '"')
		end = quoted_end(l, at);
	else if (l->text[at] == '(')
		end = comment_end(l, at);
	else if (l->text[at] == '\\' && at + 1 < l->len)
		end = at + 2;
	else if ((word = encoded_word_length(l->text + at, l->len - at)))
		end = at + word;
	else
		end = at + 1;
	if (!end)
		lexer_fail(l, at, l->len, l->text[at] == '"' ?
			   N_("a closing quote is missing, so nobody can tell where it ends") :
			   N_("a closing parenthesis is missing, so nobody can tell where it "
			      "ends"));
	return end;
}

bool lexer_skip_blanks(struct lexer *l, size_t to, size_t *comment)
{
	while (l->at < to && (lexer_is_blank(l->text[l->at]) || l->text[l->at] == '(')) {
		size_t end = lexer_unit_end(l, l->at);

		if (!end)
			return false;
		/* It began within what is an encoded word as a whole. */
		if (end > to)
			return lexer_fail(l, l->at, to, N_("a parenthesis needs quotes"));
		if (l->text[l->at] == '(' && comment)
			*comment = l->at;
		l->at = end;
	}
	return true;
}

void lexer_add_inside(struct buf *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\r' || text[i] == '\n')
			continue;
		if (text[i] == '\\' && i + 1 < len)
			i++;
		buf_add_char(out, text[i]);
	}
}

static void trim(struct buf *name)
{
	while (name->len && lexer_is_blank(name->text[name->len - 1]))
		name->text[--name->len] = '\0';
}

char *lexer_comment(const struct lexer *l, size_t at)
{
	struct buf name = BUF_INIT(NAME_LIMIT);

	lexer_add_inside(&name, l->text + at + 1, comment_end(l, at) - at - 2);
	trim(&name);
	return buf_is_full(&name) || !name.len ? (buf_free(&name), NULL) : buf_take(&name);
}

char *lexer_phrase(const struct lexer *l, size_t from, size_t to)
{
	struct buf name = BUF_INIT(NAME_LIMIT);

	for (size_t at = from, end; at < to; at = end) {
		end = lexer_unit_end(l, at);
		if (l->text[at] == '"')
			lexer_add_inside(&name, l->text + at + 1, end - at - 2);
		else if (l->text[at] != '(' && !lexer_is_blank(l->text[at]))
			buf_add_bytes(&name, l->text + at, end - at);
		else if (name.len && !lexer_is_blank(name.text[name.len - 1]))
			buf_add_char(&name, ' ');
	}
	trim(&name);
	return buf_is_full(&name) || !name.len ? (buf_free(&name), NULL) : buf_take(&name);
}
