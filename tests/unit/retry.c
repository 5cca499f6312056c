/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who waits after a failure, and for how long. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "service/replies.h"

#include "delivery/retry.h"

/* Schedules: seconds of the first, third and every late try. */
static const struct {
	enum error_kind kind;
	int reply;
	const char *text;
	enum retry_scope before, within;	/* a transaction */
	long first, third, last;
} rows[] = {
	/* the account's */
	{ ERROR_QUOTA, 450, "4.5.127", RETRY_ACCOUNT, RETRY_ACCOUNT, 60, 300, 3600 },
	{ ERROR_QUOTA, 0, "not tried", RETRY_ACCOUNT, RETRY_ACCOUNT, 60, 300, 3600 },
	{ ERROR_AUTH, 535, "5.7.3", RETRY_ACCOUNT, RETRY_ACCOUNT, 300, 1800, 3600 },
	{ ERROR_AUTH, 530, "5.7.57", RETRY_ACCOUNT, RETRY_ACCOUNT, 300, 1800, 3600 },
	{ ERROR_SECRET, 0, "", RETRY_ACCOUNT, RETRY_ACCOUNT, 60, 300, 3600 },
	{ ERROR_CONFIG, 0, "", RETRY_ACCOUNT, RETRY_ACCOUNT, 60, 300, 3600 },
	{ ERROR_BARRED, 554, "5.7.1", RETRY_ACCOUNT, RETRY_ACCOUNT, 300, 1800, 3600 },
	{ ERROR_LATER, 454, "AUTH LOGIN: 454 4.7.0 x", RETRY_ACCOUNT, RETRY_ACCOUNT, 60, 300, 3600 },
	/* the account's until something was said of the message */
	{ ERROR_TLS, 0, "", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_NO_HOST, 0, "", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_NETWORK, 0, "lost", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_LATER, 421, "421 busy", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_LATER, 454, "454 4.7.1 x", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_LATER, 451, "4.3.0", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_PROTOCOL, 0, "", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_IO, 0, "", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_CREATE, 0, "", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	{ ERROR_SYSTEM, 0, "", RETRY_ACCOUNT, RETRY_MESSAGE, 60, 300, 3600 },
	/* nobody's: there is no next time */
	{ ERROR_REFUSED, 554, "", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
	{ ERROR_NO_USER, 550, "", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
	{ ERROR_SENDER, 550, "5.3.5", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
	{ ERROR_DATA, 552, "", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
	{ ERROR_UNAVAILABLE, 0, "", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
	{ ERROR_USAGE, 0, "", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
	{ ERROR_BUG, 0, "", RETRY_NEVER, RETRY_NEVER, 60, 300, 3600 },
};

static void make(struct error *err, size_t row)
{
	error_set(err, rows[row].kind, "%s", rows[row].text);
	err->reply = rows[row].reply;
	reply_recall(err);
}

static void test_scopes(void **state)
{
	bool is_there[ERROR_KINDS] = { [ERROR_NONE] = true };
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		make(&err, i);
		is_there[err.kind] = true;
		if (retry_scope(&err, false) != rows[i].before ||
		    retry_scope(&err, true) != rows[i].within)
			fail_msg("row %zu", i);
	}
	for (size_t i = 0; i < COUNT_OF(is_there); i++)
		if (!is_there[i])
			fail_msg("no row for kind %zu", i);
}

static void test_delays(void **state)
{
	static const uint32_t chances[] = { 0, 1, 12345678, UINT32_MAX };
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		const struct { unsigned failures; long seconds; } steps[] = {
			{ 0, rows[i].first }, { 2, rows[i].third },
			{ 5, rows[i].last }, { 6, rows[i].last }, { UINT32_MAX, rows[i].last },
		};

		make(&err, i);
		for (size_t j = 0; j < COUNT_OF(steps) * COUNT_OF(chances); j++) {
			size_t step = j / COUNT_OF(chances);
			long delay = retry_delay(&err, steps[step].failures,
						 chances[j % COUNT_OF(chances)]);

			assert_in_range(delay, steps[step].seconds, steps[step].seconds * 5 / 4);
			assert_in_range(delay, 1, RETRY_DELAY_MAX);
		}
	}
}

/* Longer from step to step, and not the same for everybody. */
static void test_spread(void **state)
{
	struct error err;

	(void)state;
	error_set(&err, ERROR_QUOTA, "450 4.5.127");
	for (unsigned failures = 0; failures < 5; failures++)
		assert_true(retry_delay(&err, failures + 1, 0) > retry_delay(&err, failures, 0));
	assert_int_equal(retry_delay(&err, 0, 15), 75);
	assert_int_equal(retry_delay(&err, 0, 16), 60);
}

static void test_classes(void **state)
{
	struct error quota, lost, tls;

	(void)state;
	error_set(&quota, ERROR_QUOTA, "450");
	error_set(&lost, ERROR_NETWORK, "lost");
	error_set(&tls, ERROR_TLS, "expired");
	assert_string_not_equal(retry_class(&quota), retry_class(&lost));
	assert_string_equal(retry_class(&tls), retry_class(&lost));
	errno = EMFILE;	/* what is short here pauses the account for nobody else */
	error_errno(&tls, ERROR_CONFIG, "root.pem");
	assert_string_equal(retry_class(&tls), retry_class(&lost));
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		make(&quota, i);
		assert_in_range(strlen(retry_class(&quota)), 1, 15);	/* it is kept in a file */
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_delays),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_classes),
	};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}
