/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/vain.h"

enum { NOW = 1000 * 1000, SECOND = 1000, FREELY = 100, MANY = 100 * 1000 };
enum { HIM = 7, HER = 7 + VAIN_PLACES };	/* whose places are the same */

static void come(struct vain *v, uint64_t whose, int times, int64_t now)
{
	for (int i = 0; i < times; i++)
		vain_count(v, whose, now);
}

static void test_who_waits(void **state)
{
	static struct vain v;
	int pause;

	(void)state;
	assert_int_equal(vain_pause(&v, HIM, NOW), 0);
	come(&v, HIM, FREELY, NOW);
	assert_int_equal(vain_pause(&v, HIM, NOW), 0);
	vain_count(&v, HIM, NOW);
	pause = vain_pause(&v, HIM, NOW);
	assert_in_range(pause, 1, 50);
	vain_count(&v, HIM, NOW);
	assert_true(vain_pause(&v, HIM, NOW) > pause);
	come(&v, HIM, MANY, NOW);
	assert_int_equal(vain_pause(&v, HIM, NOW), SECOND);
	assert_int_equal(vain_pause(&v, HER, NOW), 0);
}

static void test_it_is_forgotten(void **state)
{
	static struct vain v;

	(void)state;
	come(&v, HIM, MANY, NOW);
	assert_true(vain_pause(&v, HIM, NOW + 9 * SECOND) > 0);
	assert_int_equal(vain_pause(&v, HIM, NOW + 10 * SECOND), 0);
	vain_count(&v, HIM, NOW + 10 * SECOND);
	assert_true(vain_pause(&v, HIM, NOW + 10 * SECOND) > 0);
	come(&v, HIM, FREELY, NOW + 60 * SECOND);
	assert_int_equal(vain_pause(&v, HIM, NOW + 60 * SECOND), 0);
}

static void test_a_message_forgives(void **state)
{
	static struct vain v;

	(void)state;
	come(&v, HIM, MANY, NOW);
	come(&v, HER, MANY, NOW);
	vain_forget(&v, HIM);
	assert_int_equal(vain_pause(&v, HIM, NOW), 0);
	assert_true(vain_pause(&v, HER, NOW) > 0);
	come(&v, HIM, FREELY, NOW);
	assert_int_equal(vain_pause(&v, HIM, NOW), 0);
}

/* As a monitor does: nobody waits for what he does slowly. */
static void test_now_and_then(void **state)
{
	static struct vain v;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		int64_t now = NOW + (int64_t)i * SECOND / 5;

		assert_int_equal(vain_pause(&v, HIM, now), 0);
		vain_count(&v, HIM, now);
	}
}

static void test_it_is_told_once(void **state)
{
	static struct vain v;

	(void)state;
	assert_false(vain_is_news(&v, HIM));
	come(&v, HIM, MANY, NOW);
	assert_true(vain_is_news(&v, HIM));
	vain_count(&v, HIM, NOW + 20 * SECOND);
	assert_false(vain_is_news(&v, HIM));
	vain_count(&v, HIM, NOW + 60 * SECOND);
	assert_true(vain_is_news(&v, HIM));
}

/* However many there are, somebody who comes and comes is known. */
static void test_many(void **state)
{
	static struct vain v;

	(void)state;
	for (uint64_t i = 1; i <= MANY; i++) {
		vain_count(&v, i << 20 | i, NOW);
		vain_count(&v, HIM, NOW);
	}
	assert_int_equal(vain_pause(&v, HIM, NOW), SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_waits),
		cmocka_unit_test(test_it_is_forgotten),
		cmocka_unit_test(test_a_message_forgives),
		cmocka_unit_test(test_now_and_then),
		cmocka_unit_test(test_it_is_told_once),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("vain", tests, NULL, NULL);
}
