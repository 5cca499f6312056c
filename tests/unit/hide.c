/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets in the words of a server, and words that only look like one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smtp/hide.h"

static const struct {
	const char *secret, *text, *shown;
} cases[] = {
	{ "hunter2", "you said hunter2!", "you said *******!" },
	{ "hunter2", "xxhunter2xx and hunter2", "xx*******xx and *******" },
	{ "hunter2", "hunter 2", "hunter 2" },
	/* what a star stands for may itself be a star */
	{ "*", "a * b", "a * b" },
	{ "****", "********", "********" },
	{ "a*", "a*a*", "****" },
	/* at the ends, and all of it */
	{ "k9!", "k9!", "***" },
	{ "k9!", "k9! is k9!", "*** is ***" },
	/* one of letters alone is no part of a word */
	{ "thunder", "thunder, thunderstorm", "*******, thunderstorm" },
	{ "a", "5.7.3 Authentication failed for a", "5.7.3 Authentication failed for *" },
	{ "7", "5.7.3 No 57 but 7", "5.*.3 No 57 but *" },
	/* what servers say to everybody would tell the secret if it were not there */
	{ "Authentication", "5.7.3 Authentication unsuccessful",
	  "5.7.3 Authentication unsuccessful" },
	{ "FAILED", "Login failed, FAILED", "Login failed, FAILED" },
	{ "queued", "2.0.0 OK: queued as 4711", "2.0.0 OK: queued as 4711" },
	{ "Authentication1", "Authentication1", "***************" },
};

static void test_secrets(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_BUF text = BUF_INIT(1000);
		OWNED_SECRET secret = { 0 };

		buf_add(&text, cases[i].text);
		assert_true(secret_set(&secret, cases[i].secret, strlen(cases[i].secret)));
		hide_secret(&text, &secret);
		assert_string_equal(buf_text(&text), cases[i].shown);
	}
}

static void test_nothing(void **state)
{
	OWNED_BUF text = BUF_INIT(1000);

	(void)state;
	hide_bytes(&text, "x", 1);
	buf_add(&text, "text");
	hide_bytes(&text, "", 0);
	assert_string_equal(buf_text(&text), "text");
	hide_bytes(&text, "ex", 2);	/* wherever it stands */
	assert_string_equal(buf_text(&text), "t**t");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_nothing),
	};

	return cmocka_run_group_tests_name("hide", tests, NULL, NULL);
}
