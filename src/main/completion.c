/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tables say about the places of a command line; how shells are told is in
   main/completion_sh.c and main/completion_fish.c. */
#include "main/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "migrate/import.h"

enum { WORDS_LIMIT = 1000 };

static char *format_words(void)
{
	OWNED_BUF words = BUF_INIT(WORDS_LIMIT);
	struct format_help format;

	for (size_t i = 0; import_format(i, &format); i++)
		buf_addf(&words, "%s%s", i > 0 ? " " : "", format.name);
	return buf_take(&words);
}

/* Those of a usage that are in small letters are typed as they stand there. */
static char *literal_words(const char *usage)
{
	OWNED_BUF words = BUF_INIT(WORDS_LIMIT);

	while (*(usage += strspn(usage, "[]|. "))) {
		size_t len = strcspn(usage, "[]|. ");

		if (*usage >= 'a' && *usage <= 'z')
			buf_addf(&words, "%s%.*s", words.len > 0 ? " " : "", (int)len,
				 usage);
		usage += len;
	}
	return words.len > 0 ? buf_take(&words) : NULL;
}

/* From what a value or an argument is called. */
static enum expected named(const char *usage)
{
	static const struct {
		const char *name;
		enum expected what;
	} names[] = {
		{ "OPTION", EXPECTS_SENDMAIL },
		{ "ACCOUNT", EXPECTS_ACCOUNTS },
		{ "FILE", EXPECTS_FILES },
		{ "ID|PATTERN", EXPECTS_MESSAGES },
	};

	for (size_t i = 0; usage && i < COUNT_OF(names); i++)
		if (strstr(usage, names[i].name))
			return names[i].what;
	return EXPECTS_NOTHING;
}

static struct expectation expect(const char *usage)
{
	struct expectation e = { named(usage), NULL };

	e.words = usage && !e.what ? literal_words(usage) : NULL;
	if (e.words)
		e.what = EXPECTS_WORDS;
	return e;
}

struct expectation completion_of_flag(const struct flag *flag)
{
	if (!strcmp(flag->name, "format"))
		return (struct expectation){ EXPECTS_WORDS, format_words() };
	return expect(flag->value);
}

/* Their values are described in words, which are not to be typed. */
struct expectation completion_of_option(const struct option_help *row)
{
	return (struct expectation){ named(row->value), NULL };
}

struct expectation completion_of_arguments(const struct command *c)
{
	return expect(c->arguments);
}

bool completion_is_sendmail(const struct command *c)
{
	return named(c->arguments) == EXPECTS_SENDMAIL;
}

bool completion_word(size_t i, const char **word, const char **help)
{
	size_t found = 0;
	const struct command *c;

	if (i == 0) { /* the one that is no row: all its words are sendmail's */
		*word = "send";
		*help = "what follows is as for sendmail";
		return true;
	}
	for (size_t n = 0; (c = command_rows[n]); n++) {
		bool is_new = true;

		for (size_t before = 0; before < n; before++)
			is_new = is_new && strcmp(command_rows[before]->word, c->word) != 0;
		found += is_new;
		if (!is_new || found != i)
			continue;
		*word = c->word;
		*help = c->sub ? "" : c->help;
		return true;
	}
	return false;
}

void completion_quote(const char *text, bool for_fish)
{
	putchar('\'');
	for (; *text; text++)
		if (*text == '\'')
			fputs(for_fish ? "\\'" : "'\\''", stdout);
		else if (*text == '\\' && for_fish)
			fputs("\\\\", stdout);
		else
			putchar(*text);
	putchar('\'');
}

bool completion_print(const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(void);
	} shells[] = {
		{ "bash", completion_bash },
		{ "zsh", completion_zsh },
		{ "fish", completion_fish },
	};

	for (size_t i = 0; i < COUNT_OF(shells); i++)
		if (!strcmp(shell, shells[i].name)) {
			shells[i].print();
			return true;
		}
	return false;
}
