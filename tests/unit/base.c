/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The smallest things: memory, errors, time. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/path.h"
#include "base/self.h"

static void test_memory(void **state)
{
	char *zeros = xcalloc(3, 5), *bytes = xmalloc(0);
	OWNED_TEXT copy = text_copy("text");
	OWNED_TEXT piece = text_copy_n("a\0bc", 3);
	OWNED_TEXT nothing = text_copy_n("", 0);

	(void)state;
	for (int i = 0; i < 15; i++)
		assert_int_equal(zeros[i], 0);
	zeros[0] = 'z';
	zeros = xrealloc(zeros, 100);
	assert_int_equal(zeros[0], 'z');
	bytes = xrealloc(bytes, 0);
	assert_non_null(bytes);
	free(bytes);
	free(zeros);
	free(xcalloc(0, 0));
	assert_string_equal(copy, "text");
	assert_memory_equal(piece, "a\0b", 4);
	assert_string_equal(nothing, "");
}

static void test_grow(void **state)
{
	size_t room = 0, changes = 0;
	int *items = NULL;

	(void)state;
	for (size_t count = 0; count < 10000; count++) {
		size_t before = room;

		grow((void **)&items, &room, count, sizeof(*items));
		assert_true(room > count);
		changes += room != before;
		items[count] = (int)count;
	}
	for (int i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	assert_in_range(changes, 1, 20);	/* doubling, not one by one */
	free(items);
}

static void die_at_once(void)
{
	out_of_memory();
}

static void die_growing(void)
{
	size_t room = SIZE_MAX / 16;
	void *items = NULL;

	grow(&items, &room, room, 16);
}

/* The caller learns that it must try again, and why. */
static void test_out_of_memory(void **state)
{
	void (*const ways[])(void) = { die_at_once, die_growing };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		char said[200] = "";
		int ends[2], status;
		pid_t pid;

		assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			dup2(ends[1], STDERR_FILENO);
			self_begin("acsmtp", STDERR_FILENO, false);
			ways[i]();
			_exit(EX_OK);
		}
		close(ends[1]);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(read_some(ends[0], said, sizeof(said) - 1) > 0);
		close(ends[0]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), EX_TEMPFAIL);
		assert_non_null(strstr(said, "out of memory"));
		assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1);
	}
}

static void test_take(void **state)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), closed;
	char *text = text_copy("mine");

	(void)state;
	assert_true(fd >= 0);
	{
		OWNED_TEXT owned = text;
		OWNED_FD owned_fd = fd;

		assert_ptr_equal(text_take(&owned), text);
		assert_null(owned);
		assert_int_equal(fd_take(&owned_fd), fd);
		assert_int_equal(owned_fd, -1);
	}
	assert_string_equal(text, "mine");
	free(text);
	assert_true(fcntl(fd, F_GETFD) >= 0);
	closed = fd;
	{
		OWNED_FD owned_fd = fd;
		OWNED_FD none = -1;

		assert_true(owned_fd >= 0 && none < 0);
	}
	assert_int_equal(fcntl(closed, F_GETFD), -1);
}

static void test_error(void **state)
{
	struct error err;

	(void)state;
	memset(&err, 'x', sizeof(err));
	assert_false(error_set(&err, ERROR_CONFIG, "%s %d", "port", 25));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(err.reply, 0);
	assert_null(err.advice);
	assert_string_equal(err.text, "port 25");
	err.reply = 535;
	assert_false(error_context(&err, "account %s", "work"));
	assert_false(error_context(&err, "%%"));
	assert_string_equal(err.text, "%: account work: port 25");
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_int_equal(err.reply, 535);
	assert_false(error_advise(&err, "first"));
	assert_false(error_advise(&err, "second"));
	assert_string_equal(err.advice, "first");
	errno = ENOENT;
	assert_false(error_errno(&err, ERROR_IO, "open %s", "x"));
	assert_string_equal(err.text, "open x: No such file or directory");
	assert_int_equal(err.kind, ERROR_IO);
	assert_int_equal(err.reply, 0);
	assert_null(err.advice);
}

/* A file that could not be looked into may be good. */
static void test_lack(void **state)
{
	static const int lacks[] = { EMFILE, ENFILE, ENOMEM, ENOBUFS, EAGAIN };
	struct error err, reason;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(lacks); i++) {
		errno = lacks[i];
		assert_false(error_errno(&err, ERROR_CONFIG, "x.ini"));
		assert_int_equal(err.kind, ERROR_LATER);
		assert_true(error_is_lack(&err));
		for (int kind = ERROR_NONE + 1; kind < ERROR_KINDS; kind++) {
			errno = lacks[i];
			error_reason(&reason, (enum error_kind)kind);
			assert_int_equal(error_exit_status(&reason), EX_TEMPFAIL);
			assert_true(error_is_worth_retrying(&reason));
			assert_string_equal(reason.text, strerror(lacks[i]));
		}
	}
	errno = EACCES;
	assert_false(error_errno(&err, ERROR_CONFIG, "x.ini"));
	assert_int_equal(err.kind, ERROR_CONFIG);
	assert_false(error_is_lack(&err));
}

/* What is too long is cut at its end: where it happened stays. */
static void test_long_error(void **state)
{
	char words[2 * ERROR_TEXT_MAX];
	struct error err;

	(void)state;
	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	error_set(&err, ERROR_DATA, "%s", words);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	error_context(&err, "here");
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	assert_int_equal(strncmp(err.text, "here: www", 9), 0);
	error_context(&err, "%s", words);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
	errno = ENOENT;
	error_errno(&err, ERROR_DATA, "%s", words);
	assert_int_equal(strlen(err.text), ERROR_TEXT_MAX - 1);
}

static const struct {
	enum error_kind kind;
	int status;
	bool retry;
} kinds[] = {
	{ ERROR_NONE, EX_OK, false },
	{ ERROR_USAGE, EX_USAGE, false },
	{ ERROR_DATA, EX_DATAERR, false },
	{ ERROR_NO_USER, EX_NOUSER, false },
	{ ERROR_NO_HOST, EX_NOHOST, true },
	{ ERROR_REFUSED, EX_UNAVAILABLE, false },
	{ ERROR_BARRED, EX_UNAVAILABLE, true },
	{ ERROR_UNAVAILABLE, EX_UNAVAILABLE, false },
	{ ERROR_BUG, EX_SOFTWARE, false },
	{ ERROR_SYSTEM, EX_OSERR, true },
	{ ERROR_CREATE, EX_CANTCREAT, true },
	{ ERROR_IO, EX_IOERR, true },
	{ ERROR_LATER, EX_TEMPFAIL, true },
	{ ERROR_NETWORK, EX_TEMPFAIL, true },
	{ ERROR_QUOTA, EX_TEMPFAIL, true },
	{ ERROR_PROTOCOL, EX_PROTOCOL, true },
	{ ERROR_TLS, EX_PROTOCOL, true },
	{ ERROR_SENDER, EX_NOPERM, false },
	{ ERROR_AUTH, EX_NOPERM, true },
	{ ERROR_SECRET, EX_NOPERM, true },
	{ ERROR_CONFIG, EX_CONFIG, true },
};

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(COUNT_OF(kinds), ERROR_KINDS);
	for (size_t i = 0; i < COUNT_OF(kinds); i++) {
		struct error err = { .kind = kinds[i].kind };

		assert_int_equal(kinds[i].kind, i);
		assert_int_equal(error_exit_status(&err), kinds[i].status);
		assert_int_equal(error_is_worth_retrying(&err), kinds[i].retry);
	}
}

static void test_deadlines(void **state)
{
	int64_t now = clock_ms();

	(void)state;
	assert_true(clock_ms() >= now);
	assert_true(clock_after(0) >= now);
	assert_true(clock_after(LONG_MAX / 1000000) > now);
	assert_int_equal(clock_left(now - 1), 0);
	assert_int_equal(clock_left(0), 0);
	assert_int_equal(clock_left(INT64_MIN / 2), 0);
	assert_int_equal(clock_left(INT64_MAX), INT_MAX);
	assert_in_range(clock_left(clock_after(1000)), 1, 1000000);
}

static const struct {
	const char *zone;
	time_t when;
	const char *date, *stamp;
} dates[] = {
	{ "UTC0", 0, "Thu, 1 Jan 1970 00:00:00 +0000", "1970-01-01T00:00:00+0000" },
	{ "UTC0", 1795510405, "Tue, 24 Nov 2026 08:53:25 +0000", "2026-11-24T08:53:25+0000" },
	{ "JST-9", 1795510405, "Tue, 24 Nov 2026 17:53:25 +0900", "2026-11-24T17:53:25+0900" },
	{ "EST5", 1795510405, "Tue, 24 Nov 2026 03:53:25 -0500", "2026-11-24T03:53:25-0500" },
	{ "XXX-5:45", 0, "Thu, 1 Jan 1970 05:45:00 +0545", "1970-01-01T05:45:00+0545" },
	{ "NST3:30", 0, "Wed, 31 Dec 1969 20:30:00 -0330", "1969-12-31T20:30:00-0330" },
	{ "UTC0", 951782400, "Tue, 29 Feb 2000 00:00:00 +0000", "2000-02-29T00:00:00+0000" },
	{ "UTC0", 2147483648, "Tue, 19 Jan 2038 03:14:08 +0000", "2038-01-19T03:14:08+0000" },
	{ "UTC0", 253402300799, "Fri, 31 Dec 9999 23:59:59 +0000", "9999-12-31T23:59:59+0000" },
};

static void test_dates(void **state)
{
	OWNED_TEXT zone = text_copy(getenv("TZ") ? getenv("TZ") : "");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(dates); i++) {
		char date[CLOCK_DATE_SIZE], stamp[CLOCK_DATE_SIZE];

		setenv("TZ", dates[i].zone, 1);
		tzset();
		clock_date(dates[i].when, date);
		clock_stamp(dates[i].when, stamp);
		assert_string_equal(date, dates[i].date);
		assert_string_equal(stamp, dates[i].stamp);
	}
	setenv("TZ", zone, 1);
	if (!*zone)
		unsetenv("TZ");
	tzset();
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_ids(void **state)
{
	static char ids[1000][ID_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ids); i++) {
		id_new(ids[i]);
		assert_int_equal(strlen(ids[i]), 16);
		assert_int_equal(strspn(ids[i], "0123456789abcdefghijklmnopqrstuv"), 16);
	}
	qsort(ids, COUNT_OF(ids), sizeof(ids[0]), compare);
	for (size_t i = 1; i < COUNT_OF(ids); i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
}

static void test_paths(void **state)
{
	static const struct {
		const char *path, *directory, *name, *beside;	/* that, called "c" */
	} rows[] = {
		{ "/a/b", "/a", "b", "/a/c" },
		{ "/b", "/", "b", "/c" },
		{ "b", ".", "b", "c" },
		{ "a/b", "a", "b", "a/c" },
		{ "./b", ".", "b", "./c" },
		{ "/a/", "/a", "", "/a/c" },
		{ "/a//b", "/a/", "b", "/a//c" },
		{ "/", "/", "", "/c" },
		{ "", ".", "", "c" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_TEXT directory = path_directory(rows[i].path);
		OWNED_TEXT beside = path_beside(rows[i].path, "c");

		assert_string_equal(directory, rows[i].directory);
		assert_string_equal(path_name(rows[i].path), rows[i].name);
		assert_string_equal(beside, rows[i].beside);
	}
}

/* A page that a call which is over has written to. */
static __attribute__((noinline)) char *go_deep(uintptr_t page)
{
	char *place = (char *)(((uintptr_t)__builtin_frame_address(0) & ~(page - 1)) - 12 * page);
	volatile char room[64 * 1024];

	for (size_t i = 0; i < sizeof(room); i++)
		room[i] = 1;
	*(volatile char *)place = 1;
	return place;
}

static void test_rest(void **state)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	char *place = go_deep(page);
	unsigned char is_here;

	(void)state;
	assert_int_equal(mincore(place, page, &is_here), 0);
	assert_int_equal(is_here & 1, 1);
	memory_rest();
	assert_int_equal(mincore(place, page, &is_here), 0);
	assert_int_equal(is_here & 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_grow),
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_error),
		cmocka_unit_test(test_lack),
		cmocka_unit_test(test_long_error),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_deadlines),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
