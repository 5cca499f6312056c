/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the looks of user names and secrets say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "service/login.h"

#define APP	"0a1b2c3d-4e5f-6789-abcd-ef0123456789"
#define TENANT	"FFFFFFFF-0000-1111-2222-333333333333"

static void test_users(void **state)
{
	static const struct {
		const char *user;
		enum user_form form;
		const char *fault;	/* words of it */
	} cases[] = {
		{ "contoso-smtp", USER_FREE, NULL },
		{ "a.b.c", USER_FREE, NULL },
		{ "", USER_FREE, NULL },
		{ "smtp@contoso.com", USER_ADDRESS, NULL },
		{ "contoso." APP "." TENANT, USER_COMPOSITE, NULL },
		{ "contoso|" APP "|" TENANT, USER_COMPOSITE, NULL },
		{ "contoso.x|" APP "|" TENANT, USER_COMPOSITE, NULL },
		{ APP, USER_BROKEN, "an id alone" },
		{ "contoso." APP, USER_BROKEN, "fewer than the three" },
		{ "contoso|" APP, USER_BROKEN, "fewer than the three" },
		{ "contoso|" APP "." TENANT, USER_BROKEN, "fewer than the three" },
		{ "a.b." APP "." TENANT, USER_BROKEN, "more than the three" },
		{ "a|b|c|d|e|f", USER_BROKEN, "more than the three" },
		{ "." APP "." TENANT, USER_BROKEN, "first part" },
		{ TENANT "." APP "." TENANT, USER_BROKEN, "first part" },
		{ "contoso.app." TENANT, USER_BROKEN, "second part" },
		/* one digit was lost on the way */
		{ "contoso.0a1b2c3d-4e5f-6789-abcd-ef012345678." TENANT, USER_BROKEN,
		  "second part" },
		{ "contoso." APP ".tenant", USER_BROKEN, "third part" },
		{ "contoso|" APP "|" TENANT "0", USER_BROKEN, "third part" },
		{ "contoso." APP "." APP, USER_BROKEN, "the same id" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *fault;
		enum user_form form = login_user_form(cases[i].user, &fault);

		if (form != cases[i].form || !fault != !cases[i].fault ||
		    (fault && !strstr(fault, cases[i].fault)))
			fail_msg("%s: form %d, %s", cases[i].user, form, fault ? fault : "-");
	}
}

static void test_secrets(void **state)
{
	static const struct {
		const char *secret, *fault;
	} cases[] = {
		{ "", NULL },
		{ "x", NULL },
		{ "a b", NULL },
		{ "\"", NULL },
		{ "xy8Q~0123456789abcdefghijklmnopqrstuvwxyz", NULL },
		{ APP, "id and not like its value" },
		{ TENANT, "id and not like its value" },
		{ "0a1b2c3d-4e5f-6789-abcd-ef012345678g", NULL },
		{ "0a1b2c3d+4e5f-6789-abcd-ef0123456789", NULL },
		{ " x", "begins with a blank" },
		{ "x\t", "ends with a blank" },
		{ "x\r", "ends with a blank" },
		{ "\xef\xbb\xbfx", "byte-order mark" },
		{ "x\xc2\xa0", "no-break space" },
		{ "\"x\"", "in quotes" },
		{ "'x'", "in quotes" },
		{ "'x\"", NULL },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *fault = login_secret_fault(cases[i].secret,
						       strlen(cases[i].secret));

		if (!fault != !cases[i].fault || (fault && !strstr(fault, cases[i].fault)))
			fail_msg("%s: %s", cases[i].secret, fault ? fault : "-");
	}
}

static void test_tokens(void **state)
{
	static const struct {
		const char *claims;	/* in the middle of the token */
		const char *audience;
		int64_t expires;	/* -1: it is no token */
	} cases[] = {
		{ "{\"aud\":\"https://a.example\",\"exp\":1790000000}", "https://a.example",
		  1790000000 },
		{ "{ \"exp\" : 12 , \"aud\" : \"x\" }", "x", 12 },
		{ "{\"exp\":12}", "", 12 },
		{ "{\"aud\":\"x", NULL, -1 },
		{ "{\"aud\":[\"x\"]}", "x", 0 },
		{ "{\"aud\":\"\x1b\"}", "?", 0 },
		{ "{\"scp\":\"\\\"exp\\\":7\",\"xms\":{\"exp\":8},\"exp\":9}", "", 9 },
		{ "{\"appid\":\"a\"}", "", 0 },
		{ "{\"exp\":-1}", NULL, -1 },
		{ "{\"exp\":99999999999999999999}", "", 999999999999999 },
		{ "{\"exp\"", NULL, -1 },
		{ "", NULL, -1 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_BUF token = BUF_INIT(4096);
		struct token_facts facts;
		bool ok;

		buf_add(&token, "e30.");
		buf_add_base64(&token, cases[i].claims, strlen(cases[i].claims));
		while (token.len > 0 && token.text[token.len - 1] == '=')
			token.text[--token.len] = '\0';
		buf_add(&token, ".c2ln");
		ok = login_token_facts(token.text, token.len, &facts);
		if (ok != (cases[i].expires >= 0))
			fail_msg("%s: %d", cases[i].claims, ok);
		if (!ok)
			continue;
		assert_string_equal(facts.audience, cases[i].audience);
		assert_int_equal(facts.expires, cases[i].expires);
	}
}

static void test_what_is_no_token(void **state)
{
	static const char *const cases[] = { "", ".", "..", "a.b", "a.!.c", "a.e30.c", APP };
	struct token_facts facts;
	char large[20000];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_false(login_token_facts(cases[i], strlen(cases[i]), &facts));
	memset(large, 'A', sizeof(large));
	large[1] = large[sizeof(large) - 2] = '.';
	assert_false(login_token_facts(large, sizeof(large), &facts));
}

static void test_long_audience(void **state)
{
	OWNED_BUF claims = BUF_INIT(4096), token = BUF_INIT(8192);
	struct token_facts facts;

	(void)state;
	buf_addf(&claims, "{\"aud\":\"%0999d\"}", 0);
	buf_add(&token, "e30.");
	buf_add_base64(&token, claims.text, claims.len);
	while (token.text[token.len - 1] == '=')
		token.text[--token.len] = '\0';
	buf_add(&token, ".");
	assert_true(login_token_facts(token.text, token.len, &facts));
	assert_int_equal(strlen(facts.audience), sizeof(facts.audience) - 1);
}

#define ID_1	"11111111-2222-3333-4444-555555555555"
#define ID_2	"99999999-2222-3333-4444-555555555555"

static void test_what_is_wrong_with_a_token(void **state)
{
	static const struct {
		struct token_facts facts;
		const char *fault;	/* a part of it; NULL: nothing is wrong */
	} cases[] = {
		{ { "https://communication.azure.com", ID_1, ID_2, 2000 }, NULL },
		{ { "https://communication.azure.com/", ID_1, ID_2, 2000 }, NULL },
		{ { "HTTPS://COMMUNICATION.azure.com", "", "", 0 }, NULL },
		{ { ID_1, ID_1, ID_2, 2000 }, NULL },
		{ { "", "an application", "a tenant", 2000 }, NULL },
		{ { "https://communication.azure.com", ID_1, ID_2, 1000 }, "expired" },
		{ { "https://outlook.office365.com", ID_1, ID_2, 2000 }, "another service" },
		{ { "https://communication.azure.com", ID_2, ID_2, 2000 }, "application" },
		{ { "https://communication.azure.com", ID_1, ID_1, 2000 }, "tenant" },
	};
	const struct login_wish wish = { "https://communication.azure.com/.default", ID_1,
					 ID_2, 1000 };
	const struct login_wish mailbox = { .scope = "https://outlook.office.com/SMTP.Send x" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *fault = login_token_fault(&cases[i].facts, &wish);

		if (!cases[i].fault)
			assert_null(fault);
		else if (!fault || !strstr(fault, cases[i].fault))
			fail_msg("%zu: %s", i, fault ? fault : "nothing");
	}
	/* Exchange has two names. */
	assert_null(login_token_fault(&cases[6].facts, &mailbox));
	assert_non_null(login_token_fault(&cases[0].facts, &mailbox));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_what_is_no_token),
		cmocka_unit_test(test_long_audience),
		cmocka_unit_test(test_what_is_wrong_with_a_token),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
