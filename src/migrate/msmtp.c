/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * msmtprc: "command argument" lines. `defaults` and `account` begin a set of settings;
 * an account begins with what the defaults say so far, and with all that the accounts
 * have that stand behind its colon.
 */
#include "migrate/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"

static const char direct[] = N_("acsmtp connects to the server directly");
static const char client[] = N_("acsmtp shows no certificate of its own");
static const char header[] = N_("acsmtp adds what the header lacks");
static const char dsn[] = N_("reports are asked for by the caller: -N and -R of sendmail(8)");
static const char obsolete[] = N_("it is obsolete");

static const struct foreign_rule rows[] = {
	{ .name = "host" },
	{ .name = "port" },
	{ .name = "tls" },
	{ .name = "tls_starttls" },
	{ .name = "tls_nostarttls" },
	{ .name = "tls_trust_file" },
	{ .name = "tls_fingerprint", .ours = "tls_fingerprint" },
	{ .name = "tls_certcheck" },
	{ .name = "auth" },
	{ .name = "user", .ours = "user" },
	{ .name = "password", .is_secret = true },
	{ .name = "passwordeval" },
	{ .name = "from" },
	{ .name = "from_full_name", .ours = "from_name" },
	{ .name = "allow_from_override" },
	{ .name = "set_from_header" },
	{ .name = "domain" },
	{ .name = "timeout" },
	{ .name = "connect_timeout" },
	{ .name = "logfile" },
	{ .name = "syslog" },
	{ .name = "aliases" },
	{ .name = "protocol" },
	{ .name = "source_ip", .why = direct },
	{ .name = "proxy_host", .why = direct },
	{ .name = "proxy_port", .why = direct },
	{ .name = "socket", .why = N_("acsmtp speaks to no local socket") },
	{ .name = "ntlmdomain", .why = N_("acsmtp does not log in by NTLM") },
	{ .name = "tls_key_file", .why = client },
	{ .name = "tls_cert_file", .why = client },
	{ .name = "tls_crl_file", .why = N_("acsmtp reads no list of revoked certificates") },
	{ .name = "tls_priorities", .ours = "tls_priorities" },
	{ .name = "tls_host_override", .why = N_("the certificate must be for the host; "
	  "tls_fingerprint takes one that is not") },
	{ .name = "tls_min_dh_prime_bits", .why = obsolete },
	{ .name = "tls_force_sslv3", .why = obsolete },
	{ .name = "tls_nocertcheck", .why = N_("the server's certificate is always verified; "
	  "tls_fingerprint or tls_ca_file names one that is not public") },
	{ .name = "dsn_notify", .why = dsn },
	{ .name = "dsn_return", .why = dsn },
	{ .name = "set_date_header", .why = header },
	{ .name = "set_msgid_header", .why = header },
	{ .name = "set_to_header", .why = N_("To stays as it is") },
	{ .name = "add_missing_from_header", .why = header },
	{ .name = "add_missing_date_header", .why = header },
	{ .name = "undisclosed_recipients", .why = N_("To stays as it is") },
	{ .name = "remove_bcc_headers", .why = N_("Bcc is always removed") },
	{ .name = "keepbcc", .why = N_("Bcc is always removed") },
	{ .name = "logfile_time_format", .why = N_("lines of the log have one format of time") },
	{ .name = "auto_from", .why = N_("write the whole address as `from`") },
	{ .name = "maildomain", .why = N_("write the whole address as `from`") },
};
static const struct rules rules = RULES(rows);
enum { BASES_MAX = 50 };
_Static_assert(COUNT_OF(rows) <= RULES_MAX, "RULES_MAX is too small");

struct msmtp_account {
	char *name;
	struct foreign_record record;
	char *copy_of; /* `account default : NAME`, so far with nothing of its own */
};

struct msmtp_reader {
	struct import *import;
	struct input *lines;
	struct foreign_record defaults;
	struct msmtp_account *accounts;
	size_t count, room;
	struct foreign_record *at;	/* what settings go into; NULL: none yet */
};

static void reader_free(struct msmtp_reader *r)
{
	record_free(&r->defaults);
	for (size_t i = 0; i < r->count; i++) {
		record_free(&r->accounts[i].record);
		text_cleanup(&r->accounts[i].name);
		text_cleanup(&r->accounts[i].copy_of);
	}
	free(r->accounts);
}
#define OWNED_READER	__attribute__((cleanup(reader_free))) struct msmtp_reader

/* --- lines */

static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && text_is_blank(text[len - 1]))
		text[--len] = '\0';
	return text;
}

static struct msmtp_account *find_account(const struct msmtp_reader *r, const char *name)
{
	for (size_t i = 0; i < r->count; i++)
		if (!strcmp(r->accounts[i].name, name))
			return &r->accounts[i];
	return NULL;
}

/* "a, b": each must have been defined before, so nothing can go round in circles. */
static bool inherit(struct msmtp_reader *r, struct msmtp_account *account, char *names,
		    struct error *err)
{
	size_t count = 0;
	char shown[SHOWN_SIZE];

	while (*(names += strspn(names, ", \t"))) {
		char *name = names;
		const struct msmtp_account *base;

		names += strcspn(names, ", \t");
		if (*names)
			*names++ = '\0';
		if (++count > BASES_MAX)
			return error_set(err, ERROR_CONFIG,
					 "more than %d accounts after the colon",
					 BASES_MAX);
		base = find_account(r, name);
		if (!base)
			return error_set(err, ERROR_CONFIG,
					 "account \"%s\" is not defined above",
					 text_show(name, shown));
		record_copy(&account->record, &base->record);
		/* More than one makes an account of its own. */
		text_cleanup(&account->copy_of);
		account->copy_of = NULL;
		if (count == 1 && !strcmp(account->name, "default"))
			account->copy_of =
				text_copy(base->copy_of ? base->copy_of : name);
	}
	return true;
}

static bool begin_account(struct msmtp_reader *r, char *words, struct error *err)
{
	char *colon = strchr(words, ':'), *name;
	struct msmtp_account account = { 0 };
	bool ok;

	if (colon)
		*colon = '\0';
	name = trim(words);
	if (!*name)
		return error_set(err, ERROR_CONFIG, "an account without a name");
	if (find_account(r, name))
		return error_set(err, ERROR_CONFIG, "an account that is defined above");
	if (r->count == IMPORT_ACCOUNTS_MAX)
		return error_set(err, ERROR_CONFIG, "more than %d accounts",
				 IMPORT_ACCOUNTS_MAX);
	account.name = text_copy(name);
	account.record =
		(struct foreign_record){ &rules, r->lines->path, r->lines->line, { { 0 } } };
	record_copy(&account.record, &r->defaults);
	ok = !colon || inherit(r, &account, colon + 1, err);
	grow((void **)&r->accounts, &r->room, r->count, sizeof(account));
	r->accounts[r->count++] = account;
	/* Not before: grow() may have moved them. */
	r->at = &r->accounts[r->count - 1].record;
	return ok;
}

static bool take_line(struct msmtp_reader *r, char *line, struct error *err)
{
	char *value = line + strcspn(line, " \t");
	size_t len;

	if (*value)
		*value++ = '\0';
	value = trim(value);
	len = strlen(value);
	if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
		value[len - 1] = '\0';
		value++;
	}
	if (!strcmp(line, "defaults")) {
		r->at = &r->defaults;
	} else if (!strcmp(line, "account")) {
		return begin_account(r, value, err);
	} else if (!strcmp(line, "eval")) {
		note_at(r->import, NOTE_LEFT, r->lines->path, r->lines->line, "eval",
			N_("commands are not run here: write down what it prints"));
	} else if (!r->at) {
		return error_set(err, ERROR_CONFIG, "a setting before any account");
	} else {
		if (r->at != &r->defaults)
			text_cleanup(&r->accounts[r->count - 1].copy_of);
		if (r->at != &r->defaults)
			r->accounts[r->count - 1].copy_of = NULL;
		record_set(r->import, r->at, line, value, r->lines->line);
	}
	return true;
}

/* --- what the rows mean together */

static void take_tls(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	bool is_on = record_says_yes(r, "tls");
	bool is_implicit = record_is(r, "tls_starttls", "off") ||
			   record_text(r, "tls_nostarttls");
	const char *port = record_text(r, "port");
	OWNED_TEXT trust = foreign_expand_home(record_text(r, "tls_trust_file") ?
				       record_text(r, "tls_trust_file") : "");

	import_set(import, account, "tls", !is_on ? "off" : is_implicit ? "implicit" :
		   "starttls", r, "tls");
	/* Where none is said msmtp's own standard ports are meant; ours is 587. */
	if (port)
		import_set(import, account, "port", port, r, "port");
	else
		import_port(account, is_on && is_implicit ? 465 : 25);
	if (*trust && strcmp(trust, "system") != 0)
		import_set(import, account, "tls_ca_file", trust, r, "tls_trust_file");
	if (record_is(r, "tls_certcheck", "off"))
		note_row(import, NOTE_LEFT, r, "tls_certcheck",
			 N_("the server's certificate is always verified; tls_fingerprint "
			 "or tls_ca_file names one that is not public"));
}

static void take_auth(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	/*
	 * Words that mean the same to both. For all others acsmtp chooses from what is
	 * offered.
	 */
	static const char *const same[] = { "off", "login", "plain", "xoauth2",
					     "oauthbearer" };
	const char *command = record_text(r, "passwordeval");
	const char *auth = record_text(r, "auth");
	bool is_token =
		record_is(r, "auth", "xoauth2") || record_is(r, "auth", "oauthbearer");
	const char *ours = !auth ? "off" : "auto";

	for (size_t i = 0; auth && i < COUNT_OF(same); i++)
		if (text_is(auth, same[i]))
			ours = same[i];
	import_set(import, account, "auth", ours, r, "auth");
	if (auth && strcmp(ours, "off") != 0 && !text_is(auth, ours) && *auth &&
	    !record_says_yes(r, "auth"))
		note_row(import, NOTE_CHANGED, r, "auth",
			 N_("acsmtp does not know this way to log in, and chooses one"));
	import_password(import, account, r, "password");
	if (command && record_text(r, "password"))
		note_row(import, NOTE_LEFT, r, "passwordeval",
			 N_("the password itself is there, and goes before it"));
	else if (command)
		import_set(import, account,
			   is_token ? "token_command" : "password_command", command, r,
			   "passwordeval");
}

/* "*@example.org" and "%U@example.org": whoever sends from there. */
static void take_pattern(struct import *import, struct imported *account,
			 const struct foreign_record *r, const char *from)
{
	const char *at = strchr(from, '@');
	size_t before = at ? (size_t)(at - from) : 0;
	bool is_anyone =
		(before == 1 && *from == '*') || (before == 2 && !memcmp(from, "%U", 2));

	if (is_anyone && !at[strcspn(at, "*?[%")]) {
		import_set(import, account, "allowed_senders", at, r, "from");
		note_row(import, NOTE_CHANGED, r, "from", N_("a pattern: its domain is in "
			 "allowed_senders, and `from` must be written by hand"));
		return;
	}
	note_row(import, NOTE_LEFT, r, "from",
		 N_("a pattern; `from` is one whole address, and allowed_senders has "
		 "others"));
}

static void take_sender(struct import *import, struct imported *account,
			const struct foreign_record *r)
{
	const char *from = record_text(r, "from"), *domain = record_text(r, "domain");

	if (from && from[strcspn(from, "*?[%")])
		take_pattern(import, account, r, from);
	else if (from)
		import_set(import, account, "from", from, r, "from");
	/* With allow_from_override off msmtp sends as `from`, whatever -f says. */
	if (record_is(r, "set_from_header", "on"))
		import_set(import, account, "sender_policy", "rewrite", r,
			   "set_from_header");
	else if (record_is(r, "allow_from_override", "off"))
		import_rewriting(import, account, r, "allow_from_override");
	if (domain && strchr(domain, '%'))
		note_row(import, NOTE_LEFT, r, "domain",
			 N_("a pattern; the name of this machine is used where `domain` is "
			 "not set"));
	else if (domain)
		import_set(import, account, "domain", domain, r, "domain");
}

static void take_log(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	const char *file = record_text(r, "logfile");
	OWNED_TEXT whole = foreign_expand_home(file ? file : "");
	bool has_syslog = record_text(r, "syslog") && !record_is(r, "syslog", "off");

	/*
	 * msmtp means standard output by it, onto which acsmtp writes nothing of the
	 * kind.
	 */
	if (!strcmp(whole, "-")) {
		import_set(import, account, "log", "stderr", r, "logfile");
		note_row(import, NOTE_CHANGED, r, "logfile",
			 N_("standard error, and not output"));
	} else if (*whole) {
		import_set(import, account, "log", whole, r, "logfile");
	} else if (has_syslog) {
		import_set(import, account, "log", "syslog", r, "syslog");
	}
	if (*whole && has_syslog)
		note_row(import, NOTE_LEFT, r, "syslog",
			 N_("there is one log, and logfile is it"));
	else if (has_syslog && !record_says_yes(r, "syslog") &&
		 !record_is(r, "syslog", "LOG_MAIL"))
		note_row(import, NOTE_CHANGED, r, "syslog", N_("the facility is mail"));
}

static void take_rest(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	const char *row = record_text(r, "timeout") ? "timeout" : "connect_timeout";
	const char *timeout = record_text(r, row), *aliases = record_text(r, "aliases");

	if (timeout && text_is(timeout, "off"))
		note_row(import, NOTE_LEFT, r, row, N_("acsmtp never waits without a bound"));
	else if (timeout)
		import_set(import, account, "timeout", timeout, r, row);
	if (aliases && *aliases) {
		OWNED_TEXT whole = foreign_expand_home(aliases);

		import_delivery(import, "aliases", whole, r->path,
				record_line(r, "aliases"), "aliases");
	}
	if (record_text(r, "protocol") && !record_is(r, "protocol", "smtp")) {
		note_row(import, NOTE_LEFT, r, "protocol",
			 N_("acsmtp speaks SMTP alone, so this account is left out"));
		account->is_bad = true;
	}
}

static bool convert(struct import *import, const struct msmtp_account *a, struct error *err)
{
	const struct foreign_record *r = &a->record;
	struct imported *account = import_account(import, r, a->name, err);

	if (!account)
		return false;
	if (record_text(r, "host"))
		import_set(import, account, "host", record_text(r, "host"), r, "host");
	take_tls(import, account, r);
	take_auth(import, account, r);
	take_sender(import, account, r);
	take_log(import, account, r);
	take_rest(import, account, r);
	return true;
}

/* `account default : NAME` */
static void mark_default(struct import *import, size_t first, const struct msmtp_account *a)
{
	for (size_t i = first; i < import->account_count; i++)
		if (!strcmp(import->accounts[i].known_as, a->copy_of))
			import->accounts[i].is_default = true;
}

bool msmtp_read(struct import *import, struct input *lines, struct error *err)
{
	OWNED_READER r = { .import = import, .lines = lines };
	size_t first = import->account_count;
	char *line;

	r.defaults = (struct foreign_record){ &rules, lines->path, 0, { { 0 } } };
	while ((line = input_next(lines)))
		if (*line && *line != '#' && !take_line(&r, line, err))
			return input_blame(lines, err);
	for (size_t i = 0; i < r.count; i++)
		if (!r.accounts[i].copy_of && !convert(import, &r.accounts[i], err))
			return false;
	for (size_t i = 0; i < r.count; i++)
		if (r.accounts[i].copy_of)
			mark_default(import, first, &r.accounts[i]);
	return true;
}
