/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `acsmtp account import FILE...`: what other programs were told becomes accounts of
 * ours.
 */
#include "account/commands.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/language.h"
#include "config/write.h"
#include "migrate/import.h"
#include "talk/say.h"

struct import_flags {
	const char *format, *name, *output;
	bool replace, show_secrets;
};

static const struct flag flags[] = {
	{ "format", FLAG_TEXT, offsetof(struct import_flags, format), "NAME",
	  N_("what the files are, if that cannot be told") },
	{ "name", FLAG_TEXT, offsetof(struct import_flags, name), "NAME",
	  N_("the account, where the file has no name for it") },
	{ "output", FLAG_TEXT, offsetof(struct import_flags, output), "FILE",
	  N_("file of ours to put the accounts into, secrets too") },
	{ "replace", FLAG_SWITCH, offsetof(struct import_flags, replace), NULL,
	  N_("let them take the place of what is there") },
	{ "show-secrets", FLAG_SWITCH, offsetof(struct import_flags, show_secrets), NULL,
	  N_("print passwords, too") },
	{ .name = NULL },
};

/* --- what people must know about it */

static void say_note(const struct note *note)
{
	static const char *const kinds[] = {
		[NOTE_LEFT] = N_("not taken"), [NOTE_CHANGED] = N_("changed"),
		[NOTE_MISSING] = N_("missing"),
	};
	OWNED_BUF text = BUF_INIT(16384);

	buf_add(&text, note->path);
	if (note->line > 0)
		buf_addf(&text, _(", line %u"), note->line);
	buf_addf(&text, ": %s: %s: ", tr(note->setting), tr(kinds[note->kind]));
	buf_add(&text, tr(note->why));
	say_aside("%s", buf_text(&text));
}

static void say_formats(const struct command_call *call, const struct import_file *files)
{
	for (int i = 0; i < call->count; i++) {
		struct format_help format;

		for (size_t n = 0; import_format(n, &format); n++)
			if (!strcmp(format.name, files[i].format))
				say_aside(_("%s: read as %s (--format %s)"), files[i].path,
					  tr(format.what), format.name);
	}
}

/* --- where it goes */

/* Not through stdio, whose buffer would keep the secrets. */
static bool print(const struct import *import, bool show_secrets, struct error *err)
{
	OWNED_INI_TEXT text = { 0 };

	for (size_t i = 0; i < import->count; i++) {
		const struct draft *d = &import->drafts[i];
		OWNED_BUF instead = BUF_INIT(16384);

		buf_addf(&instead,
			 _("password: it stands in %s; --output FILE writes it, "
			   "--show-secrets shows it"),
			 d->password_from ? d->password_from : "");
		if (i > 0)
			ini_text_add(&text, "\n");
		if (!draft_add(&text, d, show_secrets ? NULL : buf_text(&instead), err))
			return false;
	}
	if (text.full)
		return error_set(err, ERROR_CONFIG, "it would have over 1 MiB");
	return write_all(STDOUT_FILENO, text.at, text.len) ||
	       error_errno(err, ERROR_IO, "standard output");
}

static bool write_file(struct import *import, const struct import_flags *f,
		       struct error *err)
{
	OWNED_BUF kept = BUF_INIT(1000);
	struct write_job job = {
		.path = f->output,
		.drafts = import->drafts,
		.count = import->count,
		.mode = f->replace ? WRITE_REPLACE : WRITE_NEW,
		.advice =
			N_("--replace puts the imported one in its place, --name gives a "
			   "new one another name where its file has none"),
		.kept = &kept,
		.same_everywhere = true,
	};

	if (!settings_write(&job, err))
		return false;
	if (kept.len > 0)
		say_aside(_("%s: it keeps its own %s"), f->output, buf_text(&kept));
	for (size_t i = 0; i < import->count; i++)
		if (import->drafts[i].kind == SECTION_ACCOUNT)
			printf(_("account %s\n"), import->drafts[i].name);
	return true;
}

/* --- the command */

/*
 * --format is for the accounts' files: one of passwords beside them is known by its
 * name.
 */
static bool recognise(const struct command_call *call, const struct import_flags *f,
		      struct import_file *files, struct error *err)
{
	struct error ignored;

	for (int i = 0; i < call->count; i++) {
		struct import_file file = { call->arguments[i], NULL };

		files[i] = (struct import_file){ call->arguments[i], f->format };
		if (f->format && call->count > 1 &&
		    import_recognise(&file, 1, &ignored) && import_has_credentials(&file))
			files[i] = file;
	}
	return import_recognise(files, (size_t)call->count, err);
}

static bool run(const struct command_call *call, const struct import_flags *f,
		struct import_file *files, struct error *err)
{
	OWNED_IMPORT import = { .name = f->name };
	OWNED_TEXT name = f->name ? draft_name(f->name, err) : NULL;
	bool ok;

	if (f->name && !name)
		return error_context(err, "--name");
	if (!recognise(call, f, files, err))
		return false;
	if (!f->format)
		say_formats(call, files);
	ok = import_read(&import, files, (size_t)call->count, err);
	for (size_t i = 0; i < import.note_count; i++)
		say_note(&import.notes[i]);
	if (!ok)
		return false;
	return f->output ? write_file(&import, f, err) :
			   print(&import, f->show_secrets, err);
}

static int run_import(struct command_call *call)
{
	struct import_flags f = { 0 };
	struct import_file *files;
	struct error err;
	int status;
	bool ok;

	if (!command_parse(call, &f, &status))
		return status;
	files = xcalloc((size_t)call->count, sizeof(*files));
	ok = run(call, &f, files, &err);
	free(files);
	return ok ? say_finish() : say_error(&err);
}

const struct command account_import_command = {
	.word = "account",
	.sub = "import",
	.arguments = "FILE...",
	.least = 1,
	.most = ARGUMENTS_ANY,
	.help = N_("accounts from another program's files"),
	.flags = flags,
	.run = run_import,
};
