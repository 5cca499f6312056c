/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acsmtp password: an account's secret in the keyring, and whether one is found at all.
 */
#include "account/commands.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/text.h"
#include "secret/file.h"
#include "secret/find.h"
#include "delivery/account_secret.h"
#include "delivery/by_daemon.h"
#include "talk/ask.h"
#include "account/choice.h"

enum { ANSWER_SECONDS = 300, QUESTION_LIMIT = 1000 };

/* The place of its secret in the keyring, if it may have one there. */
static bool find_place(const struct account *account, struct secret_place *place,
		       struct error *err)
{
	*place = account_secret_request(account, false, NULL).place;
	if (!account->keyring) {
		error_set(err, ERROR_CONFIG, "the keyring is switched off for it");
		return error_advise(err, "set `keyring = on`");
	}
	if (*account->user)
		return true;
	account_lacks(account, "user", err);
	return error_advise(err, "set it to the SMTP username of the service");
}

/* From a terminal without echo, else the first line of standard input. */
static bool read_password(const struct secret_place *place, struct secret *secret,
			  struct error *err)
{
	OWNED_BUF question = BUF_INIT(QUESTION_LIMIT);

	if (isatty(STDIN_FILENO)) {
		buf_addf(&question, _("Password of %s at %s: "), place->user, place->host);
		return ask_secret(buf_text(&question), ANSWER_SECONDS, secret, err);
	}
	return secret_read_input(STDIN_FILENO, secret, err);
}

/* What stands before the keyring would win: silence about it would be a riddle. */
static void warn_of_others(const struct account *account)
{
	/* A token may be fetched with what is stored there. */
	bool is_of_tokens = account->token != TOKEN_NONE &&
			    token_wants_password(account_token_word(account->token));
	const struct secret_request request = account_secret_request(
		account, account_wants_token(account) && !is_of_tokens, &ask_at_terminal);
	struct source_line line;

	for (size_t i = 0; source_at(&request, i, &line); i++) {
		if (!strcmp(line.name, "keyring"))
			return;
		if (line.state == SOURCE_SET) {
			printf(_("account %s: but its %s is set, and is asked first\n"),
			       account->name, line.name);
			return;
		}
	}
	printf(_("account %s: but it logs in with an access token, not with a password\n"),
	       account->name);
}

/* It is another user, with another keyring or none. */
static void warn_of_daemon(const struct config *config, const struct account *account)
{
	if (by_daemon_has_queue(config))
		printf(_("account %s: but the daemon, user %s, does not see this keyring: set "
			 "password_file or password_command for it\n"),
		       account->name, config->daemon.user);
}

/* Nobody is asked for what is not used. */
static bool wants_secret(const struct account *account, struct error *err)
{
	if (account->auth == AUTH_OFF)
		return error_set(err, ERROR_CONFIG, "`auth = off`: it needs no secret");
	return account->auth != AUTH_EXTERNAL ||
	       error_set(err, ERROR_CONFIG, "`auth = external`: it logs in with the certificate "
			 "%s and needs no password", account->tls_client_cert);
}

static bool test_certificate(const struct account *account, struct error *err)
{
	char day[CLOCK_DAY_SIZE];

	if (!account_certificate(account, time(NULL), day, err))
		return false;
	printf(_("account %s: the certificate %s, until %s\n"), account->name,
	       account->tls_client_cert, day);
	return true;
}

static bool set(const struct config *config, const struct account *account,
		struct error *err)
{
	OWNED_SECRET secret = { 0 };
	OWNED_TEXT server = account_server(account);
	struct secret_place place;

	if (!wants_secret(account, err) || !find_place(account, &place, err) ||
	    !read_password(&place, &secret, err) ||
	    !keyring_store(&place, &secret, err))
		return false;
	printf(_("account %s: stored in the keyring for %s at %s\n"), account->name, place.user,
	       server);
	warn_of_others(account);
	warn_of_daemon(config, account);
	account_end_pause(config, account);
	return true;
}

static bool clear(const struct config *config, const struct account *account,
		  struct error *err)
{
	struct secret_place place;

	(void)config;
	if (!find_place(account, &place, err) || !keyring_clear(&place, err))
		return false;
	printf(_("account %s: removed from the keyring\n"), account->name);
	return true;
}

static bool test(const struct config *config, const struct account *account,
		 struct error *err)
{
	const struct secret_request request =
		account_secret_request(account, account_wants_token(account),
				       &ask_at_terminal);
	OWNED_SECRET secret = { 0 };
	struct secret_origin origin;

	if (account->auth == AUTH_EXTERNAL)
		return test_certificate(account, err);
	if (!wants_secret(account, err) || !secret_find(&request, &secret, &origin, err))
		return false;
	printf(_("account %s: %zu bytes from %s\n"), account->name, secret.len,
	       origin.source);
	if (text_is(origin.source, "keyring"))
		warn_of_daemon(config, account);
	return true;
}

static int run_set(struct command_call *call)
{
	return account_run(call, set);
}

static int run_clear(struct command_call *call)
{
	return account_run(call, clear);
}

static int run_test(struct command_call *call)
{
	return account_run(call, test);
}

const struct command password_set_command = {
	.word = "password", .sub = "set", .arguments = "[ACCOUNT]", .most = 1,
	.help = N_("ask for a password and put it into the keyring"),
	.flags = account_flags, .run = run_set,
};
const struct command password_clear_command = {
	.word = "password", .sub = "clear", .arguments = "[ACCOUNT]", .most = 1,
	.help = N_("remove a password from the keyring"),
	.flags = account_flags, .run = run_clear,
};
const struct command password_test_command = {
	.word = "password", .sub = "test", .arguments = "[ACCOUNT]", .most = 1,
	.help = N_("find a password, say where and how long"),
	.flags = account_flags, .run = run_test,
};
