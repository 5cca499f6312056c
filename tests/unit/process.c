/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Another program's output, and what becomes of programs that misbehave. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fate.h"
#include "base/file.h"
#include "base/process.h"
#include "unit/pki.h"

enum {
	SIZE = 32,		/* of what a command may print here */
	ENOUGH = 60,		/* seconds that no command here needs */
	DESCRIPTORS = 64,	/* as many are looked at */
	PATIENCE = 20000	/* milliseconds that a kill may take to be seen */
};

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < DESCRIPTORS; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* Runs it, and sees to it that no descriptor and no child is left over. */
static bool run(const char *command, char text[SIZE + 1], int seconds, struct error *err)
{
	int before = open_descriptors();
	size_t len = 77;
	bool ok;

	memset(text, 0, SIZE + 1);
	ok = process_output(command, text, SIZE, &len, seconds, err);
	if (open_descriptors() != before)
		fail_msg("%s: %d descriptors became %d", command, before,
			 open_descriptors());
	if (waitpid(-1, NULL, WNOHANG) != -1 || errno != ECHILD)
		fail_msg("%s: a child is left", command);
	assert_in_range(len, 0, SIZE);
	if (ok && strlen(text) != len)
		fail_msg("%s: %zu bytes", command, len);
	return ok;
}

static const struct {
	const char *command, *output;
} good[] = {
	{ "echo secret", "secret\n" },
	{ "printf a; printf b; sleep 0.01; printf c", "abc" },
	{ ":", "" },
	{ "true", "" },
	{ "printf %s \"two words\" | tr t T", "Two words" },
	{ "echo note >&2; echo secret", "secret\n" },
	{ "exec 2>&-; echo secret", "secret\n" },
	{ "echo secret; exec >&- 2>&-; sleep 0.01", "secret\n" },
	{ "echo ours; exit 0; exit 1", "ours\n" },
	{ "printf %31s x", "                              x" },
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		char text[SIZE + 1];
		struct error err;

		if (!run(good[i].command, text, ENOUGH, &err))
			fail_msg("%s: %s", good[i].command, err.text);
		if (strcmp(text, good[i].output) != 0)
			fail_msg("%s: \"%s\"", good[i].command, text);
	}
}

static const struct {
	const char *command;
	int seconds;
	const char *says, *says_too;
} bad[] = {
	{ "exit 3", ENOUGH, "exit status 3", "" },
	{ "echo secret; exit 1", ENOUGH, "exit status 1", "" },
	{ "false", ENOUGH, "exit status 1", "" },
	{ "echo no key >&2; exit 2", ENOUGH, "exit status 2", "no key" },
	{ "printf '\\na\\r\\nb\\n\\n' >&2; exit 2", ENOUGH, "a? b", "" },
	{ "printf '\\033[2J\\001\\377' >&2; exit 2", ENOUGH, "?[2J??", "" },
	{ "/nowhere/program", ENOUGH, "exit status 127", "/nowhere/program" },
	{ "if", ENOUGH, "exit status 2", "yntax" },
	{ "kill -KILL $$", ENOUGH, "killed by signal 9", "" },
	{ "echo last words >&2; kill -TERM $$", ENOUGH, "killed by signal 15", "last words" },
	/* more on standard error than a pipe holds stops nobody */
	{ "printf begin >&2; head -c 200000 /dev/zero | tr '\\0' x >&2; exit 7", ENOUGH,
	  "exit status 7", "beginxxxxxxxx" },
	{ "exec cat /dev/zero", ENOUGH, "more than 16777216 bytes", "" },
	{ "echo secret; sleep 90", 1, "did not end in time", "" },
	{ "echo secret; exec >&- 2>&-; sleep 90", 1, "did not end in time", "" },
	{ "trap '' TERM INT HUP; cat /dev/zero >&2", 1, "did not end in time", "" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		char text[SIZE + 1];
		struct error err;

		if (run(bad[i].command, text, bad[i].seconds, &err))
			fail_msg("%s: taken", bad[i].command);
		if (err.kind != ERROR_SECRET || !strstr(err.text, bad[i].says) ||
		    !strstr(err.text, bad[i].says_too))
			fail_msg("%s: kind %d: %s", bad[i].command, err.kind, err.text);
		/* what it printed may be half of a password */
		assert_null(strstr(err.text, "secret"));
		assert_null(strchr(err.text, '\n'));
	}
}

/* Programs with arguments, input and a status of their own. */
static const struct {
	const char *argv[4];
	const char *input;
	int status;
	const char *output, *complaint;
} programs[] = {
	{ { "/bin/cat" }, "two words\nand a line\n", 0, "two words\nand a line\n", "" },
	{ { "/bin/cat" }, "", 0, "", "" },
	{ { "/bin/cat" }, NULL, 0, "", "" },
	{ { "/bin/echo", "$HOME", "a b" }, "not read", 0, "$HOME a b\n", "" },
	{ { "/bin/sh", "-c", "read x; echo \"<$x>\"; exit 3" }, "one\ntwo\n", 3, "<one>\n", "" },
	{ { "/bin/sh", "-c", "echo no >&2; exec <&-; sleep 0.02; exit 64" }, "x", 64, "", "no" },
	{ { "/nowhere/program" }, "x", 127, "", "" },
};

static void test_program(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(programs); i++) {
		char text[SIZE + 1] = "";
		struct process p = {
			.argv = programs[i].argv,
			.input = programs[i].input,
			.input_len = programs[i].input ? strlen(programs[i].input) : 0,
			.output = text,
			.size = SIZE,
			.seconds = ENOUGH,
		};
		int before = open_descriptors();
		struct error err;

		if (!process_run(&p, &err))
			fail_msg("row %zu: %s", i, err.text);
		assert_int_equal(open_descriptors(), before);
		assert_int_equal(p.status, programs[i].status);
		text[p.len] = '\0';
		assert_string_equal(text, programs[i].output);
		assert_string_equal(p.complaint, programs[i].complaint);
	}
}

/* More than a pipe holds, both ways at once; and a reader that goes away half way. */
static void test_long_input(void **state)
{
	enum { LONG = 300000 };
	static char input[LONG], output[LONG];
	const char *const copy[] = { "/bin/cat", NULL };
	const char *const some[] = { "/bin/sh", "-c", "head -c 10; exit 5", NULL };
	struct process p = {
		.argv = copy, .input = input, .input_len = LONG, .output = output, .size = LONG,
		.seconds = ENOUGH,
	};
	struct error err;

	(void)state;
	for (size_t i = 0; i < LONG; i++)
		input[i] = (char)(i * 7 / 5);
	assert_true(process_run(&p, &err));
	assert_int_equal(p.status, 0);
	assert_int_equal(p.len, LONG);
	assert_memory_equal(input, output, LONG);
	p.argv = some;
	assert_true(process_run(&p, &err));
	assert_int_equal(p.status, 5);
	assert_int_equal(p.len, 10);
}

/* Whoever reads nothing and does not end is ended. */
static void test_deaf_program(void **state)
{
	static char input[300000];
	const char *const argv[] = { "/bin/sleep", "90", NULL };
	char text[SIZE];
	struct process p = {
		.argv = argv, .input = input, .input_len = sizeof(input), .output = text,
		.size = SIZE, .seconds = 1,
	};
	struct error err;

	(void)state;
	assert_false(process_run(&p, &err));
	assert_int_equal(err.kind, ERROR_SECRET);
	assert_non_null(strstr(err.text, "did not end in time"));
}

/* "The first size bytes": as many are not too many, and more are dropped. */
static void test_exactly_full(void **state)
{
	char text[SIZE + 1];
	struct error err;

	(void)state;
	if (!run("printf %32s x", text, ENOUGH, &err))
		fail_msg("%s", err.text);
	assert_string_equal(text, "                               x");
	if (!run("printf %33s x; seq 1000000; printf y", text, ENOUGH, &err))
		fail_msg("%s", err.text);
	assert_string_equal(text, "                                ");
}

/* The command's own child goes with it: the last end of a pipe is closed. */
static void test_group_is_killed(void **state)
{
	OWNED_FD fd = -1;
	char text[SIZE + 1], alive[8] = "";
	struct pollfd end;
	struct error err;

	(void)state;
	assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
	fd = open(scratch("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(fd >= 0);
	setenv("FIFO", scratch("fifo"), 1);
	assert_false(run("(echo alive; exec sleep 60) >$FIFO & sleep 60", text, 1, &err));
	assert_non_null(strstr(err.text, "did not end in time"));
	end = (struct pollfd){ .fd = fd, .events = POLLIN };
	assert_int_equal(poll(&end, 1, PATIENCE), 1);
	assert_int_equal(read_some(fd, alive, sizeof(alive) - 1), 6);
	assert_string_equal(alive, "alive\n");
	assert_int_equal(poll(&end, 1, PATIENCE), 1);
	assert_int_equal(read_some(fd, alive, sizeof(alive)), 0);
	unlink(scratch("fifo"));
}

/* The mail on our standard input is not the command's to read. */
static void test_standard_input(void **state)
{
	int ends[2], saved;
	char text[SIZE + 1], mail[8] = "";
	struct error err;
	bool ok;

	(void)state;
	if (fcntl(STDIN_FILENO, F_GETFD) < 0)
		assert_int_equal(open("/dev/null", O_RDONLY), STDIN_FILENO);
	saved = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
	assert_true(saved >= 0);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_true(write_all(ends[1], "mail", 4));
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	ok = run("cat; cat <&0; echo end", text, ENOUGH, &err);
	assert_int_equal(read_some(STDIN_FILENO, mail, sizeof(mail)), 4);
	dup2(saved, STDIN_FILENO);
	close(saved);
	assert_true(ok);
	assert_string_equal(text, "end\n");
	assert_string_equal(mail, "mail");
}

static bool may_kill = true;

/* In place of libc's: as root, a test may kill everything. */
int kill(pid_t pid, int number)
{
	if (may_kill)
		return (int)syscall(SYS_kill, pid, number);
	errno = EPERM;
	return -1;
}

/* A setuid program is not waited for: it is still there afterwards. */
static void test_may_not_be_killed(void **state)
{
	char text[SIZE + 1];
	size_t len;
	struct error err;
	pid_t left;

	(void)state;
	may_kill = false;
	assert_false(process_output("echo $$; exec sleep 60", text, SIZE, &len, 1, &err));
	may_kill = true;
	text[len] = '\0';
	left = (pid_t)atol(text);
	assert_non_null(strstr(err.text, "did not end in time"));
	assert_true(left > 0);
	assert_int_equal(waitpid(left, NULL, WNOHANG), 0);
	assert_int_equal(kill(left, SIGKILL), 0);
	assert_int_equal(waitpid(left, NULL, 0), left);
}

/* SIGKILL leaves us no time to end the command; SIGTERM takes its children along too. */
static void test_we_are_killed(void **state)
{
	static const struct { int number; const char *command; } ways[] = {
		{ SIGKILL, "exec >$FIFO; echo alive; exec sleep 60" },
		{ SIGTERM, "exec >$FIFO; echo alive; sleep 60 & sleep 60" },
	};

	(void)state;
	setenv("FIFO", scratch("fifo"), 1);
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		char text[SIZE + 1] = "";
		struct pollfd end = { .events = POLLIN };
		struct error err;
		size_t len;
		OWNED_FD fd = -1;
		pid_t pid;

		assert_int_equal(mkfifo(scratch("fifo"), 0600), 0);
		fd = end.fd = open(scratch("fifo"), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		pid = fork();
		if (pid == 0) {
			fate_catch_signals();
			process_output(ways[i].command, text, SIZE, &len, ENOUGH, &err);
			_exit(0);
		}
		assert_int_equal(poll(&end, 1, PATIENCE), 1);
		assert_int_equal(read_some(fd, text, SIZE), 6);
		assert_int_equal(kill(pid, ways[i].number), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		assert_int_equal(poll(&end, 1, PATIENCE), 1);
		assert_int_equal(read_some(fd, text, SIZE), 0);
		unlink(scratch("fifo"));
	}
}

/* Whatever else we have open, as everything is opened O_CLOEXEC. */
static void test_descriptors(void **state)
{
	OWNED_FD fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	char text[SIZE + 1];
	struct error err;

	(void)state;
	assert_true(fd >= 0);
	/* What make and others left open for us is not what is tested here. */
	for (int other = 3; other < DESCRIPTORS; other++)
		fcntl(other, F_SETFD, FD_CLOEXEC);
	assert_true(run("i=0; while [ $i -lt 64 ]; do "
			"[ -e /proc/$$/fd/$i ] && printf '%s ' $i; i=$((i + 1)); done",
			text, ENOUGH, &err));
	assert_string_equal(text, "0 1 2 ");
}

/* What we ignore and block for ourselves, a program does not expect. */
static void test_signals(void **state)
{
	void (*old)(int) = signal(SIGPIPE, SIG_IGN);
	sigset_t term, old_mask;
	char text[SIZE + 1];
	struct error err;

	(void)state;
	assert_false(run("kill -PIPE $$; echo survived", text, ENOUGH, &err));
	assert_non_null(strstr(err.text, "killed by signal 13"));
	signal(SIGPIPE, old);
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old_mask);
	assert_false(run("kill -TERM $$; echo survived", text, ENOUGH, &err));
	assert_non_null(strstr(err.text, "killed by signal 15"));
	sigprocmask(SIG_SETMASK, &old_mask, NULL);
}

/* A caller may have left SIGCHLD ignored, which exec(3) keeps. */
static void test_children_ignored(void **state)
{
	void (*old)(int) = signal(SIGCHLD, SIG_IGN);
	char text[SIZE + 1];
	struct error err = { 0 };
	bool ok = run("echo secret", text, ENOUGH, &err);

	(void)state;
	signal(SIGCHLD, old);
	if (!ok)
		fail_msg("%s", err.text);
	assert_string_equal(text, "secret\n");
}

/* With room for none, one, ... descriptors more, until there is enough. */
static void test_no_descriptors(void **state)
{
	struct rlimit old, few;
	char text[SIZE + 1];
	struct error err;
	int lowest = dup(STDOUT_FILENO), failures = 0;
	bool ok = false;

	(void)state;
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	few = old;
	for (few.rlim_cur = (rlim_t)lowest; !ok; few.rlim_cur++, failures += !ok) {
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
		ok = run("echo secret", text, ENOUGH, &err);
		setrlimit(RLIMIT_NOFILE, &old);
		if (!ok && err.kind != ERROR_LATER && err.kind != ERROR_SECRET)
			fail_msg("kind %d: %s", err.kind, err.text);
		if (!ok && !failures)
			assert_int_equal(err.kind, ERROR_LATER);
		assert_in_range(failures, 0, DESCRIPTORS);
	}
	assert_in_range(failures, 4, DESCRIPTORS);
	assert_string_equal(text, "secret\n");
}

static int remove_scratch(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_long_input),
		cmocka_unit_test(test_deaf_program),
		cmocka_unit_test(test_exactly_full),
		cmocka_unit_test(test_group_is_killed),
		cmocka_unit_test(test_standard_input),
		cmocka_unit_test(test_may_not_be_killed),
		cmocka_unit_test(test_we_are_killed),
		cmocka_unit_test(test_descriptors),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_children_ignored),
		cmocka_unit_test(test_no_descriptors),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, remove_scratch);
}
