/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we know of services, and what their replies mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "service/service.h"

static const struct {
	const char *service, *key, *value;
} settings[] = {
	{ "acs", "host", "smtp.azurecomm.net" },
	{ "acs", "port", "587" },
	{ "acs", "max_recipients", "50" },
	{ "acs", "max_size", "10485760" },
	{ "acs", "user", NULL },
	{ "acs", "auth", NULL },
	{ "sendgrid", "host", "smtp.sendgrid.net" },
	{ "sendgrid", "port", "587" },
	{ "sendgrid", "user", "apikey" },
	{ "office365", "host", "smtp.office365.com" },
	{ "office365", "port", "587" },
	{ "office365", "auth", "xoauth2" },
	{ "other", "host", NULL },
	{ "other", "port", NULL },
	{ "acs", "", NULL },
	{ "acs", "no such key", NULL },
	{ "", "host", NULL },
	{ "acs2", "host", NULL },
	{ "ac", "host", NULL },
	{ "gmail", "port", NULL },
};

static void test_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		const char *value = service_setting(settings[i].service, settings[i].key);

		if ((value == NULL) != (settings[i].value == NULL) ||
		    (value && strcmp(value, settings[i].value) != 0))
			fail_msg("%s %s: %s", settings[i].service, settings[i].key,
				 value ? value : "none");
	}
}

/* What every service but "other" must know, and that the numbers are numbers. */
static void test_names(void **state)
{
	const char *numbers[] = { "port", "max_recipients", "max_size" };
	size_t count = 0, others = 0;
	const char *name;

	(void)state;
	for (; (name = service_name(count)); count++) {
		assert_true(*name);
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(name, service_name(i));
		if (!strcmp(name, "other")) {
			others++;
			continue;
		}
		assert_non_null(service_setting(name, "host"));
		for (size_t i = 0; i < COUNT_OF(numbers); i++) {
			const char *value = service_setting(name, numbers[i]);
			long number;

			assert_non_null(value);
			assert_true(text_to_number(value, 1, 1L << 30, &number));
		}
	}
	assert_int_equal(others, 1);
	assert_string_equal(service_name(0), "acs");	/* what most accounts are of */
	assert_int_equal(count, 4);
	assert_null(service_name(SIZE_MAX));
}

/* NONE: the code alone decides. `says` is a word of the hint. */
static const struct {
	const char *service;
	int code;
	const char *text;
	enum error_kind kind;
	const char *says;
} replies[] = {
	/* acs, whatever the reply's code where acs.md does not know it */
	{ "acs", 504, "5.7.4 Unrecognized authentication type", ERROR_NONE, "AUTH LOGIN" },
	{ "acs", 530, "5.7.57 Client not authenticated to send mail.", ERROR_AUTH, "password" },
	{ "acs", 450, "4.5.127 Message rejected. Excessive message rate from sender",
	  ERROR_QUOTA, "quota" },
	{ "acs", 450, "4.5.127 Message rejected. Excessive message rate from sender. "
	  "For more information see https://aka.ms/EXOSmtpErrors.", ERROR_QUOTA, "quota" },
	{ "acs", 450, "4.5.127", ERROR_QUOTA, "quota" },
	{ "acs", 451, "EXCESSIVE MESSAGE RATE from sender", ERROR_QUOTA, "quota" },
	{ "acs", 550, "5.3.5 Email sender's username is invalid", ERROR_SENDER, "MailFrom" },
	{ "acs", 501, "5.3.5 Email sender's username is invalid", ERROR_SENDER, "MailFrom" },
	{ "acs", 554, "5.3.5", ERROR_SENDER, "MailFrom" },
	{ "acs", 451, "5.3.5", ERROR_SENDER, "MailFrom" },
	{ "acs", 550, "email SENDER'S USERNAME IS INVALID", ERROR_SENDER, "MailFrom" },
	{ "ACS", 450, "4.5.127 slow down", ERROR_QUOTA, "quota" },
	/* the others: their own rows, then those for any */
	{ "sendgrid", 535, "Authentication failed", ERROR_AUTH, "API key" },
	{ "sendgrid", 550, "The from address does not match a verified Sender Identity.",
	  ERROR_SENDER, "verified identity" },
	{ "office365", 535, "5.7.139 Authentication unsuccessful", ERROR_AUTH, "xoauth2" },
	{ "office365", 535, "5.7.3 Authentication unsuccessful", ERROR_AUTH, "scope" },
	{ "office365", 554, "5.2.252 SendAsDenied; 5.7.60", ERROR_SENDER, "mailbox" },
	{ "acs", 534, "5.7.9 Application-specific password required", ERROR_AUTH, "`auth`" },
	{ "other", 535, "5.7.8 Error: authentication failed", ERROR_AUTH, "check `user`" },
	{ "other", 454, "4.7.0 Temporary authentication failure", ERROR_LATER, "later" },
	{ "other", 530, "5.7.0 Authentication Required", ERROR_AUTH, "login" },
	{ "other", 552, "5.3.4 Message size exceeds fixed limit", ERROR_DATA, "too big" },
	{ "other", 552, "too much", ERROR_DATA, "too big" },
	{ "acs", 550, "5.3.4 too big", ERROR_DATA, "too big" },
	{ NULL, 535, "no", ERROR_AUTH, "check `user`" },
	{ "no such service", 535, "no", ERROR_AUTH, "check `user`" },
};

static void test_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		const char *service = replies[i].service, *text = replies[i].text;
		int code = replies[i].code;
		const struct advice *advice = service_advice(service, code, text);

		if (!advice)
			fail_msg("%d %s: no advice", code, text);
		else if (advice->kind != replies[i].kind || !advice->hint ||
			 !strstr(advice->hint, replies[i].says))
			fail_msg("%d %s: kind %d: %s", code, text, advice->kind,
				 advice->hint ? advice->hint : "no hint");
	}
}

static const struct {
	const char *service;
	int code;
	const char *text;
} unknown[] = {
	{ "acs", 250, "2.0.0 OK" },
	{ "acs", 550, "5.1.1 User unknown" },
	{ "acs", 451, "4.3.2 Please try again later" },
	{ "acs", 450, "" },
	{ "acs", 0, "" },
	{ "other", 550, "" },
	/* rows of one service are not another's */
	{ "other", 450, "4.5.127 Excessive message rate" },
	{ "other", 550, "5.3.5 sender's username is invalid" },
	{ "sendgrid", 504, "5.7.4 Unrecognized authentication type" },
	{ "acs", 550, "no verified Sender Identity" },
	{ NULL, 450, "4.5.127" },
	/* the code counts where the row has one */
	{ "sendgrid", 551, "sender identity" },
	{ "other", 454, "4.7.1" },
};

static void test_no_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unknown); i++) {
		const char *service = unknown[i].service, *text = unknown[i].text;
		int code = unknown[i].code;
		const struct advice *advice = service_advice(service, code, text);

		if (advice)
			fail_msg("%d %s: %s", code, text, advice->hint);
	}
}

/* A status code is not to be seen in an address or a version that has its digits. */
static void test_part_of_a_number(void **state)
{
	const char *texts[] = {
		"4.7.0 Temporary server error [10.5.3.51]",
		"4.7.0 Temporary server error 15.3.5",
		"4.4.2 Connection dropped [54.5.127.8]",
		"4.4.2 Connection dropped 4.5.1270",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct advice *advice = service_advice("acs", 451, texts[i]);

		if (advice)
			fail_msg("%s: kind %d: %s", texts[i], advice->kind, advice->hint);
	}
}

/* One text stands for them: the reader must find the one that is his. */
static void test_six_causes(void **state)
{
	const char *causes[] = {
		"user name names the wrong resource, application or tenant",
		"expired", "the secret's id and not its value",
		"\"Communication and Email Service Owner\"", "minutes ago",
		"not \"Ready to use\" yet",
		"another scope than https://communication.azure.com/.default",
		"of another application",
	};
	const char *texts[] = { "5.7.3 Authentication unsuccessful", "", "anything" };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		const struct advice *advice = service_advice("acs", 535, texts[i]);

		assert_non_null(advice);
		assert_int_equal(advice->kind, ERROR_AUTH);
		assert_non_null(strstr(advice->hint, "six causes"));
		for (size_t j = 0; j < COUNT_OF(causes); j++)
			if (!strstr(advice->hint, causes[j]))
				fail_msg("not in the hint: %s", causes[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_advice),
		cmocka_unit_test(test_no_advice),
		cmocka_unit_test(test_part_of_a_number),
		cmocka_unit_test(test_six_causes),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
