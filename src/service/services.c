/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All services in one list. What none of them is called, and a host that is none of
 * theirs, is "other", which expects nothing.
 */
#include "service/service.h"

#include <string.h>
#include <strings.h>

#include "base/language.h"

/* Any server: it says itself what it wants. */
const struct service service_other = {
	.name = "other",
	.what = N_("any other mail server"),
	.user = { N_("User name"),
		  N_("The name to log in with; empty if the server wants no login.") },
	.from = { N_("Sender"), N_("The address to send as.") },
	.login_is_optional = true,
	.usual_sender = SENDER_IS_USER,
};

#define ITS_PLACE(name)	&service_##name,
static const struct service *const services[] = { SERVICES(ITS_PLACE) };

const struct service *service_at(size_t i)
{
	return i < COUNT_OF(services) ? services[i] : NULL;
}

const char *service_name(size_t i)
{
	return i < COUNT_OF(services) ? services[i]->name : NULL;
}

const struct service *service_named(const char *name)
{
	for (size_t i = 0; name && i < COUNT_OF(services); i++)
		if (!strcasecmp(services[i]->name, name))
			return services[i];
	return &service_other;
}

static const char *setting_of(const struct service *service, const char *key)
{
	for (size_t i = 0; i < SERVICE_SETTINGS_MAX && service->settings[i].key; i++)
		if (!strcmp(service->settings[i].key, key))
			return service->settings[i].value;
	return NULL;
}

const char *service_setting(const char *service, const char *key)
{
	return setting_of(service_named(service), key);
}

const struct service *service_of_host(const char *host)
{
	for (size_t i = 0; i < COUNT_OF(services); i++) {
		const char *its = setting_of(services[i], "host");

		if (its && !strcasecmp(host, its))
			return services[i];
	}
	return &service_other;
}
