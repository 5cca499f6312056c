/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What we know of services, and what their replies mean. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "service/replies.h"
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
	{ "gmail2", "port", NULL },
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
	OWNED_BUF names = BUF_INIT(1000), all = BUF_INIT(1000);
	const char *name;

	(void)state;
	for (; (name = service_name(count)); count++) {
		OWNED_TEXT host = service_host(name, "eu-west-1");
		OWNED_TEXT usual = service_host(name, "");

		assert_true(*name);
		buf_addf(&names, "%s%s", count > 0 ? "|" : "", name);
		for (size_t i = 0; i < count; i++)
			assert_string_not_equal(name, service_name(i));
		if (!strcmp(name, "other")) {
			others++;
			continue;
		}
		assert_true(host || usual);
		for (size_t i = 0; i < COUNT_OF(numbers); i++) {
			const char *value = service_setting(name, numbers[i]);
			long number;

			assert_true(value || i > 0);
			assert_true(!value || text_to_number(value, 1, 1L << 30, &number));
		}
	}
	assert_int_equal(others, 1);
	service_add_names(&all);
	assert_string_equal(buf_text(&names), buf_text(&all));
	assert_string_equal(service_name(0), "acs");	/* what most accounts are of */
	assert_string_equal(service_name(count - 1), "other");
	assert_null(service_name(SIZE_MAX));
}

/* There and back: the server of a region, and the region of a server. */
static void test_regions(void **state)
{
	static const struct { const char *service, *region, *host; } rows[] = {
		{ "acs", "", "smtp.azurecomm.net" }, { "acs", "eu", NULL },
		{ "sendgrid", "", "smtp.sendgrid.net" }, { "sendgrid", "EU", "smtp.eu.sendgrid.net" },
		{ "mailgun", "us", "smtp.mailgun.org" }, { "mailgun", "eu", "smtp.eu.mailgun.org" },
		{ "mailgun", "eu-west-1", NULL }, { "other", "", NULL },
		{ "ses", "", NULL }, { "ses", "eu-west-1", "email-smtp.eu-west-1.amazonaws.com" },
		{ "ses", "US-EAST-1", "email-smtp.us-east-1.amazonaws.com" },
		{ "ses", "evil.example/", NULL }, { "ses", "a.b", NULL },
		{ "sparkpost", "eu", "smtp.eu.sparkpostmail.com" },
	};
	OWNED_TEXT none = service_region(service_named("ses"), "email-smtp..amazonaws.com");

	(void)state;
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		OWNED_TEXT host = service_host(rows[i].service, rows[i].region);

		if (!rows[i].host) {
			assert_null(host);
			continue;
		}
		assert_non_null(host);
		assert_string_equal(host, rows[i].host);
		assert_string_equal(service_of_host(host)->name, rows[i].service);
		if (*rows[i].region) {
			OWNED_TEXT region = service_region(service_named(rows[i].service), host);

			assert_true(text_is(region, rows[i].region));
		}
	}
	assert_null(none);
	assert_ptr_equal(service_of_host("email-smtp.eu-west-1.amazonaws.com.evil.example"),
			 &service_other);
}

/* The last second of the last day is the service's still. */
static void test_its_end(void **state)
{
	const int64_t end = 1853971200;		/* 2028-09-30 24:00 UTC */
	const struct service *acs = service_named("acs");
	char day[SERVICE_DAY_SIZE];

	(void)state;
	assert_int_equal(service_life(acs, end - 1), SERVICE_LAST_YEAR);
	assert_int_equal(service_life(acs, end), SERVICE_ENDED);
	assert_int_equal(service_life(acs, end - 365 * 86400LL), SERVICE_LAST_YEAR);
	assert_int_equal(service_life(acs, end - 365 * 86400LL - 1), SERVICE_ENDS);
	assert_int_equal(service_life(service_named("ses"), end), SERVICE_LASTS);
	service_last_day(acs, day);
	assert_string_equal(day, "2028-09-30");
}

/* `says` is a word of the hint; NULL: there is none. */
static const struct {
	const char *service;
	enum reply_at at;
	int code;
	const char *text;
	enum error_kind kind;
	const char *says;
} replies[] = {
	/* acs, whatever the reply's code where nobody has seen it */
	{ "acs", AT_AUTH, 504, "5.7.4 Unrecognized authentication type", ERROR_AUTH,
	  "AUTH LOGIN" },
	{ "acs", AT_MAIL, 530, "5.7.57 Client not authenticated to send mail.", ERROR_AUTH,
	  "password" },
	{ "acs", AT_MAIL, 450, "4.5.127 Message rejected. Excessive message rate from sender",
	  ERROR_QUOTA, "quota" },
	{ "acs", AT_DATA, 450, "4.5.127 Message rejected. Excessive message rate from sender. "
	  "For more information see https://aka.ms/EXOSmtpErrors.", ERROR_QUOTA, "quota" },
	{ "acs", AT_RCPT, 450, "4.5.127", ERROR_QUOTA, "quota" },
	{ "acs", AT_SESSION, 421, "4.5.127 slow down", ERROR_QUOTA, "quota" },
	{ "daemon", AT_SESSION, 421, "4.7.1 not you", ERROR_AUTH, NULL },
	{ "daemon", AT_SESSION, 421, "4.7.0 too many", ERROR_LATER, NULL },
	{ "daemon", AT_SESSION, 421, "4.3.2 no keeper", ERROR_LATER, NULL },
	{ "acs", AT_MAIL, 451, "EXCESSIVE MESSAGE RATE from sender", ERROR_QUOTA, "quota" },
	{ "acs", AT_MAIL, 550, "5.3.5 Email sender's username is invalid", ERROR_SENDER,
	  "MailFrom" },
	{ "acs", AT_DATA, 501, "5.3.5 Email sender's username is invalid", ERROR_SENDER,
	  "MailFrom" },
	{ "acs", AT_MAIL, 554, "5.3.5", ERROR_SENDER, "MailFrom" },
	{ "acs", AT_MAIL, 451, "5.3.5", ERROR_SENDER, "MailFrom" },
	{ "acs", AT_MAIL, 550, "email SENDER'S USERNAME IS INVALID", ERROR_SENDER, "MailFrom" },
	{ "ACS", AT_MAIL, 450, "4.5.127 slow down", ERROR_QUOTA, "quota" },
	/* the others: their own rows, then those for any */
	{ "sendgrid", AT_AUTH, 535, "Authentication failed", ERROR_AUTH, "API key" },
	{ "sendgrid", AT_DATA, 550, "The from address does not match a verified Sender Identity.",
	  ERROR_SENDER, "verified identity" },
	{ "gmail", AT_MAIL, 550, "5.4.5 Daily user sending limit exceeded.", ERROR_QUOTA, "24 hours" },
	{ "gmail", AT_AUTH, 534, "5.7.9 Application-specific password required.", ERROR_AUTH,
	  "one program" },
	{ "ses", AT_DATA, 454, "Throttling failure: Daily message quota exceeded.", ERROR_QUOTA,
	  "more than" },
	{ "ses", AT_DATA, 554, "Message rejected: Email address is not verified.", ERROR_SENDER,
	  "region" },
	{ "hve", AT_AUTH, 501, "5.5.127 Invalid XOAUTH2 auth data - Token will expire soon",
	  ERROR_AUTH, "ten minutes" },
	{ "office365", AT_AUTH, 535, "5.7.139 Authentication unsuccessful", ERROR_AUTH,
	  "xoauth2" },
	{ "office365", AT_AUTH, 535, "5.7.3 Authentication unsuccessful", ERROR_AUTH, "scope" },
	{ "office365", AT_DATA, 554, "5.2.252 SendAsDenied; 5.7.60", ERROR_SENDER, "mailbox" },
	{ "acs", AT_AUTH, 534, "5.7.9 Application-specific password required", ERROR_AUTH,
	  "`auth`" },
	{ "other", AT_AUTH, 535, "5.7.8 Error: authentication failed", ERROR_AUTH,
	  "check `user`" },
	{ "other", AT_AUTH, 454, "4.7.0 Temporary authentication failure", ERROR_LATER,
	  "passwords" },
	{ "other", AT_MAIL, 530, "5.7.0 Authentication Required", ERROR_AUTH, "login" },
	{ "other", AT_MAIL, 530, "5.7.0 Must issue a STARTTLS command first", ERROR_CONFIG,
	  "tls = starttls" },
	{ NULL, AT_AUTH, 535, "no", ERROR_AUTH, "check `user`" },
	{ "no such service", AT_AUTH, 535, "no", ERROR_AUTH, "check `user`" },
	/* a service that cannot begin TLS was not asked about a login */
	{ "other", AT_STARTTLS, 454, "4.7.0 TLS not available", ERROR_LATER, "begin TLS" },
	{ "other", AT_STARTTLS, 502, "5.5.1 What?", ERROR_PROTOCOL, NULL },
	/* what is said before MAIL is about nobody's message */
	{ "other", AT_SESSION, 554, "5.7.1 Service unavailable; client host blocked",
	  ERROR_BARRED, "address" },
	{ "other", AT_SESSION, 554, "No SMTP service here", ERROR_BARRED, "for now" },
	{ "acs", AT_SESSION, 550, "5.3.5 odd", ERROR_BARRED, "for now" },
	{ "other", AT_SESSION, 552, "5.3.4 odd", ERROR_BARRED, "for now" },
	{ "other", AT_SESSION, 521, "5.3.2 takes no mail", ERROR_BARRED, NULL },
	{ "other", AT_EHLO, 501, "5.5.4 Invalid domain name", ERROR_BARRED, "`domain`" },
	{ "other", AT_EHLO, 504, "5.5.2 need fully-qualified hostname", ERROR_BARRED, "`domain`" },
	{ "other", AT_EHLO, 550, "Access denied - Invalid HELO name", ERROR_BARRED, "`domain`" },
	{ "other", AT_EHLO, 554, "5.7.1 no", ERROR_BARRED, NULL },
	{ "other", AT_RSET, 500, "what?", ERROR_BARRED, NULL },
	/* nor is this, which many servers keep to themselves until RCPT */
	{ "other", AT_RCPT, 554, "5.7.1 Service unavailable; Client host [192.0.2.1] blocked "
	  "using bl.example.org", ERROR_BARRED, "address" },
	{ "other", AT_RCPT, 450, "4.7.25 Client host rejected: cannot find your hostname",
	  ERROR_BARRED, "address" },
	{ "other", AT_RCPT, 504, "5.5.2 <box>: Helo command rejected: need fully-qualified "
	  "hostname", ERROR_BARRED, "`domain`" },
	{ "other", AT_RCPT, 550, "5.7.606 Access denied, banned sending IP [192.0.2.1]",
	  ERROR_BARRED, "address" },
	{ "other", AT_DATA, 550, "5.7.25 reverse DNS validation failed", ERROR_BARRED, "address" },
	{ "other", AT_MAIL, 554, "5.7.1 Service unavailable; try elsewhere", ERROR_BARRED, NULL },
	{ "other", AT_MAIL, 554, "Transaction failed", ERROR_BARRED, NULL },
	{ "other", AT_MAIL, 554, "5.7.1 <s@x.org>: Sender address rejected: Access denied",
	  ERROR_SENDER, NULL },
	{ "other", AT_MAIL, 554, "5.7.1 <s@x.org>: Access denied", ERROR_SENDER, NULL },
	{ "other", AT_MAIL, 554, "5.1.8 no such domain", ERROR_SENDER, "`from`" },
	{ "other", AT_MAIL, 554, "5.0.0 No", ERROR_SENDER, NULL },
	{ "other", AT_MAIL, 550, "5.7.1 No", ERROR_SENDER, NULL },
	{ "other", AT_MAIL, 503, "5.5.1 Send EHLO first", ERROR_PROTOCOL, NULL },
	{ "other", AT_DATA, 554, "5.7.1 Message rejected as spam", ERROR_REFUSED, NULL },
	{ "other", AT_RCPT, 550, "5.1.8 Sender address rejected: Domain not found", ERROR_SENDER,
	  "`from`" },
	/* 552 is many things, and the enhanced code says which */
	{ "other", AT_MAIL, 552, "5.3.4 Message size exceeds fixed limit", ERROR_DATA, "too big" },
	{ "other", AT_DATA, 552, "too much", ERROR_DATA, "too big" },
	{ "acs", AT_DATA, 550, "5.3.4 too big", ERROR_DATA, "too big" },
	{ "other", AT_RCPT, 550, "5.2.3 too big for this mailbox", ERROR_DATA, "too big" },
	{ "other", AT_RCPT, 552, "5.2.2 mailbox full", ERROR_NO_USER, NULL },
	{ "other", AT_RCPT, 552, "mailbox full", ERROR_NO_USER, NULL },
	{ "other", AT_DATA, 552, "5.2.2 mailbox full", ERROR_REFUSED, NULL },
	{ "other", AT_DATA, 552, "5.7.0 blocked: this is no place for that", ERROR_REFUSED, NULL },
	{ "other", AT_DATA, 554, "5.7.1 no", ERROR_REFUSED, NULL },
	{ "other", AT_RCPT, 552, "5.5.3 too many recipients", ERROR_LATER, NULL },
	{ "other", AT_RCPT, 452, "4.2.2 mailbox full", ERROR_LATER, NULL },
	{ "other", AT_MAIL, 452, "4.3.1 no room", ERROR_LATER, NULL },
	/* who hangs up gives nothing up, whatever else he says */
	{ "office365", AT_DATA, 421, "4.7.0 5.7.60 bye", ERROR_LATER, "mailbox" },
};

static void test_meaning(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(replies); i++) {
		const char *text = replies[i].text, *says = replies[i].says;
		int code = replies[i].code;
		struct meaning meaning =
			reply_meaning(replies[i].service, replies[i].at, code, text);

		if (meaning.kind != replies[i].kind)
			fail_msg("%zu: %d %s: kind %d", i, code, text, meaning.kind);
		if (says ? !meaning.hint || !strstr(meaning.hint, says) : meaning.hint != NULL)
			fail_msg("%zu: %d %s: %s", i, code, text,
				 meaning.hint ? meaning.hint : "no hint");
	}
}

/* Before MAIL no reply is of a kind that gives a message up. */
static void test_nothing_before_mail_is_about_a_message(void **state)
{
	static const enum reply_at before[] = { AT_SESSION, AT_EHLO, AT_STARTTLS, AT_AUTH,
						AT_RSET };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(replies) * COUNT_OF(before); i++)
		for (int code = 400; code < 600; code++) {
			size_t row = i / COUNT_OF(before);
			struct meaning meaning =
				reply_meaning(replies[row].service, before[i % COUNT_OF(before)],
					      code, replies[row].text);

			if (!error_kind_is_worth_retrying(meaning.kind))
				fail_msg("%d %s", code, replies[row].text);
		}
}

static void test_too_many(void **state)
{
	(void)state;
	assert_true(reply_is_too_many(452, "4.5.3 Too many recipients"));
	assert_true(reply_is_too_many(452, "Too many recipients"));
	assert_true(reply_is_too_many(452, ""));
	assert_true(reply_is_too_many(552, "Too many recipients"));
	assert_true(reply_is_too_many(552, "5.5.3 Too many recipients"));
	assert_true(reply_is_too_many(550, "5.5.3 Too many recipients"));
	assert_true(reply_is_too_many(451, "4.5.3 Too many recipients"));
	assert_false(reply_is_too_many(452, "4.2.2 Mailbox full"));
	assert_false(reply_is_too_many(452, "4.3.1 No room"));
	assert_false(reply_is_too_many(552, "5.2.2 Mailbox full"));
	assert_false(reply_is_too_many(550, "5.5.30 odd"));
	assert_false(reply_is_too_many(250, "2.5.3 fine"));
}

/* Of what was kept of a reply the hint is found again. */
static void test_hint_of_an_error(void **state)
{
	struct error why;

	(void)state;
	error_set(&why, ERROR_BARRED, "account x: mx:25: EHLO: 501 5.5.4 Invalid name");
	assert_null(reply_hint(NULL, &why));
	why.reply = 501;
	reply_recall(&why);
	assert_non_null(strstr(reply_hint(NULL, &why), "`domain`"));
	error_set(&why, ERROR_LATER, "mx:25: STARTTLS: 454 4.7.0 no");
	why.reply = 454;
	reply_recall(&why);
	assert_non_null(strstr(reply_hint(NULL, &why), "TLS"));
	error_set(&why, ERROR_LATER, "mx:25: AUTH LOGIN: 454 4.7.0 no");
	why.reply = 454;
	reply_recall(&why);
	assert_non_null(strstr(reply_hint(NULL, &why), "passwords"));
	/* the server's words name no step */
	error_set(&why, ERROR_BARRED, "mx:25: EHLO: 501 AUTH LOGIN: STARTTLS: 501 first");
	why.reply = 501;
	reply_recall(&why);
	assert_int_equal(why.at, AT_EHLO);
	assert_string_equal(error_said(&why), "501 AUTH LOGIN: STARTTLS: 501 first");
	assert_non_null(strstr(reply_hint(NULL, &why), "`domain`"));
	error_set(&why, ERROR_DATA, "after the message: 552 too much");
	why.reply = 552;
	reply_recall(&why);
	assert_non_null(strstr(reply_hint(NULL, &why), "too big"));
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
	{ "other", 454, "4.7.0" },
};

static void test_no_advice(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(unknown); i++) {
		const char *hint = reply_meaning(unknown[i].service, AT_DATA, unknown[i].code,
						 unknown[i].text).hint;

		if (hint)
			fail_msg("%d %s: %s", unknown[i].code, unknown[i].text, hint);
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
		struct meaning meaning = reply_meaning("acs", AT_MAIL, 451, texts[i]);

		if (meaning.hint)
			fail_msg("%s: kind %d: %s", texts[i], meaning.kind, meaning.hint);
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
		struct meaning meaning = reply_meaning("acs", AT_AUTH, 535, texts[i]);

		assert_int_equal(meaning.kind, ERROR_AUTH);
		assert_non_null(strstr(meaning.hint, "six causes"));
		for (size_t j = 0; j < COUNT_OF(causes); j++)
			if (!strstr(meaning.hint, causes[j]))
				fail_msg("not in the hint: %s", causes[j]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_settings),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_its_end),
		cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_nothing_before_mail_is_about_a_message),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_hint_of_an_error),
		cmocka_unit_test(test_no_advice),
		cmocka_unit_test(test_part_of_a_number),
		cmocka_unit_test(test_six_causes),
	};

	return cmocka_run_group_tests_name("service", tests, NULL, NULL);
}
