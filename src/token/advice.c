/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/advice.h"

#include <string.h>

#define MAKE_SECRET	"make a new one at Certificates & secrets and store its value"
#define LOG_IN		"log in again with `acsmtp login`"
#define CREDENTIAL	"compare the federated credential of the application: issuer, subject, audience"

static const struct token_advice numbers[] = {
	{ 50001, TOKEN_REFUSED, "scope", "the tenant does not know the resource of token_scope",
	  "check token_scope and tenant" },
	{ 50020, TOKEN_REFUSED, "identity", "the person is not of this tenant",
	  "check tenant, or log in as somebody else" },
	{ 50034, TOKEN_REFUSED, "identity", "the directory does not know the person",
	  "check tenant and user" },
	{ 50057, TOKEN_REFUSED, "identity", "the person's account is disabled",
	  "ask who looks after the directory" },
	{ 50059, TOKEN_CONFIG, "application", "the tenant cannot be told", "set tenant" },
	{ 50076, TOKEN_LOGIN, "identity", "a second factor is asked for", LOG_IN },
	{ 50078, TOKEN_LOGIN, "identity", "the second factor has expired", LOG_IN },
	{ 50079, TOKEN_LOGIN, "identity", "a second factor has to be set up", LOG_IN },
	{ 50105, TOKEN_REFUSED, "role", "the person is not assigned to the application",
	  "assign them in Enterprise applications" },
	{ 50126, TOKEN_REFUSED, "identity", "user name or password is wrong", LOG_IN },
	{ 50128, TOKEN_CONFIG, "application", "there is no such domain", "check tenant" },
	{ 50133, TOKEN_LOGIN, "identity", "the password was changed since", LOG_IN },
	{ 50173, TOKEN_LOGIN, "identity", "the login was revoked", LOG_IN },
	{ 50194, TOKEN_CONFIG, "application", "it is no multi-tenant application",
	  "set tenant to its own" },
	{ 50196, TOKEN_LATER, "endpoint", "too many requests for the same token",
	  "try again later" },
	{ 53003, TOKEN_REFUSED, "role", "a Conditional Access policy blocks it",
	  "ask who looks after the directory" },
	{ 65001, TOKEN_REFUSED, "role", "nobody has consented to the application's permission",
	  "let an administrator grant consent, or log in again with `acsmtp login`" },
	{ 65004, TOKEN_DISMISSED, "role", "the person did not consent", LOG_IN },
	{ 70000, TOKEN_LOGIN, "identity", "the refresh token is not valid", LOG_IN },
	{ 70001, TOKEN_REFUSED, "application", "the application is disabled or not there",
	  "check client_id and tenant" },
	{ 70002, TOKEN_REFUSED, "application", "the client secret is wrong", MAKE_SECRET },
	{ 70008, TOKEN_LOGIN, "identity", "the refresh token has expired or was revoked",
	  LOG_IN },
	{ 70011, TOKEN_CONFIG, "scope", "token_scope is none that can be asked for",
	  "check token_scope; for an application it ends with /.default" },
	{ 70021, TOKEN_REFUSED, "application", "no federated credential fits this identity",
	  CREDENTIAL },
	{ 70043, TOKEN_LOGIN, "identity", "the login is too old for a policy", LOG_IN },
	{ 90002, TOKEN_CONFIG, "application", "there is no such tenant",
	  "check tenant, and token_authority for its cloud" },
	{ 90013, TOKEN_CONFIG, "application", "a setting is not as it must be",
	  "check tenant, client_id and token_scope" },
	{ 90061, TOKEN_LATER, "identity", "the issuer of the identity cannot be reached",
	  "check that its OpenID configuration is public" },
	{ 500011, TOKEN_REFUSED, "scope", "the tenant does not know the resource of token_scope",
	  "check token_scope and tenant" },
	{ 500133, TOKEN_CLOCK, "clock", "the assertion is not within its time",
	  "set the clock of this machine" },
	{ 700003, TOKEN_LOGIN, "identity", "the device of the login is gone", LOG_IN },
	{ 700016, TOKEN_CONFIG, "application", "the tenant has no application of this client_id",
	  "check client_id and tenant" },
	{ 700024, TOKEN_CLOCK, "clock", "the assertion is not within its time",
	  "set the clock of this machine" },
	{ 700025, TOKEN_CONFIG, "application", "it is a public client, which takes no secret",
	  "switch \"Allow public client flows\" off, or store no secret" },
	{ 700027, TOKEN_REFUSED, "application", "the certificate is not one of the application",
	  "upload the certificate of certificate_file at Certificates & secrets" },
	{ 700030, TOKEN_REFUSED, "application", "the certificate's name is not authorized",
	  "use the certificate that the application trusts" },
	{ 700082, TOKEN_LOGIN, "identity", "the refresh token was not used for too long", LOG_IN },
	{ 700084, TOKEN_LOGIN, "identity", "the refresh token of a web page has ended", LOG_IN },
	{ 700211, TOKEN_REFUSED, "application", "no federated credential has this issuer",
	  CREDENTIAL },
	{ 700212, TOKEN_REFUSED, "application", "no federated credential has this audience",
	  CREDENTIAL },
	{ 700213, TOKEN_REFUSED, "application", "no federated credential has this subject",
	  CREDENTIAL },
	{ 7000112, TOKEN_REFUSED, "application", "the application is disabled",
	  "enable it in Enterprise applications" },
	{ 7000215, TOKEN_REFUSED, "application", "the client secret is wrong",
	  "store its value, not its id, with `acsmtp password set`" },
	{ 7000218, TOKEN_CONFIG, "application", "it is no public client, and there is no secret",
	  "switch \"Allow public client flows\" on" },
	{ 7000222, TOKEN_REFUSED, "application", "the client secret has expired", MAKE_SECRET },
};

static const struct {
	const char *word;
	struct token_advice advice;
} words[] = {
	{ "invalid_client", { 0, TOKEN_REFUSED, "application",
	  "the application's id or secret is wrong", "check client_id and its secret" } },
	{ "unauthorized_client", { 0, TOKEN_REFUSED, "application",
	  "the application may not do this", "check client_id and what it is allowed" } },
	{ "invalid_grant", { 0, TOKEN_LOGIN, "identity",
	  "what was given is expired, revoked or not for this application", LOG_IN } },
	{ "invalid_scope", { 0, TOKEN_CONFIG, "scope",
	  "token_scope is none that can be asked for", "check token_scope" } },
	{ "invalid_target", { 0, TOKEN_CONFIG, "scope",
	  "token_scope is none that can be asked for", "check token_scope" } },
	{ "access_denied", { 0, TOKEN_DISMISSED, "identity", "the person said no", LOG_IN } },
	{ "authorization_declined", { 0, TOKEN_DISMISSED, "identity", "the person said no",
	  LOG_IN } },
	{ "expired_token", { 0, TOKEN_DISMISSED, "identity",
	  "nobody entered the code in time", LOG_IN } },
	{ "interaction_required", { 0, TOKEN_LOGIN, "identity",
	  "a person has to be asked", LOG_IN } },
	{ "consent_required", { 0, TOKEN_LOGIN, "role",
	  "nobody has consented to the application's permission", LOG_IN } },
	{ "temporarily_unavailable", { 0, TOKEN_LATER, "endpoint", "it is busy",
	  "try again later" } },
	{ "server_error", { 0, TOKEN_LATER, "endpoint", "it is in trouble",
	  "try again later" } },
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
