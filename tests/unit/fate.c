/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the caller learns when something ends us, before, while and after mail is sent. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fate.h"
#include "base/self.h"
#include "base/file.h"

enum { SAID_MAX = 400, DONE = 7 };

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGALRM };

/* Runs it in a process of its own and keeps what that says; its wait(2) status. */
static int end_of(void (*run)(int), int argument, char said[SAID_MAX + 1])
{
	int ends[2], status;
	size_t len = 0;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(ends[1], STDERR_FILENO);
		/* Whoever runs the tests in the background may have some of them ignored. */
		for (size_t i = 0; i < COUNT_OF(numbers); i++)
			signal(numbers[i], SIG_DFL);
		run(argument);
		_exit(DONE);
	}
	close(ends[1]);
	while ((n = read_some(ends[0], said + len, SAID_MAX - len)) > 0)
		len += (size_t)n;
	said[len] = '\0';
	close(ends[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void be_signalled(int number)
{
	self_begin("sendmail", STDERR_FILENO, isatty(STDERR_FILENO));
	fate_catch_signals();
	raise(number);
}

static void be_signalled_perhaps(int number)
{
	fate_set(FATE_PERHAPS);
	be_signalled(number);
}

static void be_signalled_when_sent(int number)
{
	fate_set(FATE_SENT);
	be_signalled(number);
	raise(number);
}

static void be_signalled_when_queued(int number)
{
	fate_set(FATE_QUEUED);
	be_signalled(number);
}

/* A signal that comes while it is held must find the end of what was going on. */
static void be_signalled_when_held(int number)
{
	self_begin("sendmail", STDERR_FILENO, isatty(STDERR_FILENO));
	fate_catch_signals();
	fate_hold(true);
	raise(number);
	fate_set(FATE_QUEUED);
	fate_hold(false);
}

/* A runner of the queue: one message is done, and then the next would begin. */
static void be_signalled_between(int number)
{
	fate_set(FATE_SENT);
	be_signalled(number);
	fate_set(FATE_NOT_SENT);
}

/* The server's answer is waited for, and the verdict written down. */
static void be_signalled_when_awaited(int number)
{
	fate_set(FATE_AWAITED);
	be_signalled(number);
	if (!fate_is_put_off())
		return;
	(void)!write(STDERR_FILENO, "written\n", 8);
	fate_set(FATE_NOT_SENT);
}

/* The same of a message that a caller waits for, and that the spool has by now. */
static void be_signalled_when_stored(int number)
{
	fate_set(FATE_STORED);
	fate_set(FATE_AWAITED);
	be_signalled(number);
	(void)!write(STDERR_FILENO, "written\n", 8);
	fate_set(FATE_STORED);
}

static void be_signalled_when_explained(int number)
{
	fate_explain("1 of 3 has it");
	fate_explain("2 of 3 have it");
	be_signalled_perhaps(number);
}

static void be_signalled_when_ignored(int number)
{
	signal(number, SIG_IGN);
	be_signalled(number);
}

static void test_signals(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char said[SAID_MAX + 1];
		int status = end_of(be_signalled, numbers[i], said);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_string_equal(said, "");
		status = end_of(be_signalled_perhaps, numbers[i], said);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
		assert_string_equal(said, "sendmail: interrupted: the message may have been "
				    "sent, to some recipients or to all; sending it again may "
				    "deliver it twice\n");
		status = end_of(be_signalled_when_sent, numbers[i], said);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), DONE);
		assert_string_equal(said, "");
	}
}

static void test_queued(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char said[SAID_MAX + 1];
		int status = end_of(be_signalled_when_queued, numbers[i], said);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), DONE);
		status = end_of(be_signalled_when_held, numbers[i], said);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), DONE);
		assert_string_equal(said, "");
	}
}

static void test_put_off(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char said[SAID_MAX + 1];
		int status = end_of(be_signalled_between, numbers[i], said);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_string_equal(said, "");
	}
}

static void test_awaited(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char said[SAID_MAX + 1];
		int status = end_of(be_signalled_when_awaited, numbers[i], said);

		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), numbers[i]);
		assert_string_equal(said, "written\n");
		status = end_of(be_signalled_when_stored, numbers[i], said);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), EX_OK);
		assert_string_equal(said, "written\nsendmail: interrupted: the message is "
				    "queued and will be sent\n");
		status = end_of(be_signalled_when_explained, numbers[i], said);
		assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
		assert_non_null(strstr(said, "deliver it twice: 2 of 3 have it\n"));
	}
}

/* Whatever instruction a signal comes at, it ends us: none is put off for ever. */
static void step_into(int unused)
{
	(void)unused;
	self_begin("sendmail", STDERR_FILENO, isatty(STDERR_FILENO));
	fate_catch_signals();
	fate_set(FATE_SENT);
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	fate_set(FATE_NOT_SENT);
	_exit(DONE);
}

/* After the signal, however it is put off. */
static int run_on(pid_t pid)
{
	int status;

	do {
		long sent = 0;

		waitpid(pid, &status, 0);
		if (!WIFSTOPPED(status))
			return status;
		if (WSTOPSIG(status) != SIGTRAP)
			sent = WSTOPSIG(status);
		ptrace(PTRACE_CONT, pid, NULL, sent);
	} while (true);
}

/* The child's wait(2) status when a signal comes after so many instructions; -1: none does.
   *taken are those that there were before. */
static int end_after(int steps, int *taken)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		signal(SIGTERM, SIG_DFL);
		step_into(0);
	}
	waitpid(pid, &status, 0);
	for (*taken = 0; WIFSTOPPED(status); ++*taken) {
		if (*taken == steps) {
			ptrace(PTRACE_CONT, pid, NULL, (long)SIGTERM);
			return run_on(pid);
		}
		ptrace(PTRACE_SINGLESTEP, pid, NULL, 0L);
		waitpid(pid, &status, 0);
	}
	return status;
}

static void test_at_every_instruction(void **state)
{
	int all, taken, status = end_after(-1, &all);
	/* A sanitizer's own code makes it thousands, which cost their square: some will do. */
	int stride = all < 1000 ? 1 : all / 50;

	(void)state;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == DONE && all > 10);
	for (int steps = 0; steps < all - 1; steps += stride) {
		status = end_after(steps, &taken);
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGTERM)
			fail_msg("after %d of %d instructions: %#x", steps, all, status);
	}
}

/* nohup sendmail ... */
static void test_inherited(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		char said[SAID_MAX + 1];
		int status = end_of(be_signalled_when_ignored, numbers[i], said);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), DONE);
	}
}

/* A standard error that nobody reads, and that is full, must not keep us. */
static void be_unheard(int unused)
{
	char block[4096] = "";
	int ends[2];

	(void)unused;
	if (pipe2(ends, O_NONBLOCK) < 0)
		return;
	while (write(ends[1], block, sizeof(block)) > 0)
		;
	fcntl(ends[1], F_SETFL, 0);
	dup2(ends[1], STDERR_FILENO);
	be_signalled_perhaps(SIGTERM);
}

static void test_unheard(void **state)
{
	char said[SAID_MAX + 1];
	int status = end_of(be_unheard, 0, said);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
}

/* The pipe of standard error ends when the child does, who would live for ever. */
static void leave_a_child(int number)
{
	pid_t pid = fork();

	if (pid == 0) {
		setpgid(0, 0);
		for (;;)
			pause();
	}
	setpgid(pid, pid);
	fate_take_along(pid);
	be_signalled(number);
}

static void test_taken_along(void **state)
{
	char said[SAID_MAX + 1];
	int status = end_of(leave_a_child, SIGTERM, said);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGTERM);
}

static void run_out_of_memory(int fate)
{
	self_begin("acsmtp", STDERR_FILENO, false);
	fate_set((enum fate)fate);
	out_of_memory();
}

static const struct {
	enum fate fate;
	int exit_status;
	const char *said;
} ends[] = {
	{ FATE_NOT_SENT, EX_TEMPFAIL, "was not sent" },
	{ FATE_PERHAPS, EX_TEMPFAIL, "may have been sent" },
	{ FATE_SENT, EX_OK, "was sent; the log may lack it" },
};

static void test_out_of_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		char said[SAID_MAX + 1];
		int status = end_of(run_out_of_memory, (int)ends[i].fate, said);

		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), ends[i].exit_status);
		assert_int_equal(strncmp(said, "acsmtp: out of memory: ", 23), 0);
		assert_non_null(strstr(said, ends[i].said));
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	}
}

static void test_set(void **state)
{
	(void)state;
	assert_int_equal(fate_now(), FATE_NOT_SENT);
	fate_set(FATE_SENT);
	assert_int_equal(fate_now(), FATE_SENT);
	fate_set(FATE_NOT_SENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_queued),
		cmocka_unit_test(test_put_off),
		cmocka_unit_test(test_awaited),
		cmocka_unit_test(test_at_every_instruction),
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_unheard),
		cmocka_unit_test(test_taken_along),
		cmocka_unit_test(test_out_of_memory),
	};

	return cmocka_run_group_tests_name("fate", tests, NULL, NULL);
}
