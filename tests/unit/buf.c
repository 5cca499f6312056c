/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The growing buffer: its limit is exact, and being full stays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/base64.h"
#include "base/buf.h"

static void test_empty(void **state)
{
	struct buf b = BUF_INIT(10);
	OWNED_TEXT text = NULL;

	(void)state;
	assert_string_equal(buf_text(&b), "");
	assert_false(buf_is_full(&b));
	buf_clear(&b);
	text = buf_take(&b);
	assert_string_equal(text, "");
	buf_add(&b, "");
	assert_string_equal(buf_text(&b), "");
	buf_free(&b);
	buf_free(&b);
	assert_int_equal(b.limit, 10);
}

static void test_pieces(void **state)
{
	OWNED_BUF b = BUF_INIT(100);

	(void)state;
	buf_add(&b, "a");
	buf_add_char(&b, 'b');
	buf_add_bytes(&b, "c\0d", 3);
	buf_addf(&b, "%d%s%%", 42, "");
	assert_int_equal(b.len, 8);
	assert_memory_equal(buf_text(&b), "abc\0d42%", 9);
}

/* The limit is about the data; nothing that does not fit is added in part. */
static void test_limit(void **state)
{
	OWNED_BUF b = BUF_INIT(5);

	(void)state;
	buf_add(&b, "12345");
	assert_false(buf_is_full(&b));
	buf_add(&b, "");
	assert_false(buf_is_full(&b));
	buf_add_char(&b, '6');
	assert_true(buf_is_full(&b));
	assert_string_equal(buf_text(&b), "12345");
}

static void add_text(struct buf *b)
{
	buf_add(b, "123456");
}

static void add_format(struct buf *b)
{
	buf_addf(b, "%s", "123456");
}

static void add_base64(struct buf *b)
{
	buf_add_base64(b, "1234", 4);
}

static void add_room(struct buf *b)
{
	assert_null(buf_reserve(b, 6));
}

static void add_huge_room(struct buf *b)
{
	assert_null(buf_reserve(b, SIZE_MAX));
}

static void test_full_is_sticky(void **state)
{
	void (*const ways[])(struct buf *b) = {
		add_text, add_format, add_base64, add_room, add_huge_room,
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		OWNED_BUF b = BUF_INIT(7);

		buf_add(&b, "ab");
		ways[i](&b);
		assert_true(buf_is_full(&b));
		buf_add_char(&b, 'c');		/* would fit, but its place is lost */
		buf_addf(&b, "d");
		buf_add_base64(&b, "", 0);
		assert_null(buf_reserve(&b, 1));
		assert_true(buf_is_full(&b));
		assert_string_equal(buf_text(&b), "ab");
		buf_clear(&b);
		assert_false(buf_is_full(&b));
		assert_string_equal(buf_text(&b), "");
		buf_add(&b, "1234567");
		assert_false(buf_is_full(&b));
		assert_string_equal(buf_text(&b), "1234567");
	}
}

static void test_no_room_at_all(void **state)
{
	OWNED_BUF b = BUF_INIT(0);

	(void)state;
	buf_add(&b, "");
	assert_false(buf_is_full(&b));
	buf_add_char(&b, 'a');
	assert_true(buf_is_full(&b));
	assert_string_equal(buf_text(&b), "");
}

static void test_reserve(void **state)
{
	OWNED_BUF b = BUF_INIT(200);
	char *place;

	(void)state;
	buf_add(&b, "a");
	place = buf_reserve(&b, 199);
	assert_non_null(place);
	assert_ptr_equal(place, b.text + 1);
	memset(place, 'b', 199);
	assert_int_equal(b.len, 1);	/* adding is the caller's */
	b.len += 199;
	b.text[b.len] = '\0';
	assert_null(buf_reserve(&b, 1));
}

static void test_growth(void **state)
{
	enum { SIZE = 100000 };
	OWNED_BUF b = BUF_INIT(SIZE);

	(void)state;
	for (size_t i = 0; i < SIZE; i++)
		buf_add_char(&b, (char)('a' + i % 26));
	assert_false(buf_is_full(&b));
	assert_int_equal(b.len, SIZE);
	for (size_t i = 0; i < SIZE; i++)
		assert_int_equal(b.text[i], 'a' + i % 26);
	assert_int_equal(b.text[SIZE], '\0');
}

static void test_take(void **state)
{
	OWNED_BUF b = BUF_INIT(3);
	OWNED_TEXT text = NULL;

	(void)state;
	buf_add(&b, "abc");
	buf_add(&b, "d");
	text = buf_take(&b);
	assert_string_equal(text, "abc");
	assert_false(buf_is_full(&b));
	assert_string_equal(buf_text(&b), "");
	assert_int_equal(b.limit, 3);
	buf_add(&b, "xyz");
	assert_string_equal(text, "abc");
	assert_string_equal(buf_text(&b), "xyz");
}

/* RFC 4648 section 10, and bytes that reach every digit. */
static const struct {
	const char *bytes, *base64;
} encodings[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xbf", "+/+/" },
	{ "\xff", "/w==" },
	{ "\xff\xfe", "//4=" },
	{ "\x14\xfb\x9c\x03\xd9\x7e", "FPucA9l+" },
};

static void test_base64(void **state)
{
	OWNED_BUF b = BUF_INIT(12);

	(void)state;
	for (size_t i = 0; i < COUNT_OF(encodings); i++) {
		buf_clear(&b);
		buf_add(&b, "> ");
		buf_add_base64(&b, encodings[i].bytes, strlen(encodings[i].bytes));
		assert_false(buf_is_full(&b));
		assert_string_equal(buf_text(&b) + 2, encodings[i].base64);
		assert_int_equal(b.len, 2 + strlen(encodings[i].base64));
	}
	buf_clear(&b);
	buf_add_base64(&b, "\0\0\0", 3);
	assert_string_equal(buf_text(&b), "AAAA");
	buf_add_base64(&b, "123456", 6);
	assert_false(buf_is_full(&b));
	buf_add_base64(&b, "1", 1);
	assert_true(buf_is_full(&b));
}

static void test_base64_back(void **state)
{
	static const struct {
		const char *base64, *last_digits, *bytes;	/* NULL: it is none */
	} cases[] = {
		{ "YQ", "+/", "a" }, { "YQ==YWI=YWJj", "+/", "aababc" },
		{ "YQ=", "+/", "a" }, { "/+8", "+/", "\xff\xef" }, { "_-8", "-_", "\xff\xef" },
		{ "/+8", "-_", NULL }, { "_-8", "+/", NULL }, { "Y", "+/", NULL },
		{ "Y=", "+/", NULL }, { "YWJjY", "+/", NULL }, { "YW Jj", "+/", NULL },
	};
	char bytes[16];
	size_t count;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(encodings); i++) {
		const char *base64 = encodings[i].base64;

		assert_true(base64_decode(base64, strlen(base64), "+/", bytes, &count));
		assert_int_equal(count, strlen(encodings[i].bytes));
		assert_memory_equal(bytes, encodings[i].bytes, count);
	}
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool ok = base64_decode(cases[i].base64, strlen(cases[i].base64),
					cases[i].last_digits, bytes, &count);

		assert_int_equal(ok, cases[i].bytes != NULL);
		if (!ok)
			continue;
		assert_int_equal(count, strlen(cases[i].bytes));
		assert_memory_equal(bytes, cases[i].bytes, count);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_full_is_sticky),
		cmocka_unit_test(test_no_room_at_all),
		cmocka_unit_test(test_reserve),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_base64),
		cmocka_unit_test(test_base64_back),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
