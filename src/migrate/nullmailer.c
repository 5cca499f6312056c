/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * nullmailer's remotes: "host [protocol] [option...]" a line, with the quotes of a shell;
 * and its control files beside it, each of one line.
 */
#include "migrate/foreign.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"

static const char client[] = N_("acsmtp shows no certificate of its own");
static const char unverified[] =
	"the server's certificate is always verified; tls_fingerprint or tls_ca_file "
	"names one that is not public";

static const struct foreign_rule rows[] = {
	{ .name = "host" },
	{ .name = "port" },
	{ .name = "user", .ours = "user" },
	{ .name = "pass", .is_secret = true },
	{ .name = "ssl" },
	{ .name = "tls" },
	{ .name = "starttls" },
	{ .name = "auth-login" },
	{ .name = "x509cafile", .ours = "tls_ca_file" },
	{ .name = "insecure", .why = unverified },
	{ .name = "tls-anon-auth", .why = unverified },
	{ .name = "source", .why = N_("acsmtp connects to the server directly") },
	{ .name = "x509certfile", .why = client },
	{ .name = "x509keyfile", .why = client },
	{ .name = "x509crlfile", .why = N_("acsmtp reads no list of revoked certificates") },
	{ .name = "x509fmtder", .why = N_("files of certificates are in PEM") },
};
static const struct rules rules = RULES(rows);

/* --- a line's words */

/*
 * One word with the quotes of a shell, written over itself; NULL at the end of the line.
 * An open quote ends with the line: false in *closed.
 */
static char *next_word(char **at, bool *closed)
{
	char *word, *to, quote = '\0';
	const char *from;

	*at += strspn(*at, " \t");
	if (!**at)
		return NULL;
	word = to = *at;
	for (from = word; *from && (quote || !text_is_blank(*from)); from++) {
		if (quote ? *from == quote : *from == '"' || *from == '\'')
			quote = quote ? '\0' : *from;
		else if (*from == '\\' && quote != '\'' && from[1])
			*to++ = *++from;
		else
			*to++ = *from;
	}
	*closed = !quote;
	*at = (char *)from + (*from != '\0');
	*to = '\0';
	return word;
}

static bool take_words(struct import *import, struct foreign_record *r, char *line,
		       bool *is_smtp, struct error *err)
{
	bool closed = true, is_first = true;
	char *word = next_word(&line, &closed);

	*is_smtp = true;
	record_set(import, r, "host", word, r->line);
	while (closed && (word = next_word(&line, &closed))) {
		char *option = word + (word[0] == '-' && word[1] == '-' ? 2 : 0);
		char *equals = strchr(option, '=');

		/*
		 * The protocol may be left out, and is smtp then: a first word that is
		 * an option is none.
		 */
		if (is_first && !equals && option == word && !rule_find(&rules, word)) {
			*is_smtp = !strcmp(word, "smtp");
		} else {
			if (equals)
				*equals = '\0';
			record_set(import, r, option, equals ? equals + 1 : option +
				   strlen(option), r->line);
		}
		is_first = false;
	}
	return closed || error_set(err, ERROR_CONFIG, "a quote is not closed");
}

static void take_tls(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	bool is_implicit = record_text(r, "tls") || record_text(r, "ssl");
	bool starts = record_text(r, "starttls") != NULL;
	const char *port = record_text(r, "port");

	import_set(import, account, "tls",
		   is_implicit ? "implicit"
		   : starts    ? "starttls"
			       : "off",
		   r, "tls");
	/* Where none is said nullmailer's own standard ports are meant; ours is 587. */
	if (port)
		import_set(import, account, "port", port, r, "port");
	else
		import_port(account, is_implicit ? 465 : 25);
}

static bool take_remote(struct import *import, const struct input *lines, char *line,
			struct error *err)
{
	OWNED_RECORD r = { .rules = &rules, .path = lines->path, .line = lines->line };
	struct imported *account;
	bool is_smtp;

	if (!take_words(import, &r, line, &is_smtp, err))
		return input_blame(lines, err);
	if (!is_smtp) {
		note_at(import, NOTE_LEFT, r.path, r.line, "protocol",
			N_("acsmtp speaks SMTP alone, so this server is left out"));
		return true;
	}
	account = import_account(import, &r, NULL, err);
	if (!account)
		return false;
	import_set(import, account, "host", record_text(&r, "host"), &r, "host");
	take_tls(import, account, &r);
	import_password(import, account, &r, "pass");
	import_set(import, account, "auth", !record_text(&r, "user") ? "off" :
		   record_text(&r, "auth-login") ? "login" : "auto", &r, "user");
	return true;
}

/* --- the files beside it */

static const char pauses[] = N_("the pauses between attempts are fixed");
static const char qualify[] =
	N_("names without a domain get no domain: write the whole address as `from`");

static const struct control {
	const char *name;
	const char *ours;	/* of each account, or of [delivery] */
	enum { ACCOUNT, DELIVERY, LIFETIME } kind;
	const char *why;
} controls[] = {
	{ .name = "helohost", .ours = "domain" },
	{ .name = "me", .ours = "domain" },
	{ .name = "adminaddr", .ours = "local_recipients", .kind = DELIVERY },
	{ .name = "allmailfrom", .ours = "from" },
	{ .name = "defaultdomain", .why = qualify },
	{ .name = "defaulthost", .why = qualify },
	{ .name = "idhost", .why = N_("Message-ID has the sender's domain") },
	{ .name = "doublebounceto", .why = N_("report_to in [delivery] says who is told of "
	  "failures, instead of the sender") },
	{ .name = "maxpause", .why = pauses },
	{ .name = "pausetime", .why = pauses },
	{ .name = "queuelifetime", .ours = "expire", .kind = LIFETIME },
	{ .name = "sendtimeout", .why = N_("`timeout` is for each answer of the server") },
};

/* The first line; NULL: an empty file. */
static char *first_line(struct input *lines)
{
	char *line = input_next(lines);

	return line && *line ? line : NULL;
}

static void apply_control(struct import *import, const struct control *c,
			  const char *value, const char *path, size_t first)
{
	const struct note where = { .path = (char *)path, .line = 1,
				    .setting = (char *)c->name };
	struct error err;

	if (c->kind == DELIVERY) {
		import_delivery(import, c->ours, value, path, 1, c->name);
		return;
	}
	if (c->kind == LIFETIME) {
		import_time(import, c->ours, 'd', value, 's', &where);
		return;
	}
	/* Of this file alone: others may have been read before. */
	for (size_t i = first; i < import->account_count; i++) {
		struct draft *d = &import->accounts[i].draft;

		if (draft_value(d, c->ours))	/* helohost before me */
			continue;
		if (!draft_set(d, c->ours, value, &err))
			note_at(import, NOTE_LEFT, path, 1, c->name, error_words(&err));
		else if (!strcmp(c->ours, "from") &&
			 draft_set(d, "sender_policy", "rewrite", &err))
			note_at(import, NOTE_CHANGED, path, 1, c->name, foreign_rewrites_header);
	}
}

static bool take_control(struct import *import, const struct control *c,
			 const struct input *remotes, size_t first, struct error *err)
{
	OWNED_TEXT path = foreign_path_beside(remotes->path, c->name);
	OWNED_INPUT lines = { 0 };
	const char *value;

	if (!foreign_is_there(path))
		return true;
	if (!input_open(&lines, path, err))
		return false;
	value = first_line(&lines);
	if (value && c->ours)
		apply_control(import, c, value, path, first);
	else if (value)
		note_at(import, NOTE_LEFT, path, 1, c->name, c->why);
	return true;
}

bool nullmailer_read(struct import *import, struct input *lines, struct error *err)
{
	size_t first = import->account_count;
	char *line;

	while ((line = input_next(lines)))
		if (*line && *line != '#' && !take_remote(import, lines, line, err))
			return false;
	if (import->account_count > first + 1) {
		import->accounts[first].is_default = true;
		note_at(import, NOTE_CHANGED, lines->path, 0, "remotes",
			N_("each is an account; acsmtp sends through one, and not through "
			"the next when it fails"));
	}
	for (size_t i = 0; i < COUNT_OF(controls); i++)
		if (!take_control(import, &controls[i], lines, first, err))
			return false;
	return true;
}
