/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ssmtp.conf: "name=value" up to the first blank; and revaliases beside it. */
#include "migrate/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"

static const struct foreign_rule rows[] = {
	{ .name = "mailhub" },
	{ .name = "root" },
	{ .name = "rewriteDomain" },
	{ .name = "hostname", .ours = "domain" },
	{ .name = "FromLineOverride" },
	{ .name = "UseTLS" },
	{ .name = "UseSTARTTLS" },
	{ .name = "AuthUser", .ours = "user" },
	{ .name = "AuthPass", .is_secret = true },
	{ .name = "AuthMethod" },
	{ .name = "TLS_CA_File", .ours = "tls_ca_file" },
	{ .name = "TLS_CA_Dir", .why = N_("tls_ca_file is one file") },
	{ .name = "UseTLSCert" },
	{ .name = "TLSCert", .why = N_("acsmtp shows no certificate of its own") },
	{ .name = "TLSKey", .why = N_("acsmtp shows no certificate of its own") },
	{ .name = "UseOldAUTH", .why = N_("it is obsolete") },
	{ .name = "Debug", .why = N_("sendmail -v shows the dialogue") },
	{ .name = "MinUserId", .why = N_("users make no difference to acsmtp") },
};
static const struct rules rules = RULES(rows, .any_case = true);

static void take_tls(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	bool starts = record_text(r, "UseSTARTTLS") && record_says_yes(r, "UseSTARTTLS");
	bool is_on = record_text(r, "UseTLS") && record_says_yes(r, "UseTLS");

	import_set(import, account, "tls",
		   starts  ? "starttls"
		   : is_on ? "implicit"
			   : "off",
		   r, starts ? "UseSTARTTLS" : "UseTLS");
}

static void take_auth(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	const char *method = record_text(r, "AuthMethod");

	import_password(import, account, r, "AuthPass");
	import_set(import, account, "auth", !record_text(r, "AuthUser") ? "off" :
		   method && text_is(method, "login") ? "login" : "auto", r, "AuthUser");
	if (method && *method && !text_is(method, "login") && !text_is(method, "plain"))
		note_row(import, NOTE_CHANGED, r, "AuthMethod",
			 N_("acsmtp does not know this way to log in, and chooses one"));
}

static void take_senders(struct import *import, struct imported *account,
			 const struct foreign_record *r)
{
	const char *domain = record_text(r, "rewriteDomain"),
		   *root = record_text(r, "root");
	OWNED_BUF senders = BUF_INIT(FOREIGN_LINE_MAX + 1);

	if (domain && *domain) {
		buf_addf(&senders, "@%s", domain);
		import_set(import, account, "allowed_senders", buf_text(&senders), r,
			   "rewriteDomain");
		note_row(import, NOTE_CHANGED, r, "rewriteDomain",
			 N_("its senders are allowed; with `from` written, sender_policy = "
			 "rewrite makes all mail come from there"));
	}
	if (root && strchr(root, '@'))
		import_delivery(import, "local_recipients", root, r->path,
				record_line(r, "root"), "root");
	else if (root && *root)
		note_row(import, NOTE_LEFT, r, "root",
			 N_("it has no domain: write the whole address as local_recipients "
			 "in [delivery]"));
	if (!record_text(r, "FromLineOverride") ||
	    !record_says_yes(r, "FromLineOverride"))
		note_row(import, NOTE_LEFT, r, "FromLineOverride", N_("with `from` written, "
			 "sender_policy = rewrite does that"));
}

/* "local_account:outgoing_address:mailhub" */
bool ssmtp_read_revaliases(struct import *import, struct input *lines, struct error *err)
{
	char *line;

	(void)err;
	while ((line = input_next(lines)))
		if (*line && *line != '#')
			note_at(import, NOTE_LEFT, lines->path, lines->line, "revaliases",
				N_("an account sends as its `from`, whichever user sends: "
				"make one for each address, or list it in "
				"allowed_senders"));
	return true;
}

static void take_line(struct import *import, struct foreign_record *r, char *line,
		      unsigned number)
{
	char *value = line + strcspn(line, "= \t"), *end;

	if (*value)
		*value++ = '\0';
	value += strspn(value, "= \t");
	end = value + strcspn(value, " \t");
	if (*end)
		note_at(import, NOTE_CHANGED, r->path, number,
			rule_find(&rules, line) ? line : N_("a line"),
			N_("what follows a blank is no part of the value, for ssmtp "
			"neither"));
	/* It may be the rest of a password. */
	wipe(end, strlen(end));
	record_set(import, r, line, value, number);
}

bool ssmtp_read(struct import *import, struct input *lines, struct error *err)
{
	OWNED_RECORD r = { .rules = &rules, .path = lines->path };
	OWNED_TEXT aliases = foreign_path_beside(lines->path, "revaliases");
	struct imported *account;
	char *line;

	while ((line = input_next(lines)))
		if (*line && *line != '#')
			take_line(import, &r, line, lines->line);
	account = import_account(import, &r, NULL, err);
	if (!account)
		return false;
	/* ssmtp's own standard port; ours is 587. */
	if (record_text(&r, "mailhub") && *record_text(&r, "mailhub"))
		import_host(import, account, record_text(&r, "mailhub"), 25, &r,
			    "mailhub");
	take_tls(import, account, &r);
	take_auth(import, account, &r);
	take_senders(import, account, &r);
	if (record_text(&r, "UseTLSCert") && record_says_yes(&r, "UseTLSCert"))
		note_row(import, NOTE_LEFT, &r, "UseTLSCert",
			 N_("acsmtp shows no certificate of its own"));
	return !foreign_is_there(aliases) ||
	       import_companion(import, aliases, ssmtp_read_revaliases, "revaliases", err);
}
