/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Versions of iniparser differ in what they make of quotes, backslashes and comments in
 * a value. What they would read differently is refused, with a way out; the rest is
 * brought into the one form that all read alike. A secret has rules of its own, for
 * iniparser never sees it.
 */
#include "config/value.h"

#include <string.h>

#include "base/language.h"

/* What iniparser skips: a quote after a form feed counts. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r' && c != '\n');
}

static bool begins_comment(char c)
{
	return c == ';' || c == '#';
}

struct span span_trim(struct span s)
{
	for (; s.len > 0 && is_blank(s.at[0]); s.at++)
		s.len--;
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

static bool has(struct span s, char c)
{
	return s.len > 0 && memchr(s.at, c, s.len) != NULL;
}

static bool ends_in(struct span s, char c)
{
	return s.len > 0 && s.at[s.len - 1] == c;
}

static const char quote_it[] = N_("put the value in double quotes");
static const char own_line[] = N_("a comment can have a line of its own");

/*
 * iniparser 4.1 keeps a backslash inside quotes, later ones drop it; without quotes all
 * keep it. So the quotes go, if nothing in the value needs them.
 */
static bool settle_backslashes(struct span *value, struct error *err)
{
	struct span inner = { value->at + 1, value->len - 2 }, bare = span_trim(inner);

	if (!has(inner, '\\'))
		return true;
	if (has(inner, ';') || has(inner, '#') || bare.len != inner.len ||
	    ends_in(inner, '\\') || inner.at[0] == '"' || inner.at[0] == '\'') {
		error_set(err, ERROR_CONFIG, "a backslash in quotes cannot stand at the end, "
			  "nor beside ; or # or outer blanks");
		return error_advise(err, "a command of that kind can be put in a script");
	}
	*value = inner;
	return true;
}

/* "..." or '...', which end at the next such quote: nothing can be escaped. */
static bool lint_quoted(struct span *value, struct error *err)
{
	char quote = value->at[0];
	const char *close = memchr(value->at + 1, quote, value->len - 1);
	struct span rest;

	if (!close) {
		error_set(err, ERROR_CONFIG, "its quote %c is not closed", quote);
		return error_advise(err, quote == '"' ? NULL : quote_it);
	}
	rest.at = close + 1;
	rest.len = value->len - (size_t)(rest.at - value->at);
	rest = span_trim(rest);
	if (rest.len > 0 && !begins_comment(rest.at[0])) {
		error_text(err, ERROR_CONFIG, has(rest, quote) ?
			   N_("the value ends at its second quote, and more of them follow") :
			   N_("text follows the closing quote"));
		return error_advise(err, "quotes of the other kind may be put around it");
	}
	value->len = (size_t)(close + 1 - value->at);
	return settle_backslashes(value, err);
}

/* The first ; or # ends the value, whatever stands before it. */
static bool lint_bare(const struct setting *row, struct span *value, struct error *err)
{
	size_t len = 0;

	while (len < value->len && !begins_comment(value->at[len]))
		len++;
	if (len < value->len && len > 0 && (row->exact || !is_blank(value->at[len - 1]))) {
		error_set(err, ERROR_CONFIG, "an unquoted %c stands in its value and would "
			  "cut it", value->at[len]);
		return error_advise(err, quote_it);
	}
	value->len = len;
	*value = span_trim(*value);
	if (!ends_in(*value, '\\'))
		return true;
	error_set(err, ERROR_CONFIG, "a backslash stands at its end, as if the next line "
		  "were a part of it");
	return error_advise(err, "a setting is one line");
}

bool value_lint(const struct setting *row, struct span *value, struct error *err)
{
	struct span whole = *value, s = span_trim(whole);

	/* A comment directly at the "=" cannot be told from a value. */
	if (s.len > 0 && begins_comment(s.at[0]) && s.at == whole.at) {
		error_set(err, ERROR_CONFIG, "its value begins with an unquoted %c", s.at[0]);
		return error_advise(err, quote_it);
	}
	*value = s;
	if (s.len > 0 && (s.at[0] == '"' || s.at[0] == '\''))
		return lint_quoted(value, err);
	return lint_bare(row, value, err);
}

struct span value_bare(struct span value)
{
	if (value.len >= 2 && (value.at[0] == '"' || value.at[0] == '\'') &&
	    value.at[value.len - 1] == value.at[0])
		return (struct span){ value.at + 1, value.len - 2 };
	return value;
}

/* Whether a quote is followed by nothing, or by blanks and a comment. */
static bool may_close(struct span rest)
{
	struct span comment = span_trim(rest);

	return comment.len == 0 || (comment.at > rest.at && begins_comment(comment.at[0]));
}

/* "..." that may hold any quotes: it ends at the only one that can be the last. */
static bool lint_quoted_secret(struct span *value, struct error *err)
{
	size_t close = 0;

	for (size_t i = 1; i < value->len; i++) {
		struct span rest = { value->at + i + 1, value->len - i - 1 };

		if (value->at[i] != '"' || !may_close(rest))
			continue;
		if (close > 0) {
			error_set(err, ERROR_CONFIG, "it may end at two of its quotes");
			return error_advise(err, own_line);
		}
		close = i;
	}
	if (close == 0) {
		error_text(err, ERROR_CONFIG, has((struct span){ value->at + 1,
			   value->len - 1 }, '"') ? N_("text follows the closing quote") :
			   N_("its quote \" is not closed"));
		return error_advise(err, own_line);
	}
	*value = (struct span){ value->at + 1, close - 1 };
	return true;
}

static bool check_secret(const struct span *value, struct error *err)
{
	for (size_t i = 0; i < value->len; i++) {
		unsigned char c = (unsigned char)value->at[i];

		if ((c < ' ' && c != '\t') || c == 127)
			return error_set(err, ERROR_CONFIG, "a control character stands in it");
	}
	return true;
}

bool value_lint_secret(struct span *value, struct error *err)
{
	static const char special[] = ";#\"'";

	*value = span_trim(*value);
	if (value->len > 0 && value->at[0] == '"')
		return lint_quoted_secret(value, err) && check_secret(value, err);
	for (const char *c = special; *c; c++)
		if (has(*value, *c)) {
			error_set(err, ERROR_CONFIG, "an unquoted %c stands in its value", *c);
			return error_advise(err, quote_it);
		}
	if (ends_in(*value, '\\')) {
		error_set(err, ERROR_CONFIG, "a backslash stands at its end");
		return error_advise(err, quote_it);
	}
	return check_secret(value, err);
}
