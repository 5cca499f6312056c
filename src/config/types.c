/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the value of a setting is in memory and in a file: a row for each type. */
#include "config/types.h"

#include <assert.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "config/account.h"

/* --- from the words of a file */

static const char *word_of(const void *row, size_t i)
{
	return ((const struct setting *)row)->word(i);
}

static bool refuse_word(const struct setting *row, const char *value, struct error *err)
{
	OWNED_BUF known = BUF_INIT(500);
	char shown[SHOWN_SIZE];
	const char *nearest = text_nearest(value, word_of, row);

	text_show(value, shown);
	for (size_t i = 0; row->word(i); i++)
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", row->word(i));
	if (!nearest)
		return error_set(err, ERROR_CONFIG, "\"%s\" is none of %s", shown,
				 buf_text(&known));
	return error_set(err, ERROR_CONFIG, "\"%s\" is none of %s; did you mean \"%s\"?",
			 shown, buf_text(&known), nearest);
}

static bool find_word(const struct setting *row, const char *value, size_t *number,
		      struct error *err)
{
	for (*number = 0; row->word(*number); ++*number)
		if (text_is(value, row->word(*number)))
			return true;
	return refuse_word(row, value, err);
}

static bool put_word(const struct setting *row, void *place, const char *value,
		     struct error *err)
{
	size_t word;

	if (!find_word(row, value, &word, err))
		return false;
	*(int *)place = (int)word;
	return true;
}

/* The copy comes first: the value may be the very text that stands there. */
static void replace_text(char **place, const char *value)
{
	char *copy = text_copy(value);

	free(*place);
	*place = copy;
}

/* As the table spells it, however the user did. */
static bool put_name(const struct setting *row, void *place, const char *value,
		     struct error *err)
{
	size_t word;

	if (!find_word(row, value, &word, err))
		return false;
	replace_text(place, row->word(word));
	return true;
}

static bool put_switch(const struct setting *row, void *place, const char *value,
		       struct error *err)
{
	static const struct { const char *off, *on; } words[] = {
		{ "off", "on" }, { "no", "yes" }, { "false", "true" }, { "0", "1" },
	};
	char shown[SHOWN_SIZE];

	(void)row;
	for (size_t i = 0; i < COUNT_OF(words); i++) {
		bool on = text_is(value, words[i].on);

		if (!on && !text_is(value, words[i].off))
			continue;
		*(bool *)place = on;
		return true;
	}
	return error_set(err, ERROR_CONFIG, "\"%s\" is neither on nor off",
			 text_show(value, shown));
}

static bool put_number(const struct setting *row, void *place, const char *value,
		       struct error *err)
{
	char shown[SHOWN_SIZE];

	if (text_to_number(value, row->least, row->most, place))
		return true;
	text_show(value, shown);
	if (row->most == LONG_MAX)
		return error_set(err, ERROR_CONFIG, "\"%s\" is not a number, %ld or more",
				 shown, row->least);
	return error_set(err, ERROR_CONFIG, "\"%s\" is not a number from %ld to %ld", shown,
			 row->least, row->most);
}

static const struct unit {
	char letter;
	long seconds;
} units[] = { { 'd', SECONDS_OF_DAY }, { 'h', SECONDS_OF_HOUR }, { 'm', 60 }, { 's', 1 } };

/* Seconds, or as many minutes, hours, days as it says. */
static bool put_span(const struct setting *row, void *place, const char *value,
		     struct error *err)
{
	size_t len = strlen(value);
	const struct unit *unit = NULL;
	char shown[SHOWN_SIZE];
	OWNED_TEXT digits = NULL;
	long number;

	for (size_t i = 0; len > 0 && i < COUNT_OF(units); i++)
		if ((value[len - 1] | ' ') == units[i].letter)
			unit = &units[i];
	digits = text_copy_n(value, len - (unit != NULL));
	if (text_to_number(digits, 0, row->most, &number) &&
	    number <= row->most / (unit ? unit->seconds : 1)) {
		*(long *)place = number * (unit ? unit->seconds : 1);
		return true;
	}
	return error_set(err, ERROR_CONFIG, "\"%s\" is no time such as 30s, 10m, 2h or 1d",
			 text_show(value, shown));
}

/* U+0080 to U+009F: to a terminal they are what ESC and a letter are. */
static bool has_c1(const char *value)
{
	for (; (value = strchr(value, 0xc2)); value++)
		if ((value[1] & '\xe0') == '\x80')
			return true;
	return false;
}

static bool check_text(const struct setting *row, const char *value, struct error *err)
{
	/*
	 * A value may be logged, shown, or said to a server: it is stopped where it
	 * comes in.
	 */
	if (text_has_control(value) || has_c1(value))
		return error_set(err, ERROR_CONFIG, "a control character stands in it");
	if (!text_is_utf8(value, strlen(value)))
		return error_set(err, ERROR_CONFIG, "it is not written in UTF-8");
	return !row->check || row->check(value, err);
}

static bool put_text(const struct setting *row, void *place, const char *value,
		     struct error *err)
{
	if (!check_text(row, value, err))
		return false;
	replace_text(place, value);
	if (row->tidy)
		row->tidy(*(char **)place);
	return true;
}

/* It has no place: ini_lint() has taken it out of what is read. */
static bool put_nothing(const struct setting *row, void *place, const char *value,
			struct error *err)
{
	(void)row;
	(void)place;
	(void)value;
	(void)err;
	return true;
}

/* --- and back to them */

static char *copy_text(const struct setting *row, const void *place)
{
	(void)row;
	return text_copy(*(char *const *)place);
}

static char *number_text(const struct setting *row, const void *place)
{
	OWNED_BUF number = BUF_INIT(32);

	(void)row;
	buf_addf(&number, "%ld", *(const long *)place);
	return buf_take(&number);
}

static char *span_text(const struct setting *row, const void *place)
{
	long seconds = *(const long *)place;
	const struct unit *unit = units;
	OWNED_BUF span = BUF_INIT(32);

	(void)row;
	while (seconds % unit->seconds != 0)
		unit++;
	if (seconds)
		buf_addf(&span, "%ld%c", seconds / unit->seconds, unit->letter);
	return seconds ? buf_take(&span) : text_copy("0");
}

static char *switch_text(const struct setting *row, const void *place)
{
	(void)row;
	return text_copy(*(const bool *)place ? "on" : "off");
}

static char *word_text(const struct setting *row, const void *place)
{
	return text_copy(row->word((size_t) * (const int *)place));
}

static char *no_text(const struct setting *row, const void *place)
{
	(void)row;
	(void)place;
	return NULL;
}

static const struct type {
	bool (*put)(const struct setting *row, void *place, const char *value,
		    struct error *err);
	char *(*text)(const struct setting *row, const void *place);
	bool is_allocated;	/* it is a char * of its own */
} types[] = {
	[SETTING_TEXT]	 = { put_text,	  copy_text,   true },
	[SETTING_NAME]	 = { put_name,	  copy_text,   true },
	[SETTING_NUMBER] = { put_number,  number_text, false },
	[SETTING_SPAN]	 = { put_span,	  span_text,   false },
	[SETTING_SWITCH] = { put_switch,  switch_text, false },
	[SETTING_WORD]	 = { put_word,	  word_text,   false },
	[SETTING_SECRET] = { put_nothing, no_text,     false },
};

bool setting_apply(const struct setting *row, void *target, const char *value,
		   struct error *err)
{
	return types[row->type].put(row, (char *)target + row->place, value, err);
}

bool setting_take(const struct setting *row, void *target, const char *value, struct error *err)
{
	if (*value)
		return setting_apply(row, target, value, err);
	if (!row->is_of_admission)
		return true;
	error_set(err, ERROR_CONFIG, "it names nobody");
	return error_advise(err, "name who may send, or take the line out");
}

static void setting_clear(const struct setting *row, void *target)
{
	char **place = (char **)(void *)((char *)target + row->place);

	if (!types[row->type].is_allocated)
		return;
	text_cleanup(place);
	*place = NULL;
}

/* The standard values take the road of a user's, so they are checked too. */
void settings_init(enum section_kind section, void *target)
{
	const struct setting *row;
	struct error err;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (row->section == section) {
			bool ok = setting_apply(row, target, row->standard, &err);

			assert(ok);
			(void)ok;
		}
}

void settings_free(enum section_kind section, void *target)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (row->section == section)
			setting_clear(row, target);
}

char *setting_value(const struct setting *row, const void *target)
{
	return types[row->type].text(row, (const char *)target + row->place);
}

char *setting_text(size_t i, const struct account *account)
{
	const struct setting *row = setting_row(i);

	return row && row->section == SECTION_ACCOUNT ? setting_value(row, account) : NULL;
}

bool account_lacks(const struct account *account, const char *setting, struct error *err)
{
	OWNED_TEXT variable = text_copy(setting);

	text_upper(variable);
	if (account->is_of_environment)
		return error_set(err, ERROR_CONFIG, "ACSMTP_%s is missing", variable);
	return error_set(err, ERROR_CONFIG, "`%s` is missing", setting);
}
