/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as another program's file, and behind a NUL as the files that it may name.
 * What comes out can be written and is read as the same. The first byte is the format.
 */
#include "fuzz_config.h"

#include <fcntl.h>

#include "migrate/import.h"

static const char *directory;

static void put(const char *name, const uint8_t *bytes, size_t len)
{
	OWNED_BUF path = BUF_INIT(300);
	OWNED_FD fd = -1;

	buf_addf(&path, "%s/%s", directory, name);
	fd = open(buf_text(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write_all(fd, bytes, len));
}

/* Files that a format looks for beside its own, or in the home directory. */
static void prepare(void)
{
	static const char *const names[] = { "auth.conf",     "sasl_passwd",
					     "revaliases",    "me",
					     "adminaddr",     "helohost",
					     "allmailfrom",   ".netrc",
					     "queuelifetime", "mailname" };
	bool is_new;

	directory = fuzz_directory(&is_new);
	if (!is_new)
		return;
	setenv("HOME", directory, 1);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		OWNED_BUF path = BUF_INIT(300);

		buf_addf(&path, "%s/%s", directory, names[i]);
		MUST(symlink("more", buf_text(&path)) == 0);
	}
}

static void check_drafts(const struct import *import)
{
	MUST(import->count > 0);
	for (size_t i = 0; i < import->count; i++) {
		const struct draft *d = &import->drafts[i];

		MUST((d->kind == SECTION_ACCOUNT) == (d->name != NULL));
		for (size_t j = 0; d->name && j < i; j++) {
			const char *other = import->drafts[j].name;

			MUST(!other || strcmp(other, d->name) != 0);
		}
	}
	fuzz_write(import->drafts, import->count);
}

static void check_notes(const struct import *import)
{
	for (size_t i = 0; i < import->note_count; i++) {
		const struct note *note = &import->notes[i];

		MUST(note->path && note->why && note->why[0]);
		/* Tabs and form feeds of the file become "?" where they are shown. */
		MUST(!strpbrk(note->why, "\n\033"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_IMPORT import = { 0 };
	OWNED_BUF path = BUF_INIT(300);
	struct import_file file = { 0 };
	struct format_help format;
	struct fuzz_pieces pieces;
	struct error err = { 0 };
	size_t formats = 0;

	if (size == 0)
		return 0;
	prepare();
	pieces = fuzz_cut(data + 1, size - 1, '\0');
	put("input", pieces.first, pieces.first_len);
	put("more", pieces.rest, pieces.rest_len);
	buf_addf(&path, "%s/input", directory);
	file.path = buf_text(&path);
	while (import_format(formats, &format))
		formats++;
	/* The one that is behind the last: it has to be recognised. */
	if (import_format(data[0] % (formats + 1), &format))
		file.format = format.name;
	if (!import_recognise(&file, 1, &err) || !import_read(&import, &file, 1, &err)) {
		fuzz_must_say_why(&err);
		return 0;
	}
	check_notes(&import);
	check_drafts(&import);
	return 0;
}
