/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/token.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/language.h"
#include "base/text.h"

__attribute__((format(printf, 2, 0)))
static void put_words(struct token_failure *failure, const char *fmt, va_list args)
{
	failure->words[0] = '\0';
	if (language_is_on())
		vsnprintf(failure->words, sizeof(failure->words), tr(fmt), args);
	text_make_printable(failure->words);
}

bool token_fail(struct token_failure *failure, enum token_end end, const char *fmt, ...)
{
	va_list args, again;

	failure->end = end;
	va_start(args, fmt);
	va_copy(again, args);
	vsnprintf(failure->text, sizeof(failure->text), fmt, args);
	text_make_printable(failure->text);
	put_words(failure, fmt, again);
	va_end(again);
	va_end(args);
	return false;
}

bool token_fail_words(struct token_failure *failure, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	put_words(failure, fmt, args);
	va_end(args);
	return false;
}

void token_grant_free(struct token_grant *grant)
{
	secret_free(&grant->access);
	secret_free(&grant->refresh);
	grant->expires = 0;
}

static void on_alarm(int number)
{
	static const char text[] = N_("endpoint: it took too long: try again later");

	(void)number;
	(void)write_patiently(STDERR_FILENO, text, sizeof(text) - 1, 100);
	_exit(TOKEN_LATER);
}

void token_watch(unsigned seconds)
{
	struct sigaction action = { .sa_handler = on_alarm };

	sigaction(SIGALRM, &action, NULL);
	alarm(seconds + TOKEN_GRACE_SECONDS);
}
