/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reckoning of quotas, shares and pauses; tests/pacing/test_pacing.py has whole fleets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spool/pace.h"

enum { NOW = 1800000000, HOUR = 3600, ASKS = 20000 };

/* The same numbers in every run. */
static uint32_t chance(void)
{
	static uint64_t seed = 20261125;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 32);
}

static bool ask(struct pace *p, const struct quota *quota, size_t messages, time_t now,
		time_t *at)
{
	return pace_ask(p, quota, messages, (struct moment){ .now = now, .random = chance() }, at);
}

static void refuse(struct pace *p, const struct quota *quota, time_t now, long delay)
{
	const struct setback quota_is_used_up = { "quota", "450 4.5.127", true, delay, 0 };

	pace_failed(p, quota, &quota_is_used_up, (struct moment){ .now = now, .random = chance() });
}

static void fail_to_connect(struct pace *p, time_t now, long delay)
{
	const struct setback lost = { "network", "no connection", false, delay, 0 };

	pace_failed(p, &(struct quota){ 0, 0 }, &lost, (struct moment){ .now = now });
}

/* --- windows */

static const struct quota quotas[] = {
	{ 30, 100 }, { 5, 10 }, { 1, 1 }, { 500, 2000 }, { 0, 7 }, { 3, 0 }, { 10, 100000 },
};

/* `times` is in order; two in different seconds may be nearly a second nearer than told. */
static void check_windows(const time_t *times, size_t count, long limit, time_t width)
{
	size_t first = 0;

	for (size_t i = 0; limit && i < count; i++) {
		while (times[i] - times[first] > width)
			first++;
		assert_true(i - first + 1 <= (size_t)limit);
	}
}

static void test_never_more_than_the_quota(void **state)
{
	static time_t times[ASKS * 3];

	(void)state;
	for (size_t q = 0; q < COUNT_OF(quotas); q++) {
		struct pace p;
		time_t now = NOW, at;
		size_t count = 0;

		pace_init(&p);
		for (int i = 0; i < ASKS; i++) {
			size_t messages = 1 + chance() % 4 / 3 * (chance() % 3);

			/* In bursts, at rest, and just when it says. */
			now += chance() % 3 ? chance() % 2 : chance() % 20 ? chance() % 60 : chance() % 5000;
			if ((quotas[q].per_minute && messages > (size_t)quotas[q].per_minute) ||
			    (quotas[q].per_hour && messages > (size_t)quotas[q].per_hour))
				messages = 1;
			if (!ask(&p, &quotas[q], messages, now, &at)) {
				assert_true(at > now);
				assert_true(at <= now + 66 * 60);
				now = chance() % 2 ? at : now;
				continue;
			}
			while (messages-- > 0)
				times[count++] = now;
		}
		assert_true(count > 100);
		check_windows(times, count, quotas[q].per_minute, 60);
		check_windows(times, count, quotas[q].per_hour, HOUR);
	}
}

/* At most one part in twenty of it is lost to caution. */
static void test_nearly_all_of_the_quota(void **state)
{
	(void)state;
	for (size_t q = 0; q < COUNT_OF(quotas); q++) {
		const struct quota *quota = &quotas[q];
		long hourly = quota->per_minute * 60;
		struct pace p;
		time_t now = NOW, at;
		long count = 0;

		if (!hourly || (quota->per_hour && quota->per_hour < hourly))
			hourly = quota->per_hour;
		pace_init(&p);
		while (now < NOW + 100 * HOUR)
			if (ask(&p, quota, 1, now, &at))
				count++;
			else
				now = at;
		assert_true(count >= 95 * hourly);
	}
}

static void test_moment_is_right(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	time_t now = NOW, at, unused;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < 2000; i++) {
		struct pace early = p, there = p;

		now += chance() % 40;
		if (ask(&p, &quota, 1, now, &at))
			continue;
		assert_false(ask(&early, &quota, 1, at - 1, &unused));
		assert_true(ask(&there, &quota, 1, at, &unused));
	}
}

static void test_no_limit(void **state)
{
	const struct quota none = { 0, 0 };
	struct pace p;
	time_t at;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < 100000; i++)
		assert_true(ask(&p, &none, 1, NOW, &at));
	refuse(&p, &none, NOW, 60);
	assert_false(ask(&p, &none, 1, NOW + 59, &at));
	assert_int_equal(at, NOW + 60);
	assert_true(ask(&p, &none, 1, NOW + 60, &at));
	assert_int_equal(p.share, PACE_ALL);
}

static void test_more_than_fits(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	struct pace_use use;
	time_t at;

	(void)state;
	pace_init(&p);
	assert_true(ask(&p, &quota, 40, NOW, &at));
	assert_false(ask(&p, &quota, 1, NOW, &at));
	assert_true(ask(&p, &quota, 1, NOW + 120, &at));
	assert_false(ask(&p, &quota, 40, NOW + 121, &at));	/* the minute is not empty */
	assert_true(ask(&p, &quota, 40, NOW + 240, &at));
	assert_false(ask(&p, &quota, 20, NOW + 360, &at));	/* the hour has 19 left */
	assert_true(ask(&p, &quota, 19, NOW + 360, &at));
	assert_false(ask(&p, &quota, 1000, NOW + HOUR, &at));
	assert_true(ask(&p, &quota, 1000, NOW + 2 * HOUR, &at));
	assert_false(ask(&p, &quota, 1, NOW + 3 * HOUR - 1, &at));
	assert_true(ask(&p, &quota, SIZE_MAX, NOW + 4 * HOUR, &at));
	for (int i = 0; i < 100; i++)		/* and it does not overflow */
		(void)ask(&p, &(struct quota){ 0, 0 }, SIZE_MAX, NOW + 4 * HOUR + i, &at);
	pace_look(&p, &quota, NOW + 4 * HOUR + 100, &use);
	assert_true(use.hour > 100);
	assert_true(ask(&p, &quota, 1, NOW + 6 * HOUR, &at));
}

/* --- pauses */

static void test_pause(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	time_t at;

	(void)state;
	pace_init(&p);
	assert_true(ask(&p, &quota, 1, NOW, &at));
	fail_to_connect(&p, NOW, 60);
	assert_string_equal(p.why, "no connection");
	assert_false(ask(&p, &quota, 1, NOW + 59, &at));
	assert_int_equal(at, NOW + 60);
	/* What others hear who had begun before is no news. */
	fail_to_connect(&p, NOW + 30, 3600);
	assert_int_equal(p.failures, 1);
	/* One tries, and the others wait for what comes of it. */
	assert_true(ask(&p, &quota, 1, NOW + 60, &at));
	assert_false(ask(&p, &quota, 1, NOW + 60, &at));
	assert_int_equal(at, NOW + 60 + PACE_PROBE);
	fail_to_connect(&p, NOW + 70, 120);
	assert_int_equal(p.failures, 2);
	assert_int_equal(pace_failures(&p, "network"), 2);
	assert_int_equal(pace_failures(&p, "quota"), 0);
	assert_false(ask(&p, &quota, 1, NOW + 189, &at));
	assert_true(ask(&p, &quota, 1, NOW + 190, &at));
	/* It never told: the next one tries. */
	assert_false(ask(&p, &quota, 1, NOW + 309, &at));
	assert_true(ask(&p, &quota, 1, NOW + 310, &at));
	pace_undecided(&p);
	assert_true(ask(&p, &quota, 1, NOW + 311, &at));
	pace_accepted(&p, &quota, NOW + 312);
	assert_int_equal(p.last_success, NOW + 312);
	assert_int_equal(p.failures, 0);
	assert_string_equal(p.why, "");
	assert_true(ask(&p, &quota, 1, NOW + 312, &at));
	assert_true(ask(&p, &quota, 1, NOW + 312, &at));
	assert_int_equal(p.share, PACE_ALL);
}

static void test_another_failure_begins_anew(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < 5; i++)
		fail_to_connect(&p, NOW + 100 * i, 60);
	assert_int_equal(pace_failures(&p, "network"), 5);
	refuse(&p, &quota, NOW + 600, 60);
	assert_int_equal(pace_failures(&p, "quota"), 1);
	assert_int_equal(pace_failures(&p, "network"), 0);
	pace_undecided(&p);			/* nobody was let through: no change */
	assert_int_equal(p.until, NOW + 660);
	pace_reached(&p, NOW + 610);
	assert_int_equal(p.until, 0);
	assert_int_equal(p.last_success, 0);
}

static void test_resume(void **state)
{
	const struct quota quota = { 3, 100 };
	struct pace p;
	time_t at;

	(void)state;
	pace_init(&p);
	assert_true(ask(&p, &quota, 1, NOW, &at));
	refuse(&p, &quota, NOW, 3600);
	assert_false(ask(&p, &quota, 1, NOW + 1, &at));
	pace_resume(&p);
	assert_true(ask(&p, &quota, 1, NOW + 1, &at));
	p.due = 0;
	assert_false(ask(&p, &quota, 1, NOW + 2, &at));	/* the window still counts */
}

/* --- the share */

static void test_share(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	struct pace_use use;
	time_t now = NOW, at;
	long share = PACE_ALL;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < 30; i++) {
		while (!ask(&p, &quota, 1, now, &at))
			now = at;
		refuse(&p, &quota, now, 60);
		assert_true(p.share <= share);
		assert_true(p.share >= PACE_ALL / 1000);
		share = p.share;
	}
	assert_true(share < PACE_ALL / 100);
	pace_look(&p, &quota, now, &use);
	assert_int_equal(use.share_hour, 1);		/* less than one is not nothing */
	assert_int_equal(use.share_minute, 1);
	/* It spreads what it sends, and never forgets to send. */
	for (int i = 0; i < 100; i++) {
		time_t before = now;

		while (!ask(&p, &quota, 1, now, &at)) {
			assert_true(at > now);
			now = at;
		}
		assert_true(now - before <= PACE_SPACING_MAX);
		pace_accepted(&p, &quota, now);
		assert_true(p.share >= share);
		assert_true(p.share <= PACE_ALL);
		share = p.share;
	}
	assert_true(share > PACE_ALL / 50);
	/* Time alone brings nothing: what is not tried is not known. */
	pace_look(&p, &quota, now + 100 * HOUR, &use);
	assert_int_equal(p.share, share);
	for (int i = 0; i < 20; i++)
		pace_accepted(&p, &quota, now += 24 * HOUR);
	assert_int_equal(p.share, PACE_ALL);
	pace_look(&p, &quota, now, &use);
	assert_int_equal(use.share_hour, 100);
}

/* Whoever has sent forty in the hour learns that about forty can be had. */
static void test_share_is_what_was_had(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	time_t now = NOW, at;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < 40; i++) {
		now += 60;
		assert_true(ask(&p, &quota, 1, now, &at));
		pace_accepted(&p, &quota, now);
	}
	assert_true(ask(&p, &quota, 1, ++now, &at));
	refuse(&p, &quota, now, 60);
	assert_int_equal(p.share, PACE_ALL / 10 * 9);
	now += 100;
	assert_true(ask(&p, &quota, 1, now, &at));
	refuse(&p, &quota, now, 120);
	assert_int_equal(p.share, PACE_ALL / 10 * 4);
	/* Spread: 40 an hour are 90 seconds apart, more or less by a quarter. */
	now += 1000;
	for (int i = 0; i < 20; i++) {
		time_t before = now;

		while (!ask(&p, &quota, 1, now, &at))
			now = at;
		pace_reached(&p, now);
		assert_true(i == 0 || (now - before >= 67 && now - before <= 113));
	}
}

/* --- clocks */

static void test_clock_goes_back(void **state)
{
	const struct quota quota = { 30, 100 };
	static const time_t jumps[] = { 1, 59, 60, 61, 3600, 86400, 40000000, NOW - 100000 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(jumps); i++) {
		time_t now = NOW - jumps[i], at;
		struct pace p;

		pace_init(&p);
		assert_true(ask(&p, &quota, 100, NOW, &at));
		assert_false(ask(&p, &quota, 1, now, &at));	/* it is counted all the same */
		assert_true(at <= now + 60 + 65 * 60);
		assert_true(ask(&p, &quota, 1, at, &at));
		/* a pause, and a turn that is far off */
		pace_init(&p);
		p.share = PACE_ALL / 400;
		assert_true(ask(&p, &quota, 1, NOW, &at));
		refuse(&p, &quota, NOW, 3600);
		assert_false(ask(&p, &quota, 1, now, &at));
		assert_true(at <= now + 60 + PACE_SPACING_MAX);
		pace_init(&p);
		fail_to_connect(&p, NOW, 3600);
		assert_false(ask(&p, &quota, 1, now, &at));
		assert_true(at <= now + 60 + 3600);
		assert_true(ask(&p, &quota, 1, at, &at));
	}
}

/* What was waited for is waited for no longer than before, whatever is told meanwhile. */
static void test_a_turn_goes_back_with_the_clock(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	time_t at;

	(void)state;
	pace_init(&p);
	p.share = PACE_ALL / 2;
	assert_true(ask(&p, &quota, 1, NOW, &at));
	assert_true(p.due > NOW && p.due < NOW + 600);
	pace_accepted(&p, &quota, NOW - 86400);
	assert_true(p.due < NOW - 86400 + 600);
	/* Back to before all that is known: moments stay moments, and never becomes not now. */
	p.last_success = 100;
	pace_reached(&p, 1000);
	assert_true(p.stamp == 1000 && p.last_success > 0 && p.minute.newest >= 0);
	assert_int_equal(p.cut, 0);
}

static void test_clock_goes_forth(void **state)
{
	const struct quota quota = { 30, 100 };
	struct pace p;
	time_t at;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < 30; i++)
		assert_true(ask(&p, &quota, 1, NOW, &at));
	assert_true(ask(&p, &quota, 1, NOW * 2L, &at));
	/* And back again: what was counted out there counts, no longer than it would have. */
	assert_true(ask(&p, &quota, 1, NOW + 1, &at));
	fail_to_connect(&p, NOW * 2L, 3600);
	assert_false(ask(&p, &quota, 1, NOW, &at));
	assert_true(at <= NOW + 3600);
	pace_accepted(&p, &quota, NOW);
	assert_int_equal(p.share, PACE_ALL);
}

/* Processes come late with the time that they looked at: nothing is lost by that. */
static void test_late_processes(void **state)
{
	static time_t times[ASKS];
	const struct quota quota = { 30, 100 };
	struct pace p;
	time_t now = NOW, at;
	size_t count = 0;

	(void)state;
	pace_init(&p);
	for (int i = 0; i < ASKS; i++) {
		now += chance() % 3;
		if (ask(&p, &quota, 1, now - chance() % 3, &at))
			times[count++] = now;
	}
	check_windows(times, count, 30, 60);
	check_windows(times, count, 100, HOUR);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_more_than_the_quota),
		cmocka_unit_test(test_nearly_all_of_the_quota),
		cmocka_unit_test(test_moment_is_right),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_more_than_fits),
		cmocka_unit_test(test_pause),
		cmocka_unit_test(test_another_failure_begins_anew),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_share_is_what_was_had),
		cmocka_unit_test(test_clock_goes_back),
		cmocka_unit_test(test_a_turn_goes_back_with_the_clock),
		cmocka_unit_test(test_clock_goes_forth),
		cmocka_unit_test(test_late_processes),
	};

	return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
