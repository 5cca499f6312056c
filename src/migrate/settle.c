/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What all accounts get in the end, wherever they came from. */
#include "migrate/foreign.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "service/service.h"

static void set(struct imported *account, const char *name, const char *value)
{
	struct error err;
	bool ok = draft_set(&account->draft, name, value, &err);

	assert(ok);
	(void)ok;
}

static bool says(const struct imported *account, const char *name, const char *value)
{
	const char *said = draft_value(&account->draft, name);

	return said && text_is(said, value);
}

static void note_of(struct import *import, enum note_kind kind,
		    const struct imported *account, const char *setting, const char *why)
{
	OWNED_BUF what = BUF_INIT(400);

	buf_addf(&what, "%s%s%.100s", setting, account->known_as ? " of " : "",
		 account->known_as ? account->known_as : "");
	note_at(import, kind, account->path, account->line, buf_text(&what), why);
}

/* --- login, TLS, sender */

static void settle_login(struct import *import, struct imported *account)
{
	if (!draft_value(&account->draft, "auth"))
		set(account, "auth",
		    draft_value(&account->draft, "user") ? "auto" : "off");
	if (!draft_value(&account->draft, "tls"))
		set(account, "tls", "starttls");
	if (says(account, "auth", "off")) {
		if (secret_is_set(&account->draft.password))
			note_of(import, NOTE_CHANGED, account, "password",
				N_("it is written, but nobody logs in with it: auth is off"));
		return;
	}
	/* Stricter than the file: the other program did send the password in clear. */
	if (says(account, "tls", "off")) {
		set(account, "tls", "starttls");
		note_of(import, NOTE_CHANGED, account, "tls",
			N_("no password is sent without TLS, so STARTTLS is used"));
	}
	if (!draft_value(&account->draft, "user"))
		note_of(import, NOTE_MISSING, account, "user",
			N_("the file does not say it: write it"));
	if (!draft_has_source(&account->draft))
		note_of(import, NOTE_MISSING, account, "password",
			N_("it stands in no file that was read: write password, "
			"password_file or password_command (what is in the desktop's "
			"keyring, secret-tool lookup prints)"));
}

/* Where the server takes other senders they are left alone, as the other program does. */
static void settle_sender(struct import *import, struct imported *account,
			  bool is_strict)
{
	if (!is_strict && !draft_value(&account->draft, "sender_policy"))
		set(account, "sender_policy", "keep");
	if (!is_strict && says(account, "sender_policy", "keep"))
		return;
	if (is_strict && !draft_value(&account->draft, "sender_policy"))
		note_of(import, NOTE_CHANGED, account, N_("other senders"),
			N_("they become `from`, for the service refuses them; "
			"allowed_senders has those that it takes"));
	if (!draft_value(&account->draft, "from"))
		note_of(import, NOTE_MISSING, account, "from",
			N_("write the address that this account may send as"));
}

/* What the service says anyway is left to it. */
static void leave_to_service(struct draft *d, const char *service)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++) {
		const char *known = service_setting(service, row->name);

		if (row->section != SECTION_ACCOUNT || !d->values[i] ||
		    !strcmp(row->name, "service"))
			continue;
		if (text_is(d->values[i], known ? known : row->standard))
			draft_unset(d, row->name);
	}
}

/* The server of a region is said by the region, that of the usual one by nothing. */
static void leave_to_region(struct imported *account, const struct service *service)
{
	OWNED_TEXT region = service_region(service, draft_value(&account->draft, "host"));

	if (!region)
		return;
	if (!service->regions[0].name || strcmp(region, service->regions[0].name) != 0)
		set(account, "region", region);
	draft_unset(&account->draft, "host");
}

static void settle_account(struct import *import, struct imported *account)
{
	const char *host = draft_value(&account->draft, "host");
	const struct service *service;

	if (account->is_bad)
		return;
	if (!host || !*host) {
		note_of(import, NOTE_LEFT, account, N_("the account"),
			N_("no server is named in it"));
		account->is_bad = true;
		return;
	}
	service = service_of_host(host);
	set(account, "service", service->name);
	settle_login(import, account);
	settle_sender(import, account, service->refuses_senders);
}

/* --- names */

enum { NAME_MAX_BYTES = 60 };	/* with room for a number */

/* In the letters that our names have. */
static char *plain_name(const char *name)
{
	OWNED_TEXT plain = text_copy_n(name, strnlen(name, NAME_MAX_BYTES));

	text_lower(plain);
	for (char *c = plain; *c; c++)
		if (!strchr("abcdefghijklmnopqrstuvwxyz0123456789._-+@", *c))
			*c = '-';
	return *plain ? text_take(&plain) : text_copy("imported");
}

static bool is_taken(const struct import *import, const char *name)
{
	for (size_t i = 0; i < import->count; i++)
		if (!strcmp(import->drafts[i].name, name))
			return true;
	return false;
}

static const char *wanted_name(const struct import *import,
			       const struct imported *account)
{
	const char *service = draft_value(&account->draft, "service");

	if (account->known_as)
		return account->known_as;
	if (import->name)
		return import->name;
	return service_named(service) == &service_other ? draft_value(&account->draft, "host")
							: service;
}

static void name_account(struct import *import, struct imported *account)
{
	const char *wanted = wanted_name(import, account);
	OWNED_TEXT plain = plain_name(wanted);
	OWNED_BUF name = BUF_INIT(NAME_MAX_BYTES + 10);

	buf_add(&name, plain);
	/* More than one file may call its account "default". */
	for (unsigned n = 2; is_taken(import, buf_text(&name)); n++) {
		buf_clear(&name);
		buf_addf(&name, "%s-%u", plain, n);
	}
	account->draft.name = buf_take(&name);
	if (account->known_as && !text_is(account->known_as, account->draft.name)) {
		OWNED_BUF why = BUF_INIT(200);

		buf_addf(&why, _("it is called \"%s\" here"), account->draft.name);
		note_of(import, NOTE_CHANGED, account, N_("the name"), buf_text(&why));
	}
}

static void describe(struct imported *account)
{
	OWNED_BUF text = BUF_INIT(4096 + 200);

	buf_addf(&text, "imported from %s", account->path);
	if (account->line > 0)
		buf_addf(&text, ", line %u", account->line);
	account->draft.comment = buf_take(&text);
}

/* --- all of it */

/* The draft is moved: the account has none any more. */
static void hand_over(struct import *import, struct draft *d)
{
	import->drafts[import->count++] = *d;
	*d = (struct draft){ .kind = d->kind };
}

void import_settle(struct import *import)
{
	struct error err;

	import->defaults.kind = SECTION_DEFAULTS;
	import->delivery.kind = SECTION_DELIVERY;
	import->drafts = xcalloc(import->account_count + 2, sizeof(*import->drafts));
	for (size_t i = 0; i < import->account_count; i++) {
		struct imported *account = &import->accounts[i];

		settle_account(import, account);
		if (account->is_bad)
			continue;
		name_account(import, account);
		/* An account of that name is the default without being named. */
		if (account->is_default && strcmp(account->draft.name, "default") != 0 &&
		    !draft_value(&import->defaults, "default_account"))
			(void)draft_set(&import->defaults, "default_account",
					account->draft.name, &err);
		describe(account);
		leave_to_region(account, service_named(draft_value(&account->draft, "service")));
		leave_to_service(&account->draft,
				 draft_value(&account->draft, "service"));
		hand_over(import, &account->draft);
	}
	if (!draft_is_empty(&import->defaults))
		hand_over(import, &import->defaults);
	if (!draft_is_empty(&import->delivery))
		hand_over(import, &import->delivery);
}
