/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The envelope: who is in it, each once, and what became of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mail/envelope.h"
#include "smtp/domains.h"

/* The second is added after the first: is it the same? */
static const struct {
	const char *first, *second;
	bool same;
} pairs[] = {
	{ "a@example.org", "a@example.org", true },
	{ "a@example.org", "a@EXAMPLE.Org", true },
	{ "a@example.org", "A@example.org", false },	/* RFC 5321 section 2.4 */
	{ "a@example.org", "b@example.org", false },
	{ "a@example.org", "a@example.com", false },
	{ "a@example.org", "a@example.or", false },
	{ "a@example.org", "aa@example.org", false },
	{ "\"A@b\"@example.org", "\"A@B\"@example.org", false },
	{ "\"A@b\"@example.org", "\"A@b\"@Example.org", true },
	{ "\xc3\x84@example.org", "\xc3\xa4@example.org", false },
	{ "root", "root", true },
	{ "root", "ROOT", false },
	{ "root", "root@example.org", false },
};

static void test_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		OWNED_ENVELOPE e = { 0 };

		envelope_add(&e, pairs[i].first);
		envelope_add(&e, pairs[i].second);
		if ((e.count == 1) != pairs[i].same)
			fail_msg("%s and %s: %zu", pairs[i].first, pairs[i].second,
				 e.count);
		assert_string_equal(e.recipients[0].mailbox, pairs[i].first);
	}
}

static void test_copies(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	char mailbox[] = "a@x";

	(void)state;
	envelope_add(&e, mailbox);
	mailbox[0] = 'b';
	envelope_add(&e, mailbox);
	assert_int_equal(e.count, 2);
	assert_string_equal(e.recipients[0].mailbox, "a@x");
	assert_string_equal(e.recipients[1].mailbox, "b@x");
	assert_int_equal(e.recipients[1].verdict, VERDICT_NONE);
	assert_null(e.recipients[1].why);
}

/* In their order, each once, however many there are. */
static void test_many(void **state)
{
	enum { MANY = 20000 };
	OWNED_ENVELOPE e = { 0 };
	char mailbox[40];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < MANY; i++) {
			snprintf(mailbox, sizeof(mailbox), "u%d@%s.org", i,
				 round ? "EXAMPLE" : "example");
			envelope_add(&e, mailbox);
			assert_int_equal(e.count, round ? MANY : i + 1);
		}
	for (int i = 0; i < MANY; i++) {
		snprintf(mailbox, sizeof(mailbox), "u%d@example.org", i);
		assert_string_equal(e.recipients[i].mailbox, mailbox);
	}
}

static void test_verdicts(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	struct recipient *r;
	struct error why;

	(void)state;
	envelope_add(&e, "a@x");
	r = &e.recipients[0];
	error_set(&why, ERROR_LATER, "busy");
	envelope_judge(&e, r, VERDICT_LATER, &why);
	error_set(&why, ERROR_NO_USER, "nobody");	/* it was copied */
	assert_int_equal(r->verdict, VERDICT_LATER);
	assert_int_equal(r->why->kind, ERROR_LATER);
	assert_string_equal(r->why->text, "busy");
	envelope_judge(&e, r, VERDICT_REFUSED, &why);
	assert_int_equal(r->verdict, VERDICT_REFUSED);
	assert_string_equal(r->why->text, "nobody");
	envelope_judge(&e, r, VERDICT_UNKNOWN, r->why);	/* for the reason that it has */
	assert_int_equal(r->verdict, VERDICT_UNKNOWN);
	assert_string_equal(r->why->text, "nobody");
	envelope_judge(&e, r, VERDICT_ACCEPTED, NULL);
	assert_int_equal(r->verdict, VERDICT_ACCEPTED);
	assert_null(r->why);
	envelope_judge(&e, r, VERDICT_REFUSED, &why);	/* envelope_free() frees it */
}

/* Ten thousand whom one reply refuses cost one text, and it is told of each by its name. */
static void test_one_reason_for_all(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	struct error why, told;
	char mailbox[40];

	(void)state;
	for (int i = 0; i < 10000; i++) {
		snprintf(mailbox, sizeof(mailbox), "user%d@example.org", i);
		envelope_add(&e, mailbox);
	}
	error_set(&why, ERROR_NO_USER, "550 5.1.1 no such user");
	why.reply = 550;
	error_context(&why, "RCPT TO <%s>", WHOM);
	error_set(&told, ERROR_LATER, "450 too fast");
	for (size_t i = 0; i < e.count; i++)
		envelope_judge(&e, &e.recipients[i], VERDICT_REFUSED, i % 2 ? &told : &why);
	assert_int_equal(e.reason_count, 2);
	assert_ptr_equal(e.recipients[0].why, e.recipients[9998].why);
	recipient_reason(&e.recipients[9998], &told);
	assert_string_equal(told.text, "RCPT TO <user9998@example.org>: 550 5.1.1 no such user");
	assert_string_equal(error_said(&told), "550 5.1.1 no such user");
	recipient_leave_out(&e.recipients[9998], &told);
	assert_string_equal(told.text, e.recipients[0].why->text);
	assert_string_equal(error_said(&told), "550 5.1.1 no such user");
	assert_false(recipient_reason_is_same(&e.recipients[0], &e.recipients[2]));
	assert_true(recipient_reason_is_same(&e.recipients[1], &e.recipients[3]));
}

/* A long name takes the end of the text away, and nothing else. */
static void test_reason_without_room(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	char mailbox[ERROR_TEXT_MAX];
	struct error why;

	(void)state;
	memset(mailbox, 'a', sizeof(mailbox) - 1);
	mailbox[sizeof(mailbox) - 1] = '\0';
	envelope_add(&e, mailbox);
	error_set(&why, ERROR_NO_USER, "550 no");
	why.reply = 550;
	error_context(&why, "RCPT TO <%s>", WHOM);
	envelope_judge(&e, &e.recipients[0], VERDICT_REFUSED, &why);
	recipient_reason(&e.recipients[0], &why);
	assert_int_equal(strlen(why.text), ERROR_TEXT_MAX - 1);
	assert_string_equal(error_said(&why), "");
}

/* What cannot be sent to never takes the place of somebody who can, whatever its name. */
static void test_refused(void **state)
{
	static const struct {
		const char *what;	/* in this order: "+" is added, "-" refused */
		size_t count;
		const char *verdicts;	/* R is refused, N not */
	} rows[] = {
		{ "+-", 2, "NR" }, { "-+", 2, "RN" }, { "--", 1, "R" }, { "-+-", 3, "RNR" },
		{ "-++", 2, "RN" }, { "+-+", 2, "NR" }, { "+--", 2, "NR" },
	};
	struct error why;

	(void)state;
	error_set(&why, ERROR_DATA, "no address");
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_ENVELOPE e = { 0 };
		char name[20];

		for (const char *c = rows[i].what; *c; c++)
			if (*c == '+')
				envelope_add(&e, "a?b@x");
			else
				envelope_refuse(&e, "a?b@x", &why);
		assert_int_equal(e.count, rows[i].count);
		for (size_t k = 0; k < e.count; k++)
			assert_int_equal(e.recipients[k].verdict, rows[i].verdicts[k] == 'R' ?
					 VERDICT_REFUSED : VERDICT_NONE);
		if (strstr(rows[i].what, "+-"))
			assert_string_equal(e.recipients[e.count - 1].mailbox,
					    "a?b@x (refused)");
		assert_int_equal(envelope_has(&e, "a?b@X"), !!strchr(rows[i].verdicts, 'N'));
		assert_false(envelope_has(&e, "b@x"));
		/* Also when the table has grown. */
		for (int k = 0; k < 100; k++) {
			snprintf(name, sizeof(name), "n%d@x", k);
			envelope_add(&e, name);
		}
		assert_int_equal(envelope_has(&e, "a?b@x"), !!strchr(rows[i].verdicts, 'N'));
	}
}

static void test_nobody_is_there(void **state)
{
	const struct envelope e = { 0 };

	(void)state;
	assert_false(envelope_has(&e, "a@x"));
}

static void test_utf8(void **state)
{
	const struct {
		const char *sender, *recipient;
		bool needs;
	} rows[] = {
		{ "a@x", "b@x", false },
		{ "", "b@x", false },
		{ NULL, "b@x", false },
		{ "\xc3\xa4@x", "b@x", true },
		{ "a@\xe6\x97\xa5.jp", "b@x", true },
		{ "a@x", "b@\xe6\x97\xa5.jp", true },
		{ NULL, "b\xff@x", true },
		{ "a@x", "b@xn--wgv71a.jp", false },
	};
	struct error why;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_ENVELOPE e = { 0 };

		e.sender = rows[i].sender ? text_copy(rows[i].sender) : NULL;
		envelope_add(&e, "first@x");
		envelope_add(&e, rows[i].recipient);
		if (envelope_needs_utf8(&e) != rows[i].needs)
			fail_msg("row %zu", i);
		error_set(&why, ERROR_DATA, "no address");
		envelope_refuse(&e, "\xc3\xa4@@", &why);
		if (envelope_needs_utf8(&e) != rows[i].needs)
			fail_msg("row %zu, with one that is refused", i);
	}
}

static void test_release(void **state)
{
	struct envelope e = { 0 };

	(void)state;
	envelope_free(&e);
	assert_false(envelope_needs_utf8(&e));
	e.sender = text_copy("a@x");
	e.notify = text_copy("NEVER");
	e.ret = text_copy("FULL");
	e.envid = text_copy("id");
	envelope_add(&e, "b@x");
	envelope_free(&e);
	assert_int_equal(e.count, 0);
	assert_null(e.recipients);
	assert_null(e.sender);
	envelope_add(&e, "b@x");	/* and it can be used again */
	assert_int_equal(e.count, 1);
	envelope_free(&e);
}

/* What is not about the domains stays: whom to tell above all. */
static void test_ascii_domains(void **state)
{
	struct envelope e = { 0 };
	struct error err;

	(void)state;
	e.sender = text_copy("a@example.org");
	e.origin = text_copy("root");
	e.notify = text_copy("NEVER");
	e.ret = text_copy("FULL");
	e.envid = text_copy("id");
	envelope_add(&e, "b@b\xc3\xbc" "cher.example");
	envelope_add(&e, "b@xn--bcher-kva.example");
	assert_true(domains_to_ascii(&e, &err));
	assert_int_equal(e.count, 1);
	assert_string_equal(e.recipients[0].mailbox, "b@xn--bcher-kva.example");
	assert_string_equal(e.sender, "a@example.org");
	assert_string_equal(e.origin, "root");
	assert_string_equal(e.notify, "NEVER");
	assert_string_equal(e.ret, "FULL");
	assert_string_equal(e.envid, "id");
	envelope_free(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_one_reason_for_all),
		cmocka_unit_test(test_reason_without_room),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_nobody_is_there),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_ascii_domains),
	};

	return cmocka_run_group_tests_name("envelope", tests, NULL, NULL);
}
