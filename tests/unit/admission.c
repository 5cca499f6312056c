/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/file.h"
#include "daemon/admission.h"

enum { HOUR = SECONDS_OF_HOUR, MANY = 100 * 1000 };

static void test_limit(void **state)
{
	struct admission_counts *counts = admission_counts_new(-1);

	(void)state;
	assert_true(admission_counts_take(counts, 7, 2, HOUR));
	assert_true(admission_counts_take(counts, 7, 2, HOUR + 1));
	assert_false(admission_counts_take(counts, 7, 2, HOUR + 2));
	assert_true(admission_counts_take(counts, 8, 2, HOUR + 2));
	assert_true(admission_counts_take(counts, 7, 2, 2 * HOUR));
	assert_true(admission_counts_take(counts, 7, 0, 2 * HOUR));
}

/* However many came in an hour that is past, nobody is uncounted for that. */
static void test_places_become_free(void **state)
{
	struct admission_counts *counts = admission_counts_new(-1);

	(void)state;
	for (uint64_t i = 1; i <= MANY; i++)
		(void)admission_counts_take(counts, i, 1, HOUR);
	for (uint64_t i = MANY + 1; i <= MANY + 1000; i++) {
		assert_true(admission_counts_take(counts, i, 1, 2 * HOUR));
		assert_false(admission_counts_take(counts, i, 1, 2 * HOUR));
	}
}

/* A place that became free before his own does not let him begin the hour anew. */
static void test_own_place_first(void **state)
{
	struct admission_counts *counts = admission_counts_new(-1);

	(void)state;
	assert_true(admission_counts_take(counts, 4096, 1, HOUR));
	assert_true(admission_counts_take(counts, 2 * 4096, 1, HOUR));
	assert_true(admission_counts_take(counts, 2 * 4096, 1, 2 * HOUR));
	assert_false(admission_counts_take(counts, 2 * 4096, 1, 2 * HOUR));
}

/* One door's are the next one's; nobody can make the file shorter under them. */
static void test_counts_outlive_a_door(void **state)
{
	OWNED_FD fd = admission_counts_file();
	OWNED_FD other = memfd_create("other", MFD_CLOEXEC);
	struct admission_counts *first = admission_counts_new(fd), *second = admission_counts_new(fd);

	(void)state;
	assert_true(admission_counts_take(first, 7, 1, HOUR));
	assert_false(admission_counts_take(second, 7, 1, HOUR));
	assert_int_equal(ftruncate(fd, 1), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	/* What is no such file gives new ones. */
	assert_true(admission_counts_take(admission_counts_new(other), 7, 1, HOUR));
}

static uint64_t whose(const char *address)
{
	struct visitor who = { .is_local = false };

	assert_true(ip_address_parse(address, &who.address));
	return admission_whose(&who);
}

static void test_who_is_one(void **state)
{
	const struct visitor user = { .is_local = true, .uid = 0x0100007f };
	struct visitor there = { .is_here = true, .has_owner = true, .owner = user.uid };

	(void)state;
	assert_true(whose("192.0.2.1") != whose("192.0.2.2"));
	assert_true(whose("2001:db8::1") == whose("2001:db8::ffff:1"));
	assert_true(whose("2001:db8::1") != whose("2001:db8:0:1::1"));
	assert_true(whose("::ffff:192.0.2.1") == whose("192.0.2.1"));
	assert_true(whose("127.0.0.1") != admission_whose(&user));
	/* One user is one, by whichever way. */
	assert_true(ip_address_parse("127.0.0.1", &there.address));
	assert_true(admission_whose(&there) == admission_whose(&user));
	there.owner++;
	assert_true(admission_whose(&there) != admission_whose(&user));
	there.has_owner = false;
	assert_true(admission_whose(&there) == whose("127.0.0.1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_places_become_free),
		cmocka_unit_test(test_own_place_first),
		cmocka_unit_test(test_counts_outlive_a_door),
		cmocka_unit_test(test_who_is_one),
	};

	return cmocka_run_group_tests_name("admission", tests, NULL, NULL);
}
