/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whether an account may send: what the runner asks and tells, over the file of the spool. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "delivery/throttle.h"
#include "unit/pki.h"

enum { NOW = 1800000000, PROCESSES = 8, ASKS = 100 };

static struct spool spool = SPOOL_CLOSED;
static int number;

/* A new one for each test. */
static struct account account(long per_minute, long per_hour)
{
	static char name[20];

	snprintf(name, sizeof(name), "account-%d", ++number);
	return (struct account){
		.name = name, .rate_per_minute = per_minute, .rate_per_hour = per_hour,
	};
}

static bool has_file(const struct account *a)
{
	char name[40];

	snprintf(name, sizeof(name), "spool/accounts/%s", a->name);
	return access(scratch(name), F_OK) == 0;
}

static struct error error_of(enum error_kind kind, int reply, const char *text)
{
	struct error err;

	error_set(&err, kind, "%s", text);
	err.reply = reply;
	return err;
}

static void test_windows(void **state)
{
	struct account a = account(3, 5);
	struct throttle_view view;
	struct pause pause;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(throttle_ask(&spool, &a, 1, NOW, &pause));
		throttle_learn(&spool, &a, NULL, true, NOW);
	}
	assert_false(throttle_ask(&spool, &a, 1, NOW, &pause));
	assert_in_range(pause.at, NOW + 60, NOW + 65);
	assert_string_equal(pause.why, "the quota is used up for now");
	assert_true(throttle_ask(&spool, &a, 2, pause.at, &pause));
	assert_false(throttle_ask(&spool, &a, 1, NOW + 300, &pause));
	assert_in_range(pause.at, NOW + 3600, NOW + 3600 + 240);
	throttle_look(&spool, &a, NOW + 300, &view);
	assert_int_equal(view.used_minute, 0);
	assert_int_equal(view.used_hour, 5);
	assert_int_equal(view.share_minute, 3);
	assert_int_equal(view.share_hour, 5);
	assert_int_equal(view.last_success, NOW);
	assert_int_equal(view.paused_until, 0);
	assert_string_equal(view.why, "");
}

/* Without a quota nothing is written until there is a reason to wait. */
static void test_no_quota(void **state)
{
	struct account a = account(0, 0);
	struct error lost = error_of(ERROR_NETWORK, 0, "no connection: \x1b[1m");
	struct error no = error_of(ERROR_NO_USER, 550, "550 5.1.1");
	struct throttle_view view;
	struct pause pause;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(throttle_ask(&spool, &a, 1000, NOW, &pause));
		throttle_learn(&spool, &a, NULL, true, NOW);
		throttle_learn(&spool, &a, &no, true, NOW);
		throttle_learn(&spool, &a, &lost, true, NOW);
	}
	throttle_look(&spool, &a, NOW, &view);
	throttle_resume(&spool, &a);
	assert_int_equal(view.share_hour, 0);
	assert_false(has_file(&a));
	throttle_learn(&spool, &a, &lost, false, NOW);
	assert_true(has_file(&a));
	assert_false(throttle_ask(&spool, &a, 1, NOW + 59, &pause));
	assert_in_range(pause.at, NOW + 60, NOW + 75);
	assert_string_equal(pause.why, "no connection: ?[1m");
	throttle_look(&spool, &a, NOW + 59, &view);
	assert_int_equal(view.paused_until, pause.at);
	assert_string_equal(view.why, pause.why);
	assert_int_equal(view.failures, 1);
	throttle_resume(&spool, &a);
	assert_true(throttle_ask(&spool, &a, 1, NOW + 59, &pause));
	throttle_learn(&spool, &a, NULL, true, NOW + 60);
	throttle_look(&spool, &a, NOW + 60, &view);
	assert_int_equal(view.last_success, NOW + 60);
	assert_int_equal(view.failures, 0);
}

/* Each failure from when the pause before has ended. */
static void test_schedules(void **state)
{
	static const struct {
		struct error err;
		long least[7];
	} rows[] = {
		{ { .kind = ERROR_QUOTA, .reply = 450, .text = "4.5.127" }, { 60, 120, 300, 900, 1800, 3600, 3600 } },
		{ { .kind = ERROR_AUTH, .reply = 535, .text = "5.7.3" }, { 300, 900, 1800, 3600, 3600, 3600, 3600 } },
		{ { .kind = ERROR_NETWORK, .text = "x" }, { 60, 120, 300, 900, 1800, 3600, 3600 } },
		{ { .kind = ERROR_CONFIG, .text = "x" }, { 60, 120, 300, 900, 1800, 3600, 3600 } },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct account a = account(0, 0);
		struct throttle_view view;
		struct pause pause;
		time_t now = NOW;

		for (size_t j = 0; j < COUNT_OF(rows[i].least); j++) {
			assert_true(throttle_ask(&spool, &a, 1, now, &pause));
			/* Three had begun: it is one failure. */
			for (int k = 0; k < 3; k++)
				throttle_learn(&spool, &a, &rows[i].err, false, now);
			throttle_look(&spool, &a, now, &view);
			assert_int_equal(view.failures, j + 1);
			assert_in_range(view.paused_until - now, rows[i].least[j],
					rows[i].least[j] * 5 / 4);
			now = view.paused_until;
		}
	}
}

/* One message that brings the server down does not stop the others. */
static void test_poison(void **state)
{
	struct account a = account(30, 100);
	struct error lost = error_of(ERROR_NETWORK, 0, "lost"), pause_now = lost;
	struct pause pause;

	(void)state;
	for (int i = 0; i < 5; i++) {
		assert_true(throttle_ask(&spool, &a, 1, NOW, &pause));
		throttle_learn(&spool, &a, &lost, true, NOW);
	}
	/* And when it was let through to try for the others, they are let through after it. */
	throttle_learn(&spool, &a, &pause_now, false, NOW);
	assert_false(throttle_ask(&spool, &a, 1, NOW, &pause));
	assert_true(throttle_ask(&spool, &a, 1, NOW + 80, &pause));
	assert_false(throttle_ask(&spool, &a, 1, NOW + 80, &pause));
	throttle_learn(&spool, &a, &lost, true, NOW + 81);
	assert_true(throttle_ask(&spool, &a, 1, NOW + 82, &pause));
	assert_true(throttle_ask(&spool, &a, 1, NOW + 82, &pause));
}

/* However far the clock goes back, the longest pause of the schedule is the longest. */
static void test_clock_goes_back(void **state)
{
	struct account a = account(30, 100);
	struct error lost = error_of(ERROR_NETWORK, 0, "lost");
	struct throttle_view view;
	struct pause pause;
	time_t now = NOW - 1000000, begin = now;

	(void)state;
	assert_true(throttle_ask(&spool, &a, 100, NOW, &pause));
	throttle_learn(&spool, &a, &lost, false, NOW);
	throttle_look(&spool, &a, now, &view);
	assert_int_equal(view.used_hour, 100);
	assert_in_range(view.paused_until, now + 60, now + 75);
	/* Asked often, and when it says. */
	while (!throttle_ask(&spool, &a, 1, now, &pause)) {
		assert_true(pause.at > now);
		now = pause.at - now > 10 ? now + 10 : pause.at;
	}
	assert_in_range(now - begin, 3600, 4000);
}

/* What is wrong with a message before anybody was asked says nothing of the account. */
static void test_undecided(void **state)
{
	struct account a = account(0, 0);
	struct error lost = error_of(ERROR_NETWORK, 0, "lost");
	struct error big = error_of(ERROR_DATA, 0, "too big");
	struct throttle_view view;
	struct pause pause;

	(void)state;
	throttle_learn(&spool, &a, &lost, false, NOW);
	assert_true(throttle_ask(&spool, &a, 1, NOW + 80, &pause));
	throttle_learn(&spool, &a, &big, false, NOW + 80);
	assert_true(throttle_ask(&spool, &a, 1, NOW + 80, &pause));	/* another may try */
	assert_false(throttle_ask(&spool, &a, 1, NOW + 80, &pause));
	throttle_look(&spool, &a, NOW + 80, &view);
	assert_int_equal(view.failures, 1);
}

static void test_quota_that_is_shared(void **state)
{
	struct account a = account(30, 100);
	struct error quota = error_of(ERROR_QUOTA, 450, "450 4.5.127");
	struct throttle_view view;
	struct pause pause;
	time_t now = NOW;

	(void)state;
	for (int i = 0; i < 6; i++) {
		while (!throttle_ask(&spool, &a, 1, now, &pause))
			now = pause.at;
		throttle_learn(&spool, &a, &quota, true, now);
	}
	throttle_look(&spool, &a, now, &view);
	assert_true(view.share_hour < 10);
	throttle_learn(&spool, &a, NULL, true, now);
	assert_false(throttle_ask(&spool, &a, 1, now, &pause));
	assert_non_null(strstr(pause.why, "others"));
}

/* Mail goes on where nothing can be counted. */
static void test_no_spool(void **state)
{
	const struct spool closed = SPOOL_CLOSED;
	struct account a = account(1, 1);
	struct error lost = error_of(ERROR_NETWORK, 0, "lost");
	struct throttle_view view;
	struct pause pause;

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_true(throttle_ask(&closed, &a, 1, NOW, &pause));
		throttle_learn(&closed, &a, NULL, true, NOW);
		throttle_learn(&closed, &a, &lost, false, NOW);
	}
	throttle_look(&closed, &a, NOW, &view);
	assert_int_equal(view.share_hour, 1);
	throttle_resume(&closed, &a);
}

/* Not one more and not one less, however many ask. */
static void test_processes(void **state)
{
	struct account a = account(0, PROCESSES * ASKS / 2);
	pid_t pids[PROCESSES];
	int allowed = 0, pipes[2];
	char byte;

	(void)state;
	assert_return_code(pipe(pipes), 0);
	for (int i = 0; i < PROCESSES; i++) {
		pids[i] = fork();
		assert_return_code(pids[i], 0);
		if (pids[i] == 0) {
			struct pause pause;

			for (int j = 0; j < ASKS; j++)
				if (throttle_ask(&spool, &a, 1, NOW, &pause) &&
				    write(pipes[1], "x", 1) != 1)
					_exit(1);
			_exit(0);
		}
	}
	close(pipes[1]);
	while (read(pipes[0], &byte, 1) == 1)
		allowed++;
	close(pipes[0]);
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	assert_int_equal(allowed, PROCESSES * ASKS / 2);
}

static int set_up(void **state)
{
	struct error err;

	(void)state;
	log_open("off", "test");
	return spool_open(&spool, scratch("spool"), &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	spool_close(&spool);
	scratch_remove();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_no_quota),
		cmocka_unit_test(test_schedules),
		cmocka_unit_test(test_poison),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_undecided),
		cmocka_unit_test(test_quota_that_is_shared),
		cmocka_unit_test(test_no_spool),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests_name("throttle", tests, set_up, tear_down);
}
