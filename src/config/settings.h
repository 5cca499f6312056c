/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of settings, and the short loop that gives each its value. */
#ifndef CONFIG_SETTINGS_H
#define CONFIG_SETTINGS_H

#include "base/error.h"

enum section_kind { SECTION_ACCOUNT, SECTION_DEFAULTS, SECTION_DELIVERY, SECTION_DAEMON };
const char *section_word(size_t kind);	/* "account"; NULL ends them */

enum { SETTINGS_MAX = 128 };	/* room for their number */

enum setting_type {
	SETTING_TEXT,
	SETTING_NAME,		/* a text that is one of `word` */
	SETTING_NUMBER,		/* from `least` to `most` */
	SETTING_SPAN,		/* seconds, or "10m", "2h", "1d": kept in seconds */
	SETTING_SWITCH,		/* on, off, and what else people write */
	SETTING_WORD,		/* one of `word`, whose number is kept */
	SETTING_SECRET,		/* stays in the file; see config_password() */
};

struct setting {
	enum section_kind section;	/* those of accounts may stand in [defaults] too */
	const char *name;
	enum setting_type type;
	size_t place;		/* in struct account, or in struct config; not of a secret */
	const char *standard;	/* in the words of a user */
	const char *help;
	long least, most;
	const char *(*word)(size_t i);	/* NULL ends */
	bool (*check)(const char *value, struct error *err);
	void (*tidy)(char *value);	/* of what was taken, in place; NULL: it stays */
	bool is_of_admission;	/* who may come: empty is a mistake, and never "all" */
	bool exact;		/* no comment may stand beside the value unless it is quoted */
	bool is_private;	/* tells where a secret is, and is nothing for others */
	int url;		/* enum url_setting: a password inside it stays in the file */
	const char *beside;	/* a setting that it belongs to: where an account says that one
				   itself, what the defaults say here is about another */
	bool source;		/* one of those that tell where the password comes from */
};

/* The rows, counted from 0; NULL: no more. */
const struct setting *setting_row(size_t i);
size_t setting_index(const struct setting *row);

/* The row of that name (in any case) that may stand in such a section, or NULL. */
const struct setting *setting_find(enum section_kind section, const char *name);

/* The known name nearest to `name`, or NULL. */
const char *setting_nearest(enum section_kind section, const char *name);

#endif
