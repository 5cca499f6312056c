/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is typed when the time is over: the end of a real terminal. */
#include <fcntl.h>
#include <pty.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "talk/ask.h"

enum { TIMED_OUT = 10, ANSWERED = 20 };	/* exit statuses; with what is left of the input */

/* How many bytes somebody who comes after us would find. */
static int left_over(void)
{
	struct termios raw;
	char bytes[100];
	ssize_t n;

	if (tcgetattr(STDIN_FILENO, &raw) < 0)
		return 9;
	raw.c_lflag &= ~(tcflag_t)ICANON;
	raw.c_cc[VMIN] = 0;
	raw.c_cc[VTIME] = 2;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	n = read(STDIN_FILENO, bytes, sizeof(bytes));
	return n < 9 ? (int)n : 9;
}

_Noreturn static void ask(void)
{
	OWNED_SECRET secret = { 0 };
	struct error err;
	bool ok = ask_secret("Password: ", 1, &secret, &err);

	_exit((ok ? ANSWERED : TIMED_OUT) + left_over());
}

/* Types `text` once echo is off. Returns the child's exit status. */
static int ask_and_type(const char *text)
{
	int terminal, status;
	struct termios now;
	pid_t child = forkpty(&terminal, NULL, NULL, NULL);

	assert_true(child >= 0);
	if (child == 0)
		ask();
	do
		assert_int_equal(tcgetattr(terminal, &now), 0);
	while ((now.c_lflag & ECHO) && waitpid(child, &status, WNOHANG) == 0);
	usleep(100 * 1000);	/* beyond the flush that goes with it */
	assert_int_equal(write(terminal, text, strlen(text)), strlen(text));
	assert_int_equal(waitpid(child, &status, 0), child);
	close(terminal);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_half_an_answer(void **state)
{
	(void)state;
	assert_int_equal(ask_and_type("hunt"), TIMED_OUT);
}

/* What is typed ahead for the next program is that program's. */
static void test_answer_and_more(void **state)
{
	(void)state;
	assert_int_equal(ask_and_type("hunter2\nls\n"), ANSWERED + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_half_an_answer),
		cmocka_unit_test(test_answer_and_more),
	};

	return cmocka_run_group_tests_name("terminal", tests, NULL, NULL);
}
