/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Other programs' settings become ours. What a format's settings are called and what each
 * becomes stands in one table a format; what has no counterpart becomes a note, so that
 * nothing is dropped in silence.
 */
#ifndef MIGRATE_IMPORT_H
#define MIGRATE_IMPORT_H

#include "config/draft.h"

enum note_kind {
	NOTE_LEFT,	/* not taken */
	NOTE_CHANGED,	/* taken, but it does not mean quite the same */
	NOTE_MISSING,	/* what an account needs and the file does not say */
};

struct note {
	enum note_kind kind;
	char *path;
	unsigned line;		/* 0: of no line */
	char *setting;		/* as the file calls it; never its value */
	char *why;
};

struct credential;		/* migrate/credentials.h */
struct imported;		/* migrate/foreign.h */

struct import_file {
	const char *path;
	const char *format;	/* of import_format(), set by import_recognise() */
};

struct import {			/* zeroed to begin with, but for what the caller says */
	const char *name;	/* for accounts that have none in their file; NULL: after
				   their server */

	struct draft *drafts;	/* accounts, then [defaults] and [delivery] if there is
				   something for them */
	size_t count;
	struct note *notes;	/* in the order in which they were found */
	size_t note_count, note_room;

	/* at work */
	struct imported *accounts;
	size_t account_count, account_room;
	struct credential *credentials;
	size_t credential_count, credential_room;
	struct draft defaults, delivery;
	const char *program;	/* whose file is read */
	const char *path;	/* of that file */
	const struct import_file *files;
	size_t file_count;
	bool has_credentials;	/* a file of passwords is among the files given */
	bool too_many_notes;
};
#define OWNED_IMPORT	__attribute__((cleanup(import_free))) struct import

/* Names of the formats and what they are for people; false ends. */
struct format_help {
	const char *name, *what;
};
bool import_format(size_t i, struct format_help *format);

/*
 * Finds the formats of files whose format is NULL, by name and then by content.
 * ERROR_CONFIG for a file that cannot be read or is none that we know, and for an
 * unknown format.
 */
bool import_recognise(struct import_file *files, size_t count, struct error *err);

/* Whether a file that was recognised has passwords for accounts that others have. */
bool import_has_credentials(const struct import_file *file);

/*
 * Reads the files and those that belong to them. The drafts are such that our reader
 * takes them. ERROR_CONFIG: with file and line, for a file that is broken; or there is
 * no account.
 */
bool import_read(struct import *import, const struct import_file *files, size_t count,
		 struct error *err);

void import_free(struct import *import);

#endif
