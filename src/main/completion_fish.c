/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fish is told each word by a command of its own, with the place that it belongs to. */
#include "main/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* "start" is the place of the first word; else it is the command, "queue list". */
static void begin(const char *word, const char *sub)
{
	printf("complete -c acsmtp -n '__acsmtp_is \"%s%s%s\"'", word, sub ? " " : "",
	       sub ? sub : "");
}

static void end(const char *help)
{
	if (*help) {
		fputs(" -d ", stdout);
		completion_quote(help, true);
	}
	putchar('\n');
}

static void print_expectation(struct expectation e)
{
	static const char *const lists[] = {
		[EXPECTS_NOTHING] = "",
		[EXPECTS_FILES] = " -F",
		[EXPECTS_ACCOUNTS] = " -a '(__acsmtp_accounts)'",
		[EXPECTS_MESSAGES] = " -a '(__acsmtp_messages)'",
		[EXPECTS_WORDS] = "",
		[EXPECTS_SENDMAIL] = "",
	};

	fputs(lists[e.what], stdout);
	if (e.words)
		printf(" -a '%s'", e.words);
	text_cleanup(&e.words);
}

/* Files are off for all of acsmtp: on again where -F says so. */
static void print_value(struct expectation e)
{
	fputs(e.what == EXPECTS_FILES ? " -r" : " -x", stdout);
	print_expectation(e);
}

static void print_command(const struct command *c)
{
	struct expectation e = completion_of_arguments(c);

	for (const struct flag *flag = c->flags; flag && flag->name; flag++) {
		begin(c->word, c->sub);
		printf(" -l %s", flag->name);
		if (flag->kind == FLAG_TEXT)
			print_value(completion_of_flag(flag));
		end(flag->help);
	}
	begin(c->word, c->sub);
	fputs(" -l help", stdout);
	end("how it is used");
	if (e.what == EXPECTS_NOTHING || e.what == EXPECTS_SENDMAIL)
		return;
	begin(c->word, c->sub);
	print_expectation(e);
	end("");
}

static void print_option(const struct option_help *row)
{
	const char *spelling = row->spelling;

	begin("send", NULL);
	if (*spelling == '-')
		printf(" -l %s", spelling + 1);
	else
		printf(" -%c '%s'", strlen(spelling) == 1 ? 's' : 'o', spelling);
	if (row->takes_next)
		print_value(completion_of_option(row));
	end(row->help);
}

static void print_functions(void)
{
	const char *word, *help;

	printf("function __acsmtp_is\n"
	       "	set -l words (commandline -opc)\n"
	       "	set -l current (commandline -ct)\n"
	       "	set -l place start\n"
	       "	if test (count $words) = 1\n"
	       "		string match -q -- '-*' $current; and set place send\n"
	       "	else if string match -q -- '-*' $words[2]; or contains -- $words[2]");
	for (size_t i = 0; command_rows[i]; i++)
		if (completion_is_sendmail(command_rows[i]))
			printf(" %s", command_rows[i]->word);
	printf("\n		set place send\n"
	       "	else if test (count $words) -gt 2; and contains -- $words[2]");
	for (size_t i = 0; completion_word(i, &word, &help); i++)
		if (!*help)
			printf(" %s", word);
	printf("\n		set place \"$words[2] $words[3]\"\n"
	       "	else\n"
	       "		set place $words[2]\n"
	       "	end\n"
	       "	test \"$place\" = \"$argv[1]\"\n"
	       "end\n\n"
	       "function __acsmtp_accounts\n"
	       "	set -l words (commandline -opc)\n"
	       "	$words[1] account list 2> /dev/null | cut -f 1\n"
	       "end\n\n"
	       "function __acsmtp_messages\n"
	       "	set -l words (commandline -opc)\n"
	       "	$words[1] queue list --json 2> /dev/null |\n"
	       "		string match -ar '\"id\": *\"[^\"]*\"' | string split -f 4 '\"'\n"
	       "end\n\n");
}

void completion_fish(void)
{
	const char *word, *help;
	struct option_help row;

	puts("# Completion for fish, as `acsmtp help completion fish` prints it.\n");
	print_functions();
	puts("complete -c acsmtp -f");
	for (size_t i = 0; completion_word(i, &word, &help); i++) {
		begin("start", NULL);
		printf(" -a %s", word);
		end(help);
	}
	for (size_t i = 0; command_rows[i]; i++) {
		const struct command *c = command_rows[i];

		if (c->sub) {
			begin(c->word, NULL);
			printf(" -a %s", c->sub);
			end(c->help);
		}
		print_command(c);
	}
	for (size_t i = 0; option_help(i, &row); i++)
		print_option(&row);
}
