/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is known of a message and could not be written. */
#include "delivery/owed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void make(struct entry *e, int number, const char *account)
{
	*e = (struct entry){ .account = text_copy(account) };
	snprintf(e->id, sizeof(e->id), "%016d", number);
}

static void test_kept_and_restored(void **state)
{
	struct owed owed = { .count = 0 };
	struct entry e;

	(void)state;
	for (int i = 0; i < 3; i++) {
		make(&e, i, "known");
		owed_keep(&owed, &e);
		assert_null(e.account);
		assert_int_equal(strlen(e.id), ID_SIZE - 1);
		entry_free(&e);
	}
	for (int i = 0; i < 3; i++) {
		make(&e, i, "on the disk");
		assert_true(owed_restore(&owed, &e));
		assert_string_equal(e.account, "known");
		assert_false(e.is_held);
		entry_free(&e);
		make(&e, i, "on the disk");
		assert_false(owed_restore(&owed, &e));
		assert_string_equal(e.account, "on the disk");
		entry_free(&e);
	}
	assert_int_equal(owed.count, 0);
	owed_free(&owed);
}

static void test_held_meanwhile(void **state)
{
	struct owed owed = { .count = 0 };
	struct entry e;

	(void)state;
	make(&e, 1, "known");
	owed_keep(&owed, &e);
	make(&e, 1, "on the disk");
	e.is_held = true;
	assert_true(owed_restore(&owed, &e));
	assert_true(e.is_held);
	entry_free(&e);
	owed_free(&owed);
}

static void test_full(void **state)
{
	struct owed owed = { .count = 0 };
	struct entry e;

	(void)state;
	for (int i = 0; i < OWED_MAX; i++) {
		assert_false(owed_is_full(&owed));
		make(&e, i, "known");
		owed_keep(&owed, &e);
	}
	assert_true(owed_is_full(&owed));
	make(&e, OWED_MAX, "one too many");
	owed_keep(&owed, &e);
	assert_null(e.account);
	assert_false(owed_restore(&owed, &e));
	entry_free(&e);
	owed_free(&owed);
	assert_false(owed_is_full(&owed));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kept_and_restored),
		cmocka_unit_test(test_held_meanwhile),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("owed", tests, NULL, NULL);
}
