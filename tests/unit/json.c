/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON: nesting, text that could break out of its quotes, and objects from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/json_read.h"

/* What a text becomes, without the line end that only an outermost nest has. */
static void expect_text(const char *text, const char *expected)
{
	OWNED_TEXT written = NULL;
	size_t len;
	struct json j = { .out = open_memstream(&written, &len) };

	assert_non_null(j.out);
	json_text(&j, NULL, text);
	fclose(j.out);
	assert_string_equal(written, expected);
}

static void test_texts(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ NULL, "null" },
		{ "", "\"\"" },
		{ "plain", "\"plain\"" },
		{ "\"\\/", "\"\\\"\\\\/\"" },
		{ "a\nb\rc\td\be\f", "\"a\\nb\\rc\\td\\be\\f\"" },
		{ "\x01\x1b\x7f", "\"\\u0001\\u001b\\u007f\"" },
		{ "\xe3\x83\x86 \xf0\x9f\x93\xa7 \xc3\xa9",
		  "\"\xe3\x83\x86 \xf0\x9f\x93\xa7 \xc3\xa9\"" },
		/* C1, directions, ends of lines: people look at it on terminals */
		{ "\xc2\x80\xc2\x9f\xc2\xa0", "\"\\u0080\\u009f\xc2\xa0\"" },
		{ "\xe2\x80\xae\xe2\x80\xaa", "\"\\u202e\\u202a\"" },
		{ "\xe2\x81\xa6\xe2\x81\xa9", "\"\\u2066\\u2069\"" },
		{ "\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c", "\"\\u200e\\u200f\\u061c\"" },
		{ "\xe2\x80\xa8\xe2\x80\xa9", "\"\\u2028\\u2029\"" },
		/* cut off, a stray continuation, overlong, a surrogate: a mark for each byte */
		{ "a\xc3", "\"a\xef\xbf\xbd\"" },
		{ "\x80z", "\"\xef\xbf\xbdz\"" },
		{ "\xc0\xaf", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe3\x83", "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
		{ "\xe3\"", "\"\xef\xbf\xbd\\\"\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		expect_text(cases[i].text, cases[i].expected);
}

static void write_nest(struct json *j)
{
	json_object(j, NULL);
	json_text(j, "na\"me", "x");
	json_array(j, "empty");
	json_end(j);
	json_array(j, "list");
	json_number(j, NULL, INT64_MIN);
	json_object(j, NULL);
	json_end(j);
	json_object(j, NULL);
	json_bool(j, "yes", true);
	json_bool(j, "no", false);
	json_end(j);
	json_end(j);
	json_number(j, "last", 0);
	json_end(j);
}

static void test_nests(void **state)
{
	OWNED_TEXT written = NULL;
	size_t len;
	struct json j = { .out = open_memstream(&written, &len) };

	(void)state;
	assert_non_null(j.out);
	write_nest(&j);
	write_nest(&j);		/* the next value, in the next line */
	fclose(j.out);
	assert_string_equal(written,
			    "{\"na\\\"me\": \"x\", \"empty\": [], \"list\": [-9223372036854775808, "
			    "{}, {\"yes\": true, \"no\": false}], \"last\": 0}\n"
			    "{\"na\\\"me\": \"x\", \"empty\": [], \"list\": [-9223372036854775808, "
			    "{}, {\"yes\": true, \"no\": false}], \"last\": 0}\n");
}

static void test_nowhere(void **state)
{
	struct json j = { .out = NULL };

	(void)state;
	write_nest(&j);
	assert_int_equal(j.depth, 0);
}

static void test_deepest(void **state)
{
	OWNED_TEXT written = NULL;
	size_t len;
	struct json j = { .out = open_memstream(&written, &len) };

	(void)state;
	assert_non_null(j.out);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_array(&j, NULL);
	for (int i = 0; i < JSON_DEPTH_MAX; i++)
		json_end(&j);
	fclose(j.out);
	assert_string_equal(written, "[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]\n");
}

static void test_members(void **state)
{
	static const struct {
		const char *json, *expected;	/* NULL: there is none */
	} cases[] = {
		{ "{\"aud\":\"x\"}", "x" },
		{ " { \"a\" : 1 , \"aud\" : \"x y\" } ", "x y" },
		{ "{\"a\":{\"aud\":\"inner\",\"b\":[\"}\"]},\"aud\":\"outer\"}", "outer" },
		{ "{\"a\":\"\\\"aud\\\":\",\"aud\":\"x\"}", "x" },
		{ "{\"aud\":[\"first\",\"second\"]}", "first" },
		{ "{\"aud\":\"a\\n\\u0041\\u00e9\\/\\u00\"}", "a?A?/?" },
		{ "{\"aud\":\"\\u001b[31m\x1b\"}", "?[31m?" },
		{ "{\"aud\":\"0123456789abcdef\"}", "0123456789abcde" },
		{ "{\"aud\":\"\"}", "" },
		{ "{\"aud\":\"never ends", NULL },
		{ "{\"aud\":\"never ends\\", NULL },
		{ "{\"aud\":12}", NULL },
		{ "{\"aud\"", NULL },
		{ "{\"b\":[[[[[[[[", NULL },
		{ "{\"b\":]}},\"aud\":\"x\"}", NULL },
		{ "[\"aud\",\"x\"]", NULL },
		{ "", NULL },
		{ "{", NULL },
		{ "{}", NULL },
		{ "\"aud\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		size_t len = strlen(cases[i].json);
		char *exact = malloc(len ? len : 1), text[16];

		/* At the end of what was allocated, where a look too far is found. */
		memcpy(exact, cases[i].json, len);
		assert_int_equal(json_read_text(exact, len, "aud", text, sizeof(text)),
				 cases[i].expected != NULL);
		assert_string_equal(text, cases[i].expected ? cases[i].expected : "");
		free(exact);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *json;
		int64_t expected;	/* 0: there is none */
	} cases[] = {
		{ "{\"exp\":1700000000}", 1700000000 },
		{ "{\"exp\": \"1700000000\"}", 1700000000 },
		{ "{\"exp\":99999999999999999999999}", 999999999999999 },
		{ "{\"exp\":-5}", 0 },
		{ "{\"exp\":null}", 0 },
		{ "{\"exp\":", 0 },
	};
	int64_t number;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool is_there = json_read_number(cases[i].json, strlen(cases[i].json), "exp",
						 &number);

		assert_int_equal(number, cases[i].expected);
		assert_int_equal(is_there, cases[i].expected != 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_nests),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_deepest),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
