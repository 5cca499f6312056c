/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/route.h"

#include <string.h>
#include <sys/socket.h>

#include "base/language.h"
#include "base/text.h"
#include "secret/file.h"

static bool find_password(struct route *route, const struct account *account, struct error *err)
{
	if (account->has_url_password[URL_PROXY])
		return config_url_password(account, URL_PROXY, &route->password, err) ||
		       error_context(err, "proxy");
	return !account->proxy_password_file[0] ||
	       secret_read_file(account->proxy_password_file, &route->password, err) ||
	       error_context(err, "proxy_password_file %s", account->proxy_password_file);
}

static bool find_proxy(struct route *route, const struct account *account, struct error *err)
{
	if (!url_parse(account->proxy, &route->url, err))
		return error_context(err, "proxy");
	route->proxy = (struct proxy){
		.kind = text_is(route->url.scheme, "http") ? PROXY_HTTP : PROXY_SOCKS5,
		.host = route->url.host,
		.port = route->url.port,
		.user = route->url.user,
		.password = &route->password,
	};
	route->endpoint.proxy = &route->proxy;
	return find_password(route, account, err);
}

bool route_find(struct route *route, const struct account *account, struct error *err)
{
	static const int families[] = {
		[FAMILY_ANY] = AF_UNSPEC, [FAMILY_IPV4] = AF_INET, [FAMILY_IPV6] = AF_INET6,
	};

	*route = (struct route){ .endpoint = {
		.host = account->host,
		.port = account->port,
		.implicit_tls = account->tls == TLS_IMPLICIT,
		.timeout = account->timeout,
		.ca_file = account->tls_ca_file,
		.fingerprint = account->tls_fingerprint,
		.priorities = account->tls_priorities,
		.client_cert = account->tls_client_cert,
		.client_key = account->tls_client_key,
		.source = account->source_address,
		.family = families[account->address_family],
		.cache_name = account->tls_session_cache ? account->name : NULL,
	} };
	return !account->proxy[0] || find_proxy(route, account, err);
}

void route_free(struct route *route)
{
	url_free(&route->url);
	secret_free(&route->password);
}

/* --- for people */

static char *word_of(const struct account *account, const char *name)
{
	struct setting_help row;

	for (size_t i = 0; setting_help(i, &row); i++)
		if (!strcmp(row.name, name))
			return setting_text(i, account);
	return NULL;
}

static void add_setting(const struct account *account, const char *name, struct buf *text)
{
	OWNED_TEXT value = word_of(account, name);

	if (value && *value)
		buf_addf(text, ", %s = %s", name, value);
}

void route_text(const struct account *account, struct buf *text)
{
	OWNED_TEXT server = account_server(account);

	if (account->source_address[0])
		buf_addf(text, _("from %s, "), account->source_address);
	if (account->proxy[0])
		buf_addf(text, _("by the proxy %s, "), account->proxy);
	buf_addf(text, _("to %s"), server);
	if (account->address_family != FAMILY_ANY)
		add_setting(account, "address_family", text);
	add_setting(account, "tls", text);
	add_setting(account, "tls_priorities", text);
	add_setting(account, "tls_client_cert", text);
	add_setting(account, "auth", text);
}
