/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a file that lint has looked at to accounts. Each value is checked where it
 * stands, so that an error has its line; then the layers are put over each other,
 * account over defaults over service over standard. A file that is refused changes
 * nothing of what was read before.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/sum.h"
#include "base/text.h"
#include "base/url.h"
#include "config/agree.h"
#include "config/environment.h"
#include "config/file.h"
#include "config/places.h"
#include "config/types.h"
#include "service/service.h"

enum { REGIONS_MAX = 200 };	/* bytes of a list of them */

void account_free(struct account *account)
{
	settings_free(SECTION_ACCOUNT, account);
	text_cleanup(&account->name);
	text_cleanup(&account->file);
	text_cleanup(&account->password_file_by);
	text_cleanup(&account->failover_by);
	*account = (struct account){ 0 };
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < config->count; i++)
		account_free(&config->accounts[i]);
	free(config->accounts);
	settings_free(SECTION_DEFAULTS, config);
	settings_free(SECTION_DELIVERY, config);
	settings_free(SECTION_DAEMON, config);
	free(config->daemon.places);
	free(config->files);
	for (size_t i = 0; i < config->variable_count; i++)
		text_cleanup(&config->variables[i].name);
	free(config->variables);
	free(config->passed_over);
	if (config->by_daemon)
		account_free(config->by_daemon);
	free(config->by_daemon);
	*config = (struct config){ 0 };
}

/* --- a file's values, each checked where it stands */

static bool apply_value(const struct ini *ini, const struct ini_section *section,
			const struct setting *row, void *target, struct error *err)
{
	const char *value = ini_value(ini, section, row);

	if (!value || setting_take(row, target, value, err))
		return true;
	error_context(err, "%s", row->name);
	return ini_blame(ini, section, section->lines[setting_index(row)], err);
}

/*
 * Into structs that are thrown away: put together with the defaults and a service a value
 * could not be blamed on its line any more, and a wrong one that no account comes to use
 * would be found by whoever adds the account.
 */
static bool check_section(const struct ini *ini, const struct ini_section *section,
			  struct error *err)
{
	struct account account = { 0 };
	OWNED_CONFIG config = { 0 };
	const struct setting *row;
	bool ok = true;

	for (size_t i = 0; ok && (row = setting_row(i)); i++) {
		void *target = row->section == SECTION_ACCOUNT ? (void *)&account : &config;

		ok = apply_value(ini, section, row, target, err);
	}
	account_free(&account);
	return ok;
}

static bool check_values(const struct ini *ini, struct error *err)
{
	for (size_t i = 0; i < ini->count; i++)
		if (!check_section(ini, &ini->sections[i], err))
			return false;
	return true;
}

/* --- an account over the defaults over its service over the standard values */

struct layers {
	const struct ini *ini;
	const struct ini_section *own, *defaults;	/* defaults may be NULL */
	bool own_source;	/* it tells where its password comes from */
	bool own_token;		/* it tells where its tokens come from, by `token` ... */
	bool own_command;	/* ... or by `token_command` */
};

static bool has_source(const struct ini *ini, const struct ini_section *section)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++) {
		const char *value = ini_value(ini, section, row);

		if (row->source && value && *value)
			return true;
	}
	return section->has_password;
}

static bool is_said(const struct ini *ini, const struct ini_section *section,
		    const char *name)
{
	const char *value = ini_value(ini, section, setting_find(SECTION_ACCOUNT, name));

	return value && *value;
}

static struct layers layers_of(const struct ini *ini, const struct ini_section *own)
{
	return (struct layers){
		.ini = ini,
		.own = own,
		.defaults = ini_find(ini, SECTION_DEFAULTS, NULL),
		.own_source = has_source(ini, own),
		.own_token = is_said(ini, own, "token"),
		.own_command = is_said(ini, own, "token_command"),
	};
}

/* Some have their secret where a password may stand; the others need none. */
static bool needs_password(const char *token)
{
	return token && (text_is(token, "client-secret") || text_is(token, "refresh"));
}

/*
 * Whether the account's own words about its secret leave nothing of what the defaults say
 * here: another source would compete with its own.
 */
static bool is_overruled(const struct layers *l, const struct setting *row)
{
	if (!strcmp(row->name, "token"))
		return l->own_command ||
		       (l->own_source && !needs_password(ini_value(l->ini, l->defaults, row)));
	if (l->own_token && !strcmp(row->name, "token_command"))
		return true;
	if (row->beside && is_said(l->ini, l->own, row->beside))
		return true;
	return row->source && l->own_source;
}

/* The defaults' layer for this setting. */
static const struct ini_section *defaults_for(const struct layers *l,
					      const struct setting *row)
{
	return l->defaults && is_overruled(l, row) ? NULL : l->defaults;
}

/* What is empty is as if it were left out, but hides what the defaults say. */
static const char *choose(const struct layers *l, const struct account *account,
			  const struct setting *row)
{
	const char *value = ini_value(l->ini, l->own, row);

	if (!value)
		value = ini_value(l->ini, defaults_for(l, row), row);
	if ((!value || !*value) && account->service)
		value = service_setting(account->service, row->name);
	return value && *value ? value : row->standard;
}

/* The section whose password is the account's, or NULL. */
static const struct ini_section *password_section(const struct layers *l)
{
	const struct setting *row = setting_find(SECTION_ACCOUNT, "password");
	const struct ini_section *from = l->own->lines[setting_index(row)] ? l->own :
					 defaults_for(l, row);

	return from && from->has_password ? from : NULL;
}

/* The section in which the setting of that row stands for the account, or NULL. */
static const struct ini_section *section_of(const struct layers *l, const struct setting *row)
{
	const struct ini_section *defaults = defaults_for(l, row);

	return l->own->lines[setting_index(row)] ? l->own :
	       defaults && defaults->lines[setting_index(row)] ? defaults : NULL;
}

/* The section whose password inside that address is the account's, or NULL. */
static const struct ini_section *url_section(const struct layers *l, const struct setting *row)
{
	const struct ini_section *from = section_of(l, row);

	return from && from->url_passwords[row->url].is_there ? from : NULL;
}

static bool blame_setting(const struct layers *l, const char *name, struct error *err)
{
	const struct setting *row = setting_find(SECTION_ACCOUNT, name);
	const struct ini_section *section = section_of(l, row);

	error_context(err, "%s", name);
	return ini_blame(l->ini, section ? section : l->own,
			 section ? section->lines[setting_index(row)] : l->own->line, err);
}

static bool refuse_region(const struct layers *l, const struct account *account,
			  struct error *err)
{
	OWNED_BUF known = BUF_INIT(REGIONS_MAX);
	const char *words = service_region_words(service_named(account->service), &known);

	if (words)
		error_set(err, ERROR_CONFIG, "service \"%s\" has no \"%s\"; there are %s",
			  account->service, account->region, words);
	else
		error_set(err, ERROR_CONFIG, "service \"%s\" has no regions",
			  account->service);
	return blame_setting(l, "region", err);
}

/* In a file, or by variables; the host itself, or the region that makes it. */
static const char *const how_to_say_host[2][2] = {
	{ N_("write the name of the server: host = smtp.example.org"),
	  N_("write where the service's server is: region = eu-west-1") },
	{ N_("set the name of the server: ACSMTP_HOST=smtp.example.org"),
	  N_("set where the service's server is: ACSMTP_REGION=eu-west-1") },
};

/* Where the section does not name it the service does, by the region. */
static bool settle_host(const struct layers *l, struct account *account, struct error *err)
{
	OWNED_TEXT host = service_host(account->service, account->region);

	if (!host && *account->region)
		return refuse_region(l, account, err);
	if (*account->host)
		return true;
	if (host) {
		free(account->host);
		account->host = text_take(&host);
		return true;
	}
	error_set(err, ERROR_CONFIG, "host is missing: service \"%s\" knows none",
		  account->service);
	error_advise(err, how_to_say_host[l->ini->said_by != NULL]
					 [service_named(account->service)->host_of_region != NULL]);
	return ini_blame(l->ini, l->own, l->own->line, err);
}

/* What stands in the defaults for all is nothing for those whom it names. */
static void settle_failover(const struct layers *l, struct account *account)
{
	const struct setting *row = setting_find(SECTION_ACCOUNT, "failover");
	const struct ini_section *section = section_of(l, row);

	account->failover_line = section ? section->lines[setting_index(row)] : 0;
	if (section != l->own && text_list_has(account->failover, CONFIG_SEPARATORS, account->name))
		account->failover[0] = '\0';
}

static bool settle(const struct layers *l, struct account *account, struct error *err)
{
	const char *name;

	settle_failover(l, account);
	if (account_agrees(account, &name, err))
		return settle_host(l, account, err);
	return blame_setting(l, name, err);
}

/*
 * In the order of the table, which begins with `service`: what the service says for the
 * other rows is known when it is their turn.
 */
static bool fill_account(const struct layers *l, struct account *account,
			 struct error *err)
{
	const struct setting *row;

	account->name = text_copy(text_after(l->own->name, "account "));
	for (size_t i = 0; (row = setting_row(i)); i++) {
		if (row->section != SECTION_ACCOUNT)
			continue;
		if (row->type == SETTING_SECRET)
			account->has_password = password_section(l) != NULL;
		else if (!setting_apply(row, account, choose(l, account, row), err))
			return error_context(err, "service %s: %s", account->service,
					     row->name);
		if (row->url)
			account->has_url_password[row->url] = url_section(l, row) != NULL;
	}
	return settle(l, account, err);
}

/* The account takes the place of one of its name. */
static void put_account(struct config *config, struct account *account)
{
	for (size_t i = 0; i < config->count; i++)
		if (!strcmp(config->accounts[i].name, account->name)) {
			account_free(&config->accounts[i]);
			config->accounts[i] = *account;
			return;
		}
	grow((void **)&config->accounts, &config->room, config->count, sizeof(*account));
	config->accounts[config->count++] = *account;
}

/*
 * Which variables have what an error will be about when nobody knows them any more.
 */
static void note_variables(const struct layers *l, struct account *account)
{
	const struct {
		const char *setting;
		char **by;
	} noted[] = { { "password_file", &account->password_file_by },
		      { "failover", &account->failover_by } };

	account->is_of_environment = l->ini->said_by != NULL;
	for (size_t i = 0; account->is_of_environment && i < COUNT_OF(noted); i++) {
		const struct setting *row = setting_find(SECTION_ACCOUNT, noted[i].setting);
		unsigned line = l->own->lines[setting_index(row)];

		if (line)
			*noted[i].by = text_copy(l->ini->said_by[line - 1]);
	}
}

static bool read_accounts(const struct ini *ini, struct config *fresh, struct error *err)
{
	for (size_t i = 0; i < ini->count; i++) {
		const struct layers l = layers_of(ini, &ini->sections[i]);
		struct account account = { 0 };

		if (l.own->kind != SECTION_ACCOUNT)
			continue;
		if (!fill_account(&l, &account, err)) {
			account_free(&account);
			return false;
		}
		account.file = text_copy(ini->path);
		account.files_sum = ini->sum;
		note_variables(&l, &account);
		put_account(fresh, &account);
	}
	return true;
}

/* What the file says besides accounts; check_values() has found no fault in it. */
static bool apply_rest(const struct ini *ini, struct config *config, struct error *err)
{
	const struct setting *row;

	for (size_t i = 0; (row = setting_row(i)); i++)
		if (row->section != SECTION_ACCOUNT &&
		    !apply_value(ini, ini_find(ini, row->section, NULL), row, config, err))
			return false;
	return true;
}

void config_init(struct config *config)
{
	settings_init(SECTION_DEFAULTS, config);
	settings_init(SECTION_DELIVERY, config);
	settings_init(SECTION_DAEMON, config);
}

/* A file that is refused leaves nothing behind: its accounts are put in at the end. */
bool config_merge(struct config *config, const struct ini *ini, struct error *err)
{
	OWNED_CONFIG fresh = { 0 };

	if (!check_values(ini, err) || !read_accounts(ini, &fresh, err))
		return false;
	/*
	 * The first file brings the standard values: a later one would undo what was
	 * said.
	 */
	if (!config->default_account)
		config_init(config);
	for (size_t i = 0; i < fresh.count; i++)
		put_account(config, &fresh.accounts[i]);
	fresh.count = 0;	/* they were handed on */
	daemon_settings_note(ini, &config->daemon);
	config->sum = sum_add(config->sum, &ini->sum, sizeof(ini->sum));
	return apply_rest(ini, config, err);
}

/* --- a password, when it is wanted */

/*
 * Who has read a password has it in memory for as long as he has the configuration, and
 * most who read one never log in: mailq, the leader of a runner, a call that only queues.
 * So it is read when somebody is about to log in. A flag for those who need none would
 * not do: a call that wants to queue and finds the disk full logs in after all.
 */

/* A password goes nowhere but where it stands beside. */
static bool logs_in_alike(const struct account *a, const struct account *b,
			  enum url_setting which)
{
	if (which != URL_NONE)
		return b->has_url_password[which] &&
		       !strcmp(which == URL_PROXY ? a->proxy : a->quota_store,
			       which == URL_PROXY ? b->proxy : b->quota_store);
	if (!b->has_password)
		return false;
	return text_is(a->host, b->host) && a->port == b->port && a->tls == b->tls &&
	       !strcmp(a->user, b->user);
}

static bool tell_of_change(const struct account *account, struct error *err)
{
	return error_set(err, ERROR_LATER, "%s: the account has changed since it was read",
			 account->file);
}

/* Where somebody has written to the file meanwhile; `sum`: of what was read of it now. */
static bool is_still_there(const struct account *account, enum url_setting which,
			   uint64_t sum, struct error *err)
{
	OWNED_INI ini = { 0 };
	OWNED_CONFIG now = { 0 };
	OWNED_FD fd = ini_open(account->file);
	const struct account *same;
	struct error unheard;

	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, "%s", account->file);
	if (!ini_read(&ini, fd, account->file, err) || !config_merge(&now, &ini, err))
		return false;
	same = config_account(&now, account->name, &unheard);
	return (same && same->files_sum == sum && logs_in_alike(account, same, which)) ||
	       tell_of_change(account, err);
}

/* The section that has it; `ini` is read and freed by the caller. */
static const struct ini_section *find_secret(struct ini *ini, const struct account *account,
					     enum url_setting which, struct error *err)
{
	OWNED_FD fd = ini_open(account->file);
	struct layers l = { .ini = ini };
	const struct ini_section *from;
	const struct setting *row = NULL;

	if (fd < 0) {
		error_errno(err, ERROR_CONFIG, "%s", account->file);
		return NULL;
	}
	if (!ini_look(ini, fd, account->file, err) ||
	    (ini->sum != account->files_sum && !is_still_there(account, which, ini->sum, err)))
		return NULL;
	l.own = ini_find(ini, SECTION_ACCOUNT, account->name);
	l.defaults = ini_find(ini, SECTION_DEFAULTS, NULL);
	for (size_t i = 0; which && (row = setting_row(i)) && row->url != (int)which; i++)
		;
	/* The time of a file may be as it was, and its text be another all the same. */
	from = !l.own ? NULL : row ? url_section(&l, row) : password_section(&l);
	if (!from)
		tell_of_change(account, err);
	return from;
}

bool config_password(const struct account *account, struct secret *password,
		     struct error *err)
{
	OWNED_INI ini = { .keeps_secrets = true };
	const struct ini_section *from;

	if (account->is_of_environment)
		return environment_password(password, err);
	from = find_secret(&ini, account, URL_NONE, err);
	return from && secret_set(password, from->password.bytes, from->password.len);
}

bool config_url_password(const struct account *account, enum url_setting which,
			 struct secret *password, struct error *err)
{
	OWNED_INI ini = { .keeps_secrets = true };
	const struct ini_section *from = find_secret(&ini, account, which, err);
	const struct secret *text = from ? &from->url_passwords[which].text : NULL;

	return text && url_decode_secret(text->bytes, text->len, password, err);
}
