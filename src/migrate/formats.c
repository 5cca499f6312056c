/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which formats there are, and how a file shows which it has. */
#include "migrate/import.h"

#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/path.h"
#include "base/text.h"
#include "migrate/credentials.h"

static bool begins_with(const char *line, const char *const *words)
{
	for (; *words; words++) {
		const char *rest = text_after(line, *words);

		if (rest && (!*rest || strchr(" \t=:", *rest)))
			return true;
	}
	return false;
}
#define LOOKS(function, ...) \
	static bool function(const char *line) \
	{ \
		static const char *const words[] = { __VA_ARGS__, NULL }; \
\
		return begins_with(line, words); \
	}
LOOKS(looks_msmtp, "account", "defaults", "passwordeval", "tls_starttls",
      "tls_trust_file")
LOOKS(looks_ssmtp, "mailhub", "rewritedomain", "fromlineoverride", "authuser")
LOOKS(looks_dma, "SMARTHOST", "SECURETRANSFER", "AUTHPATH", "MAILNAME")
LOOKS(looks_esmtp, "identity", "hostname", "mda")
LOOKS(looks_postfix, "relayhost", "smtp_sasl_auth_enable", "myhostname", "smtpd_banner",
      "compatibility_level")
LOOKS(looks_netrc, "machine", "macdef")

/* "[host]:587 user:password", "host user:password" */
static bool looks_passwords(const char *line)
{
	const char *blank = strpbrk(line, " \t");

	return blank && strchr(blank, ':') && !strchr(blank, '=') && strchr(line, '.') &&
	       strchr(line, '.') < blank;
}

/* "host smtp options", "host" */
static bool looks_nullmailer(const char *line)
{
	const char *rest = line + strcspn(line, " \t");

	rest += strspn(rest, " \t");
	return rest > line && (text_is_n(rest, strcspn(rest, " \t"), "smtp") ||
			       strstr(rest, "pass=") || strstr(rest, "user="));
}

static bool looks_dma_auth(const char *line)
{
	const char *bar = strchr(line, '|');

	return bar && strchr(bar, ':') && !strpbrk(line, " \t=");
}

/* A line of revaliases, a:b:c, could be of any file: its name alone tells. */
static bool looks_like_nothing(const char *line)
{
	(void)line;
	return false;
}

/*
 * In the order in which a line is asked about: words that one program alone uses,
 * before what has only a shape, a host with something behind it.
 */
static const struct format {
	const char *name, *what;
	const char *file;	/* what the name of such a file has in it */
	bool (*looks)(const char *line);
	format_reader *read;
	bool is_credentials;
} formats[] = {
	{ "msmtp", "msmtprc", "msmtprc", looks_msmtp, msmtp_read, false },
	{ "ssmtp", "ssmtp.conf", "ssmtp", looks_ssmtp, ssmtp_read, false },
	{ "esmtp", "esmtprc", "esmtprc", looks_esmtp, esmtp_read, false },
	{ "dma", "dma.conf", "dma.conf", looks_dma, dma_read, false },
	{ "dma-auth", "dma's auth.conf", "auth.conf", looks_dma_auth, dma_auth_read, true },
	{ "postfix", "Postfix's main.cf", "main.cf", looks_postfix, postfix_read, false },
	{ "netrc", "netrc", "netrc", looks_netrc, netrc_read, true },
	{ "sasl_passwd", N_("Postfix's map of passwords"), "sasl_passwd", looks_passwords,
	  postfix_passwords_read, true },
	{ "nullmailer", "nullmailer's remotes", "remotes", looks_nullmailer, nullmailer_read,
	  false },
	{ "revaliases", "ssmtp's revaliases", "revaliases", looks_like_nothing,
	  ssmtp_read_revaliases, false },
};

bool import_format(size_t i, struct format_help *format)
{
	if (i >= COUNT_OF(formats))
		return false;
	*format = (struct format_help){ formats[i].name, formats[i].what };
	return true;
}

static const struct format *format_called(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

static const char *format_name(const void *of, size_t i)
{
	(void)of;
	return i < COUNT_OF(formats) ? formats[i].name : NULL;
}

/* --- recognition */

/*
 * By the last part of the path: msmtprc.old still tells, a directory called ssmtp does
 * not.
 */
static const struct format *by_name(const char *path)
{
	for (size_t i = 0; i < COUNT_OF(formats); i++)
		if (strcasestr(path_name(path), formats[i].file))
			return &formats[i];
	return NULL;
}

/* The first line that shows it decides. */
static const struct format *by_content(struct input *lines)
{
	const char *line;

	while ((line = input_next(lines)))
		for (size_t i = 0; *line && *line != '#' && i < COUNT_OF(formats); i++)
			if (formats[i].looks(line))
				return &formats[i];
	return NULL;
}

static bool refuse_format(const char *name, struct error *err)
{
	OWNED_BUF known = BUF_INIT(300);
	const char *nearest = name ? text_nearest(name, format_name, NULL) : NULL;

	for (size_t i = 0; i < COUNT_OF(formats); i++)
		buf_addf(&known, "%s%s", i > 0 ? ", " : "", formats[i].name);
	if (nearest)
		error_set(err, ERROR_USAGE,
			  "unknown format; did you mean \"%s\"?; known are %s", nearest,
			  buf_text(&known));
	else if (name)
		error_set(err, ERROR_USAGE, "unknown format; known are %s", buf_text(&known));
	else
		error_set(err, ERROR_CONFIG,
			  "it cannot be told what this file is; --format NAME says it: "
			  "%s",
			  buf_text(&known));
	return false;
}

static bool recognise(struct import_file *file, struct error *err)
{
	const struct format *format = file->format ? format_called(file->format) :
					      by_name(file->path);
	OWNED_INPUT lines = { 0 };

	if (file->format && !format)
		return refuse_format(file->format, err);
	if (!format) {
		if (!input_open(&lines, file->path, err))
			return false;
		format = by_content(&lines);
	}
	if (!format) {
		refuse_format(NULL, err);
		return error_context(err, "%s", file->path);
	}
	file->format = format->name;
	return true;
}

bool import_recognise(struct import_file *files, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!recognise(&files[i], err))
			return false;
	return true;
}

bool import_has_credentials(const struct import_file *file)
{
	const struct format *format = format_called(file->format);

	return format && format->is_credentials;
}

/* --- reading */

static bool read_file(struct import *import, const struct import_file *file,
		      struct error *err)
{
	const struct format *format = format_called(file->format);
	OWNED_INPUT lines = { 0 };

	if (!format)
		return refuse_format(file->format, err);
	import->program = format->what;
	import->path = file->path;
	return input_open(&lines, file->path, err) && format->read(import, &lines, err);
}

static bool refuse_nothing(const struct import_file *files, size_t count,
			   struct error *err)
{
	if (count > 1)
		error_set(err, ERROR_CONFIG,
			  "%s and the others: no server is named there, so there is no "
			  "account",
			  files[0].path);
	else
		error_set(err, ERROR_CONFIG,
			  "%s: no server is named there, so there is no account",
			  files[0].path);
	return error_advise(err, "nothing was written");
}

static bool refuse_notes(const struct import_file *files, struct error *err)
{
	error_set(err, ERROR_CONFIG, "%s: more than %d things in it are not understood",
		  files[0].path, NOTES_MAX);
	return error_advise(err,
			    "is it what it was taken for? --format NAME says another");
}

/* By the line, within what was found in one file. */
static void sort_notes(struct import *import)
{
	for (size_t i = 1; i < import->note_count; i++)
		for (size_t j = i; j > 0; j--) {
			/*
			 * By insertion, which keeps those of one line in their order:
			 * they come nearly sorted.
			 */
			struct note *a = &import->notes[j - 1], *b = a + 1, swap = *a;

			if (strcmp(a->path, b->path) != 0 || a->line <= b->line)
				break;
			*a = *b;
			*b = swap;
		}
}

static bool read_all(struct import *import, const struct import_file *files, size_t count,
		     struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (!read_file(import, &files[i], err))
			return false;
	if (!credentials_apply(import, err))
		return false;
	import_settle(import);
	if (import->too_many_notes)
		return refuse_notes(files, err);
	return (import->count > 0 && import->drafts[0].kind == SECTION_ACCOUNT) ||
	       refuse_nothing(files, count, err);
}

bool import_read(struct import *import, const struct import_file *files, size_t count,
		 struct error *err)
{
	bool ok;

	/*
	 * Known before the first one is read: a file that names another must not read
	 * it again.
	 */
	import->files = files;
	import->file_count = count;
	import->defaults.kind = SECTION_DEFAULTS;
	import->delivery.kind = SECTION_DELIVERY;
	for (size_t i = 0; i < count; i++)
		if (import_has_credentials(&files[i]))
			import->has_credentials = true;
	ok = read_all(import, files, count, err);
	sort_notes(import);
	return ok;
}

void import_free(struct import *import)
{
	for (size_t i = 0; i < import->count; i++)
		draft_free(&import->drafts[i]);
	free(import->drafts);
	for (size_t i = 0; i < import->note_count; i++) {
		text_cleanup(&import->notes[i].path);
		text_cleanup(&import->notes[i].setting);
		text_cleanup(&import->notes[i].why);
	}
	free(import->notes);
	for (size_t i = 0; i < import->account_count; i++) {
		draft_free(&import->accounts[i].draft);
		text_cleanup(&import->accounts[i].path);
		text_cleanup(&import->accounts[i].known_as);
	}
	free(import->accounts);
	credentials_free(import);
	draft_free(&import->defaults);
	draft_free(&import->delivery);
	*import = (struct import){ 0 };
}
