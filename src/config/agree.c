/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "config/agree.h"

#include <string.h>
#include <sys/socket.h>

#include "config/urls.h"

static bool tokens_agree(const struct account *a, struct error *err)
{
	if (a->token == TOKEN_NONE || !a->token_command[0])
		return true;
	error_set(err, ERROR_CONFIG, "both token and token_command are set");
	return error_advise(err, "one of them says where tokens come from; remove the other");
}

static bool certificate_agrees(const struct account *a, struct error *err)
{
	if (a->tls_client_cert[0] && !a->tls_client_key[0]) {
		error_set(err, ERROR_CONFIG, "the certificate has no key: tls_client_key is missing");
		return error_advise(err, "set tls_client_key to the file of its key, which may be "
				    "the same file");
	}
	return true;
}

static bool key_agrees(const struct account *a, struct error *err)
{
	return a->tls_client_cert[0] || !a->tls_client_key[0] ||
	       error_set(err, ERROR_CONFIG, "the key has no certificate: tls_client_cert is missing");
}

static bool external_agrees(const struct account *a, struct error *err)
{
	if (a->auth != AUTH_EXTERNAL || (a->tls_client_cert[0] && a->tls != TLS_OFF))
		return true;
	error_set(err, ERROR_CONFIG, "external means to log in by the certificate of TLS: "
		  "tls_client_cert is missing, or `tls = off`");
	return error_advise(err, "set tls_client_cert and tls_client_key, and `tls = starttls` or "
			    "`implicit`");
}

static bool family_agrees(const struct account *a, struct error *err)
{
	int family = urls_family(a->source_address);

	return a->address_family == FAMILY_ANY || family == AF_UNSPEC ||
	       (family == AF_INET) == (a->address_family == FAMILY_IPV4) ||
	       error_set(err, ERROR_CONFIG, "it is of the other kind than address_family");
}

/* The user stands before the last "@", which a host has none of. */
static bool password_agrees(bool has_one, const char *file, struct error *err)
{
	return !has_one || !*file ||
	       error_set(err, ERROR_CONFIG, "a password stands there and in the file too");
}

static bool file_agrees(const char *url, const char *file, struct error *err)
{
	return *url || !*file ||
	       error_set(err, ERROR_CONFIG, "there is nothing that this password is for");
}

static bool proxy_agrees(const struct account *a, struct error *err)
{
	bool has_one = a->has_url_password[URL_PROXY] || a->proxy_password_file[0];

	if (!password_agrees(a->has_url_password[URL_PROXY], a->proxy_password_file, err))
		return error_advise(err, "remove proxy_password_file, or the password in `proxy`");
	if (!has_one || (strchr(a->proxy, '@') && !strstr(a->proxy, "//@")))
		return true;
	error_set(err, ERROR_CONFIG, "its password has no user");
	return error_advise(err, "it is written socks5://USER@HOST:PORT");
}

static bool store_agrees(const struct account *a, struct error *err)
{
	return password_agrees(a->has_url_password[URL_STORE], a->quota_store_password_file, err);
}

static bool proxy_file_agrees(const struct account *a, struct error *err)
{
	return file_agrees(a->proxy, a->proxy_password_file, err);
}

static bool store_file_agrees(const struct account *a, struct error *err)
{
	return file_agrees(a->quota_store, a->quota_store_password_file, err);
}

bool account_agrees(const struct account *account, const char **name, struct error *err)
{
	static const struct {
		const char *name;
		bool (*check)(const struct account *account, struct error *err);
	} rules[] = {
		{ "token_command", tokens_agree },
		{ "tls_client_cert", certificate_agrees },
		{ "tls_client_key", key_agrees },
		{ "auth", external_agrees },
		{ "source_address", family_agrees },
		{ "proxy_password_file", proxy_file_agrees },
		{ "proxy", proxy_agrees },
		{ "quota_store_password_file", store_file_agrees },
		{ "quota_store", store_agrees },
	};

	for (size_t i = 0; i < COUNT_OF(rules); i++) {
		*name = rules[i].name;
		if (!rules[i].check(account, err))
			return false;
	}
	return true;
}
