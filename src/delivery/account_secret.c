/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the settings of an account say of its password or token, put as a request to the
 * room of secrets, which knows no accounts.
 */
#include "delivery/account_secret.h"

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

struct secret_request account_secret_request(const struct account *account,
					     bool wants_token,
					     const struct asker *asker)
{
	return (struct secret_request){
		.password = account->has_password ? read_password : NULL,
		.settings = account,
		.password_file = account->password_file,
		.password_command = account->password_command,
		.token_command = account->token_command,
		.place = { account->name, account->host, account->port, account->user },
		.keyring = account->keyring,
		.asker = asker,
		.wants_token = wants_token,
	};
}
