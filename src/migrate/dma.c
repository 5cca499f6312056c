/* SPDX-License-Identifier: GPL-3.0-or-later */
/* dma.conf: "NAME value", where a switch is its name alone; and auth.conf. */
#include "migrate/credentials.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"

static const struct foreign_rule rows[] = {
	{ .name = "SMARTHOST" },
	{ .name = "PORT", .ours = "port" },
	{ .name = "ALIASES" },
	{ .name = "AUTHPATH" },
	{ .name = "SECURETRANSFER" },
	{ .name = "SECURETRANS" },
	{ .name = "STARTTLS" },
	{ .name = "OPPORTUNISTIC_TLS" },
	{ .name = "FINGERPRINT", .ours = "tls_fingerprint" },
	{ .name = "MAILNAME" },
	{ .name = "MASQUERADE" },
	{ .name = "NULLCLIENT" },
	{ .name = "SPOOLDIR", .why = N_("what dma has queued stays there: dma -q sends it") },
	{ .name = "CERTFILE", .why = N_("acsmtp shows no certificate of its own") },
	{ .name = "VERIFYCERT", .why = N_("the server's certificate is always verified") },
	{ .name = "SECURE", .why = N_("no password is sent without TLS") },
	{ .name = "INSECURE", .why = N_("no password is sent without TLS") },
	{ .name = "DEFER", .why = N_("mode = queued in [delivery] is near to it") },
	{ .name = "FULLBOUNCE", .why = N_("what a report of a failure holds is fixed") },
	{ .name = "MAILNAMEFILE", .why = N_("write the name as `domain`") },
	{ .name = "VIRTPATH", .why = N_("it is obsolete") },
	{ .name = "BOUNCEBACK", .why = N_("what a report of a failure holds is fixed") },
};
static const struct rules rules = RULES(rows);

/* Our file of aliases is /etc/aliases, too; to say so again would say nothing. */
static void take_aliases(struct import *import, const struct foreign_record *r)
{
	const char *aliases = record_text(r, "ALIASES");

	if (aliases && *aliases && strcmp(aliases, "/etc/aliases") != 0)
		import_delivery(import, "aliases", aliases, r->path,
				record_line(r, "ALIASES"), "ALIASES");
	note_row(import, NOTE_LEFT, r, "NULLCLIENT",
		 N_("names without a domain go where aliases or local_recipients in "
		 "[delivery] say"));
}

static void take_tls(struct import *import, struct imported *account,
		     const struct foreign_record *r)
{
	const char *row =
		record_text(r, "SECURETRANS") ? "SECURETRANS" : "SECURETRANSFER";
	bool is_on = record_text(r, row) != NULL,
	     starts = record_text(r, "STARTTLS") != NULL;

	import_set(import, account, "tls",
		   !is_on   ? "off"
		   : starts ? "starttls"
			    : "implicit",
		   r, row);
	note_row(import, NOTE_CHANGED, r, "OPPORTUNISTIC_TLS",
		 N_("nothing is sent when TLS cannot be had"));
	if (!is_on)
		note_row(import, NOTE_LEFT, r, "STARTTLS",
			 N_("without SECURETRANSFER there is no TLS, for dma neither"));
	/* dma's own standard port; ours is 587. */
	if (!record_text(r, "PORT"))
		import_port(account, 25);
}

/* "user@", "host", or "user@host". */
static void take_masquerade(struct import *import, struct imported *account,
			    const struct foreign_record *r)
{
	const char *mask = record_text(r, "MASQUERADE");
	size_t at;

	if (!mask || !*mask)
		return;
	at = strcspn(mask, "@");
	if (at > 0 && mask[at] && mask[at + 1]) {
		import_set(import, account, "from", mask, r, "MASQUERADE");
		import_rewriting(import, account, r, "MASQUERADE");
	} else {
		note_row(import, NOTE_LEFT, r, "MASQUERADE",
			 N_("`from` is one whole address: write it, and sender_policy = "
			 "rewrite"));
	}
}

static void take_name(struct import *import, struct imported *account,
		      const struct foreign_record *r)
{
	const char *name = record_text(r, "MAILNAME");
	OWNED_INPUT lines = { 0 };
	struct error err;

	if (!name || !*name)
		return;
	/* A path stands for the first line of that file. */
	if (*name == '/') {
		if (!input_open(&lines, name, &err)) {
			note_row(import, NOTE_LEFT, r, "MAILNAME",
				 N_("that file cannot be read: write the name as `domain`"));
			return;
		}
		name = input_next(&lines);
	}
	if (name && *name)
		import_set(import, account, "domain", name, r, "MAILNAME");
}

static bool read_auth(struct import *import, const struct foreign_record *r, struct error *err)
{
	const char *path = record_text(r, "AUTHPATH");
	OWNED_TEXT auth = NULL;

	if (!path || !*path)
		return true;
	auth = foreign_path_beside(r->path, path);
	return import_companion(import, auth, dma_auth_read, "AUTHPATH", err);
}

bool dma_read(struct import *import, struct input *lines, struct error *err)
{
	OWNED_RECORD r = { .rules = &rules, .path = lines->path };
	struct imported *account;
	const char *host;
	char *line;

	while ((line = input_next(lines))) {
		char *value = line + strcspn(line, " \t");

		if (!*line || *line == '#')
			continue;
		if (*value)
			*value++ = '\0';
		value += strspn(value, " \t");
		record_set(import, &r, line, value, lines->line);
	}
	account = import_account(import, &r, NULL, err);
	if (!account)
		return false;
	host = record_text(&r, "SMARTHOST");
	if (host && *host)
		import_set(import, account, "host", host, &r, "SMARTHOST");
	take_tls(import, account, &r);
	take_masquerade(import, account, &r);
	take_name(import, account, &r);
	take_aliases(import, &r);
	return read_auth(import, &r, err);
}

/* "user|host:password"; dma looks for the first bar and the first colon after it. */
bool dma_auth_read(struct import *import, struct input *lines, struct error *err)
{
	char *line;

	while ((line = input_next(lines))) {
		char *bar = strchr(line, '|'), *colon = bar ? strchr(bar, ':') : NULL;
		struct credential c = { .user = line };

		if (!*line || *line == '#')
			continue;
		if (!colon) {
			error_set(err, ERROR_CONFIG, "it is not user|host:password");
			return input_blame(lines, err);
		}
		*bar = *colon = '\0';
		c.host = bar + 1;
		(void)secret_set(&c.password, colon + 1, strlen(colon + 1));
		if (!credential_add(import, lines, &c, err))
			return false;
	}
	return true;
}
