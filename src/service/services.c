/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All services in one list. What none of them is called, and a host that is none of
 * theirs, is "other", which expects nothing.
 */
#include "service/rows.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/text.h"

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

/* What smtp/server_dialogue.c makes of an error becomes that error again. */
static const struct reply_rule daemon_rules[] = {
	{ REPLY_TO_MAIL, 550, "7.1", "may not send through account", { ERROR_SENDER, NULL } },
	{ REPLY_TO(AT_DATA), 554, "6.0", NULL, { ERROR_DATA, NULL } },
	/* Not 5xx, as others would give mail up for it; ours hears that it may not send. */
	{ REPLY_TO(AT_SESSION), 421, "7.1", NULL, { ERROR_AUTH, NULL } },
};

const struct service service_daemon = {
	.name = "daemon",
	.what = "acsmtp",
	.rules = daemon_rules,
	.rule_count = COUNT_OF(daemon_rules),
	.login_is_optional = true,
};

static const struct service_table first = { &service_acs, 1 }, last = { &service_other, 1 };
static const struct service_table *const tables[] = { &first, &service_providers,
						      &service_mailboxes, &last };

const struct service *service_at(size_t i)
{
	for (size_t t = 0; t < COUNT_OF(tables); t++) {
		if (i < tables[t]->count)
			return &tables[t]->rows[i];
		i -= tables[t]->count;
	}
	return NULL;
}

const char *service_name(size_t i)
{
	const struct service *service = service_at(i);

	return service ? service->name : NULL;
}

void service_add_names(struct buf *names)
{
	const char *name;

	for (size_t i = 0; (name = service_name(i)); i++)
		buf_addf(names, "%s%s", i ? "|" : "", name);
}

const struct service *service_named(const char *name)
{
	const struct service *service;

	for (size_t i = 0; name && (service = service_at(i)); i++)
		if (!strcasecmp(service->name, name))
			return service;
	return name && !strcmp(name, service_daemon.name) ? &service_daemon : &service_other;
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

/* --- regions */

enum { HOST_MAX = 253 };

static const struct service_region *region_at(const struct service *service, size_t i)
{
	return i < SERVICE_REGIONS_MAX && service->regions[i].name ? &service->regions[i] : NULL;
}

/* Part of a host's name, as those of regions are. */
static bool is_label(const char *text, size_t len)
{
	return len > 0 && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") >= len;
}

static char *host_in(const struct service *service, const char *region)
{
	const char *star = strchr(service->host_of_region, '*');
	OWNED_TEXT lower = text_copy(region);
	OWNED_BUF host = BUF_INIT(HOST_MAX);

	text_lower(lower);
	if (!is_label(lower, strlen(lower)))
		return NULL;
	buf_add_bytes(&host, service->host_of_region, (size_t)(star - service->host_of_region));
	buf_addf(&host, "%s%s", lower, star + 1);
	return buf_is_full(&host) ? NULL : buf_take(&host);
}

char *service_host(const char *name, const char *region)
{
	const struct service *service = service_named(name);
	const char *usual = setting_of(service, "host");
	const struct service_region *r;

	if (service->host_of_region)
		return host_in(service, region);
	if (!*region && usual)
		return text_copy(usual);
	for (size_t i = 0; (r = region_at(service, i)); i++)
		if (!*region || text_is(region, r->name))
			return text_copy(r->host);
	return NULL;
}

char *service_region(const struct service *service, const char *host)
{
	const char *pattern = service->host_of_region, *star = pattern ? strchr(pattern, '*') : NULL;
	OWNED_TEXT lower = text_copy(host);
	const struct service_region *r;
	size_t before, behind, len;

	text_lower(lower);
	for (size_t i = 0; (r = region_at(service, i)); i++)
		if (!strcmp(lower, r->host))
			return text_copy(r->name);
	if (!star)
		return NULL;
	before = (size_t)(star - pattern);
	behind = strlen(star + 1);
	len = strlen(lower);
	if (len <= before + behind || strncmp(lower, pattern, before) != 0 ||
	    strcmp(lower + len - behind, star + 1) != 0 ||
	    !is_label(lower + before, len - before - behind))
		return NULL;
	return text_copy_n(lower + before, len - before - behind);
}

const char *service_region_words(const struct service *service, struct buf *words)
{
	const struct service_region *r;

	if (service->host_of_region)
		return "eu-west-1, us-east-1, ...";
	for (size_t i = 0; (r = region_at(service, i)); i++)
		buf_addf(words, "%s%s", i ? ", " : "", r->name);
	return words->len > 0 ? buf_text(words) : NULL;
}

const struct service *service_of_host(const char *host)
{
	const struct service *service;

	for (size_t i = 0; (service = service_at(i)); i++) {
		const char *its = setting_of(service, "host");
		OWNED_TEXT region = service_region(service, host);

		if ((its && !strcasecmp(host, its)) || region)
			return service;
	}
	return &service_other;
}

/* --- the end of one */

/* Midnight (UTC) after its last day. */
static int64_t end_of(const struct service_end *end)
{
	struct tm day = { .tm_year = end->year - 1900, .tm_mon = end->month - 1,
			  .tm_mday = end->day + 1 };

	return timegm(&day);
}

enum service_life service_life(const struct service *service, int64_t now)
{
	int64_t end = end_of(&service->end);

	if (!service->end.year)
		return SERVICE_LASTS;
	return now >= end ? SERVICE_ENDED :
	       now >= end - 365 * (int64_t)SECONDS_OF_DAY ? SERVICE_LAST_YEAR : SERVICE_ENDS;
}

void service_last_day(const struct service *service, char day[SERVICE_DAY_SIZE])
{
	snprintf(day, SERVICE_DAY_SIZE, "%04d-%02d-%02d", service->end.year, service->end.month,
		 service->end.day);
}
