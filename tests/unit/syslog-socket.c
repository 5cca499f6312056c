/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The system's log: what it hears, and that one that does not listen keeps nobody. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/syslog_socket.h"
#include "unit/pki.h"

enum { HEARD_MAX = 12000, MANY = 3000 };

static int listen_as(int type)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", scratch("log"));
	unlink(address.sun_path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 5), 0);
	return fd;
}

/* "<PRI>Nov 24 08:53:25 t[PID]: one", in the second before it was sent or that after. */
static void assert_heard(const char *heard, int priority, time_t before)
{
	char line[100], date[CLOCK_DATE_SIZE];

	for (time_t when = before; when <= time(NULL); when++) {
		clock_syslog(when, date);
		snprintf(line, sizeof(line), "<%d>%s t[%ld]: one", LOG_MAIL | priority, date,
			 (long)getpid());
		if (!strcmp(line, heard))
			return;
	}
	fail_msg("\"%s\"", heard);
}

static void test_line(void **state)
{
	static const int priorities[] = { LOG_INFO, LOG_ERR };
	OWNED_FD log = listen_as(SOCK_DGRAM);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(priorities); i++) {
		char heard[HEARD_MAX] = "";
		time_t before = time(NULL);

		assert_true(syslog_send(scratch("log"), priorities[i], "t", "one"));
		assert_true(read_some(log, heard, sizeof(heard) - 1) > 0);
		assert_heard(heard, priorities[i], before);
	}
}

static void test_long_line(void **state)
{
	OWNED_FD log = listen_as(SOCK_DGRAM);
	char words[8000], heard[HEARD_MAX] = "";

	(void)state;
	memset(words, 'x', sizeof(words));
	words[sizeof(words) - 1] = '\0';
	assert_true(syslog_send(scratch("log"), LOG_INFO, words, words));
	assert_true(read_some(log, heard, sizeof(heard) - 1) > 0);
	assert_string_equal(strstr(heard, "]: ") + 3, words);
}

static void test_stream(void **state)
{
	OWNED_FD log = listen_as(SOCK_STREAM), from = -1;
	char heard[HEARD_MAX] = "";
	time_t before = time(NULL);
	ssize_t len;

	(void)state;
	assert_true(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
	from = accept4(log, NULL, NULL, SOCK_CLOEXEC);
	len = read_some(from, heard, sizeof(heard) - 1);
	assert_int_equal(len, strlen(heard) + 1);	/* its end is sent */
	assert_heard(heard, LOG_INFO, before);
}

/* syslog(3) would not come back. */
static void test_nobody_reads(void **state)
{
	static const int types[] = { SOCK_DGRAM, SOCK_STREAM };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		OWNED_FD log = listen_as(types[i]);
		int sent = 0;

		while (sent < MANY && syslog_send(scratch("log"), LOG_INFO, "t", "one"))
			sent++;
		assert_in_range(sent, 1, MANY - 1);
		assert_int_equal(errno, EAGAIN);
	}
}

static void test_nobody_there(void **state)
{
	int log = listen_as(SOCK_DGRAM);

	(void)state;
	close(log);
	assert_false(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
	assert_int_equal(errno, ECONNREFUSED);
	unlink(scratch("log"));
	assert_true(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
}

/* From here on it stays so. */
static void test_connected_before(void **state)
{
	OWNED_FD log = listen_as(SOCK_DGRAM);
	char heard[HEARD_MAX] = "";
	time_t before = time(NULL);

	(void)state;
	syslog_stay(scratch("log"));
	unlink(scratch("log"));
	assert_true(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
	assert_true(read_some(log, heard, sizeof(heard) - 1) > 0);
	assert_heard(heard, LOG_INFO, before);
}

static void test_another_listens_there(void **state)
{
	char heard[HEARD_MAX] = "";
	time_t before = time(NULL);

	(void)state;
	/* Between the two nobody is there. */
	assert_true(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
	for (int i = 0; i < 2; i++) {
		OWNED_FD log = listen_as(SOCK_DGRAM);

		assert_true(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
		assert_true(read_some(log, heard, sizeof(heard) - 1) > 0);
		assert_heard(heard, LOG_INFO, before);
	}
	assert_false(syslog_send(scratch("log"), LOG_INFO, "t", "one"));
	assert_int_equal(errno, ECONNREFUSED);
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
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_long_line),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_nobody_reads),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_connected_before),
		cmocka_unit_test(test_another_listens_there),
	};

	return cmocka_run_group_tests_name("syslog-socket", tests, NULL, remove_scratch);
}
