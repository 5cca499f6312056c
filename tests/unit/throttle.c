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

#define TURN(where, whose, count) \
	(struct turn){ .spool = &(where), .account = &(whose), .messages = (count) }

static struct spool spool = SPOOL_CLOSED;
static int number;

/* A new one for each test. */
static struct account account(long per_minute, long per_hour)
{
	static char name[20];

	snprintf(name, sizeof(name), "account-%d", ++number);
	return (struct account){
		.name = name, .host = name, .user = (char *)"me", .port = 587, .rate_per_minute = per_minute, .rate_per_hour = per_hour,
	};
}

static bool has_file(const struct account *a)
{
	char name[60];

	snprintf(name, sizeof(name), "spool/accounts/%s:587:me", a->name);
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
		assert_true(throttle_ask(&TURN(spool, a, 1), NOW, &pause));
		throttle_learn(&TURN(spool, a, 1), NULL, true, NOW);
	}
	assert_false(throttle_ask(&TURN(spool, a, 1), NOW, &pause));
	assert_in_range(pause.at, NOW + 60, NOW + 65);
	assert_string_equal(pause.why, "the quota is used up for now");
	assert_true(throttle_ask(&TURN(spool, a, 2), pause.at, &pause));
	assert_false(throttle_ask(&TURN(spool, a, 1), NOW + 300, &pause));
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

/* Without a quota nothing is written but that it works, until there is a reason to wait. */
static void test_no_quota(void **state)
{
	struct account a = account(0, 0);
	struct error lost = error_of(ERROR_NETWORK, 0, "no connection: \x1b[1m");
	struct error no = error_of(ERROR_NO_USER, 550, "550 5.1.1");
	struct throttle_view view;
	struct pause pause;

	(void)state;
	for (int i = 0; i < 10; i++) {
		assert_true(throttle_ask(&TURN(spool, a, 1000), NOW, &pause));
		throttle_learn(&TURN(spool, a, 1), &no, true, NOW);
		throttle_learn(&TURN(spool, a, 1), &lost, true, NOW);
	}
	throttle_look(&spool, &a, NOW, &view);
	throttle_resume(&spool, &a);
	assert_int_equal(view.share_hour, 0);
	assert_false(has_file(&a));
	assert_false(throttle_has_never_sent(&spool, &a));	/* that is not known */
	throttle_learn(&TURN(spool, a, 1), &lost, false, NOW - 100);
	assert_true(throttle_has_never_sent(&spool, &a));
	throttle_learn(&TURN(spool, a, 1), NULL, true, NOW);
	assert_true(has_file(&a));
	assert_false(throttle_has_never_sent(&spool, &a));
	throttle_learn(&TURN(spool, a, 1), &lost, false, NOW);
	assert_true(has_file(&a));
	assert_false(throttle_ask(&TURN(spool, a, 1), NOW + 59, &pause));
	assert_in_range(pause.at, NOW + 60, NOW + 75);
	assert_string_equal(pause.why, "no connection: ?[1m");
	throttle_look(&spool, &a, NOW + 59, &view);
	assert_int_equal(view.paused_until, pause.at);
	assert_string_equal(view.why, pause.why);
	assert_int_equal(view.failures, 1);
	throttle_resume(&spool, &a);
	assert_true(throttle_ask(&TURN(spool, a, 1), NOW + 59, &pause));
	throttle_learn(&TURN(spool, a, 1), NULL, true, NOW + 60);
	throttle_look(&spool, &a, NOW + 60, &view);
	assert_int_equal(view.last_success, NOW);	/* of that day is good enough */
	assert_int_equal(view.failures, 0);
	throttle_learn(&TURN(spool, a, 1), NULL, true, NOW + 24 * 3600);
	throttle_look(&spool, &a, NOW + 24 * 3600, &view);
	assert_int_equal(view.last_success, NOW + 24 * 3600);
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
			assert_true(throttle_ask(&TURN(spool, a, 1), now, &pause));
			/* Three had begun: it is one failure. */
			for (int k = 0; k < 3; k++)
				throttle_learn(&TURN(spool, a, 1), &rows[i].err, false, now);
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
		assert_true(throttle_ask(&TURN(spool, a, 1), NOW, &pause));
		throttle_learn(&TURN(spool, a, 1), &lost, true, NOW);
	}
	/* And when it was let through to try for the others, they are let through after it. */
	throttle_learn(&TURN(spool, a, 1), &pause_now, false, NOW);
	assert_false(throttle_ask(&TURN(spool, a, 1), NOW, &pause));
	assert_true(throttle_ask(&TURN(spool, a, 1), NOW + 80, &pause));
	assert_false(throttle_ask(&TURN(spool, a, 1), NOW + 80, &pause));
	throttle_learn(&TURN(spool, a, 1), &lost, true, NOW + 81);
	assert_true(throttle_ask(&TURN(spool, a, 1), NOW + 82, &pause));
	assert_true(throttle_ask(&TURN(spool, a, 1), NOW + 82, &pause));
}

/* However far the clock goes back, the longest pause of the schedule is the longest. */
static void test_clock_goes_back(void **state)
{
	struct account a = account(30, 100);
	struct error busy = error_of(ERROR_LATER, 421, "421 busy");
	struct throttle_view view;
	struct pause pause;
	time_t now = NOW - 1000000, begin = now;

	(void)state;
	assert_true(throttle_ask(&TURN(spool, a, 100), NOW, &pause));
	throttle_learn(&TURN(spool, a, 1), &busy, false, NOW);
	throttle_look(&spool, &a, now, &view);
	assert_int_equal(view.used_hour, 100);
	assert_in_range(view.paused_until, now + 60, now + 75);
	/* Asked often, and when it says. */
	while (!throttle_ask(&TURN(spool, a, 1), now, &pause)) {
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
	throttle_learn(&TURN(spool, a, 1), &lost, false, NOW);
	assert_true(throttle_ask(&TURN(spool, a, 1), NOW + 80, &pause));
	throttle_learn(&TURN(spool, a, 1), &big, false, NOW + 80);
	assert_true(throttle_ask(&TURN(spool, a, 1), NOW + 80, &pause));	/* another may try */
	assert_false(throttle_ask(&TURN(spool, a, 1), NOW + 80, &pause));
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
		while (!throttle_ask(&TURN(spool, a, 1), now, &pause))
			now = pause.at;
		throttle_learn(&TURN(spool, a, 1), &quota, true, now);
	}
	throttle_look(&spool, &a, now, &view);
	assert_true(view.share_hour < 10);
	throttle_learn(&TURN(spool, a, 1), NULL, true, now);
	assert_false(throttle_ask(&TURN(spool, a, 1), now, &pause));
	assert_non_null(strstr(pause.why, "others"));
}

/* What failed here, with another configuration or for somebody else, may work by now. */
static void test_pauses_that_do_not_hold(void **state)
{
	static const struct {
		struct error err;
		bool for_who_waits, after_a_change;
	} rows[] = {
		{ { .kind = ERROR_NETWORK, .text = "no route" }, true, true },
		{ { .kind = ERROR_SECRET, .text = "no" }, true, true },
		{ { .kind = ERROR_AUTH, .reply = 535, .text = "535" }, false, true },
		{ { .kind = ERROR_BARRED, .reply = 554, .text = "554" }, false, true },
		{ { .kind = ERROR_LATER, .reply = 421, .text = "421" }, false, true },
		{ { .kind = ERROR_QUOTA, .reply = 450, .text = "450" }, false, false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct account a = account(30, 100);
		struct turn turn = TURN(spool, a, 1);
		struct throttle_view view;
		struct pause pause;

		throttle_learn(&turn, NULL, true, NOW - 1000);
		a.files_sum = 1;
		throttle_learn(&turn, &rows[i].err, false, NOW);
		assert_false(throttle_ask(&turn, NOW + 1, &pause));
		assert_int_equal(pause.kind, rows[i].err.kind);
		turn.is_awaited = true;
		assert_int_equal(throttle_ask(&turn, NOW + 1, &pause), rows[i].for_who_waits);
		/* whoever waits failed too: the others' pause is no longer for that */
		throttle_learn(&turn, &rows[i].err, false, NOW + 1);
		throttle_look(&spool, &a, NOW + 1, &view);
		assert_int_equal(view.failures, 1);
		turn.is_awaited = false;
		a.files_sum = 2;
		assert_int_equal(throttle_ask(&turn, NOW + 2, &pause), rows[i].after_a_change);
	}
}

/* One try for who asks, and the schedule goes on; where tries cost, programs have an end. */
static void test_nudges(void **state)
{
	struct account a = account(30, 100);
	struct error login = error_of(ERROR_AUTH, 535, "535");
	const struct turn turn = TURN(spool, a, 1);
	struct throttle_view view;
	struct pause pause;

	(void)state;
	throttle_learn(&turn, &login, false, NOW);
	for (unsigned i = 1; i < 3; i++) {
		throttle_nudge(&spool, &a, false);
		assert_true(throttle_ask(&turn, NOW + i, &pause));
		assert_false(throttle_ask(&turn, NOW + i, &pause));
		throttle_learn(&turn, &login, false, NOW + i);
		throttle_look(&spool, &a, NOW + i, &view);
		assert_int_equal(view.failures, i + 1);
	}
	assert_in_range(view.paused_until, NOW + 1800, NOW + 1800 + 460);
	throttle_nudge(&spool, &a, false);
	assert_false(throttle_ask(&turn, NOW + 3, &pause));
	throttle_nudge(&spool, &a, true);
	assert_true(throttle_ask(&turn, NOW + 3, &pause));
	/* The windows hold for everybody. */
	assert_true(throttle_learn(&turn, NULL, true, NOW + 3));
	assert_true(throttle_ask(&TURN(spool, a, 25), NOW + 3, &pause));
	throttle_nudge(&spool, &a, true);
	assert_false(throttle_ask(&TURN(spool, a, 25), NOW + 3, &pause));
	assert_int_equal(pause.kind, ERROR_QUOTA);
}

/* What no server heard of is not counted. */
static void test_what_is_not_counted(void **state)
{
	struct account a = account(30, 100);
	struct error secret = error_of(ERROR_SECRET, 0, "no"), login = error_of(ERROR_AUTH, 535, "");
	struct throttle_view view;
	struct pause pause;

	(void)state;
	assert_true(throttle_ask(&TURN(spool, a, 2), NOW, &pause));
	assert_true(throttle_ask(&TURN(spool, a, 3), NOW + 5, &pause));
	throttle_learn(&TURN(spool, a, 3), &secret, false, NOW + 5);
	throttle_look(&spool, &a, NOW + 5, &view);
	assert_int_equal(view.used_minute, 2);
	assert_int_equal(view.used_hour, 2);
	throttle_resume(&spool, &a);
	throttle_learn(&TURN(spool, a, 1), &login, false, NOW + 6);
	throttle_look(&spool, &a, NOW + 6, &view);
	assert_int_equal(view.used_minute, 2);
}

/* Two accounts of one user at one server are one; another user is another. */
static void test_whose_quota_it_is(void **state)
{
	struct account a = account(2, 100), same = a, other = a;
	struct pause pause;

	(void)state;
	same.name = (char *)"of another file";
	other.user = (char *)"you";
	assert_true(throttle_ask(&TURN(spool, a, 2), NOW, &pause));
	assert_false(throttle_ask(&TURN(spool, same, 1), NOW, &pause));
	assert_true(throttle_ask(&TURN(spool, other, 1), NOW, &pause));
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
		assert_true(throttle_ask(&TURN(closed, a, 1), NOW, &pause));
		throttle_learn(&TURN(closed, a, 1), NULL, true, NOW);
		throttle_learn(&TURN(closed, a, 1), &lost, false, NOW);
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
				if (throttle_ask(&TURN(spool, a, 1), NOW, &pause) &&
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
	log_open((struct log_place){ "off", LOG_AS_TEXT }, "test");
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
		cmocka_unit_test(test_pauses_that_do_not_hold),
		cmocka_unit_test(test_nudges),
		cmocka_unit_test(test_what_is_not_counted),
		cmocka_unit_test(test_whose_quota_it_is),
		cmocka_unit_test(test_no_spool),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests_name("throttle", tests, set_up, tear_down);
}
