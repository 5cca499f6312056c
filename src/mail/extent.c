/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An element ends at the next separator outside of quotes, comments and brackets. People
 * forget to close these, and then a wrong guess would mail what was never an address:
 *
 *	Name <a@x, B <b@y>	the next bracket opens: a ">" is missing before the comma
 *	Name <a@x, b@y>		it closes: the comma stands in the brackets
 *	"Name <a@x>, b@y	the rest is in quotes, as far as anybody can tell
 *	"A <a@x>, "B" <b@y>	so is the "<a@x>" here, which the quotes around it show
 */
#include "mail/extent.h"

#include <string.h>

#include "base/text.h"

struct extent_search {
	const struct lexer *l;
	struct extent *extent;
	size_t from;
	bool has_looked;	/* for the place where its "<" is closed: */
	size_t closed;		/* no separator stands before this */
	bool is_inside;		/* of "<" and ">" */
	bool has_at;
	const char *fault;
};

/* The place of the ">" if that comes before another "<", else 0. */
static size_t find_close(const struct lexer *l, size_t at)
{
	struct error ignored;
	struct lexer ahead = *l;

	ahead.err = &ignored;
	while (at && at < l->len && l->text[at] != '<' && l->text[at] != '>')
		at = lexer_unit_end(&ahead, at);
	return at < l->len && l->text[at] == '>' ? at : 0;
}

/* Between < and > a comma belongs to a route, or else a > is missing before it. */
static bool is_route_comma(const struct lexer *l, size_t at)
{
	for (at++; at < l->len && text_is_white(l->text[at]); at++)
		;
	return at < l->len && l->text[at] == '@';
}

static bool ends_at(struct extent_search *s, size_t at)
{
	char c = s->l->text[at];

	if (c == ':' && s->extent->angle == s->l->len && !s->has_at && at > s->from) {
		s->extent->is_group = true;
		return true;
	}
	if (c != ',' && c != ';')
		return false;
	if (!s->is_inside)
		return true;
	if (!s->has_looked)
		s->closed = find_close(s->l, at);
	s->has_looked = true;
	return at > s->closed && !(c == ',' && is_route_comma(s->l, at));
}

/*
 * A quoted string with an address in it that touches a word was opened by a closing
 * quote.
 */
static bool is_inside_out(const struct extent_search *s, size_t at, size_t end)
{
	const struct lexer *l = s->l;

	return ((at > s->from && lexer_is_atom_char(l->text[at - 1])) ||
		(end < l->len && lexer_is_atom_char(l->text[end]))) &&
	       memchr(l->text + at, '@', end - at);
}

static void learn(struct extent_search *s, size_t at)
{
	char c = s->l->text[at];

	if (c == ':' && at == s->from) {
		s->fault = "it begins with a colon";
		s->has_at = true;	/* so that none makes a group of the rest */
	}
	if (c == '<' && s->extent->angle < s->l->len)
		s->fault = "there are two <";
	else if (c == '<')
		s->extent->angle = at;
	s->has_looked = s->has_looked && c != '<';
	s->is_inside = c == '<' || (s->is_inside && c != '>');
	s->has_at = s->has_at || c == '@';
}

bool extent_find(const struct lexer *l, struct extent *extent)
{
	struct extent_search s = { .l = l, .extent = extent, .from = l->at };
	size_t at, end;

	*extent = (struct extent){ .end = l->len, .angle = l->len };
	for (at = l->at; at < l->len && !ends_at(&s, at); at = end) {
		end = lexer_unit_end(l, at);
		if (!end)
			return false;
		if (l->text[at] == '"' && is_inside_out(&s, at, end))
			return lexer_fail(l, l->at, l->len, "a quote is missing or one too many, "
					  "so nobody can tell where it ends");
		learn(&s, at);
	}
	extent->end = at;
	return !s.fault || lexer_fail(l, l->at, at, s.fault);
}
