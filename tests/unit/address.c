/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Addresses as RFC 5322 has them, and as people and programs write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "mail/address.h"

/* What was understood: "mailbox" or "mailbox=name", separated by "|". */
static const struct {
	const char *text, *understood;
} lists[] = {
	{ "a@example.org", "a@example.org" },
	{ "  a@example.org  ", "a@example.org" },
	{ "a@x,b@y", "a@x|b@y" },
	{ "a@x;b@y", "a@x|b@y" },
	{ "a@x b@y\tc@z", "a@x|b@y|c@z" },
	{ "a@x,, ,b@y,", "a@x|b@y" },
	{ "root", "root" },
	{ "root, admin", "root|admin" },
	{ "", "" },
	{ " \r\n ", "" },
	{ "John Doe <j@x>", "j@x=John Doe" },
	{ "John Q. Public <j@x>", "j@x=John Q. Public" },
	{ "John (the \\) one) Doe <j@x>", "j@x=John Doe" },
	{ "\"Doe, John\" <j@x>", "j@x=Doe, John" },
	{ "\"a \\\"b\\\" \\\\c\" <j@x>", "j@x=a \"b\" \\c" },
	{ "<j@x>", "j@x" },
	{ "< j@x >", "j@x" },
	{ "<j@x> (John)", "j@x=John" },
	{ "j@x (John (Jr.) Doe)", "j@x=John (Jr.) Doe" },
	{ "(hello) j@x", "j@x" },
	{ "root (Cron Daemon)", "root=Cron Daemon" },
	{ "a@b <c@d>", "c@d=a@b" },
	{ "[List] Name <a@b>", "a@b=[List] Name" },
	{ "J\303\266rg <j@x>", "j@x=J\303\266rg" },
	{ "=?utf-8?Q?J=C3=B6rg,_x?= <j@x>", "j@x==?utf-8?Q?J=C3=B6rg,_x?=" },
	{ "=?utf-8?Q?a<b;?= <j@x>, k@x", "j@x==?utf-8?Q?a<b;?=|k@x" },
	/* Bytes of ISO-2022-JP look like quotes, commas, brackets and colons. */
	{ "\033$B0!P!!J!\"!#!K!$5l@+!':4F#\033(B <j@x>, k@x",
	  "j@x=\344\272\234\345\274\214\357\274\210\343\200\201\343\200\202\357\274\211\357\274\214\346\227\247\345\247\223\357\274\232\344\275\220\350\227\244|k@x" },
	{ "\"\033$B0!P!!J!\"!#!K!$5l@+!':4F#\033(B\" <j@x>, k@x (\033$B0!P!!J!\"!#!K!$5l@+!':4F#\033(B)",
	  "j@x=\344\272\234\345\274\214\357\274\210\343\200\201\343\200\202\357\274\211\357\274\214\346\227\247\345\247\223\357\274\232\344\275\220\350\227\244|"
	  "k@x=\344\272\234\345\274\214\357\274\210\343\200\201\343\200\202\357\274\211\357\274\214\346\227\247\345\247\223\357\274\232\344\275\220\350\227\244" },
	{ "\"a b\"@x", "\"a b\"@x" },
	{ "\"ab\"@x", "ab@x" },
	{ "\"a@b\"@x", "\"a@b\"@x" },
	{ "\"a\\\"b\\\\\"@x", "\"a\\\"b\\\\\"@x" },
	{ "\"\".a@x", "\".a\"@x" },
	{ "a..b@docomo.example", "\"a..b\"@docomo.example" },
	{ "a.@x", "\"a.\"@x" },
	{ "a . b @ example . org", "a.b@example.org" },
	{ "a(1)@(2)x(3)", "a@x=3" },
	{ "a@\r\n x", "a@x" },
	{ "a@x,\r\n\tb@y", "a@x|b@y" },
	{ "a@example.org., B <b@x.>, c@x. (C)", "a@example.org|b@x=B|c@x=C" },
	{ "a@[192.0.2.1]", "a@[192.0.2.1]" },
	{ "a@[IPv6:2001:db8::1], b@y", "a@[IPv6:2001:db8::1]|b@y" },
	{ "a@[ 192.0.2.1 ]", "a@[192.0.2.1]" },
	{ "<@a,@b:c@d>", "c@d" },
	{ "<@a:c@d>, e@f", "c@d|e@f" },
	{ "undisclosed-recipients:;", "" },
	{ "undisclosed-recipients:", "" },
	{ "Friends: a@x, B <b@y>;, c@z", "a@x|b@y=B|c@z" },
	{ "\"My; Group\": a@x; b@y", "a@x|b@y" },
	{ "A: a@x; B: b@y;", "a@x|b@y" },
	{ "\"a@b\": a@x; c@z", "a@x|c@z" },
	{ "Name <a@x", "a@x=Name" },
	{ "Name <a@x, b@y", "a@x=Name|b@y" },
	{ "a!b%c+d=e@x", "a!b%c+d=e@x" },
	{ "o'neil@x", "o'neil@x" },
	{ "\346\227\245@\346\234\254.example", "\346\227\245@\346\234\254.example" },
	{ "Sur, Name <a@x>", "Sur|a@x=Name" },
};

static void describe(const struct address_list *list, struct buf *out)
{
	for (size_t i = 0; i < list->count; i++) {
		buf_addf(out, "%s%s", i ? "|" : "", list->items[i].mailbox);
		if (list->items[i].name)
			buf_addf(out, "=%s", list->items[i].name);
	}
}

static void test_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(lists); i++) {
		OWNED_ADDRESSES list = { 0 };
		OWNED_BUF text = BUF_INIT(4096);
		struct error err = { 0 };

		if (!address_list_parse(&list, lists[i].text, strlen(lists[i].text), &err))
			fail_msg("%s: %s", lists[i].text, err.text);
		describe(&list, &text);
		if (strcmp(buf_text(&text), lists[i].understood) != 0)
			fail_msg("%s: understood as %s", lists[i].text, buf_text(&text));
	}
}

static const struct {
	const char *text, *why;
} bad[] = {
	{ "a@", "nothing stands after the @" },
	{ "@x", "nothing stands before the @" },
	{ "a@x..", "empty label" },
	{ "a@.", "empty label" },
	{ "a@x..y", "empty label" },
	{ "a@.x", "empty label" },
	{ "a@b@c", "needs quotes" },
	{ "Doe John", "blanks stand outside" },
	{ "Name a@x", "blanks stand outside" },
	{ "a@x name", "blanks stand outside" },
	{ "\"Doe <a@x>", "closing quote" },
	{ "(Doe <a@x>", "closing parenthesis" },
	{ "Doe <a@x> b", "behind the >" },
	{ "Doe <a b@x>", "needs quotes" },
	{ "Doe <<a@x>>", "two <" },
	{ "Doe <root", "closing > is missing" },
	{ "<>", "empty" },
	{ "a@[192.0.2.1", "closing bracket" },
	{ ":a@x", "begins with a colon" },
	{ "a\\b@x", "needs quotes" },
	{ "a\001b@x", "needs quotes" },
	{ "\"a\001b\"@x", "control character" },
	{ "a\377@x", "neither ASCII nor UTF-8" },
	{ "a@\303.x", "neither ASCII nor UTF-8" },
	{ "a@x>", "needs quotes" },
	{ "\"a\"b@x", "needs quotes" },
	{ "Name <a@x, b@y>", "needs quotes" },
	{ "a\\,b@x", "needs quotes" },
	{ "\"A <a@x>, \"B\" <b@x>, \"C <c@x>", "one too many" },
};

static void test_bad_lists(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		OWNED_ADDRESSES list = { 0 };
		struct error err = { 0 };

		if (address_list_parse(&list, bad[i].text, strlen(bad[i].text), &err))
			fail_msg("%s: taken", bad[i].text);
		assert_int_equal(err.kind, ERROR_DATA);
		if (!strstr(err.text, bad[i].why))
			fail_msg("%s: %s", bad[i].text, err.text);
	}
}

static void test_keeps_what_was_good(void **state)
{
	const char *text = "a@x, b@y, c@";
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_false(address_list_parse(&list, text, strlen(text), &err));
	assert_int_equal(list.count, 2);
}

/* Lists with faults: what is read of them, and which pieces are not (separated by "|"). */
static const struct {
	const char *text, *understood, *faults;
} mixed[] = {
	{ "a@@x, b@y", "b@y", "a@@x" },
	{ "a@x, b@, c@z", "a@x|c@z", "b@" },
	{ "a@x; @y ;c@z", "a@x|c@z", "@y" },
	{ "a@x,\r\n Doe John ,\r\n\tc@z", "a@x|c@z", "Doe John" },
	{ "A <<a@x>>, b@y", "b@y", "A <<a@x>>" },
	{ "A <a@x> b, b@y", "b@y", "A <a@x> b" },
	{ "A <a@x B <b@y>, c@z", "c@z", "A <a@x B <b@y>" },
	{ "<>, a@x", "a@x", "<>" },
	{ "a@[192.0.2.1, b@y", "b@y", "a@[192.0.2.1" },
	{ "a@x), b@y", "b@y", "a@x)" },
	{ "Team: a@@x, b@y; c@, d@z", "b@y|d@z", "a@@x|c@" },
	{ "a@b@c,d@e@f,g@h", "g@h", "a@b@c|d@e@f" },
	{ "(note)\r\n\t@x, \"A\r\n B\" c,d@x", "d@x", "(note)?@x|\"A B\" c" },
	/* One address with blanks around it, or two: who knows. */
	{ "a@x Doe b@y, c@z", "c@z", "a@x Doe b@y" },
	{ "a@x b@y Doe, c@z", "c@z", "a@x b@y Doe" },
	/* The comma is none that separates. */
	{ "A <a@x, b@y>, c@z", "c@z", "A <a@x, b@y>" },
	{ "A <a, b@x; c@y>, d@z", "d@z", "A <a, b@x; c@y>" },
	{ "a\\,b@x, c@z", "c@z", "a\\,b@x" },
	{ "<a\\,b@x>, c@z", "c@z", "<a\\,b@x>" },
	{ ":include:/x@y, a@x", "a@x", ":include:/x@y" },
	{ ":a: b@x, a@x", "a@x", ":a: b@x" },
	/* Nobody can tell what separates. */
	{ "a@x, \"B <b@y>, c@z", "a@x", "\"B <b@y>, c@z" },
	{ "a@x, (B <b@y>, c@z", "a@x", "(B <b@y>, c@z" },
	{ "a@x, b@y (B, c@z", "a@x", "b@y (B, c@z" },
	{ "a@x, B \"b <b@y>, \"C\" <c@z>", "a@x", "B \"b <b@y>, \"C\" <c@z>" },
	{ "a@x, \"B <b@x>, \"C\" <c@x>, \"D <d@x>, e@x", "a@x",
	  "\"B <b@x>, \"C\" <c@x>, \"D <d@x>, e@x" },
	{ "\"B <b@x>, \"C <c@x>, d@x", "", "\"B <b@x>, \"C <c@x>, d@x" },
	/* An encoded word is one, whatever stands in it. */
	{ "<j@x=?utf-8?Q?(?=, k@x (c), l@x", "k@x=c|l@x", "<j@x=?utf-8?Q?(?=" },
	{ "j.=?utf-8?Q?a.\"?=, \"k\"@x, l@x", "k@x|l@x", "j.=?utf-8?Q?a.\"?=" },
	/* What looks like it and is sound. */
	{ "Joe \\\"x\\\" <a@x>, b@y", "a@x=Joe \\\"x\\\"|b@y", "" },
	{ "\"Q\"uote <a@x>, b@y", "a@x=Quote|b@y", "" },
	{ "A <a@x, \"B, C\" <b@y>, c@z", "a@x=A|b@y=B, C|c@z", "" },
	{ "<@a,@b:c@d>, <@a,@b:c@d, e@f", "c@d|c@d|e@f", "" },
};

static void test_goes_on(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(mixed); i++) {
		OWNED_ADDRESSES list = { 0 };
		OWNED_FAULTS faults = { 0 };
		OWNED_BUF good = BUF_INIT(4096), pieces = BUF_INIT(4096);
		struct error err = { 0 };

		assert_true(address_list_parse_all(&list, &faults, mixed[i].text,
						   strlen(mixed[i].text), &err));
		describe(&list, &good);
		for (size_t k = 0; k < faults.count; k++) {
			buf_addf(&pieces, "%s%s", k ? "|" : "", faults.items[k].text);
			assert_int_equal(faults.items[k].why.kind, ERROR_DATA);
			assert_non_null(strstr(faults.items[k].why.text, "is no address: "));
			assert_non_null(faults.items[k].why.advice);
		}
		if (strcmp(buf_text(&good), mixed[i].understood) != 0)
			fail_msg("%s: understood as %s", mixed[i].text, buf_text(&good));
		if (strcmp(buf_text(&pieces), mixed[i].faults) != 0)
			fail_msg("%s: faults %s", mixed[i].text, buf_text(&pieces));
	}
}

static void test_places_of_faults(void **state)
{
	static const char text[] = "a@x,\r\n  b@@y,\1\0@z, c@";
	OWNED_ADDRESSES list = { 0 };
	OWNED_FAULTS faults = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(address_list_parse_all(&list, &faults, text, sizeof(text) - 1, &err));
	assert_int_equal(faults.count, 3);
	assert_non_null(strstr(faults.items[0].why.text, "\"b@@y\" at byte 9 "));
	assert_string_equal(faults.items[1].text, "??@z");
	assert_non_null(strstr(faults.items[2].why.text, "\"c@\" at byte 20 "));
}

static void test_too_many_faults(void **state)
{
	OWNED_ADDRESSES list = { 0 };
	OWNED_FAULTS faults = { 0 };
	struct buf text = BUF_INIT(16 * ADDRESS_FAULTS_MAX);
	struct error err = { 0 };

	(void)state;
	for (int i = 0; i < ADDRESS_FAULTS_MAX; i++)
		buf_add(&text, "a@,b@x,");
	assert_true(address_list_parse_all(&list, &faults, text.text, text.len, &err));
	assert_int_equal(faults.count, ADDRESS_FAULTS_MAX);
	assert_int_equal(list.count, ADDRESS_FAULTS_MAX);
	assert_false(address_list_parse_all(&list, &faults, "c@", 2, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	assert_non_null(strstr(err.text, "more than 1000 addresses are malformed"));
	assert_non_null(strstr(err.text, "\"c@\" at byte 1"));
	buf_free(&text);
}

static void test_nul_and_length(void **state)
{
	static const char nul[] = "\"a\0b\"@x";
	OWNED_ADDRESSES list = { 0 };
	char text[ADDRESS_MAX + 8];
	struct error err = { 0 };

	(void)state;
	assert_false(address_list_parse(&list, nul, sizeof(nul) - 1, &err));
	assert_non_null(strstr(err.text, "NUL"));
	memset(text, 'a', sizeof(text));
	memcpy(text + ADDRESS_MAX - 1, "@x", 3);
	assert_false(address_list_parse(&list, text, strlen(text), &err));
	assert_non_null(strstr(err.text, "too long"));
	text[ADDRESS_MAX - 1] = text[ADDRESS_MAX] = 'a';
	text[ADDRESS_MAX + 1] = '\0';
	assert_false(address_list_parse(&list, text, strlen(text), &err));
	assert_non_null(strstr(err.text, "too long"));
	memcpy(text + ADDRESS_MAX - 2, "@x", 3);
	assert_true(address_list_parse(&list, text, strlen(text), &err));
	assert_int_equal(strlen(list.items[0].mailbox), ADDRESS_MAX);
}

static void test_places(void **state)
{
	const char *text = " A <a@x> , b@y (B), c@z";
	OWNED_ADDRESSES list = { 0 };
	struct error err = { 0 };

	(void)state;
	assert_true(address_list_parse(&list, text, strlen(text), &err));
	assert_int_equal(list.count, 3);
	assert_memory_equal(text + list.items[0].start, "A <a@x> ", 8);
	assert_int_equal(list.items[0].end - list.items[0].start, 8);
	assert_int_equal(list.items[2].start, strlen(text) - 3);
	assert_int_equal(list.items[2].end, strlen(text));
}

static void test_one(void **state)
{
	static const struct {
		const char *text, *mailbox;
	} good[] = {
		{ "", "" }, { "<>", "" }, { " ", "" }, { "a@x", "a@x" }, { "<a@x>", "a@x" },
		{ "Name <a@x>", "a@x" }, { "root", "root" },
	};
	struct error err = { 0 };
	struct address address = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(address_parse(&address, good[i].text, &err));
		assert_string_equal(address.mailbox, good[i].mailbox);
		address_free(&address);
	}
	assert_false(address_parse(&address, "a@x, b@y", &err));
	assert_non_null(strstr(err.text, "more than one"));
	assert_false(address_parse(&address, "a@x\r\nRCPT TO:b@y", &err));
}

static void test_questions(void **state)
{
	(void)state;
	assert_string_equal(address_domain("a@x"), "x");
	assert_string_equal(address_domain("\"a@b\"@x"), "x");
	assert_string_equal(address_domain("a@[tag:b@c]"), "[tag:b@c]");
	assert_string_equal(address_domain("\"a\\\"@b\"@[tag:\"@c]"), "[tag:\"@c]");
	assert_null(address_domain("\"a@b\""));
	assert_null(address_domain("\"a@b\\\"\""));
	assert_null(address_domain("root"));
	assert_true(address_is_same("a@Example.org", "a@eXample.ORG"));
	assert_false(address_is_same("a@x", "A@x"));
	assert_false(address_is_same("a@x", "a@y"));
	assert_false(address_is_same("ab@x", "a@x"));
	assert_true(address_is_same("root", "root"));
	assert_true(address_is_listed("Sales@Example.org", "a@x, sales@example.org"));
	assert_true(address_is_listed("a@x", "@y @X"));
	assert_false(address_is_listed("a@sub.x", "@x"));
	assert_false(address_is_listed("a@x", ""));
	assert_false(address_is_listed("a@x", NULL));
	assert_false(address_is_listed("a@x", "a@xy"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_bad_lists),
		cmocka_unit_test(test_keeps_what_was_good),
		cmocka_unit_test(test_goes_on),
		cmocka_unit_test(test_places_of_faults),
		cmocka_unit_test(test_too_many_faults),
		cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
