/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Domains of other alphabets in an envelope: what becomes of it and of who has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "smtp/domains.h"

#define BAD	"b@\xe2\x80\xa8.example"	/* U+2028 stands in no domain */

static void make(struct envelope *e, const char *sender)
{
	e->sender = text_copy(sender);
	e->origin = text_copy("root");
	e->notify = text_copy("NEVER");
	e->ret = text_copy("HDRS");
	e->envid = text_copy("x");
}

static void test_all(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	struct error err = { 0 };

	(void)state;
	make(&e, "a@\xc3\xa4.example");
	error_set(&err, ERROR_DATA, "no address");
	envelope_refuse(&e, "z@@\xc3\xa4", &err);
	envelope_add(&e, "b@\xc3\xb6.example");
	envelope_add(&e, "b@\xc3\x96.example");
	envelope_add(&e, BAD);
	envelope_add(&e, "c@x");
	assert_true(domains_to_ascii(&e, &err));
	assert_string_equal(e.sender, "a@xn--4ca.example");
	assert_int_equal(e.count, 4);
	assert_string_equal(e.recipients[0].mailbox, "z@@\xc3\xa4");
	assert_string_equal(e.recipients[0].why->text, "no address");
	assert_string_equal(e.recipients[1].mailbox, "b@xn--nda.example");
	assert_string_equal(e.recipients[2].mailbox, BAD);
	assert_int_equal(e.recipients[2].verdict, VERDICT_REFUSED);
	assert_int_equal(e.recipients[2].why->kind, ERROR_DATA);
	assert_string_equal(e.recipients[3].mailbox, "c@x");
	assert_int_equal(e.recipients[3].verdict, VERDICT_NONE);
	assert_string_equal(e.origin, "root");
	assert_string_equal(e.notify, "NEVER");
	assert_string_equal(e.ret, "HDRS");
	assert_string_equal(e.envid, "x");
}

/* The mapping would make the name of another domain of it, or of none. */
static void test_not_another(void **state)
{
	static const char *const mailboxes[] = {
		"b@\xc3\xb6_\xc3\xb6.example", "b@_x.\xc3\xb6.example", "b@\xc3\xb6!.example",
		"b@[IPv6:\xc3\xb6]", "b@\xef\xbc\xbf\xc3\xb6.example",	/* a wide "_" */
		"b@\xc3\xb6\xe3\x80\x80\xc3\xb6.example",	/* a wide blank */
		"b@\xe2\x80\x8b", "b@\xe2\x80\x8b.example",	/* a blank that has no width */
		"b@\xc3\xb6\xe3\x80\x82.example",		/* a wide full stop, and another */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(mailboxes); i++) {
		struct error err = { 0 };

		assert_null(domains_mailbox_to_ascii(mailboxes[i], &err));
		assert_int_equal(err.kind, ERROR_DATA);
	}
}

static void test_names(void **state)
{
	static const char *const names[][2] = {
		{ "b@B\xc3\x9c" "cher-1.Example", "b@xn--bcher-1-n2a.example" },
		{ "b@\xc3\xb6\xe3\x80\x82" "example", "b@xn--nda.example" },
		{ "b@\xef\xbd\x81\xc3\xb6.example", "b@xn--a-1ga.example" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct error err = { 0 };
		OWNED_TEXT mailbox = domains_mailbox_to_ascii(names[i][0], &err);

		assert_non_null(mailbox);
		assert_string_equal(mailbox, names[i][1]);
	}
}

static void test_nobody_is_left(void **state)
{
	OWNED_ENVELOPE e = { 0 }, f = { 0 };
	struct error err = { 0 };

	(void)state;
	make(&e, "a@x");
	envelope_add(&e, BAD);
	assert_false(domains_to_ascii(&e, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	make(&f, BAD);
	envelope_add(&f, "c@x");
	assert_false(domains_to_ascii(&f, &err));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_not_another),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nobody_is_left),
	};

	return cmocka_run_group_tests_name("domains", tests, NULL, NULL);
}
