/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/application.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/io.h"
#include "base/text.h"
#include "secret/file.h"
#include "token/certificate.h"
#include "token/endpoint.h"

#define PUBLIC_AUTHORITY "https://login.microsoftonline.com"
#define JWT_BEARER	 "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

/* --- settings */

static const char *or_variable(const char *setting, const char *variable)
{
	const char *value = setting && *setting ? setting : getenv(variable);

	return value ? value : "";
}

const char *application_id(const struct token_wish *wish)
{
	return or_variable(wish->settings.client_id, "AZURE_CLIENT_ID");
}

static const char *authority_of(const struct token_wish *wish)
{
	const char *authority =
		or_variable(wish->settings.authority, "AZURE_AUTHORITY_HOST");

	return *authority ? authority : PUBLIC_AUTHORITY;
}

/* The audiences of national clouds are of their own. */
const char *application_exchange(const struct token_wish *wish)
{
	char name[HTTP_HOST_SIZE];
	const char *host = http_host(authority_of(wish), name);
	size_t len = strlen(host);

	if (len > 3 && text_is(host + len - 3, ".us"))
		return "api://AzureADTokenExchangeUSGov";
	if (len > 3 && text_is(host + len - 3, ".cn"))
		return "api://AzureADTokenExchangeChina";
	return "api://AzureADTokenExchange";
}

static bool is_made_of(const char *text, const char *more)
{
	for (; *text; text++)
		if (!((*text >= '0' && *text <= '9') || (*text >= 'a' && *text <= 'z') ||
		      (*text >= 'A' && *text <= 'Z') || strchr(more, *text)))
			return false;
	return true;
}

static bool is_https(const char *url)
{
	return text_after(url, "https://") && is_made_of(url, "-._~:/%[]?=&") &&
	       url[strlen("https://")] != '/' && url[strlen("https://")] != '\0';
}

static bool check_authority(const char *authority, struct token_failure *failure)
{
	return (is_https(authority) && !strpbrk(authority, "?&")) ||
	       token_fail(failure, TOKEN_CONFIG,
			  "endpoint: token_authority %s is no https address: a secret is sent "
			  "nowhere else; such as %s",
			  authority, PUBLIC_AUTHORITY);
}

/* Of a person it may be anybody's; an application is always of one. */
static bool find_tenant(const struct token_wish *wish, const char **tenant,
			struct token_failure *failure)
{
	bool is_person = !strcmp(wish->source, "refresh") ||
			 !strcmp(wish->source, "browser") ||
			 !strcmp(wish->source, "device");

	*tenant = or_variable(wish->settings.tenant, "AZURE_TENANT_ID");
	if (!**tenant && is_person)
		*tenant = "common";
	if (!**tenant)
		return token_fail(
			failure, TOKEN_CONFIG,
			"application: tenant is missing: set it to the tenant's id or "
			"domain");
	return is_made_of(*tenant, ".-") ||
	       token_fail(failure, TOKEN_CONFIG,
			  "application: tenant %s is neither an id nor a domain",
			  *tenant);
}

bool application_url(const struct token_wish *wish, enum application_endpoint endpoint,
		     char url[APPLICATION_URL_MAX], struct token_failure *failure)
{
	static const char *const leaves[] = { "token", "authorize", "devicecode" };
	const struct token_settings *set = &wish->settings;
	const char *own = endpoint == APPLICATION_TOKEN	      ? set->token_url
			  : endpoint == APPLICATION_AUTHORIZE ? set->authorize_url
							      : set->device_url;
	const char *authority = authority_of(wish), *tenant;
	size_t len = strlen(authority);

	if (own && *own) {
		snprintf(url, APPLICATION_URL_MAX, "%s", own);
		return is_https(own) ||
		       token_fail(failure, TOKEN_CONFIG,
				  "endpoint: %s is no https address", own);
	}
	if (set->token_url && *set->token_url)
		return token_fail(
			failure, TOKEN_CONFIG,
			"endpoint: this provider has no such way to log in: use the "
			"other one");
	if (!check_authority(authority, failure) || !find_tenant(wish, &tenant, failure))
		return false;
	while (len > 0 && authority[len - 1] == '/')
		len--;
	snprintf(url, APPLICATION_URL_MAX, "%.*s/%s/oauth2/v2.0/%s", (int)len, authority,
		 tenant, leaves[endpoint]);
	return true;
}

/* --- asking */

static bool check_id(const struct token_wish *wish, struct token_failure *failure)
{
	const char *id = application_id(wish);

	if (!*id)
		return token_fail(failure, TOKEN_CONFIG,
				  "application: client_id is missing: set it to the "
				  "application's id");
	return is_made_of(id, ".-_~") ||
	       token_fail(failure, TOKEN_CONFIG, "application: client_id %s is no id",
			  id);
}

void application_question_free(struct application_question *question)
{
	http_reply_free(&question->reply);
}

bool application_ask(const struct token_wish *wish, enum application_endpoint endpoint,
		     struct form *form, struct application_question *question,
		     struct token_failure *failure)
{
	if (!check_id(wish, failure) ||
	    !application_url(wish, endpoint, question->url, failure))
		return false;
	form_add(form, "client_id", application_id(wish));
	question->http = (struct http_request){
		.url = question->url,
		.ca_file = wish->settings.ca_file,
		.deadline = question->deadline,
		.form = form_text(form),
	};
	if (form->is_full)
		return token_fail(failure, TOKEN_CONFIG,
				  "application: its settings are too long");
	return endpoint_ask(ENDPOINT_WEB, &question->http, &question->reply, failure);
}

bool application_redeem(const struct token_wish *wish, struct form *form,
			struct token_grant *grant, struct token_failure *failure)
{
	OWNED_QUESTION q = { .deadline = wish->deadline };

	return application_ask(wish, APPLICATION_TOKEN, form, &q, failure) &&
	       endpoint_grant(&q.http, &q.reply, grant, failure);
}

static bool redeem_credentials(const struct token_wish *wish, struct form *form,
			       struct token_grant *grant, struct token_failure *failure)
{
	form_add(form, "grant_type", "client_credentials");
	form_add(form, "scope", wish->settings.scope);
	return application_redeem(wish, form, grant, failure);
}

bool application_by_secret(const struct token_wish *wish, struct token_grant *grant,
			   struct token_failure *failure)
{
	OWNED_FORM form = { 0 };

	if (wish->secret.len == 0)
		return token_fail(failure, TOKEN_CONFIG,
				  "application: there is no client secret: store it where a "
				  "password may stand");
	form_add_secret(&form, "client_secret", &wish->secret);
	return redeem_credentials(wish, &form, grant, failure);
}

bool application_by_assertion(const struct token_wish *wish,
			      const struct secret *assertion, struct token_grant *grant,
			      struct token_failure *failure)
{
	OWNED_FORM form = { 0 };

	form_add(&form, "client_assertion_type", JWT_BEARER);
	form_add_secret(&form, "client_assertion", assertion);
	return redeem_credentials(wish, &form, grant, failure);
}

bool application_by_certificate(const struct token_wish *wish, struct token_grant *grant,
				struct token_failure *failure)
{
	OWNED_SECRET token = { 0 };
	char url[APPLICATION_URL_MAX];
	struct assertion assertion = {
		.file = wish->settings.certificate_file,
		.passphrase = &wish->secret,
		.client_id = application_id(wish),
		.audience = url,
	};

	return check_id(wish, failure) &&
	       application_url(wish, APPLICATION_TOKEN, url, failure) &&
	       certificate_assert(&assertion, &token, failure) &&
	       application_by_assertion(wish, &token, grant, failure);
}

/* --- workload identity */

static bool read_federated(const char *path, struct secret *token,
			   struct token_failure *failure)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t n = 0;

	if (fd < 0)
		return token_fail(
			failure, TOKEN_CONFIG,
			"identity: AZURE_FEDERATED_TOKEN_FILE %s cannot be opened (%s): "
			"may this user read it?",
			path, strerror(errno));
	secret_make_room(token);
	while (token->len <= SECRET_MAX &&
	       (n = read_some(fd, token->bytes + token->len,
			      SECRET_MAX + 1 - token->len)) > 0)
		token->len += (size_t)n;
	if (n < 0 || !secret_keep_first_line(token, token->len) || token->len == 0)
		return token_fail(
			failure, TOKEN_CONFIG,
			"identity: AZURE_FEDERATED_TOKEN_FILE %s holds no token of up to "
			"%d bytes",
			path, SECRET_MAX);
	return true;
}

/* The platform renews the file, so it is read for each exchange. */
bool application_by_workload(const struct token_wish *wish, struct token_grant *grant,
			     struct token_failure *failure)
{
	const char *path = getenv("AZURE_FEDERATED_TOKEN_FILE");
	OWNED_SECRET token = { 0 };

	if (!path || !*path)
		return token_fail(
			failure, TOKEN_CONFIG,
			"identity: AZURE_FEDERATED_TOKEN_FILE is not set: does the pod "
			"have the label azure.workload.identity/use: \"true\"?");
	return read_federated(path, &token, failure) &&
	       application_by_assertion(wish, &token, grant, failure);
}

/* --- persons */

bool application_by_refresh(const struct token_wish *wish, struct token_grant *grant,
			    struct token_failure *failure)
{
	OWNED_FORM form = { 0 };

	if (wish->secret.len == 0)
		return token_fail(
			failure, TOKEN_LOGIN,
			"identity: there is no refresh token: log in with `acsmtp login`");
	form_add(&form, "grant_type", "refresh_token");
	form_add_secret(&form, "refresh_token", &wish->secret);
	form_add_secret(&form, "client_secret", &wish->second);
	form_add(&form, "scope", wish->settings.scope);
	return application_redeem(wish, &form, grant, failure);
}
