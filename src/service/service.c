/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "service/service.h"

#include <string.h>
#include <strings.h>

#include "base/language.h"

struct setting {
	const char *key, *value;
};

enum { SETTINGS_MAX = 8 };

/* The first one is what an account is of that does not say; a NULL key ends a row. */
static const struct service {
	const char *name;
	struct setting settings[SETTINGS_MAX];
} services[] = {
	{ "acs", {
		{ "host", "smtp.azurecomm.net" },
		{ "port", "587" },
		{ "max_recipients", "50" },
		{ "max_size", "10485760" },
		{ "null_sender", "account" },
		{ "rate_per_minute", "30" },
		{ "rate_per_hour", "100" },
	} },
	{ "sendgrid", {
		{ "host", "smtp.sendgrid.net" },
		{ "port", "587" },
		{ "user", "apikey" },
		{ "max_recipients", "1000" },
		{ "max_size", "31457280" },
	} },
	{ "office365", {
		{ "host", "smtp.office365.com" },
		{ "port", "587" },
		{ "auth", "xoauth2" },
		{ "max_recipients", "500" },
		{ "max_size", "157286400" },
	} },
	{ "other", { { NULL, NULL } } },
};

/* A row without a service is for all; one that stands first wins. */
static const struct rule {
	const char *service;
	int code;		/* 0: any */
	const char *words;	/* that stand in the reply's text in any case; NULL: any text */
	struct advice advice;
} rules[] = {
	/* Azure Communication Services, whose texts are those of Exchange's transport. */
	{ "acs", 535, NULL, { ERROR_AUTH,
	  N_("one text stands for six causes: the user name names the wrong resource, "
	  "application or tenant; the password is wrong, expired, or the secret's id and not "
	  "its value; the application lacks the role \"Communication and Email Service "
	  "Owner\", or got it minutes ago; the SMTP username is not \"Ready to use\" yet; "
	  "the token is for another scope than https://communication.azure.com/.default; or "
	  "it is of another application") } },
	{ "acs", 504, NULL, { ERROR_NONE,
	  N_("the service takes AUTH LOGIN for a password and XOAUTH2 for a token, nothing else") } },
	{ "acs", 530, "5.7.57", { ERROR_AUTH,
	  N_("nobody was logged in: set `user` and a password, and not `auth = off`") } },
	{ "acs", 0, "5.3.5", { ERROR_SENDER,
	  N_("the sender must be a MailFrom address of a domain that is verified and linked to "
	  "the resource (DoNotReply@ is the only one until others are added); set `from` "
	  "to one, and `sender_policy = rewrite`") } },
	{ "acs", 0, "sender's username is invalid", { ERROR_SENDER,
	  N_("the sender must be a MailFrom address of a domain that is verified and linked to "
	  "the resource; set `from` to one") } },
	{ "acs", 0, "4.5.127", { ERROR_QUOTA,
	  N_("the account is over its quota of messages a minute or an hour, and each attempt "
	  "counts: wait, up to an hour, and ask Azure support for a higher quota") } },
	{ "acs", 0, "excessive message rate", { ERROR_QUOTA,
	  N_("the account is over its quota of messages a minute or an hour, and each attempt "
	  "counts: wait, up to an hour, and ask Azure support for a higher quota") } },
	/* The services beside it. */
	{ "sendgrid", 535, NULL, { ERROR_AUTH,
	  N_("the user name is the word apikey, and the password an API key that may send mail") } },
	{ "sendgrid", 550, "sender identity", { ERROR_SENDER,
	  N_("the sender is no verified identity of the SendGrid account; set `from` to one") } },
	{ "office365", 535, "5.7.139", { ERROR_AUTH,
	  N_("passwords are switched off for SMTP there: use `auth = xoauth2` with a "
	  "token_command") } },
	{ "office365", 535, NULL, { ERROR_AUTH,
	  N_("the token is wrong, expired or for another scope than "
	  "https://outlook.office.com/SMTP.Send, or SMTP AUTH is off for the mailbox") } },
	{ "office365", 0, "5.7.60", { ERROR_SENDER,
	  N_("the mailbox may not send as this sender; set `from` to its own address") } },
	/* Any server. */
	{ NULL, 454, "4.7.0", { ERROR_LATER,
	  N_("the server cannot check passwords now: try again later") } },
	{ NULL, 534, NULL, { ERROR_AUTH,
	  N_("the server wants another way to log in: see `auth`") } },
	{ NULL, 535, NULL, { ERROR_AUTH,
	  N_("check `user` and the password; some servers want a password of their own for "
	  "programs") } },
	{ NULL, 530, NULL, { ERROR_AUTH,
	  N_("the server wants a login: set `user` and a password, and not `auth = off`") } },
	{ NULL, 0, "5.7.60", { ERROR_SENDER, N_("the account may not send as this sender") } },
	{ NULL, 0, "5.3.4", { ERROR_DATA, N_("the message is too big for the server") } },
	{ NULL, 552, NULL, { ERROR_DATA, N_("the message is too big for the server") } },
};

static const struct service *service_called(const char *name)
{
	for (size_t i = 0; name && i < COUNT_OF(services); i++)
		if (!strcasecmp(services[i].name, name))
			return &services[i];
	return NULL;
}

const char *service_setting(const char *service, const char *key)
{
	const struct service *known = service_called(service);

	for (size_t i = 0; known && i < SETTINGS_MAX && known->settings[i].key; i++)
		if (!strcmp(known->settings[i].key, key))
			return known->settings[i].value;
	return NULL;
}

const char *service_name(size_t i)
{
	return i < COUNT_OF(services) ? services[i].name : NULL;
}

const char *service_of_host(const char *host)
{
	for (size_t i = 0; i < COUNT_OF(services); i++) {
		const char *its = service_setting(services[i].name, "host");

		if (its && !strcasecmp(host, its))
			return services[i].name;
	}
	return "other";
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Whether the place is no part of a longer number: an address "10.5.3.51" is no 5.3.5. */
static bool stands_alone(const char *text, const char *at, size_t len)
{
	bool begins = at == text || (!is_digit(at[-1]) && at[-1] != '.');
	bool ends = !is_digit(at[len]) && !(at[len] == '.' && is_digit(at[len + 1]));

	return begins && ends;
}

static bool has_words(const char *text, const char *words)
{
	const char *at = text;

	for (; (at = strcasestr(at, words)); at++)
		if (!is_digit(*words) || stands_alone(text, at, strlen(words)))
			return true;
	return false;
}

const struct advice *service_advice(const char *service, int code, const char *text)
{
	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		const struct rule *rule = &rules[i];

		if (rule->service && (!service || strcasecmp(rule->service, service) != 0))
			continue;
		if (rule->code && rule->code != code)
			continue;
		if (!rule->words || has_words(text, rule->words))
			return &rule->advice;
	}
	return NULL;
}
