/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/urls.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "base/url.h"

static const char as_proxy[] = N_("it is written socks5://[USER@]HOST:PORT or "
				  "http://[USER@]HOST:PORT; what is no letter or digit in the user is encoded, as %40 for @");

static bool check_proxy(const struct url *url, struct error *err)
{
	if (!text_is(url->scheme, "socks5") && !text_is(url->scheme, "http"))
		return error_set(err, ERROR_CONFIG, "a proxy of that kind is not known");
	if (url->port == 0)
		return error_set(err, ERROR_CONFIG, "the port of the proxy is missing");
	if (*url->rest)
		return error_set(err, ERROR_CONFIG, "something follows the port of the proxy");
	return !text_is(url->scheme, "http") || !strchr(url->user, ':') ||
	       error_set(err, ERROR_CONFIG, "a user of an HTTP proxy cannot have a colon");
}

bool urls_check_proxy(const char *value, struct error *err)
{
	OWNED_URL url = { 0 };

	return !*value || (url_parse(value, &url, err) && check_proxy(&url, err)) ||
	       error_advise(err, as_proxy);
}

static bool check_store(const struct url *url, struct error *err)
{
	long db;

	if (!text_is(url->scheme, "redis") && !text_is(url->scheme, "rediss"))
		return error_set(err, ERROR_CONFIG, "a store of that kind is not known");
	return !*url->rest || text_to_number(url->rest, 0, INT32_MAX, &db) ||
	       error_set(err, ERROR_CONFIG, "what follows the / is no number of a database");
}

bool urls_check_store(const char *value, struct error *err)
{
	const char *path = text_after(value, "unix:");
	OWNED_URL url = { 0 };

	if (!*value || (path ? *path == '/' :
			url_parse(value, &url, err) && check_store(&url, err)))
		return true;
	if (path)
		error_set(err, ERROR_CONFIG, "it is not the whole path of a socket");
	return error_advise(err, "it is written redis://[USER:PASSWORD@]HOST[:PORT][/NUMBER], "
			    "rediss:// for TLS, or unix:PATH");
}

int urls_family(const char *address)
{
	unsigned char bytes[sizeof(struct in6_addr)];

	return inet_pton(AF_INET, address, bytes) == 1 ? AF_INET :
	       inet_pton(AF_INET6, address, bytes) == 1 ? AF_INET6 : AF_UNSPEC;
}

bool urls_check_source(const char *value, struct error *err)
{
	if (!*value || urls_family(value) != AF_UNSPEC)
		return true;
	error_set(err, ERROR_CONFIG, "it is no address such as 192.0.2.1 or 2001:db8::1");
	return error_advise(err, "`ip address` shows those that this machine has");
}
