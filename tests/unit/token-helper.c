/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Parts of the helper for tokens: what goes out, and what comes in from anybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "token/advice.h"
#include "token/application.h"
#include "token/encode.h"
#include "token/fields.h"
#include "token/form.h"
#include "token/http.h"
#include "token/identity.h"
#include "token/loopback.h"

static void test_form(void **state)
{
	OWNED_SECRET secret = { 0 };
	OWNED_FORM form = { 0 };

	(void)state;
	assert_string_equal(form_text(&form), "");
	form_add(&form, "scope", "https://a/.default x");
	form_add(&form, "empty", "");
	form_add(&form, "none", NULL);
	form_add_secret(&form, "secret", &secret);
	assert_true(secret_set(&secret, "a&b=\xc3\xbc+%", 8));
	form_add_secret(&form, "secret", &secret);
	assert_string_equal(form_text(&form),
			    "scope=https%3A%2F%2Fa%2F.default%20x&secret=a%26b%3D%C3%BC%2B%25");
	assert_false(form.is_full);
	for (int i = 0; i < 8 && !form.is_full; i++) {
		secret_make_room(&secret);
		memset(secret.bytes, '/', SECRET_MAX);
		secret.len = SECRET_MAX;
		form_add_secret(&form, "more", &secret);
	}
	assert_true(form.is_full);
	assert_true(form.len < FORM_MAX);
}

static void test_fields(void **state)
{
	static const char text[] =
		" {\"a\":\"text\",\"n\":12,\"s\":\"34\",\"neg\":-1,\"big\":99999999999999999999,"
		"\"f\":1.5,\"list\":[7000215,1],\"none\":[],\"nul\":\"a\\u0000b\",\"o\":{}} \n";
	OWNED_FIELDS *fields = fields_parse(text, strlen(text));
	int64_t number = 0;

	(void)state;
	assert_non_null(fields);
	assert_string_equal(fields_text(fields, "a"), "text");
	assert_null(fields_text(fields, "n"));
	assert_null(fields_text(fields, "nul"));
	assert_null(fields_text(fields, "o"));
	assert_null(fields_text(fields, "missing"));
	assert_true(fields_number(fields, "n", &number) && number == 12);
	assert_true(fields_number(fields, "s", &number) && number == 34);
	assert_false(fields_number(fields, "a", &number) || fields_number(fields, "neg", &number) ||
		     fields_number(fields, "f", &number) || fields_number(fields, "o", &number));
	assert_true(fields_first_number(fields, "list", &number) && number == 7000215);
	assert_false(fields_first_number(fields, "none", &number) ||
		     fields_first_number(fields, "n", &number));
}

static void test_no_fields(void **state)
{
	static const char *const texts[] = {
		"", " ", "null", "[]", "\"a\"", "12", "{", "{\"a\":", "{} x", "{}{}", "<html>",
		"{\"a\":\"\xff\"}", "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{}}}}}}}}}",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (fields_parse(texts[i], strlen(texts[i])))
			fail_msg("it took %s", texts[i]);
	assert_null(fields_parse("{}\0x", 4));
}

static void test_base64url(void **state)
{
	static const struct {
		const char *bytes, *text;
	} cases[] = {
		{ "", "" },	      { "f", "Zg" },	     { "fo", "Zm8" },
		{ "foo", "Zm9v" },    { "foob", "Zm9vYg" },  { "\xfb\xff\xfe", "-__-" },
	};
	char text[ENCODED_SIZE(8)], one[ENCODED_CHANCE_SIZE], other[ENCODED_CHANCE_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(encode_base64url(cases[i].bytes, strlen(cases[i].bytes), text),
				 strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
	encode_chance(one);
	encode_chance(other);
	assert_int_equal(strlen(one), ENCODED_CHANCE_SIZE - 1);
	assert_string_not_equal(one, other);
}

static void test_target(void **state)
{
	static const struct {
		const char *target, *name, *value;	/* NULL: none */
	} cases[] = {
		{ "/?code=a&state=b", "code", "a" },
		{ "/?code=a&state=b", "state", "b" },
		{ "/?xstate=a&state=b#state=c", "state", "b" },
		{ "/x/y?state=%41%2b+z", "state", "A+ z" },
		{ "/?state=", "state", NULL },
		{ "/?state", "state", NULL },
		{ "/", "state", NULL },
		{ "/state=a", "state", NULL },
		{ "/?state=%4", "state", NULL },
		{ "/?state=%", "state", NULL },
		{ "/?state=%zz", "state", NULL },
		{ "/?state=%00", "state", NULL },
		{ "/?state=0123456789abcdef", "state", NULL },
		{ "/?state=0123456789abcde", "state", "0123456789abcde" },
		{ "/?&&&&", "state", NULL },
	};
	char value[16];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		bool ok = loopback_value(cases[i].target, cases[i].name, value, sizeof(value));

		if (ok != (cases[i].value != NULL) || (ok && strcmp(value, cases[i].value) != 0))
			fail_msg("%s of %s: %s", cases[i].name, cases[i].target, ok ? value : "-");
	}
}

static void test_challenge(void **state)
{
	char directory[] = "/tmp/acsmtp-arc-XXXXXX", challenge[512], path[256];
	struct token_failure failure;
	OWNED_SECRET key = { 0 };
	static const char *const wrong[] = {
		"Basic realm=%s/x.pem", "Basic realm=%s/.key/x.key", "Basic realm=%s/../x.key",
		"Basic realm=%sx/x.key", "Basic realm=x%s/x.key", "Basic %s/x.key", "%s/x.key",
		"Digest realm=%s/x.key", "Basic realm=%s/.key", "Basic realm=%s",
		"Basic realm=\"%s/x.key\"", "Basic realm=%s/none.key",
	};
	FILE *file;

	(void)state;
	assert_non_null(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/x.key", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs("the-key", file);
	fclose(file);
	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(challenge, sizeof(challenge), wrong[i], directory);
#pragma GCC diagnostic pop
		if (identity_challenge(challenge, directory, &key, &failure))
			fail_msg("it took %s", challenge);
	}
	snprintf(challenge, sizeof(challenge), "Basic realm=%s", path);
	assert_true(identity_challenge(challenge, directory, &key, &failure));
	assert_int_equal(key.len, 7);
	assert_memory_equal(key.bytes, "the-key", 7);
	unlink(path);
	rmdir(directory);
}

static void test_addresses(void **state)
{
	static const struct {
		const char *authority, *tenant, *token_url, *url;	/* NULL: none */
	} cases[] = {
		{ NULL, "t", NULL, "https://login.microsoftonline.com/t/oauth2/v2.0/token" },
		{ "https://h:8443//", "t", NULL, "https://h:8443/t/oauth2/v2.0/token" },
		{ "HTTPS://h", "t.example", NULL, "HTTPS://h/t.example/oauth2/v2.0/token" },
		{ NULL, NULL, "https://h/x?y=z", "https://h/x?y=z" },
		{ NULL, NULL, NULL, NULL },
		{ "http://h", "t", NULL, NULL },
		{ "https://h?x", "t", NULL, NULL },
		{ "https://u@h", "t", NULL, NULL },
		{ "https:///h", "t", NULL, NULL },
		{ "https://h\\x", "t", NULL, NULL },
		{ "https://h", "../t", NULL, NULL },
		{ "https://h", "t?x", NULL, NULL },
		{ NULL, "t", "http://h/x", NULL },
		{ NULL, "t", "https://h/x#y", NULL },
	};
	struct token_failure failure;
	char url[APPLICATION_URL_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const struct token_wish wish = {
			.source = "client-secret",
			.settings = { .authority = cases[i].authority,
				      .tenant = cases[i].tenant,
				      .token_url = cases[i].token_url },
		};
		bool ok = application_url(&wish, APPLICATION_TOKEN, url, &failure);

		if (ok != (cases[i].url != NULL) || (ok && strcmp(url, cases[i].url) != 0))
			fail_msg("case %zu: %s", i, ok ? url : failure.text);
	}
}

static void test_hosts(void **state)
{
	char host[HTTP_HOST_SIZE];

	(void)state;
	assert_string_equal(http_host("https://a.b:1/c?d", host), "a.b:1");
	assert_string_equal(http_host("https://a?d", host), "a");
	assert_string_equal(http_host("nothing", host), "nothing");
}

static void test_advice(void **state)
{
	(void)state;
	assert_null(token_advice_of(0));
	assert_null(token_advice_of(1));
	assert_null(token_advice_of_word(NULL));
	assert_null(token_advice_of_word("authorization_pending"));
	assert_int_equal(token_advice_of(7000222)->end, TOKEN_REFUSED);
	assert_int_equal(token_advice_of(50173)->end, TOKEN_LOGIN);
	assert_int_equal(token_advice_of_word("invalid_grant")->end, TOKEN_LOGIN);
}

/* Everything of a helper's answer has to fit into one secret, and a token into AUTH's line. */
static void test_limits(void **state)
{
	(void)state;
	assert_true(TOKEN_ACCESS_MAX + TOKEN_REFRESH_MAX + 80 <= SECRET_MAX);
	assert_true((TOKEN_ACCESS_MAX + 2) / 3 * 4 <= SECRET_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),	  cmocka_unit_test(test_fields),
		cmocka_unit_test(test_no_fields), cmocka_unit_test(test_base64url),
		cmocka_unit_test(test_target),	  cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_addresses), cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_advice),	  cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests_name("token-helper", tests, NULL, NULL);
}
