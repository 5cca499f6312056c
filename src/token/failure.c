/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/token.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/text.h"

bool token_fail(struct token_failure *failure, enum token_end end, const char *fmt, ...)
{
	va_list args;

	failure->end = end;
	va_start(args, fmt);
	vsnprintf(failure->text, sizeof(failure->text), fmt, args);
	va_end(args);
	text_make_printable(failure->text);
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
	static const char text[] = "endpoint: it took too long: try again later\n";

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
