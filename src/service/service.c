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
