/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the settings of an account say of its password or token, put as a request to the
 * room of secrets, which knows no accounts.
 */
#include "delivery/account_secret.h"

#include <time.h>

#include "base/clock.h"
#include "service/service.h"

bool account_wants_token(const struct account *account)
{
	return account->auth == AUTH_XOAUTH2 || account->auth == AUTH_OAUTHBEARER ||
	       (account->auth == AUTH_AUTO &&
		(account->token != TOKEN_NONE || account->token_command[0]));
}

static bool read_password(const void *account, struct secret *password, struct error *err)
{
	return config_password(account, password, err);
}

static bool keep_password(const void *account, const struct secret *password,
			  struct error *err)
{
	return config_keep_password(account, password, err);
}

/* What the account says of tokens, and for what it does not its service. */
static struct token_request token_request_of(const struct account *account)
{
	const struct service *service = service_named(account->service);
	bool is_person = account->token == TOKEN_REFRESH;
	const char *scope = is_person ? service->person_scope : service->scope;

	return (struct token_request){
		.source = account->token == TOKEN_NONE ? NULL : account_token_word(account->token),
		.settings = {
			.tenant = account->tenant,
			.client_id = account->client_id,
			.identity = account->identity,
			.certificate_file = account->certificate_file,
			.scope = account->token_scope[0] ? account->token_scope : scope,
			.authority = account->token_authority,
			.ca_file = account->token_ca_file,
			.user = is_person ? account->user : NULL,
			.token_url = account->token_endpoint,
			.authorize_url = account->authorization_endpoint,
			.device_url = account->device_authorization_endpoint,
		},
		.client_secret_file = is_person ? account->client_secret_file : NULL,
	};
}

struct secret_request account_secret_request(const struct account *account,
					     bool wants_token,
					     const struct asker *asker)
{
	return (struct secret_request){
		.password = account->has_password ? read_password : NULL,
		.keep_password = keep_password,
		.settings = account,
		.token = token_request_of(account),
		.password_file = account->password_file,
		.password_file_by = account->password_file_by,
		.password_command = account->password_command,
		.token_command = account->token_command,
		.place = { account->name, account->host, account->port, account->user },
		.keyring = account->keyring,
		.asker = asker,
		.wants_token = wants_token,
	};
}

struct login_wish account_login_wish(const struct account *account)
{
	/* An identity's own token is of no application that the account names. */
	bool is_own = account->token == TOKEN_MANAGED_IDENTITY && !account->client_id[0];

	return (struct login_wish){
		.scope = token_request_of(account).settings.scope,
		.application = is_own ? account->identity : account->client_id,
		.tenant = account->tenant,
		.now = time(NULL),
	};
}

bool account_secret_ends(const struct account *account, time_t now, long *days)
{
	time_t ends;

	if (!account->password_expires[0] || !clock_day(account->password_expires, &ends))
		return false;
	*days = (long)((ends - now) / SECONDS_OF_DAY) - (ends < now);
	return *days <= SECRET_ENDS_DAYS;
}
