/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * iniparser forgets lines, takes any name and lets the last of two settings win. So
 * each line is looked at here first, while it is known which it is. `clean` is what
 * iniparser gets: as many lines, but without comments, in our spelling, and without
 * secrets. An error shows no more of a line than can be no secret.
 */
#include "config/lint.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/url.h"
#include "config/value.h"

enum {
	SECTIONS_MAX = 1000,
	NAME_MAX_BYTES = 64,	/* of an account */
	SHOWN_MAX = 60,		/* of a wrong name */
};

struct linter {
	struct ini *ini;
	struct ini_section *section;	/* the one that lines are in, or NULL */
	unsigned line;
};

bool ini_blame(const struct ini *ini, const struct ini_section *section, unsigned line,
	       struct error *err)
{
	if (ini->said_by)
		return error_context(err, "%s", line ? ini->said_by[line - 1] : ini->path);
	if (section)
		error_context(err, "[%s] ", section->name);
	return error_context(err, "%s, line %u", ini->path, line);
}

const struct ini_section *ini_find(const struct ini *ini, enum section_kind kind,
				   const char *account)
{
	for (size_t i = 0; i < ini->count; i++) {
		const struct ini_section *section = &ini->sections[i];

		if (section->kind != kind)
			continue;
		if (!account || !strcmp(text_after(section->name, "account "), account))
			return section;
	}
	return NULL;
}

static char *copy_shown(struct span s)
{
	char *shown = text_copy_n(s.at, s.len < SHOWN_MAX ? s.len : SHOWN_MAX);

	text_make_printable(shown);
	return shown;
}

static const char *next_section(const void *of, size_t i)
{
	(void)of;
	return section_word(i);
}

static void refuse_section(struct span inner, struct error *err)
{
	OWNED_TEXT shown = copy_shown(inner);
	OWNED_TEXT word = text_copy_n(shown, strcspn(shown, " ?"));
	const char *nearest = text_nearest(word, next_section, NULL);

	if (nearest)
		error_set(err, ERROR_CONFIG, "unknown section [%s]; did you mean [%s%s]?", shown,
			  nearest, strcmp(nearest, section_word(SECTION_ACCOUNT)) ? "" : " NAME");
	else
		error_set(err, ERROR_CONFIG, "unknown section [%s]", shown);
	error_advise(err, "sections are [account NAME], [defaults], [delivery] and [daemon]");
}

bool ini_check_name(const char *name, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-+@";

	if (!*name) {
		error_set(err, ERROR_CONFIG, "[account] has no name");
		return error_advise(err, "write [account work], or another name");
	}
	if (strlen(name) > NAME_MAX_BYTES)
		return error_set(err, ERROR_CONFIG, "the account's name is longer than %d bytes",
				 NAME_MAX_BYTES);
	if (!name[strspn(name, allowed)])
		return true;
	error_set(err, ERROR_CONFIG, "the account's name holds a character that cannot stand "
		  "there");
	return error_advise(err, "letters (a to z), digits and . _ - + @ can");
}

/* All but that of an account, which has a name behind it, are one word. */
static enum section_kind kind_of(const char *text)
{
	for (size_t i = 0; section_word(i); i++)
		if (text_is(text, section_word(i)))
			return (enum section_kind)i;
	return SECTION_ACCOUNT;
}

/* Gives the section its kind and its name, with one blank between the words. */
static bool name_section(struct ini_section *section, struct span inner,
			 struct error *err)
{
	OWNED_TEXT text = text_copy_n(inner.at, inner.len);
	OWNED_BUF name = BUF_INIT(INI_LINE_MAX_BYTES);
	const char *rest = text_after(text, "account");

	text_lower(text);
	section->kind = kind_of(text);
	if (section->kind == SECTION_ACCOUNT) {
		if (!rest || (*rest && *rest != ' ' && *rest != '\t')) {
			refuse_section(inner, err);
			return false;
		}
		rest += strspn(rest, " \t");
		if (!ini_check_name(rest, err))
			return false;
		buf_addf(&name, "account %s", rest);
	} else {
		buf_add(&name, text);
	}
	section->name = buf_take(&name);
	return true;
}

static bool check_new(const struct ini *ini, const char *name, struct error *err)
{
	for (size_t i = 0; i < ini->count; i++)
		if (!strcmp(ini->sections[i].name, name))
			return error_set(err, ERROR_CONFIG, "[%s] stands twice, first in "
					 "line %u", name, ini->sections[i].line);
	if (ini->count == SECTIONS_MAX)
		return error_set(err, ERROR_CONFIG, "more than %d sections", SECTIONS_MAX);
	return true;
}

/* "[account work]", perhaps with a comment, which iniparser would not take. */
static bool lint_section(struct linter *l, struct span s, struct error *err)
{
	const char *close = memchr(s.at, ']', s.len);
	struct span inner, rest;
	struct ini_section section = { .line = l->line };

	if (!close) {
		error_set(err, ERROR_CONFIG, "the bracket [ is not closed");
		return error_advise(err, "a section begins with a line like [account work]");
	}
	inner = span_trim((struct span){ s.at + 1, (size_t)(close - s.at) - 1 });
	rest = span_trim((struct span){ close + 1, (size_t)(s.at + s.len - close) - 1 });
	if (rest.len > 0 && rest.at[0] != ';' && rest.at[0] != '#')
		return error_set(err, ERROR_CONFIG, "text follows the section's bracket ]");
	if (!name_section(&section, inner, err))
		return false;
	if (!check_new(l->ini, section.name, err)) {
		text_cleanup(&section.name);
		return false;
	}
	grow((void **)&l->ini->sections, &l->ini->room, l->ini->count, sizeof(section));
	l->section = &l->ini->sections[l->ini->count++];
	*l->section = section;
	buf_addf(&l->ini->clean, "[%s]", section.name);
	return true;
}

/* What is none of this section may be one of another, which is more than a like name. */
static const struct setting *find_elsewhere(const char *name)
{
	const struct setting *row = NULL;

	for (size_t kind = 0; !row && section_word(kind); kind++)
		row = setting_find((enum section_kind)kind, name);
	return row;
}

/* A line of "...==" may be the end of a secret: only what looks like a name is shown. */
static bool refuse_name(const struct linter *l, struct span key, struct error *err)
{
	OWNED_TEXT shown = copy_shown(key);
	const char *nearest = setting_nearest(l->section->kind, shown);
	const struct setting *elsewhere = find_elsewhere(shown);

	if (elsewhere) {
		error_set(err, ERROR_CONFIG, "unknown setting \"%s\" in this section: it belongs into "
			  "[%s]", elsewhere->name, elsewhere->section == SECTION_ACCOUNT ?
			  "account NAME" : section_word(elsewhere->section));
		return elsewhere->section == SECTION_ACCOUNT ?
		       error_advise(err, "or into [defaults], for all accounts") : false;
	}
	if (nearest)
		return error_set(err, ERROR_CONFIG, "unknown setting \"%s\"; did you mean "
				 "\"%s\"?", shown, nearest);
	if (shown[strspn(shown, "abcdefghijklmnopqrstuvwxyz_-")])
		error_set(err, ERROR_CONFIG, "unknown setting");
	else
		error_set(err, ERROR_CONFIG, "unknown setting \"%s\"", shown);
	return error_advise(err, "`acsmtp help settings` lists the settings of each section");
}

/*
 * The line may be a piece of a secret: only a first word that is no such piece is shown.
 */
static bool refuse_line(const struct linter *l, struct span s, struct error *err)
{
	size_t len = 0;
	OWNED_TEXT word = NULL;
	const char *nearest;

	while (len < s.len && s.at[len] != ' ' && s.at[len] != '\t' && s.at[len] != ':')
		len++;
	word = text_copy_n(s.at, len);
	nearest = setting_nearest(l->section->kind, word);
	if (nearest)
		return error_set(err, ERROR_CONFIG, "a line without \"=\"; did you mean \"%s "
				 "= ...\"?", nearest);
	error_set(err, ERROR_CONFIG, "a line without \"=\"");
	return error_advise(err, "a setting is written name = value, a comment begins with #");
}

/* Whether it is kept or not, the same is said of it. */
static bool take_secret(const struct linter *l, struct span value, struct error *err)
{
	if (!value_lint_secret(&value, err))
		return false;
	if (value.len > SECRET_MAX)
		return error_set(err, ERROR_CONFIG, "it is longer than %d bytes", SECRET_MAX);
	l->section->has_password = value.len > 0;
	return value.len == 0 || !l->ini->keeps_secrets ||
	       secret_set(&l->section->password, value.at, value.len);
}

/* Nobody else sees the password of an address: what is left has the user alone. */
static bool take_url(const struct linter *l, const struct setting *row, struct span value,
		     struct error *err)
{
	struct url_password *password = &l->section->url_passwords[row->url];
	struct span bare = value_bare(value);
	struct buf *clean = &l->ini->clean;
	OWNED_SECRET decoded = { 0 };
	size_t at, size;

	if (!url_find_password(bare.at, bare.len, &at, &size)) {
		buf_add_bytes(clean, value.at, value.len);
		return true;
	}
	if (size > SECRET_MAX)
		return error_set(err, ERROR_CONFIG, "its password is longer than %d bytes",
				 SECRET_MAX);
	if (!url_decode_secret(bare.at + at, size, &decoded, err))
		return false;
	password->is_there = size > 0;
	buf_add_bytes(clean, value.at, (size_t)(bare.at + at - value.at) - 1);
	at += size;
	buf_add_bytes(clean, bare.at + at, (size_t)(value.at + value.len - (bare.at + at)));
	return size == 0 || !l->ini->keeps_secrets ||
	       secret_set(&password->text, bare.at + at - size, size);
}

static bool take_value(struct linter *l, const struct setting *row, struct span value,
		       struct error *err)
{
	struct buf *clean = &l->ini->clean;

	if (row->type == SETTING_SECRET)
		return take_secret(l, value, err);
	if (!value_lint(row, &value, err))
		return false;
	/* In our spelling, for iniparser compares names byte by byte. */
	buf_addf(clean, "%s=", row->name);
	if (row->url)
		return take_url(l, row, value, err);
	buf_add_bytes(clean, value.at, value.len);
	return true;
}

static bool lint_setting(struct linter *l, struct span s, struct error *err)
{
	const char *equals = memchr(s.at, '=', s.len);
	struct span key, value;
	const struct setting *row = NULL;
	unsigned *line;

	if (!equals)
		return refuse_line(l, s, err);
	key = span_trim((struct span){ s.at, (size_t)(equals - s.at) });
	value = (struct span){ equals + 1, (size_t)(s.at + s.len - equals) - 1 };
	/* No setting has so long a name, but a piece of a secret may be as long. */
	if (key.len <= SHOWN_MAX) {
		OWNED_TEXT name = text_copy_n(key.at, key.len);

		row = setting_find(l->section->kind, name);
	}
	if (!row)
		return refuse_name(l, key, err);
	line = &l->section->lines[setting_index(row)];
	if (*line)
		return error_set(err, ERROR_CONFIG, "\"%s\" is given twice, first in line %u",
				 row->name, *line);
	*line = l->line;
	/*
	 * iniparser has no room for more, and never sees a secret, which may be a token.
	 */
	if (row->type != SETTING_SECRET && s.len > INI_LINE_MAX_BYTES)
		return error_set(err, ERROR_CONFIG, "%s: a line of more than %d bytes",
				 row->name, INI_LINE_MAX_BYTES);
	return take_value(l, row, value, err) || error_context(err, "%s", row->name);
}

/*
 * One line, without its line feed. Comments, which may hold old secrets, go no further.
 */
static bool lint_line(struct linter *l, struct span s, struct error *err)
{
	if (memchr(s.at, '\0', s.len)) {
		error_set(err, ERROR_CONFIG, "a NUL byte");
		return error_advise(err, "save the file as plain text, in UTF-8");
	}
	s = span_trim(s);
	if (s.len == 0 || s.at[0] == '#' || s.at[0] == ';')
		return true;
	if (s.at[0] == '[')
		return lint_section(l, s, err);
	if (!l->section) {
		error_set(err, ERROR_CONFIG, "a line before any section");
		return error_advise(err, "settings stand below a line like [account work]");
	}
	return lint_setting(l, s, err);
}

static bool refuse_mark(const struct ini *ini, struct error *err)
{
	error_set(err, ERROR_CONFIG, "the file begins with a byte-order mark");
	error_advise(err, "save it as UTF-8 without one");
	return ini_blame(ini, NULL, 1, err);
}

/*
 * Of UTF-8 and of the two UTF-16; numbers, as a string that is no UTF-8 stops xgettext.
 */
static bool has_mark(const char *text, size_t len)
{
	static const unsigned char marks[][3] = {
		{ 0xef, 0xbb, 0xbf }, { 0xfe, 0xff }, { 0xff, 0xfe },
	};

	for (size_t i = 0; i < COUNT_OF(marks); i++) {
		size_t size = marks[i][2] ? 3 : 2;

		if (len >= size && !memcmp(text, marks[i], size))
			return true;
	}
	return false;
}

bool ini_lint(struct ini *ini, const char *text, size_t len, struct error *err)
{
	struct linter l = { ini, NULL, 0 };
	const char *end = text + len;

	ini->clean = (struct buf)BUF_INIT(INT_MAX);	/* no longer than the text */
	if (has_mark(text, len))
		return refuse_mark(ini, err);
	while (text < end) {
		const char *lf = memchr(text, '\n', (size_t)(end - text));
		struct span s = { text, (size_t)((lf ? lf : end) - text) };

		l.line++;
		if (!lint_line(&l, s, err)) {
			bool is_section = s.len > 0 && span_trim(s).len > 0 &&
					  span_trim(s).at[0] == '[';

			/* The line that begins a section is in none yet. */
			return ini_blame(ini, is_section ? NULL : l.section, l.line, err);
		}
		buf_add_char(&ini->clean, '\n');
		text = lf ? lf + 1 : end;
	}
	return true;
}
