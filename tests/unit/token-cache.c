/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens that are kept: which is given back for what, and until when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "secret/token_cache.h"
#include "unit/pki.h"

static const struct token_settings settings = {
	.tenant = "contoso", .client_id = "app", .scope = "https://x/.default",
};

static struct token_purpose purpose(const struct secret *secret)
{
	return (struct token_purpose){ "client-secret", &settings, secret };
}

static void keep(const struct token_purpose *what, const struct secret *successor,
		 int64_t renews, int64_t expires)
{
	struct token token = {
		.stamp = (int64_t)time(NULL) * 1000000 + 7,
		.renews = time(NULL) + renews,
		.expires = time(NULL) + expires,
	};

	assert_true(secret_set(&token.access, "the.token", 9));
	token_cache_save(what, successor, &token);
	token_free(&token);
}

static enum token_age look(const struct token_purpose *what)
{
	struct token token = { { 0 }, 0, 0, 0 };
	enum token_age age = token_cache_load(what, &token);

	if (age != TOKEN_IS_ABSENT) {
		assert_int_equal(token.access.len, 9);
		assert_memory_equal(token.access.bytes, "the.token", 9);
		assert_int_equal(token.stamp % 1000000, 7);
	}
	token_free(&token);
	return age;
}

static void test_ages(void **state)
{
	const struct token_purpose what = purpose(NULL);

	(void)state;
	token_cache_forget(&what);
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
	keep(&what, NULL, 100, 1000);
	assert_int_equal(look(&what), TOKEN_IS_FRESH);
	keep(&what, NULL, -1, 1000);
	assert_int_equal(look(&what), TOKEN_IS_OLD);
	keep(&what, NULL, -1, TOKEN_LAST_SECONDS - 1);
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
	keep(&what, NULL, 100, 1000);
	token_cache_forget(&what);
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
}

static void test_purposes(void **state)
{
	struct token_settings other = settings;
	struct token_purpose what = purpose(NULL);

	(void)state;
	keep(&what, NULL, 100, 1000);
	what.settings = &other;
	for (size_t i = 0; token_setting_key(i); i++) {
		const char *key = token_setting_key(i), **value = token_setting(&other, i);
		bool is_way = !strcmp(key, "authorize_url") || !strcmp(key, "device_url");

		*value = "something else";
		assert_int_equal(look(&what), is_way ? TOKEN_IS_FRESH : TOKEN_IS_ABSENT);
		other = settings;
		assert_int_equal(look(&what), TOKEN_IS_FRESH);
	}
	/* "" is what is not set; and a value that moves is another one. */
	other.user = "";
	assert_int_equal(look(&what), TOKEN_IS_FRESH);
	other.tenant = "contosoapp";
	other.client_id = "";
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
	what = purpose(NULL);
	what.source = "client-certificate";
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
}

static void test_variables(void **state)
{
	const struct token_purpose what = purpose(NULL);

	(void)state;
	keep(&what, NULL, 100, 1000);
	setenv("AZURE_CLIENT_ID", "other", 1);
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
	unsetenv("AZURE_CLIENT_ID");
	assert_int_equal(look(&what), TOKEN_IS_FRESH);
}

static void test_secrets(void **state)
{
	OWNED_SECRET one = { 0 }, two = { 0 }, three = { 0 };
	struct token_purpose what = purpose(&one);

	(void)state;
	assert_true(secret_set(&one, "one", 3) && secret_set(&two, "two", 3) &&
		    secret_set(&three, "three", 5));
	keep(&what, &two, 100, 1000);
	assert_int_equal(look(&what), TOKEN_IS_FRESH);
	what.secret = &two;
	assert_int_equal(look(&what), TOKEN_IS_FRESH);
	what.secret = &three;
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
	what.secret = NULL;	/* who does not have it at hand */
	assert_int_equal(look(&what), TOKEN_IS_FRESH);
}

static void test_lock(void **state)
{
	const struct token_purpose what = purpose(NULL);
	int one, other;

	(void)state;
	assert_true(token_cache_lock(&what, clock_ms(), &one));
	assert_true(one >= 0);
	assert_false(token_cache_lock(&what, clock_ms(), &other));
	close(one);
	assert_true(token_cache_lock(&what, clock_ms(), &other));
	close(other);
}

static void test_nowhere(void **state)
{
	const struct token_purpose what = purpose(NULL);
	OWNED_TEXT saved = text_copy(getenv("XDG_CACHE_HOME"));
	int fd;

	(void)state;
	setenv("XDG_CACHE_HOME", "/dev/null/x", 1);
	setenv("HOME", "/dev/null", 1);
	keep(&what, NULL, 100, 1000);
	assert_int_equal(look(&what), TOKEN_IS_ABSENT);
	assert_true(token_cache_lock(&what, clock_ms(), &fd));
	assert_int_equal(fd, -1);
	setenv("XDG_CACHE_HOME", saved, 1);
}

static void test_renewal(void **state)
{
	static const struct {
		int64_t life, after;
	} cases[] = {
		{ 3600, 3000 }, { 7200, 6600 }, { 7201, 3600 }, { 86400, 43200 },
		{ 1200, 600 },	{ 600, 300 },	{ 60, 30 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(token_renewal(1000, 1000 + cases[i].life),
				 1000 + cases[i].after);
}

static int set_up(void **state)
{
	(void)state;
	return setenv("XDG_CACHE_HOME", scratch_directory(), 1);
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ages),
		cmocka_unit_test(test_purposes),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_renewal),
	};

	return cmocka_run_group_tests_name("token-cache", tests, set_up, tear_down);
}
