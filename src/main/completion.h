/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Completion for shells, from the tables of commands and options. */
#ifndef MAIN_COMPLETION_H
#define MAIN_COMPLETION_H

#include "talk/command.h"
#include "main/commands.h"
#include "sendmail/options.h"

/* What may come in a place. */
enum expected {
	EXPECTS_NOTHING,	/* a text that nobody can guess */
	EXPECTS_FILES,
	EXPECTS_ACCOUNTS,
	EXPECTS_MESSAGES,	/* ids of the queue */
	EXPECTS_WORDS,		/* one of a few */
	EXPECTS_SENDMAIL	/* options as of sendmail(8) */
};

struct expectation {
	enum expected what;
	char *words;		/* of EXPECTS_WORDS, a blank between them; the caller frees it */
};

struct expectation completion_of_flag(const struct flag *flag);	/* its value; or NOTHING */
struct expectation completion_of_option(const struct option_help *row);
struct expectation completion_of_arguments(const struct command *c);

bool completion_is_sendmail(const struct command *c);	/* goes on as sendmail does */

/* Command words, each once, counted from 0: its help unless it has subs. False: no more. */
bool completion_word(size_t i, const char **word, const char **help);

/* Prints `text` within single quotes, as sh, zsh (and fish, if so) read them. */
void completion_quote(const char *text, bool for_fish);

/* Prints the script. */
void completion_bash(void), completion_zsh(void), completion_fish(void);

/* By the name of the shell; false: there is none for it. */
bool completion_print(const char *shell);

#endif
