/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The helper says these in English, as logs have to have them, and in the language of
 * the person.
 */
#include "token/advice.h"

#include <string.h>

#include "base/language.h"

#define MAKE_SECRET	N_("make a new one at Certificates & secrets and store its value")
#define LOG_IN		N_("log in again with `acsmtp login`")
#define CREDENTIAL \
	N_("compare the federated credential of the application: issuer, subject, audience")

static const struct token_advice numbers[] = {
	{ 50001, TOKEN_REFUSED, "scope", N_("the tenant does not know the resource of token_scope"),
	  N_("check token_scope and tenant") },
	{ 50020, TOKEN_REFUSED, "identity", N_("the person is not of this tenant"),
	  N_("check tenant, or log in as somebody else") },
	{ 50034, TOKEN_REFUSED, "identity", N_("the directory does not know the person"),
	  N_("check tenant and user") },
	{ 50057, TOKEN_REFUSED, "identity", N_("the person's account is disabled"),
	  N_("ask who looks after the directory") },
	{ 50059, TOKEN_CONFIG, "application", N_("the tenant cannot be told"), N_("set tenant") },
	{ 50076, TOKEN_LOGIN, "identity", N_("a second factor is asked for"), LOG_IN },
	{ 50078, TOKEN_LOGIN, "identity", N_("the second factor has expired"), LOG_IN },
	{ 50079, TOKEN_LOGIN, "identity", N_("a second factor has to be set up"), LOG_IN },
	{ 50105, TOKEN_REFUSED, "role", N_("the person is not assigned to the application"),
	  N_("assign them in Enterprise applications") },
	{ 50126, TOKEN_REFUSED, "identity", N_("user name or password is wrong"), LOG_IN },
	{ 50128, TOKEN_CONFIG, "application", N_("there is no such domain"), N_("check tenant") },
	{ 50133, TOKEN_LOGIN, "identity", N_("the password was changed since"), LOG_IN },
	{ 50173, TOKEN_LOGIN, "identity", N_("the login was revoked"), LOG_IN },
	{ 50194, TOKEN_CONFIG, "application", N_("it is no multi-tenant application"),
	  N_("set tenant to its own") },
	{ 50196, TOKEN_LATER, "endpoint", N_("too many requests for the same token"),
	  N_("try again later") },
	{ 53003, TOKEN_REFUSED, "role", N_("a Conditional Access policy blocks it"),
	  N_("ask who looks after the directory") },
	{ 65001, TOKEN_REFUSED, "role", N_("nobody has consented to the application's permission"),
	  N_("let an administrator grant consent, or log in again with `acsmtp login`") },
	{ 65004, TOKEN_DISMISSED, "role", N_("the person did not consent"), LOG_IN },
	{ 70000, TOKEN_LOGIN, "identity", N_("the refresh token is not valid"), LOG_IN },
	{ 70001, TOKEN_REFUSED, "application", N_("the application is disabled or not there"),
	  N_("check client_id and tenant") },
	{ 70002, TOKEN_REFUSED, "application", N_("the client secret is wrong"), MAKE_SECRET },
	{ 70008, TOKEN_LOGIN, "identity", N_("the refresh token has expired or was revoked"),
	  LOG_IN },
	{ 70011, TOKEN_CONFIG, "scope", N_("token_scope is none that can be asked for"),
	  N_("check token_scope; for an application it ends with /.default") },
	{ 70021, TOKEN_REFUSED, "application", N_("no federated credential fits this identity"),
	  CREDENTIAL },
	{ 70043, TOKEN_LOGIN, "identity", N_("the login is too old for a policy"), LOG_IN },
	{ 90002, TOKEN_CONFIG, "application", N_("there is no such tenant"),
	  N_("check tenant, and token_authority for its cloud") },
	{ 90013, TOKEN_CONFIG, "application", N_("a setting is not as it must be"),
	  N_("check tenant, client_id and token_scope") },
	{ 90061, TOKEN_LATER, "identity", N_("the issuer of the identity cannot be reached"),
	  N_("check that its OpenID configuration is public") },
	{ 500011, TOKEN_REFUSED, "scope", N_("the tenant does not know the resource of token_scope"),
	  N_("check token_scope and tenant") },
	{ 500133, TOKEN_CLOCK, "clock", N_("the assertion is not within its time"),
	  N_("set the clock of this machine") },
	{ 700003, TOKEN_LOGIN, "identity", N_("the device of the login is gone"), LOG_IN },
	{ 700016, TOKEN_CONFIG, "application", N_("the tenant has no application of this client_id"),
	  N_("check client_id and tenant") },
	{ 700024, TOKEN_CLOCK, "clock", N_("the assertion is not within its time"),
	  N_("set the clock of this machine") },
	{ 700025, TOKEN_CONFIG, "application", N_("it is a public client, which takes no secret"),
	  N_("switch \"Allow public client flows\" off, or store no secret") },
	{ 700027, TOKEN_REFUSED, "application", N_("the certificate is not one of the application"),
	  N_("upload the certificate of certificate_file at Certificates & secrets") },
	{ 700030, TOKEN_REFUSED, "application", N_("the certificate's name is not authorized"),
	  N_("use the certificate that the application trusts") },
	{ 700082, TOKEN_LOGIN, "identity", N_("the refresh token was not used for too long"), LOG_IN },
	{ 700084, TOKEN_LOGIN, "identity", N_("the refresh token of a web page has ended"), LOG_IN },
	{ 700211, TOKEN_REFUSED, "application", N_("no federated credential has this issuer"),
	  CREDENTIAL },
	{ 700212, TOKEN_REFUSED, "application", N_("no federated credential has this audience"),
	  CREDENTIAL },
	{ 700213, TOKEN_REFUSED, "application", N_("no federated credential has this subject"),
	  CREDENTIAL },
	{ 7000112, TOKEN_REFUSED, "application", N_("the application is disabled"),
	  N_("enable it in Enterprise applications") },
	{ 7000215, TOKEN_REFUSED, "application", N_("the client secret is wrong"),
	  N_("store its value, not its id, with `acsmtp password set`") },
	{ 7000218, TOKEN_CONFIG, "application", N_("it is no public client, and there is no secret"),
	  N_("switch \"Allow public client flows\" on") },
	{ 7000222, TOKEN_REFUSED, "application", N_("the client secret has expired"), MAKE_SECRET },
};

static const struct {
	const char *word;
	struct token_advice advice;
} words[] = {
	{ "invalid_client", { 0, TOKEN_REFUSED, "application",
	  N_("the application's id or secret is wrong"), N_("check client_id and its secret") } },
	{ "unauthorized_client", { 0, TOKEN_REFUSED, "application",
	  N_("the application may not do this"), N_("check client_id and what it is allowed") } },
	{ "invalid_grant", { 0, TOKEN_LOGIN, "identity",
	  N_("what was given is expired, revoked or not for this application"), LOG_IN } },
	{ "invalid_scope", { 0, TOKEN_CONFIG, "scope",
	  N_("token_scope is none that can be asked for"), N_("check token_scope") } },
	{ "invalid_target", { 0, TOKEN_CONFIG, "scope",
	  N_("token_scope is none that can be asked for"), N_("check token_scope") } },
	{ "access_denied", { 0, TOKEN_DISMISSED, "identity", N_("the person said no"), LOG_IN } },
	{ "authorization_declined", { 0, TOKEN_DISMISSED, "identity", N_("the person said no"),
	  LOG_IN } },
	{ "expired_token", { 0, TOKEN_DISMISSED, "identity",
	  N_("nobody entered the code in time"), LOG_IN } },
	{ "interaction_required", { 0, TOKEN_LOGIN, "identity",
	  N_("a person has to be asked"), LOG_IN } },
	{ "consent_required", { 0, TOKEN_LOGIN, "role",
	  N_("nobody has consented to the application's permission"), LOG_IN } },
	{ "temporarily_unavailable", { 0, TOKEN_LATER, "endpoint", N_("it is busy"),
	  N_("try again later") } },
	{ "server_error", { 0, TOKEN_LATER, "endpoint", N_("it is in trouble"),
	  N_("try again later") } },
};

const struct token_advice *token_advice_of(int64_t number)
{
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		if (numbers[i].number == number)
			return &numbers[i];
	return NULL;
}

const struct token_advice *token_advice_of_word(const char *word)
{
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (word && !strcmp(words[i].word, word))
			return &words[i].advice;
	return NULL;
}
