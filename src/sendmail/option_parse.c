/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From argv to struct options: words and letters, by the rows of the table. */
#include "sendmail/options.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "sendmail/option_apply.h"
#include "sendmail/option_table.h"
#include "sendmail/options_msmtp.h"

/* -O NAME=VALUE: those that have a letter here; the rest is accepted. */
static const struct {
	const char *name, *letters;
} long_names[] = {
	{ "IgnoreDots", "oi" },
	{ "DeliveryMode", "od" },
	{ "ErrorMode", "oe" },
	{ "Verbose", "ov" },
};

/* The first row that is a prefix of the joined letter and value. */
static const struct option *find_row(const char *joined)
{
	const struct option *row;

	for (size_t i = 0; (row = option_row(i)); i++)
		if (row->spelling[0] != '-' &&
		    !strncmp(joined, row->spelling, strlen(row->spelling)))
			return row;
	return NULL;
}

static const struct option *find_letter(char letter)
{
	const char spelling[] = { letter, '\0' };
	const struct option *row;

	for (size_t i = 0; (row = option_row(i)); i++)
		if (!strcmp(row->spelling, spelling))
			return row;
	return NULL;
}

/* `letters` and what follows them: the row takes the rest of the value. */
static bool apply_joined(struct options *o, const char *letters, const char *value,
			 struct error *err)
{
	char joined[16];
	const struct option *row;
	size_t len;

	/* Rows are short: as much of the value as could tell them apart. */
	snprintf(joined, sizeof(joined), "%s%s", letters, value);
	row = find_row(joined);
	assert(row);	/* the letters themselves have one */
	len = strlen(row->spelling) - strlen(letters);
	return option_apply(o, row, value + len, err);
}

/* A long option for a letter. msmtp has no words for "not at all" but "off". */
static bool apply_letter(struct options *o, char letter, const char *value, struct error *err)
{
	const char letters[] = { letter, '\0' };

	return (strchr("NRv", letter) && text_is(value, "off")) ||
	       apply_joined(o, letters, value, err);
}

static bool apply_long_name(struct options *o, const char *value, struct error *err)
{
	const char *equals = strchr(value, '=');
	size_t len = equals ? (size_t)(equals - value) : strlen(value);

	while (len > 0 && value[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < COUNT_OF(long_names); i++) {
		if (!text_is_n(value, len, long_names[i].name))
			continue;
		value = equals ? equals + 1 : "";
		value += strspn(value, " ");
		return apply_joined(o, long_names[i].letters, value, err);
	}
	return true;
}

struct cursor {			/* argv, as far as it is read */
	int argc, at;
	char **argv;
};

static bool check_value(const char *spelling, const char *value, struct error *err)
{
	if (!text_has_control(value))
		return true;
	return error_set(err, ERROR_USAGE, "-%s: its value holds a line break or another "
			 "control character", spelling);
}

static bool take_value(struct cursor *c, const char *spelling, const char **value,
		       struct error *err)
{
	if (c->at == c->argc)
		return error_set(err, ERROR_USAGE, "-%s needs a value", spelling);
	*value = c->argv[c->at++];
	return true;
}

static const char *next_spelling(const void *of, size_t i)
{
	const struct option *row = option_row(i);

	(void)of;
	return row ? row->spelling : NULL;
}

/* --name, --name VALUE, --name=VALUE; `word` begins with the second dash. */
static bool parse_long(struct options *o, struct cursor *c, const char *word,
		       struct error *err)
{
	const char *equals = strchr(word, '='), *nearest;
	OWNED_TEXT name = text_copy_n(word, equals ? (size_t)(equals - word) : strlen(word));
	const char *value = equals ? equals + 1 : "";
	const struct option *row;
	char shown[SHOWN_SIZE];

	for (size_t i = 0; (row = option_row(i)); i++) {
		if (strcmp(row->spelling, name) != 0)
			continue;
		if (row->takes == ALONE && equals)
			return error_set(err, ERROR_USAGE, "-%s takes no value", name);
		if (row->takes == VALUE && !equals &&
		    !take_value(c, row->spelling, &value, err))
			return false;
		if (!check_value(row->spelling, value, err))
			return false;
		return row->effect == AS_LETTER ? apply_letter(o, (char)row->place, value, err) :
		       option_apply(o, row, value, err);
	}
	if (msmtp_option_find(name + 1))
		return msmtp_option_apply(msmtp_option_find(name + 1), o,
					  equals ? value : NULL, err);
	nearest = text_nearest(name, next_spelling, NULL);
	text_show(name, shown);
	if (!nearest) {
		error_set(err, ERROR_USAGE, "unknown option -%s", shown);
		return error_advise(err, "--help lists the options");
	}
	return error_set(err, ERROR_USAGE, "unknown option -%s; did you mean -%s?", shown,
			 nearest);
}

/* An interval or a selection, which may be inverted. */
static bool is_for_queue(const char *word)
{
	return (*word >= '0' && *word <= '9') ||
	       (*(word += *word == '!') && strchr("IRSG", *word) && word[1]);
}

/* Whether a letter's value is the next word. */
static bool wants_next(const struct option *row, const char *attached,
		       const struct cursor *c)
{
	if (*attached || row->takes == ATTACHED)
		return false;
	if (row->takes == VALUE)
		return true;
	return c->at < c->argc && c->argv[c->at][0] != '-' &&
	       (row->takes == LOOSE || is_for_queue(c->argv[c->at]));
}

static bool refuse_letter(struct options *o, char letter, struct error *err)
{
	bool shows = letter > ' ' && letter <= '~';

	if (letter == 'S')
		return msmtp_option_apply(msmtp_option_find("serverinfo"), o, NULL, err);
	error_set(err, ERROR_USAGE, "unknown option -%c", shows ? letter : '?');
	return error_advise(err, "--help lists the options");
}

/* One word of letters: -t, -itv, -fA, -f A. */
static bool parse_letters(struct options *o, struct cursor *c, const char *word,
			  struct error *err)
{
	for (const char *at = word; *at; at++) {
		const struct option *row = find_letter(*at);
		const char letter[] = { *at, '\0' }, *value = at + 1;

		if (!row)
			return refuse_letter(o, *at, err);
		if (row->takes == ALONE) {
			if (!option_apply(o, row, "", err))
				return false;
			continue;
		}
		if (wants_next(row, value, c) && !take_value(c, letter, &value, err))
			return false;
		if (!check_value(letter, value, err))
			return false;
		return row->effect == BY_NAME ? apply_long_name(o, value, err) :
		       apply_joined(o, letter, value, err);
	}
	return true;
}

bool options_parse(struct options *options, int argc, char **argv, struct error *err)
{
	struct cursor c = { .argc = argc, .at = 1, .argv = argv };

	while (c.at < argc && argv[c.at][0] == '-' && argv[c.at][1]) {
		const char *word = argv[c.at++] + 1;

		if (!strcmp(word, "-"))
			break;
		if (!(word[0] == '-' ? parse_long : parse_letters)(options, &c, word, err))
			return false;
	}
	options->recipients = argv + c.at;
	options->count = argc - c.at;
	for (int i = 0; i < options->count; i++)
		if (text_has_control(options->recipients[i]))
			return error_set(err, ERROR_USAGE, "recipient %d holds a line break or "
					 "another control character", i + 1);
	return true;
}
