/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file of settings as it is written. iniparser forgets lines, cuts values and joins
 * lines without a word; so we read the text before it does, refuse what it would
 * misread, note where each thing stands, and keep passwords from it.
 */
#ifndef CONFIG_LINT_H
#define CONFIG_LINT_H

#include "base/buf.h"
#include "base/secret.h"
#include "config/account.h"
#include "config/settings.h"

enum { INI_LINE_MAX_BYTES = 1022 };	/* iniparser has room for 1024, with line feed and NUL */

struct ini_section {
	enum section_kind kind;
	char *name;			/* in lower case, as for iniparser: "account work" */
	unsigned line;
	unsigned lines[SETTINGS_MAX];	/* where each row's setting stands; 0: nowhere */
	bool has_password;
	struct secret password;		/* if the file is read with secrets */
	struct url_password {		/* inside an address, as it is encoded there */
		bool is_there;
		struct secret text;	/* likewise */
	} url_passwords[URL_SETTINGS];
	char **said;			/* the values by row, where no file has them; else NULL */
};

struct ini {
	const char *path;		/* for errors; borrowed */
	bool keeps_secrets;		/* set by who reads it; else none outlives the text */
	uint64_t sum;			/* file_sum() of it */
	struct ini_section *sections;
	size_t count, room;
	struct buf clean;		/* the same lines for iniparser, without secrets */
	void *values;			/* iniparser's; see config/file.h */
	/* Where it is no file: for each "line" the variable that is meant; see
	   config/environment.h. */
	char **said_by;
	size_t said_count;
};

/*
 * Reads the text into an `ini` that is zeroed but for `path` and `keeps_secrets`.
 * ERROR_CONFIG names file and line of the first mistake, and never shows more of a line
 * than a setting's name.
 */
bool ini_lint(struct ini *ini, const char *text, size_t len, struct error *err);

/* The section, that of an account by its name; NULL: it is not there. */
const struct ini_section *ini_find(const struct ini *ini, enum section_kind kind,
				   const char *account);

/* Whether an account may have this name. ERROR_CONFIG says what stands against it. */
bool ini_check_name(const char *name, struct error *err);

/*
 * Puts file, line, and the section if it is not NULL before the error; or the variable.
 */
bool ini_blame(const struct ini *ini, const struct ini_section *section, unsigned line,
	       struct error *err);

#endif
