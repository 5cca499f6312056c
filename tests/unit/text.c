/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions about text: at the edges of each answer. */
#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

#define DIGITS	"0123456789012345678901234567890123456789012345678901234567890123456789"
#define FACES	"\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80"

static const struct {
	const char *a, *b;
	bool same;
} pairs[] = {
	{ "", "", true },
	{ "STARTTLS", "startTLS", true },
	{ "a@[`{", "A@[`{", true },
	{ "a", "", false },
	{ "", "a", false },
	{ "size", "sizes", false },
	{ "sizes", "size", false },
	{ "@", "`", false },		/* 32 apart, but no letters */
	{ "[", "{", false },
	{ "\xc3\x84", "\xc3\xa4", false },	/* letters outside ASCII have no case here */
};

static void test_is(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		const char *a = pairs[i].a, *b = pairs[i].b;

		if (text_is(a, b) != pairs[i].same ||
		    text_is_n(a, strlen(a), b) != pairs[i].same)
			fail_msg("\"%s\" and \"%s\"", a, b);
	}
	assert_true(text_is_n("sizes", 4, "SIZE"));
	assert_false(text_is_n("sizes", 3, "SIZE"));
	assert_false(text_is_n("size\0s", 6, "size"));
}

static void test_after(void **state)
{
	const char *text = "Auth LOGIN";

	(void)state;
	assert_ptr_equal(text_after(text, "AUTH "), text + 5);
	assert_ptr_equal(text_after(text, ""), text);
	assert_ptr_equal(text_after(text, "auth login"), text + 10);
	assert_null(text_after(text, "auth login "));
	assert_null(text_after("", "a"));
}

/* Every byte that a text can hold, one after the other. */
static void test_controls(void **state)
{
	(void)state;
	assert_false(text_has_control(""));
	for (int c = 1; c < 256; c++) {
		char text[] = { 'a', (char)c, '\0' };
		bool control = c < ' ' || c == 127;

		if (text_has_control(text) != control)
			fail_msg("control: %d", c);
		if (text_has_control_but_tab(text) != (control && c != '\t'))
			fail_msg("control but tab: %d", c);
		if (text_has_8bit(text, 2) != (c > 127))
			fail_msg("8 bit: %d", c);
		text_make_printable(text);
		if (text[0] != 'a' || text[1] != (c >= ' ' && c <= '~' ? c : '?'))
			fail_msg("printable: %d became %d", c, text[1]);
	}
	assert_true(text_has_8bit("\0\xff", 2));
	assert_false(text_has_8bit("a\xff", 1));
	assert_false(text_has_8bit("", 0));
}

static const struct {
	const char *text, *printable;
} quotes[] = {
	{ "", "" },
	{ "J\xc3\xb6rg \xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x98\x80~", NULL },	/* NULL: the same */
	{ "a\r\n\033[2J\x7f", "a???[2J?" },
	{ "\x9b\x31mred \xe4", "?1mred ?" },		/* raw C1, Latin-1 */
	{ "\xc2\x80\xc2\x9b\xc2\x9f|", "??????|" },	/* C1 as UTF-8 */
	{ "\xc2\xa0\xc2\xbf", NULL },
	{ "\xe2\x80\xa7\xe2\x80\xa8|", "\xe2\x80\xa7???|" },
	{ "\xe2\x80\xaa|\xe2\x80\xae|\xe2\x80\xaf", "???|???|\xe2\x80\xaf" },
	{ "\xe2\x81\xa5\xe2\x81\xa6|", "\xe2\x81\xa5???|" },
	{ "\xe2\x81\xa9|\xe2\x81\xaa", "???|\xe2\x81\xaa" },
	{ "\xe2\x80\x8e|\xe2\x80\x8f|\xe2\x80\x8d", "???|???|\xe2\x80\x8d" },
	{ "\xd8\x9c|\xd8\x9b", "??|\xd8\x9b" },
	{ "\xe3\x80\xaa\xe2\x82\xa6", NULL },		/* others that end like them */
	{ "\xed\xa0\x80|\xc0\x80|", "???|??|" },
	{ "\xe6\x97", "??" },				/* cut in two */
	{ "\xe6\x97\xc3\xb6", "??\xc3\xb6" },
};

static void test_printable(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(quotes); i++) {
		const char *expected = quotes[i].printable;
		OWNED_TEXT text = text_copy(quotes[i].text);

		text_make_printable(text);
		assert_string_equal(text, expected ? expected : quotes[i].text);
	}
}

/* Up to 60 bytes, and no half of a character. */
static void test_show(void **state)
{
	char text[100], shown[SHOWN_SIZE], expected[100];

	(void)state;
	for (int len = 0; len < 70; len++) {
		snprintf(text, sizeof(text), "%.*s", len, DIGITS);
		snprintf(expected, sizeof(expected), "%.*s%s", len < 60 ? len : 60, DIGITS,
			 len > 60 ? "..." : "");
		assert_ptr_equal(text_show(text, shown), shown);
		assert_string_equal(shown, expected);
	}
	for (int len = 50; len <= 60; len++) {
		int kept = len + (60 - len) / 4 * 4;

		snprintf(text, sizeof(text), "%.*s%s", len, DIGITS, FACES);
		text_show(text, shown);
		snprintf(expected, sizeof(expected), "%.*s...", kept, text);
		assert_string_equal(shown, expected);
	}
	assert_string_equal(text_show("a\nb\x9b", shown), "a?b?");
	memset(text, 0x80, 70);
	text[70] = '\0';
	text_show(text, shown);
	assert_in_range(strspn(shown, "?"), 50, 60);
	assert_string_equal(shown + strspn(shown, "?"), "...");
}

static void test_case(void **state)
{
	char text[] = "@AZ[`az{ \xc3\x84 0";

	(void)state;
	text_lower(text);
	assert_string_equal(text, "@az[`az{ \xc3\x84 0");
	text_upper(text);
	assert_string_equal(text, "@AZ[`AZ{ \xc3\x84 0");
	for (int c = 0; c < 256; c++)
		assert_int_equal(text_is_blank((char)c), c == ' ' || c == '\t');
}

static const struct {
	const char *bytes;
	bool is_utf8;
} sequences[] = {
	{ "", true },
	{ "ASCII \x01\x7f", true },
	{ "\xc2\x80", true },			/* the least of each length, and the greatest */
	{ "\xdf\xbf", true },
	{ "\xe0\xa0\x80", true },
	{ "\xef\xbf\xbf", true },
	{ "\xf0\x90\x80\x80", true },
	{ "\xf4\x8f\xbf\xbf", true },
	{ "\xed\x9f\xbf", true },		/* on both sides of the surrogates */
	{ "\xee\x80\x80", true },
	{ "\xf0\x9f\x98\x80 \xe6\x97\xa5", true },
	{ "\xed\xa0\x80", false },		/* surrogates: first, last, a pair */
	{ "\xed\xbf\xbf", false },
	{ "\xed\xa0\xbd\xed\xb8\x80", false },
	{ "\xc0\x80", false },			/* overlong */
	{ "\xc1\xbf", false },
	{ "\xe0\x80\x80", false },
	{ "\xe0\x9f\xbf", false },
	{ "\xf0\x80\x80\x80", false },
	{ "\xf0\x8f\xbf\xbf", false },
	{ "\xf4\x90\x80\x80", false },		/* beyond U+10FFFF */
	{ "\xf5\x80\x80\x80", false },
	{ "\xf8\x88\x80\x80\x80", false },
	{ "\xfe", false },
	{ "\xff", false },
	{ "\x80", false },			/* a tail without a head */
	{ "a\xbf", false },
	{ "\xc3", false },			/* a head without its tail */
	{ "\xe6\x97", false },
	{ "\xf0\x9f\x98", false },
	{ "\xc3(", false },
	{ "\xe6\x97(", false },
	{ "\xe6(\xa5", false },
	{ "\xf0\x9f\x98(", false },
	{ "\xc3\xa4\xe4", false },		/* Latin-1 after UTF-8 */
};

static void test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(sequences); i++) {
		size_t len = strlen(sequences[i].bytes);
		char *exact = xmalloc(len);	/* no NUL: for the address sanitizer */
		bool is_utf8;

		memcpy(exact, sequences[i].bytes, len);
		is_utf8 = text_is_utf8(exact, len);
		free(exact);
		if (is_utf8 != sequences[i].is_utf8)
			fail_msg("sequence %zu", i);
	}
	assert_true(text_is_utf8("a\0b", 3));
	assert_false(text_is_utf8("\xc3\xa4", 1));
}

static const struct {
	const char *text;
	long least, most;
	bool ok;
	long number;
} numbers[] = {
	{ "0", 0, 0, true, 0 },
	{ "587", 1, 65535, true, 587 },
	{ "007", 0, 10, true, 7 },
	{ "1", 1, 65535, true, 1 },
	{ "0", 1, 65535, false, 0 },
	{ "65535", 1, 65535, true, 65535 },
	{ "65536", 1, 65535, false, 0 },
	{ "655350", 1, 65535, false, 0 },
	{ "9223372036854775807", 0, LONG_MAX, true, LONG_MAX },
	{ "9223372036854775808", 0, LONG_MAX, false, 0 },
	{ "18446744073709551617", 0, LONG_MAX, false, 0 },
	{ "9999999999999999999999999999", 0, LONG_MAX, false, 0 },
	{ "00000000000000000000000000001", 0, LONG_MAX, true, 1 },
	{ "", 0, 10, false, 0 },
	{ " 1", 0, 10, false, 0 },
	{ "1 ", 0, 10, false, 0 },
	{ "+1", 0, 10, false, 0 },
	{ "-1", -10, 10, false, 0 },
	{ "1.0", 0, 10, false, 0 },
	{ "0x1", 0, 10, false, 0 },
	{ "1k", 0, 10, false, 0 },
	{ "\xd9\xa1", 0, 10, false, 0 },	/* a digit elsewhere */
	/* upper bounds of one digit */
	{ "9", 0, 9, true, 9 },
	{ "3", 0, 3, true, 3 },
	{ "4", 0, 3, false, 0 },
	{ "9", 0, 3, false, 0 },
	{ "1", 0, 0, false, 0 },
	{ "10", 0, 3, false, 0 },
};

static void test_number(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		long least = numbers[i].least, most = numbers[i].most, number = -7;
		bool ok = text_to_number(numbers[i].text, least, most, &number);

		if (ok != numbers[i].ok)
			fail_msg("\"%s\" between %ld and %ld was %s", numbers[i].text,
				 least, most, ok ? "taken" : "refused");
		assert_int_equal(number, ok ? numbers[i].number : -7);
	}
}

#define FORTY "abcdefghijklmnopqrstuvwxyzabcdefghijklmn"

static const char *known(const void *of, size_t i)
{
	static const char *const words[] = {
		"password", "password_file", "port", "from", "host", "user", FORTY,
		FORTY "o",
	};

	(void)of;
	return i < COUNT_OF(words) ? words[i] : NULL;
}

static const char *nothing(const void *of, size_t i)
{
	(void)of;
	(void)i;
	return NULL;
}

static const struct {
	const char *word, *nearest;
} typos[] = {
	{ "password", "password" },
	{ "pasword", "password" },
	{ "PASSWORT", "password" },
	{ "passwrod", "password" },
	{ "password-file", "password_file" },
	{ "prot", "port" },
	{ "hots", "host" },
	{ "form", "from" },		/* not "port", where two letters are wrong */
	{ "use", "user" },
	{ "host_name_of_server", NULL },
	{ "xyzzy", NULL },
	{ "", NULL },
	{ "abcdefghijklmnopqrstuvwxyzabcdefghijklm", FORTY },
	{ FORTY, FORTY },
	{ FORTY "o", NULL },		/* nobody's typing mistake, though it is there */
};

static void test_nearest(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(typos); i++) {
		const char *nearest = text_nearest(typos[i].word, known, NULL);

		if ((nearest == NULL) != (typos[i].nearest == NULL) ||
		    (nearest && strcmp(nearest, typos[i].nearest) != 0))
			fail_msg("\"%s\": %s", typos[i].word, nearest ? nearest : "none");
	}
	assert_null(text_nearest("host", nothing, NULL));
}

/* What is cut ends with a whole character; what is no UTF-8 is cut anywhere. */
static void test_whole(void **state)
{
	static const struct {
		const char *bytes;
		size_t whole;
	} cases[] = {
		{ "", 0 }, { "a", 1 }, { "a\xc3\xa4", 3 }, { "a\xc3", 1 }, { "\xc3", 0 },
		{ "a\xe2\x82\xac", 4 }, { "a\xe2\x82", 1 }, { "a\xe2", 1 },
		{ "a\xf0\x9f\x98\x80", 5 }, { "a\xf0\x9f\x98", 1 }, { "a\xf0\x9f", 1 },
		{ "a\xf0", 1 }, { "a\x80\x80\x80\x80", 5 }, { "\x80\x80", 2 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(text_whole(cases[i].bytes, strlen(cases[i].bytes)),
				 cases[i].whole);
}

static void test_server(void **state)
{
	static const struct {
		const char *host, *text;
	} rows[] = {
		{ "mail.example", "mail.example:25" }, { "192.0.2.1", "192.0.2.1:25" },
		{ "2001:db8::1", "[2001:db8::1]:25" }, { "[::1]", "[::1]:25" }, { "", ":25" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_TEXT text = text_server(rows[i].host, 25);

		assert_string_equal(text, rows[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is),
		cmocka_unit_test(test_after),
		cmocka_unit_test(test_controls),
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_case),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_server),
		cmocka_unit_test(test_nearest),
	};

	setlocale(LC_ALL, "");		/* no answer may depend on it */
	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
