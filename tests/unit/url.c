/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses with a scheme: their parts, and that no password of one is seen again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/url.h"

#define X10	"xxxxxxxxxx"
#define X50	X10 X10 X10 X10 X10
#define X250	X50 X50 X50 X50 X50

static const struct {
	const char *text, *scheme, *user, *host;
	long port;
	const char *rest;
} good[] = {
	{ "http://h", "http", "", "h", 0, "" },
	{ "SOCKS5://Host.Example:1080", "socks5", "", "Host.Example", 1080, "" },
	{ "redis://jo@h:6379/3", "redis", "jo", "h", 6379, "3" },
	{ "redis://h/a/b", "redis", "", "h", 0, "a/b" },
	{ "redis://h/", "redis", "", "h", 0, "" },
	{ "x://h?a", "x", "", "h", 0, "?a" },
	/* Whoever takes no rest refuses these. */
	{ "x://hu#sh:25", "x", "", "hu", 0, "#sh:25" },
	{ "x://jo/b@h:25", "x", "", "jo", 0, "b@h:25" },
	{ "x://@h:1", "x", "", "h", 1, "" },
	{ "x://h:65535", "x", "", "h", 65535, "" },
	/* An "@" and a ":" in a user are encoded, and any other byte may be. */
	{ "x://j%40%3a%2F%41@h:1", "x", "j@:/A", "h", 1, "" },
	{ "x://%C3%BC@h", "x", "\xc3\xbc", "h", 0, "" },
	{ "x://100%25@h", "x", "100%", "h", 0, "" },
	{ "x://[::1]", "x", "", "::1", 0, "" },
	{ "x://jo@[2001:db8::1]:25/r", "x", "jo", "2001:db8::1", 25, "r" },
	{ "x://" X250 "@" X250, "x", X250, X250, 0, "" },
};

static void test_parts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		OWNED_URL url = { 0 };
		struct error err;

		if (!url_parse(good[i].text, &url, &err))
			fail_msg("%s: %s", good[i].text, err.text);
		assert_string_equal(url.scheme, good[i].scheme);
		assert_string_equal(url.user, good[i].user);
		assert_string_equal(url.host, good[i].host);
		assert_int_equal(url.port, good[i].port);
		assert_string_equal(url.rest, good[i].rest);
	}
}

static const struct {
	const char *text, *error;
} bad[] = {
	{ "", "SCHEME://" }, { "hush", "SCHEME://" }, { "hush:25", "SCHEME://" },
	{ "x:/hush", "SCHEME://" },
	{ "x://", "names no server" }, { "x://:25", "names no server" },
	{ "x:///hush", "names no server" }, { "x://[]", "names no server" },
	{ "x://" X250 "hush", "names no server" },
	{ "x://h:", "port is no number" }, { "x://h:0", "port is no number" },
	{ "x://h:65536", "port is no number" }, { "x://h:-1", "port is no number" },
	{ "x://h:25 ", "port is no number" }, { "x://h:2:5", "port is no number" },
	{ "x://h:99999999999999999999", "port is no number" },
	{ "x://::1", "port is no number" }, { "x://2001:db8::1", "port is no number" },
	{ "x://[::1", "bracket [ is not closed" }, { "x://[::1]hush", "follows the bracket" },
	{ "x://jo:hush@h", "password cannot stand" }, { "x://:hush@h", "password cannot stand" },
	{ "x://hush%@h", "two hexadecimal digits" }, { "x://hush%4@h", "two hexadecimal digits" },
	{ "x://hush%4g@h", "two hexadecimal digits" }, { "x://hush%00@h", "a NUL byte, %00" },
	{ "x://hush%0a@h", "control character" }, { "x://hush%7f@h", "control character" },
	{ "x://" X250 "hushhush@h", "more than 255" },
	/* Somebody's password, with what should have been encoded. */
	{ "x://jo@hush@h", "an @ stands in its user or password" },
	{ "x://hu sh", "character stands in its host" },
	{ "x://hu%73h", "character stands in its host" },
	{ "x://hush\"", "character stands in its host" },
};

/* Nothing of it is repeated, as it may be a password; and nothing is filled in. */
static void test_what_makes_no_sense(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		OWNED_URL url = { 0 };
		struct error err;

		if (url_parse(bad[i].text, &url, &err))
			fail_msg("%s: taken", bad[i].text);
		if (!strstr(err.text, bad[i].error) || strstr(err.text, "hush"))
			fail_msg("%s: %s", bad[i].text, err.text);
		assert_int_equal(err.kind, ERROR_CONFIG);
		assert_null(url.scheme);
	}
}

static const struct {
	const char *text, *password;	/* NULL: there is none */
} hidden[] = {
	{ "x://jo:hush@h:1", "hush" },
	{ "x://:hush@h", "hush" },
	{ "x://jo:@h", "" },
	{ "x://jo:h%40us:h@h", "h%40us:h" },
	/* What was forgotten to be encoded: all up to the last "@" may be of it. */
	{ "x://jo:hu@sh@h", "hu@sh" },
	{ "x://jo:hu/s#h@h/0", "hu/s#h" },
	{ "x://jo:hu://sh@h", "hu://sh" },
	{ "jo:hush@h", NULL },
	{ "x://jo@h:25", NULL },
	{ "x://h:25", NULL },
	{ "x://", NULL },
	{ "", NULL },
};

static void test_password(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(hidden); i++) {
		size_t at, size, len = strlen(hidden[i].text);
		bool found = url_find_password(hidden[i].text, len, &at, &size);

		if (found != (hidden[i].password != NULL))
			fail_msg("%s", hidden[i].text);
		if (!found)
			continue;
		assert_int_equal(size, strlen(hidden[i].password));
		assert_memory_equal(hidden[i].text + at, hidden[i].password, size);
	}
	/* Of so many bytes alone. */
	assert_false(url_find_password("x://jo:hush@h", 11, &(size_t){ 0 }, &(size_t){ 0 }));
}

static const struct {
	const char *text, *secret;	/* NULL: no sense */
} codes[] = {
	{ "", "" }, { "hush", "hush" }, { "%41b%63", "Abc" }, { "a%25%40%3A%2f", "a%@:/" },
	{ "+ %20", "+  " }, { "%ff%C3", "\xff\xc3" }, { "%", NULL }, { "hush%", NULL },
	{ "hush%4", NULL }, { "hush%zz", NULL }, { "hush%00", NULL }, { "%%41", NULL },
	{ "hu@sh", NULL }, { "@", NULL }, { "%0a%7f", "\n\x7f" },
};

static void test_codes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(codes); i++) {
		OWNED_SECRET secret = { 0 };
		struct error err = { .text = "" };
		bool ok = url_decode_secret(codes[i].text, strlen(codes[i].text), &secret, &err);

		if (ok != (codes[i].secret != NULL) || strstr(err.text, "hush"))
			fail_msg("%s: %s", codes[i].text, err.text);
		if (ok) {
			assert_int_equal(secret.len, strlen(codes[i].secret));
			assert_string_equal(secret.bytes, codes[i].secret);
		}
	}
}

static void test_long_password(void **state)
{
	OWNED_TEXT text = xcalloc(1, SECRET_MAX + 2);
	OWNED_SECRET secret = { 0 };
	struct error err;

	(void)state;
	memset(text, 'x', SECRET_MAX + 1);
	assert_true(url_decode_secret(text, SECRET_MAX, &secret, &err));
	assert_int_equal(secret.len, SECRET_MAX);
	assert_false(url_decode_secret(text, SECRET_MAX + 1, &secret, &err));
	assert_non_null(strstr(err.text, "longer than"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_what_makes_no_sense),
		cmocka_unit_test(test_password),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_long_password),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
