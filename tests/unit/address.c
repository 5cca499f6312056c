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
	{ "a@x.", "empty label" },
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
	assert_null(address_domain("\"a@b\""));
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
		cmocka_unit_test(test_nul_and_length),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_questions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
