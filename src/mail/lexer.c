/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What opens and closes in a header is known here. Who looks for a separator, a name or a
 * comment steps over units, and so all agree on what is inside: where two readers differ,
 * a recipient hides in what one of them takes for a comment.
 *
 * It costs a pass to find out that something has no end. Callers that go on remember it,
 * or look no further than a limit: many of them would cost the square of the text's
 * length.
 */
#include "mail/lexer.h"

#include <string.h>

#include "base/charset.h"
#include "base/language.h"
#include "base/text.h"
#include "mail/encoded_word.h"

enum { SHOWN_MAX = 60, NAME_LIMIT = 64 * 1024, ESCAPE_MAX = 998, ESC = 0x1b };

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

/*
 * Behind ESC $ each two bytes are a character, until ESC ( or the end of the line (RFC
 * 1468): what looks like a quote or a comma among them is none. Bounded, so that many
 * without an end cost no more than they are long.
 */
static size_t escape_end(const char *text, size_t at, size_t len)
{
	size_t most = len - at < ESCAPE_MAX ? len - at : ESCAPE_MAX;
	const char *start = text + at, *line, *end;

	if (most < 2 || start[1] != '$')
		return at + 1;
	line = memchr(start, '\n', most);
	end = memmem(start, line ? (size_t)(line - start) : most, "\x1b(", 2);
	return end && (size_t)(end - start) + 3 <= most ? (size_t)(end - text) + 3 : at + 1;
}

/* The place of the next character in quotes or parentheses. */
static size_t next_inside(const char *text, size_t at, size_t len)
{
	return text[at] == '\\' ? at + 2 : text[at] == ESC ? escape_end(text, at, len) : at + 1;
}

size_t lexer_quoted_end(const char *text, size_t at, size_t len)
{
	for (at++; at < len; at = next_inside(text, at, len))
		if (text[at] == '"')
			return at + 1;
	return 0;
}

size_t lexer_comment_end(const char *text, size_t at, size_t len)
{
	size_t depth = 0;

	for (; at < len; at = next_inside(text, at, len))
		if (text[at] == '(')
			depth++;
		else if (text[at] == ')' && --depth == 0)
			return at + 1;
	return 0;
}

size_t lexer_step(struct lexer_open *open, const char *text, size_t at, size_t len)
{
	bool is_inside = open->is_quoted || open->comments;
	size_t next;

	if (text[at] == '"' && !open->comments)
		open->is_quoted = !open->is_quoted;
	else if (text[at] == '(' && !open->is_quoted)
		open->comments++;
	else if (text[at] == ')' && open->comments)
		open->comments--;
	if (text[at] == '\\' && !is_inside)
		return at + 1;
	next = next_inside(text, at, len);
	return next < len ? next : len;
}

size_t lexer_unit_end(const struct lexer *l, size_t at)
{
	size_t end, word;

	if (l->text[at] == '"')
		end = lexer_quoted_end(l->text, at, l->len);
	else if (l->text[at] == '(')
		end = lexer_comment_end(l->text, at, l->len);
	else if (l->text[at] == '\\' && at + 1 < l->len)
		end = at + 2;
	else if (l->text[at] == ESC)
		end = escape_end(l->text, at, l->len);
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
	while (l->at < to && (text_is_white(l->text[l->at]) || l->text[l->at] == '(')) {
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
	for (size_t at = 0, end; at < len; at = end) {
		end = next_inside(text, at, len);
		if (text[at] == '\r' || text[at] == '\n')
			continue;
		if (text[at] == '\\' && end <= len)
			at++;
		buf_add_bytes(out, text + at, (end < len ? end : len) - at);
	}
}

/* Trimmed, and in UTF-8 where it was in the charset with escapes. NULL: empty. */
static char *take_name(struct buf *name)
{
	struct buf utf8 = BUF_INIT(NAME_LIMIT);

	while (name->len && text_is_white(name->text[name->len - 1]))
		name->text[--name->len] = '\0';
	if (name->len && memmem(name->text, name->len, "\x1b$", 2) &&
	    charset_to_utf8("iso-2022-jp", name->text, name->len, &utf8)) {
		buf_free(name);
		*name = utf8;
	}
	if (name->len && !buf_is_full(name))
		return buf_take(name);
	buf_free(name);
	return NULL;
}

char *lexer_comment(const struct lexer *l, size_t at)
{
	struct buf name = BUF_INIT(NAME_LIMIT);

	lexer_add_inside(&name, l->text + at + 1,
			 lexer_comment_end(l->text, at, l->len) - at - 2);
	return take_name(&name);
}

char *lexer_phrase(const struct lexer *l, size_t from, size_t to)
{
	struct buf name = BUF_INIT(NAME_LIMIT);

	for (size_t at = from, end; at < to; at = end) {
		end = lexer_unit_end(l, at);
		if (l->text[at] == '"')
			lexer_add_inside(&name, l->text + at + 1, end - at - 2);
		else if (l->text[at] != '(' && !text_is_white(l->text[at]))
			buf_add_bytes(&name, l->text + at, end - at);
		else if (name.len && !text_is_white(name.text[name.len - 1]))
			buf_add_char(&name, ' ');
	}
	return take_name(&name);
}
