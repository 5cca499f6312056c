/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections of settings that are to be written: from names and values to lines. */
#ifndef CONFIG_DRAFT_H
#define CONFIG_DRAFT_H

#include "base/secret.h"
#include "config/ini_text.h"
#include "config/settings.h"

struct draft {			/* one section; zeroed but for kind and name */
	enum section_kind kind;
	char *name;		/* of an account, else NULL */
	char *values[SETTINGS_MAX];	/* by setting_index(); NULL: not said */
	struct secret password;
	char *comment;		/* for a line above it, or NULL */
	char *password_from;	/* where the password was found, for people, or NULL */
};

/* NULL if `name` cannot be that of an account: ERROR_CONFIG; else it in lower case. */
char *draft_name(const char *name, struct error *err);

/*
 * Sets one by its name, which must be one of the section's; the value is copied.
 * ERROR_CONFIG says what is wrong with the value, as when it is read, or why it cannot
 * be written; the draft is as it was. "" hides what [defaults] say.
 */
bool draft_set(struct draft *d, const char *name, const char *value, struct error *err);
bool draft_set_password(struct draft *d, const struct secret *password,
			struct error *err);

const char *draft_value(const struct draft *d, const char *name);	/* or NULL */
void draft_unset(struct draft *d, const char *name);
bool draft_is_empty(const struct draft *d);

/* Whether it tells where the password comes from. */
bool draft_has_source(const struct draft *d);

/*
 * The line of one setting, if the draft has a value for it. The password is shown only
 * where `instead` is NULL; else the lines of `instead` stand for it, as comments.
 */
bool draft_add_line(struct ini_text *out, const struct draft *d,
		    const struct setting *row, const char *instead, struct error *err);

/* All of the section, with the comment above. */
bool draft_add(struct ini_text *out, const struct draft *d, const char *instead,
	       struct error *err);

void draft_free(struct draft *d);

#endif
