/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the looks of user names and secrets say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_users),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests_name("login", tests, NULL, NULL);
}
