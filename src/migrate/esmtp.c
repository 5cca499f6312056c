/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * esmtprc: "keyword = value" (the sign may be left out), values in quotes with the
 * escapes of C, comments to the end of the line. `identity` begins a set of settings
 * that shares nothing with the one above.
 */
#include "migrate/foreign.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"

static const struct foreign_rule rows[] = {
	{ .name = "hostname" },
	{ .name = "username", .ours = "user" },
	{ .name = "password", .is_secret = true },
	{ .name = "starttls" },
	{ .name = "helo", .ours = "domain" },
	{ .name = "force reverse_path" },
	{ .name = "certificate_passphrase", .why = N_("acsmtp shows no certificate of its own"),
	  .is_secret = true },
	{ .name = "force sender", .why = N_("Sender is rewritten together with From, as "
	  "sender_policy says") },
	{ .name = "qualifydomain", .why = N_("names without a domain go where aliases or "
	  "local_recipients in [delivery] say") },
	{ .name = "message_id", .why = N_("acsmtp adds what the header lacks") },
	{ .name = "preconnect", .why = N_("acsmtp connects to the server directly") },
	{ .name = "mda", .why = N_("there is no delivery on this machine; local_recipients in "
	  "[delivery] says who gets local mail") },
	{ .name = "force_mda", .why = N_("there is no delivery on this machine") },
	{ .name = "identity" },
};
static const struct rules rules = RULES(rows, .any_case = true);

/* --- lines */

static char unescape(char c)
{
	static const char letters[] = "nrtabfv", meant[] = "\n\r\t\a\b\f\v";
	const char *at = c ? strchr(letters, c) : NULL;

	return at ? meant[at - letters] : c;
}

/* In place; what follows the closing quote may be a comment only. */
static bool take_quotes(char **value, struct error *err)
{
	char quote = **value, *to = *value + 1, *from = to;

	*value = to;
	for (; *from && *from != quote; from++) {
		if (*from == '\\' && from[1])
			*to++ = unescape(*++from);
		else
			*to++ = *from;
	}
	if (!*from)
		return error_set(err, ERROR_CONFIG, "a quote is not closed");
	from += 1 + strspn(from + 1, " \t");
	*to = '\0';
	return !*from || *from == '#' ||
	       error_set(err, ERROR_CONFIG, "text follows the closing quote");
}

static bool take_value(char **value, struct error *err)
{
	size_t len;

	if (**value == '"' || **value == '\'')
		return take_quotes(value, err);
	len = strcspn(*value, "#");
	while (len > 0 && text_is_blank((*value)[len - 1]))
		len--;
	(*value)[len] = '\0';
	return true;
}

/* The keyword's end; "force sender" is one of two words. */
static char *keyword_end(char *line)
{
	char *end = line + strcspn(line, "= \t"), *second = end + strspn(end, " \t");

	if (text_is_n(line, (size_t)(end - line), "force") && *second && *second != '=') {
		memmove(end + 1, second, strlen(second) + 1);
		*end = ' ';
		end = end + 1 + strcspn(end + 1, "= \t");
	}
	return end;
}

/* --- an identity */

static void take_tls(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	bool is_on = record_is(r, "starttls", "enabled") ||
		     record_is(r, "starttls", "required");

	import_set(import, account, "tls", is_on ? "starttls" : "off", r, "starttls");
	if (record_is(r, "starttls", "enabled"))
		note_row(import, NOTE_CHANGED, r, "starttls",
			 N_("nothing is sent when TLS cannot be had"));
}

static void take_from(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	const char *forced = record_text(r, "force reverse_path");
	const char *identity = record_text(r, "identity");

	if (forced && !strchr(forced, '%')) {
		import_set(import, account, "from", forced, r, "force reverse_path");
		import_rewriting(import, account, r, "force reverse_path");
	} else if (forced) {
		note_row(import, NOTE_LEFT, r, "force reverse_path",
			 N_("a pattern; `from` is one whole address"));
	}
	if (identity && !draft_value(&account->draft, "from"))
		import_set(import, account, "from", identity, r, "identity");
}

static bool convert(struct import *import, const struct foreign_record *r, struct error *err)
{
	const char *identity = record_text(r, "identity");
	struct imported *account = import_account(import, r,
						  identity	 ? identity
						  : import->name ? import->name
								 : "default",
						  err);

	if (!account)
		return false;
	/* 587 is libesmtp's standard port, too. */
	if (record_text(r, "hostname"))
		import_host(import, account, record_text(r, "hostname"), 587, r,
			    "hostname");
	take_tls(import, account, r);
	import_password(import, account, r, "password");
	import_set(import, account, "auth", record_text(r, "username") ? "auto" : "off",
		   r, "username");
	take_from(import, account, r);
	return true;
}

static bool is_used(const struct foreign_record *r)
{
	return record_text(r, "hostname") || record_text(r, "username") ||
	       record_text(r, "identity");
}

/* The MDA is for all: alone it makes no account of the section above the identities. */
static bool finish(struct import *import, struct foreign_record *r, struct error *err)
{
	bool ok = true;

	if (is_used(r)) {
		ok = convert(import, r, err);
	} else {
		for (size_t i = 0; i < COUNT_OF(rows); i++)
			note_row(import, NOTE_LEFT, r, rows[i].name,
				 rows[i].why
					 ? rows[i].why
					 : N_("it stands above the first identity, where no "
					   "server is named"));
	}
	record_free(r);
	return ok;
}

static bool take_line(struct import *import, struct foreign_record *r, char *line,
		      const struct input *lines, struct error *err)
{
	char *end = keyword_end(line), *value = end + strspn(end, "= \t");

	*end = '\0';
	if (!take_value(&value, err))
		return input_blame(lines, err);
	if (text_is(line, "identity")) {
		if (!finish(import, r, err))
			return false;
		r->line = lines->line;
	}
	record_set(import, r, line, value, lines->line);
	return true;
}

bool esmtp_read(struct import *import, struct input *lines, struct error *err)
{
	OWNED_RECORD r = { .rules = &rules, .path = lines->path, .line = 1 };
	size_t first = import->account_count;
	char *line;

	while ((line = input_next(lines)))
		if (*line && *line != '#' && !take_line(import, &r, line, lines, err))
			return false;
	if (!finish(import, &r, err))
		return false;
	/* The section above the identities, or else the first of them. */
	if (import->account_count > first + 1)
		import->accounts[first].is_default = true;
	return true;
}
