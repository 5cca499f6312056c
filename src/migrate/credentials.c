/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of passwords names servers and not accounts, and may be read before the file
 * that has the accounts: so passwords are collected, and given out when all has been
 * read. Each account without a password takes the first that fits. Where no file has
 * accounts each password of a mail server becomes one, so that a netrc alone is worth
 * importing.
 */
#include "migrate/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "service/service.h"

bool credential_add(struct import *import, const struct input *lines,
		    struct credential *credential, struct error *err)
{
	struct credential c = *credential;

	if (import->credential_count == IMPORT_ACCOUNTS_MAX) {
		secret_free(&credential->password);
		error_set(err, ERROR_CONFIG, "more than %d passwords", IMPORT_ACCOUNTS_MAX);
		return input_blame(lines, err);
	}
	grow((void **)&import->credentials, &import->credential_room,
	     import->credential_count, sizeof(c));
	c.path = text_copy(lines->path);
	if (!c.line)
		c.line = lines->line;
	c.host = text_copy(c.host);
	c.user = c.user ? text_copy(c.user) : NULL;
	import->credentials[import->credential_count++] = c;
	credential->password = (struct secret){ 0 };
	return true;
}

void credentials_free(struct import *import)
{
	for (size_t i = 0; i < import->credential_count; i++) {
		text_cleanup(&import->credentials[i].path);
		text_cleanup(&import->credentials[i].host);
		text_cleanup(&import->credentials[i].user);
		secret_free(&import->credentials[i].password);
	}
	free(import->credentials);
}

/* --- to accounts that are there */

static bool is_for(const struct credential *c, const struct draft *d)
{
	const char *host = draft_value(d, "host"), *port = draft_value(d, "port");
	const char *user = draft_value(d, "user");
	long number = 0;

	/*
	 * What one side does not say contradicts nothing: a port or a user that both
	 * name must agree.
	 */
	if (!host || !text_is(host, c->host))
		return false;
	if (c->port && port && text_to_number(port, 1, 65535, &number) &&
	    number != c->port)
		return false;
	return !user || !c->user || !strcmp(user, c->user);
}

static void note_refused(struct import *import, const struct credential *c,
			 const char *setting, const struct error *err)
{
	note_at(import, NOTE_LEFT, c->path, c->line, setting, error_words(err));
}

static void apply(struct import *import, struct credential *c, struct draft *d)
{
	struct error err;

	c->is_used = true;
	if (c->user && *c->user && !draft_value(d, "user") &&
	    !draft_set(d, "user", c->user, &err))
		note_refused(import, c, "user", &err);
	if (!secret_is_set(&c->password) || c->password.len == 0)
		return;
	if (draft_set_password(d, &c->password, &err))
		foreign_found_password(d, c->path, c->line);
	else
		note_refused(import, c, "password", &err);
}

/* A login that is switched off stays so. */
static bool wants_password(const struct draft *d)
{
	const char *auth = draft_value(d, "auth");

	return !draft_has_source(d) && !(auth && !strcmp(auth, "off"));
}

static void apply_to_accounts(struct import *import)
{
	for (size_t i = 0; i < import->account_count; i++)
		for (size_t j = 0; j < import->credential_count; j++) {
			struct draft *d = &import->accounts[i].draft;

			/*
			 * Asked again for each: the first that fits fills the place,
			 * and later ones stay unused.
			 */
			if (wants_password(d) && is_for(&import->credentials[j], d))
				apply(import, &import->credentials[j], d);
		}
}

/* --- accounts of their own */

static const struct rules no_rules = { .rows = NULL };

static const char *const mail_words[] = { "smtp", "mail", "submission", "relay", "mx" };

/* A netrc has logins of many kinds. */
static bool is_mail_server(const struct credential *c, bool is_only)
{
	if (!c->may_be_other || is_only || service_of_host(c->host) != &service_other)
		return true;
	for (size_t i = 0; i < COUNT_OF(mail_words); i++)
		if (strcasestr(c->host, mail_words[i]))
			return true;
	return false;
}

static bool make_account(struct import *import, struct credential *c, struct error *err)
{
	struct foreign_record r = { .rules = &no_rules, .path = c->path, .line = c->line };
	struct imported *account = import_account(import, &r, NULL, err);
	struct error refused;

	if (!account)
		return false;
	if (!draft_set(&account->draft, "host", c->host, &refused))
		note_refused(import, c, "host", &refused);
	if (c->port)
		import_port(account, c->port);
	/* RFC 8314 section 3.3: TLS from the first byte. */
	if (c->port == 465)
		(void)draft_set(&account->draft, "tls", "implicit", &refused);
	apply(import, c, &account->draft);
	return true;
}

static bool make_accounts(struct import *import, struct error *err)
{
	bool is_only = import->credential_count == 1;

	for (size_t i = 0; i < import->credential_count; i++) {
		struct credential *c = &import->credentials[i];

		if (is_mail_server(c, is_only) && !make_account(import, c, err))
			return false;
	}
	return true;
}

static void note_rest(struct import *import, bool has_accounts)
{
	const char *why = has_accounts ?
		N_("no account without a password has this server and user") :
		N_("its name does not look like a mail server's");

	for (size_t i = 0; i < import->credential_count; i++) {
		const struct credential *c = &import->credentials[i];

		if (!c->is_used)
			note_at(import, NOTE_LEFT, c->path, c->line, N_("a password"), why);
	}
}

bool credentials_apply(struct import *import, struct error *err)
{
	bool has_accounts = import->account_count > 0;

	if (has_accounts)
		apply_to_accounts(import);
	else if (!make_accounts(import, err))
		return false;
	note_rest(import, has_accounts);
	return true;
}
