/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the settings of an account say of its password or token, put as a request to the
 * room of secrets, which knows no accounts.
 */
#include "delivery/account_secret.h"

#include <limits.h>

#include "net/tls_identity.h"
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

bool account_secret_is_there(const struct account *account, struct error *err)
{
	const struct secret_request request =
		account_secret_request(account, account_wants_token(account), NULL);
	bool is_made = account->token != TOKEN_NONE || account->token_command[0] ||
		       account->password_command[0];
	bool is_near = account->password_file[0] || account->is_of_environment;
	OWNED_SECRET secret = { 0 };
	const char *source;

	return is_made || !is_near || source_find(&request, &secret, &source, err);
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

static bool is_earlier(time_t when, time_t now, struct secret_end *end)
{
	long days = (long)((when - now) / SECONDS_OF_DAY) - (when < now);

	if (days > SECRET_ENDS_DAYS || days >= end->days)
		return false;
	end->days = days;
	clock_day_text(when, end->day);
	return true;
}

bool account_secret_ends(const struct account *account, time_t now, struct secret_end *end)
{
	const char *const certificates[] = {
		account->tls_client_cert,
		account->token == TOKEN_CLIENT_CERTIFICATE ? account->certificate_file : "",
	};
	struct secret_end first = { .days = LONG_MAX };
	struct error unused;
	time_t begins, ends;

	if (account->password_expires[0] && clock_day(account->password_expires, &ends))
		(void)is_earlier(ends, now, &first);
	/* What cannot be read is told of where it is used. */
	for (size_t i = 0; i < COUNT_OF(certificates); i++)
		if (certificates[i][0] &&
		    tls_certificate_validity(certificates[i], &begins, &ends, &unused) &&
		    is_earlier(ends, now, &first))
			first.certificate = certificates[i];
	if (first.days == LONG_MAX)
		return false;
	*end = first;
	return true;
}

bool account_certificate(const struct account *account, time_t now, char day[CLOCK_DAY_SIZE],
			 struct error *err)
{
	const char *file = account->tls_client_cert;
	struct tls_identity *identity = tls_identity_load(file, account->tls_client_key, NULL,
							  err);
	time_t begins, ends;

	if (!identity)
		return error_context(err, "tls_client_cert, tls_client_key");
	tls_identity_validity(identity, &begins, &ends);
	tls_identity_free(identity);
	clock_day_text(now < begins ? begins : ends, day);
	if (now < begins)
		return error_set(err, ERROR_CONFIG, "the certificate %s is not valid before %s",
				 file, day);
	if (now <= ends)
		return true;
	error_set(err, ERROR_CONFIG, "the certificate %s ended on %s", file, day);
	return error_advise(err, "put a new one in its place");
}
