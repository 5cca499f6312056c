/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Postfix: of main.cf what concerns the relay host, and the map of passwords. Most of the
 * file is about a server that acsmtp is not; each setting of it is listed all the same.
 */
#include "migrate/credentials.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"

static const char rewriting[] =
	N_("a sender becomes `from`, as sender_policy says; there are no maps of addresses");
static const char one_timeout[] = N_("`timeout` is for the connection and each answer");
static const char limits[] =
	N_("the service knows its limits; max_recipients and max_size say others");
static const char client[] = N_("acsmtp shows no certificate of its own");

static const struct foreign_rule rows[] = {
	{ .name = "relayhost" },
	{ .name = "smtp_sasl_auth_enable" },
	{ .name = "smtp_sasl_password_maps" },
	{ .name = "smtp_sasl_mechanism_filter" },
	{ .name = "smtp_sasl_security_options", .why = N_("no password is sent without TLS") },
	{ .name = "smtp_sasl_tls_security_options", .why = N_("no password is sent without TLS") },
	{ .name = "smtp_tls_security_level" },
	{ .name = "smtp_use_tls" },
	{ .name = "smtp_enforce_tls" },
	{ .name = "smtp_tls_wrappermode" },
	{ .name = "smtp_tls_CAfile", .ours = "tls_ca_file" },
	{ .name = "smtp_tls_CApath", .why = N_("tls_ca_file is one file") },
	{ .name = "smtp_tls_fingerprint_cert_match", .ours = "tls_fingerprint" },
	{ .name = "smtp_tls_policy_maps", .why = N_("an account has one `tls`") },
	{ .name = "smtp_tls_cert_file", .why = client },
	{ .name = "smtp_tls_key_file", .why = client },
	{ .name = "smtp_tls_session_cache_database", .why = N_("tls_session_cache says whether "
	  "sessions are kept") },
	{ .name = "smtp_helo_name" },
	{ .name = "myhostname" },
	{ .name = "alias_maps" },
	{ .name = "alias_database", .why = N_("the file of aliases is read as it is") },
	{ .name = "sender_dependent_relayhost_maps", .why = N_("make an account for each sender, "
	  "with it as `from`") },
	{ .name = "smtp_sender_dependent_authentication", .why = N_("make an account for each "
	  "sender, with it as `from`") },
	{ .name = "smtp_generic_maps", .why = rewriting },
	{ .name = "canonical_maps", .why = rewriting },
	{ .name = "sender_canonical_maps", .why = rewriting },
	{ .name = "recipient_canonical_maps", .why = N_("there are aliases alone") },
	{ .name = "masquerade_domains", .why = rewriting },
	{ .name = "smtp_header_checks", .why = N_("there are no checks of the header") },
	{ .name = "header_checks", .why = N_("there are no checks of the header") },
	{ .name = "smtp_connect_timeout", .why = one_timeout },
	{ .name = "smtp_helo_timeout", .why = one_timeout },
	{ .name = "message_size_limit", .why = limits },
	{ .name = "smtp_destination_recipient_limit", .why = limits },
	{ .name = "default_destination_recipient_limit", .why = limits },
	{ .name = "smtp_destination_rate_delay", .why = N_("rate_per_minute and rate_per_hour are the "
	  "limits of an account") },
	{ .name = "maximal_queue_lifetime" },
	{ .name = "bounce_queue_lifetime", .why = N_("`expire` in [delivery] is for all mail") },
	{ .name = "delay_warning_time" },
	{ .name = "queue_directory", .why = N_("what Postfix has queued stays there: postqueue -f "
	  "sends it") },
	{ .name = "inet_protocols", .why = N_("IPv6 and IPv4 are tried") },
	{ .name = "smtp_bind_address", .why = N_("acsmtp connects to the server directly") },
	{ .name = "default_transport", .why = N_("all mail goes through an account") },
	{ .name = "relay_transport", .why = N_("all mail goes through an account") },
	{ .name = "transport_maps", .why = N_("the account follows from -a and from the sender") },
	{ .name = "luser_relay", .why = N_("local_recipients in [delivery] says who gets mail for "
	  "names without a domain") },
	{ .name = "myorigin", .why = N_("names without a domain go where aliases or "
	  "local_recipients in [delivery] say") },
	{ .name = "mydestination", .why = N_("there is no delivery on this machine") },
};
static const struct rules rules = RULES(rows);
_Static_assert(COUNT_OF(rows) <= RULES_MAX, "RULES_MAX is too small");

/*
 * What the other settings are about, by how their names begin; the last one is for all.
 */
static const struct { const char *prefix, *why; } families[] = {
	{ "smtpd_", N_("acsmtp takes no mail from the network") },
	{ "postscreen_", N_("acsmtp takes no mail from the network") },
	{ "inet_", N_("acsmtp takes no mail from the network") },
	{ "mynetworks", N_("acsmtp takes no mail from the network") },
	{ "milter_", N_("there are no milters") },
	{ "smtp_tls_", N_("the system's policy of GnuTLS decides") },
	{ "local_", N_("there is no delivery on this machine") },
	{ "mailbox_", N_("there is no delivery on this machine") },
	{ "home_mailbox", N_("there is no delivery on this machine") },
	{ "virtual_", N_("there is no delivery on this machine") },
	{ "", N_("nothing of acsmtp corresponds to it") },
};

static void note_family(struct import *import, const struct input *lines, unsigned line,
			const char *name)
{
	size_t i = 0;

	while (!text_after(name, families[i].prefix))
		i++;
	note_at(import, NOTE_LEFT, lines->path, line, name, families[i].why);
}

/* --- lines */

/* One setting, continuation lines and all. */
struct logical {
	struct buf text;
	unsigned line;
};

static bool take_setting(struct import *import, struct foreign_record *r,
			 const struct input *lines, struct logical *l, struct error *err)
{
	OWNED_TEXT text = buf_take(&l->text);
	char *equals = strchr(text, '='), *value;
	size_t len;

	if (!*text)
		return true;
	if (!equals) {
		error_set(err, ERROR_CONFIG, "a line without \"=\"");
		return error_context(err, "%s, line %u", lines->path, l->line);
	}
	value = equals + 1 + strspn(equals + 1, " \t");
	len = (size_t)(equals - text);
	while (len > 0 && text_is_blank(text[len - 1]))
		len--;
	text[len] = '\0';
	/*
	 * A value that refers to others is not expanded: that would take all of Postfix's
	 * defaults, and half of a value is worse than a note.
	 */
	if (!rule_find(&rules, text))
		note_family(import, lines, l->line, text);
	else if (strchr(value, '$') && !rule_find(&rules, text)->why)
		note_at(import, NOTE_LEFT, lines->path, l->line, text,
			N_("its value refers to another setting: write it out and import "
			"again"));
	else if (*value)
		record_set(import, r, text, value, l->line);
	return true;
}

static bool read_settings(struct import *import, struct input *lines, struct foreign_record *r,
			  struct error *err)
{
	struct logical l = { .text = BUF_INIT(FOREIGN_MAX_BYTES) };
	bool ok = true;
	char *line;

	while (ok && (line = input_next(lines))) {
		if (!*line || *line == '#')
			continue;
		/*
		 * postconf(5): such a line goes on with the setting above, over
		 * comments and empty lines.
		 */
		if (lines->indented && l.text.len > 0) {
			buf_addf(&l.text, " %s", line);
			continue;
		}
		ok = take_setting(import, r, lines, &l, err);
		l.line = lines->line;
		buf_add(&l.text, line);
	}
	ok = ok && take_setting(import, r, lines, &l, err);
	buf_free(&l.text);
	return ok;
}

/* "hash:/etc/postfix/x" and the like, if it is one text file; else NULL. */
static const char *map_file(const char *map)
{
	static const char *const types[] = { "hash:", "btree:", "lmdb:", "dbm:", "cdb:",
					     "texthash:" };

	for (size_t i = 0; i < COUNT_OF(types); i++) {
		const char *path = text_after(map, types[i]);

		if (path && *path == '/' && !path[strcspn(path, ", \t")])
			return path;
	}
	return NULL;
}

/* --- what the rows mean together */

static void take_host(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	const char *relay = record_text(r, "relayhost");

	if (!relay)
		return;
	/* Postfix's own standard port; ours is 587. */
	import_host(import, account, relay, 25, r, "relayhost");
	if (*relay != '[')
		note_row(import, NOTE_CHANGED, r, "relayhost",
			 N_("without brackets Postfix asks for the MX hosts of that name; "
			 "acsmtp connects to the name itself"));
}

/* Never weaker than Postfix was; where acsmtp is stricter a note says so. */
static const struct { const char *level, *tls, *changed; } levels[] = {
	{ "none", "off", NULL },
	{ "may", "starttls", N_("nothing is sent when TLS cannot be had") },
	{ "encrypt", "starttls", N_("the server's certificate is verified, too") },
	{ "verify", "starttls", NULL },
	{ "secure", "starttls", NULL },
	{ "fingerprint", "starttls", NULL },
	{ "dane", "starttls", N_("the certificate is verified by the system's trust store") },
	{ "dane-only", "starttls", N_("the certificate is verified by the system's trust store") },
};

static void take_tls(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	const char *row = "smtp_tls_security_level", *level = record_text(r, row);

	if (level) {
		note_row(import, NOTE_LEFT, r, "smtp_use_tls",
			 N_("the level goes before it"));
		note_row(import, NOTE_LEFT, r, "smtp_enforce_tls",
			 N_("the level goes before it"));
	} else if (record_text(r, "smtp_enforce_tls") &&
		   record_says_yes(r, "smtp_enforce_tls")) {
		row = "smtp_enforce_tls";
		level = "verify";
	} else if (record_text(r, "smtp_use_tls") && record_says_yes(r, "smtp_use_tls")) {
		row = "smtp_use_tls";
		level = "may";
	}
	for (size_t i = 0; i < COUNT_OF(levels); i++)
		if (text_is(level ? level : "none", levels[i].level)) {
			import_set(import, account, "tls", levels[i].tls, r, row);
			if (levels[i].changed)
				note_row(import, NOTE_CHANGED, r, row, levels[i].changed);
		}
	if (!draft_value(&account->draft, "tls"))
		note_row(import, NOTE_LEFT, r, row, N_("an unknown level of TLS"));
	if (record_text(r, "smtp_tls_wrappermode") &&
	    record_says_yes(r, "smtp_tls_wrappermode"))
		import_set(import, account, "tls", "implicit", r, "smtp_tls_wrappermode");
}

static bool take_auth(struct import *import, struct imported *account,
		      const struct foreign_record *r, struct error *err)
{
	const char *maps = record_text(r, "smtp_sasl_password_maps");
	const char *filter = record_text(r, "smtp_sasl_mechanism_filter");
	bool is_on = record_text(r, "smtp_sasl_auth_enable") &&
		     record_says_yes(r, "smtp_sasl_auth_enable");
	bool is_ours = filter && (text_is(filter, "login") || text_is(filter, "plain") ||
				  text_is(filter, "xoauth2"));
	OWNED_TEXT path = NULL;

	import_set(import, account, "auth", !is_on ? "off" : is_ours ? filter : "auto", r,
		   "smtp_sasl_auth_enable");
	if (filter && !is_ours)
		note_row(import, NOTE_CHANGED, r, "smtp_sasl_mechanism_filter",
			 N_("`auth` is one way to log in: acsmtp chooses"));
	if (!is_on)
		note_row(import, NOTE_LEFT, r, "smtp_sasl_password_maps",
			 N_("smtp_sasl_auth_enable is not on"));
	if (!is_on || !maps)
		return true;
	if (!map_file(maps)) {
		note_row(import, NOTE_LEFT, r, "smtp_sasl_password_maps",
			 N_("it is not one map that is made from a text file: set user and "
			 "password by hand"));
		return true;
	}
	path = foreign_path_beside(r->path, map_file(maps));
	return import_companion(import, path, postfix_passwords_read,
				"smtp_sasl_password_maps", err);
}

static void take_queue(struct import *import, const struct foreign_record *r)
{
	static const struct { const char *name, *ours; char unit; } times[] = {
		{ "maximal_queue_lifetime", "expire", 'd' },
		{ "delay_warning_time", "warn_after", 'h' },
	};

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		const char *value = record_text(r, times[i].name);
		const struct note where = { .path = (char *)r->path,
					    .line = record_line(r, times[i].name),
					    .setting = (char *)times[i].name };

		if (value)
			import_time(import, times[i].ours, times[i].unit, value,
				    times[i].unit, &where);
	}
}

static void take_rest(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	const char *row =
		record_text(r, "smtp_helo_name") ? "smtp_helo_name" : "myhostname";
	const char *name = record_text(r, row), *aliases = record_text(r, "alias_maps");
	const char *file = aliases ? map_file(aliases) : NULL;

	if (name)
		import_set(import, account, "domain", name, r, row);
	if (!strcmp(row, "smtp_helo_name"))
		note_row(import, NOTE_LEFT, r, "myhostname",
			 N_("smtp_helo_name is what the server is told"));
	if (aliases && !file)
		note_row(import, NOTE_LEFT, r, "alias_maps",
			 N_("aliases in [delivery] is one file"));
	else if (file && strcmp(file, "/etc/aliases") != 0)
		import_delivery(import, "aliases", file, r->path,
				record_line(r, "alias_maps"), "alias_maps");
}

bool postfix_read(struct import *import, struct input *lines, struct error *err)
{
	OWNED_RECORD r = { .rules = &rules, .path = lines->path };
	struct imported *account;

	if (!read_settings(import, lines, &r, err))
		return false;
	account = import_account(import, &r, NULL, err);
	if (!account)
		return false;
	take_host(import, account, &r);
	take_tls(import, account, &r);
	take_rest(import, account, &r);
	take_queue(import, &r);
	return take_auth(import, account, &r, err);
}

/* "[host]:port  user:password" */
bool postfix_passwords_read(struct import *import, struct input *lines, struct error *err)
{
	char *line, host[256];

	while ((line = input_next(lines))) {
		char *value = line + strcspn(line, " \t"), *colon;
		struct credential c = { .host = host };

		if (!*line || *line == '#')
			continue;
		if (*value)
			*value++ = '\0';
		value += strspn(value, " \t");
		colon = strchr(value, ':');
		/* With smtp_sender_dependent_authentication a key may be a sender. */
		if (strchr(line, '@')) {
			note_at(import, NOTE_LEFT, lines->path, lines->line,
				"a sender's password",
				N_("make an account for each sender, with it as `from`"));
			continue;
		}
		if (!colon || !foreign_split_host(line, host, &c.port)) {
			error_set(err, ERROR_CONFIG, "it is not host user:password");
			return input_blame(lines, err);
		}
		*colon = '\0';
		c.user = value;
		(void)secret_set(&c.password, colon + 1, strlen(colon + 1));
		if (!credential_add(import, lines, &c, err))
			return false;
	}
	return true;
}
