/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A value is tried twice when it is set: whether our reader takes it, and whether it
 * can be written so that the reader gets the same one back. So what a draft holds can
 * be written without a question.
 */
#include "config/draft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "config/account.h"
#include "config/file.h"
#include "config/quote.h"
#include "config/types.h"

/* --- values */

enum { LINE_EXTRA = 100 };	/* name, sign, quotes */

char *draft_name(const char *name, struct error *err)
{
	OWNED_TEXT lower = text_copy(name);

	text_lower(lower);
	return ini_check_name(lower, err) ? text_take(&lower) : NULL;
}

static const struct setting *row_called(const struct draft *d, const char *name)
{
	const struct setting *row = setting_find(d->kind, name);

	assert(row);
	return row;
}

/* The road that it will take when it is read. */
static bool check_value(const struct setting *row, const char *value, struct error *err)
{
	struct account account = { 0 };
	OWNED_CONFIG config = { 0 };
	bool is_account = row->section == SECTION_ACCOUNT;
	bool ok =
		!*value ||
		setting_apply(row, is_account ? (void *)&account : &config, value, err) ||
		error_context(err, "%s", row->name);

	settings_free(SECTION_ACCOUNT, &account);
	return ok;
}

static bool check_written(const struct setting *row, const char *value, struct error *err)
{
	OWNED_INI_TEXT line = { .limit = strlen(value) + LINE_EXTRA };

	return quote_value(&line, row, value, err);
}

bool draft_set(struct draft *d, const char *name, const char *value, struct error *err)
{
	const struct setting *row = row_called(d, name);
	char **place = &d->values[setting_index(row)];
	char *copy;

	if (row->type != SETTING_SECRET &&
	    (!check_value(row, value, err) || !check_written(row, value, err)))
		return false;
	/*
	 * A secret comes by draft_set_password(); an empty text hides what the defaults
	 * say.
	 */
	assert(row->type != SETTING_SECRET || !*value);
	copy = text_copy(value);
	free(*place);
	*place = copy;
	return true;
}

bool draft_set_password(struct draft *d, const struct secret *password, struct error *err)
{
	OWNED_INI_TEXT line = { .limit = password->len + LINE_EXTRA };

	if (!quote_secret(&line, row_called(d, "password"), password, err))
		return false;
	return secret_set(&d->password, password->bytes, password->len) ||
	       error_set(err, ERROR_CONFIG, "password: longer than %d bytes", SECRET_MAX);
}

const char *draft_value(const struct draft *d, const char *name)
{
	return d->values[setting_index(row_called(d, name))];
}

void draft_unset(struct draft *d, const char *name)
{
	text_cleanup(&d->values[setting_index(row_called(d, name))]);
	d->values[setting_index(row_called(d, name))] = NULL;
}

bool draft_is_empty(const struct draft *d)
{
	for (size_t i = 0; i < SETTINGS_MAX; i++)
		if (d->values[i])
			return false;
	return !secret_is_set(&d->password);
}

/* An empty one hides what [defaults] say, and is none itself. */
bool draft_has_source(const struct draft *d)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (row->source && d->values[i] && *d->values[i])
			return true;
	return secret_is_set(&d->password);
}

/* --- lines */

/* The line of a section, "[account work]". */
static void add_header(struct ini_text *out, const struct draft *d)
{
	ini_text_add(out, "[");
	ini_text_add(out, section_word(d->kind));
	ini_text_add(out, d->kind == SECTION_ACCOUNT ? " " : "");
	ini_text_add(out, d->name ? d->name : "");
	ini_text_add(out, "]\n");
}

/* What it quotes came from outside; a line of it is a comment whatever stands in it. */
static void add_comment(struct ini_text *out, const char *text)
{
	OWNED_TEXT shown = text_copy(text);

	text_make_printable(shown);
	ini_text_add(out, "# ");
	ini_text_add(out, shown);
	ini_text_add(out, "\n");
}

bool draft_add_line(struct ini_text *out, const struct draft *d,
		    const struct setting *row, const char *instead, struct error *err)
{
	const char *value = d->values[setting_index(row)];

	if (row->type == SETTING_SECRET && secret_is_set(&d->password)) {
		if (!instead)
			return quote_secret(out, row, &d->password, err);
		add_comment(out, instead);
		return true;
	}
	return !value || quote_value(out, row, value, err);
}

bool draft_add(struct ini_text *out, const struct draft *d, const char *instead,
	       struct error *err)
{
	const struct setting *row;

	if (d->comment)
		add_comment(out, d->comment);
	add_header(out, d);
	for (size_t i = 0; (row = setting_row(i)); i++)
		if (!draft_add_line(out, d, row, instead, err))
			return false;
	return true;
}

void draft_free(struct draft *d)
{
	for (size_t i = 0; i < SETTINGS_MAX; i++)
		text_cleanup(&d->values[i]);
	secret_free(&d->password);
	text_cleanup(&d->name);
	text_cleanup(&d->comment);
	text_cleanup(&d->password_from);
	*d = (struct draft){ 0 };
}
