/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/admission.h"
#include "daemon/again.h"

enum { HIM = 1001, HER = 1002, FREE_OF_ONE = 16, FLOOD = 100 * 1000, REST_MS = 200 };

static const struct visitor him = { .is_local = true, .uid = HIM };
static const struct visitor her = { .is_local = true, .uid = HER };

static int begin(void **state)
{
	static struct again a;
	struct error err;

	a = (struct again){ .count = 0 };
	*state = &a;
	return again_begin(&a, &err) ? 0 : -1;
}

static int end(void **state)
{
	struct again *a = *state;

	again_end(a);
	close(a->events);
	return 0;
}

/* One that has served somebody, and has said so. */
static int free_one(struct again *a, const struct visitor *who, bool has_given)
{
	int line = again_open(a, who);
	uint64_t whose;
	bool has_heard;

	assert_true(line >= 0 && again_say(line, has_given));
	assert_true(again_hear(a, &whose, &has_heard));
	assert_true(whose == admission_whose(who) && has_heard == has_given);
	return line;
}

/* What it is given is what was meant: a byte that is sent to the one end comes there. */
static void assert_gets(struct again *a, int line, const struct visitor *who)
{
	int pair[2], got, nobody[2];
	char byte = 0;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, nobody), 0);
	assert_true(again_give(a, pair[0], who));
	got = again_next(line, nobody[0]);
	assert_true(got >= 0);
	assert_int_equal(write(pair[1], "x", 1), 1);
	assert_int_equal(read(got, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(got);
	for (int i = 0; i < 2; i++) {
		close(pair[i]);
		close(nobody[i]);
	}
}

static void test_his_own_alone(void **state)
{
	struct again *a = *state;
	int line = free_one(a, &him, true), other;

	assert_int_equal(again_free_of(a, admission_whose(&him)), 1);
	assert_int_equal(again_free_of(a, admission_whose(&her)), 0);
	assert_false(again_give(a, STDIN_FILENO, &her));
	assert_gets(a, line, &him);
	assert_int_equal(again_free(a), 0);
	assert_false(again_give(a, STDIN_FILENO, &him));
	other = free_one(a, &her, false);
	assert_false(again_give(a, STDIN_FILENO, &him));
	assert_gets(a, other, &her);
	close(line);
	close(other);
}

static void test_who_has_gone(void **state)
{
	struct again *a = *state;
	uint64_t whose;
	bool has_given;
	int line = free_one(a, &him, true);

	close(line);
	assert_false(again_give(a, STDIN_FILENO, &him));
	assert_int_equal(a->count, 0);
	close(again_open(a, &him));
	assert_false(again_hear(a, &whose, &has_given));
	assert_int_equal(a->count, 0);
}

static void test_it_is_over(void **state)
{
	struct again *a = *state;
	int line = free_one(a, &him, true), busy = again_open(a, &him), keeper[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, keeper), 0);
	again_end(a);
	assert_int_equal(again_next(line, keeper[0]), -1);
	assert_false(again_say(busy, true));
	close(line);
	close(busy);
	/* And where the keeper is away nobody waits for the door. */
	line = free_one(a, &him, true);
	close(keeper[1]);
	assert_int_equal(again_next(line, keeper[0]), -1);
	close(line);
	close(keeper[0]);
}

static void test_it_rests(void **state)
{
	struct again *a = *state;
	int line = free_one(a, &him, true), busy = again_open(a, &him);

	assert_in_range(again_pause(a), 1, REST_MS + 1);
	again_rest(a);
	assert_int_equal(a->count, 2);
	a->lines[0].until = clock_ms();
	again_rest(a);
	assert_int_equal(a->count, 1);
	assert_int_equal(again_pause(a), -1);
	close(line);
	close(busy);
}

static void test_as_many_as_may_be(void **state)
{
	struct again *a = *state;
	int lines[AGAIN_MAX];
	size_t n = 0;

	for (; n < FREE_OF_ONE + 4; n++)
		lines[n] = free_one(a, &him, true);
	assert_int_equal(again_free(a), FREE_OF_ONE);
	assert_int_equal(a->count, FREE_OF_ONE);
	while (a->count < AGAIN_MAX)
		lines[n++ % AGAIN_MAX] = again_open(a, &her);
	assert_int_equal(again_open(a, &him), -1);
	for (int i = 0; i < AGAIN_MAX; i++)
		if (lines[i] > STDERR_FILENO)
			close(lines[i]);
}

/* One that was taken over says what it likes, and takes nothing. */
static void test_a_flood(void **state)
{
	struct again *a = *state;
	int line = again_open(a, &him), given = 0;
	uint64_t whose;
	bool has_given;

	while (again_say(line, true))
		;
	for (int i = 0; i < FLOOD && again_hear(a, &whose, &has_given); i++)
		given += again_give(a, line, &him);
	/* And nobody waits for it. */
	assert_true(given > 0);
	again_end(a);
	close(line);
	line = again_open(a, &him);
	assert_int_equal(send(line, "?", 1, MSG_NOSIGNAL), 1);
	assert_false(again_hear(a, &whose, &has_given));
	assert_int_equal(a->count, 0);
	close(line);
}

static void test_the_group_is_another(void **state)
{
	struct again *a = *state;
	struct visitor his = him;
	int line = free_one(a, &him, true);

	his.gid++;
	assert_false(again_give(a, STDIN_FILENO, &his));
	assert_gets(a, line, &him);
	close(line);
}

static void test_who_is_free_says_nothing(void **state)
{
	struct again *a = *state;
	uint64_t whose;
	bool has_given;
	int line = free_one(a, &him, true);

	assert_true(again_say(line, true));
	assert_false(again_hear(a, &whose, &has_given));
	assert_int_equal(a->count, 0);
	close(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_his_own_alone, begin, end),
		cmocka_unit_test_setup_teardown(test_who_has_gone, begin, end),
		cmocka_unit_test_setup_teardown(test_it_is_over, begin, end),
		cmocka_unit_test_setup_teardown(test_it_rests, begin, end),
		cmocka_unit_test_setup_teardown(test_as_many_as_may_be, begin, end),
		cmocka_unit_test_setup_teardown(test_a_flood, begin, end),
		cmocka_unit_test_setup_teardown(test_the_group_is_another, begin, end),
		cmocka_unit_test_setup_teardown(test_who_is_free_says_nothing, begin, end),
	};

	return cmocka_run_group_tests_name("again", tests, NULL, NULL);
}
