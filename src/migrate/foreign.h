/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Foreign settings by the row, and what the formats share. */
#ifndef MIGRATE_FOREIGN_H
#define MIGRATE_FOREIGN_H

#include "migrate/import.h"
#include "migrate/input.h"

enum {
	RULES_MAX = 72,
	IMPORT_ACCOUNTS_MAX = 500,
	NOTES_MAX = 2000,
	FOREIGN_VALUE_MAX = 2048,	/* of what is no secret; ours are shorter still */
};

struct foreign_rule {			/* `ours`, `why`, or neither: the format sees to it */
	const char *name;	/* of the foreign setting */
	const char *ours;	/* the setting of ours that takes the value as it is */
	const char *why;	/* it is not taken */
	bool is_secret;
};

struct rules {
	const struct foreign_rule *rows;
	size_t count;
	bool any_case;		/* of letters in the names */
};
#define RULES(table, ...)	{ .rows = (table), .count = COUNT_OF(table), __VA_ARGS__ }

struct foreign_field {			/* what stands for one row */
	char *text;		/* NULL: nothing; of a secret, "" */
	struct secret secret;
	unsigned line;
};

struct foreign_record {			/* the settings of one account as the file has them */
	const struct rules *rules;
	const char *path;
	unsigned line;		/* where it begins */
	struct foreign_field fields[RULES_MAX];
};
#define OWNED_RECORD	__attribute__((cleanup(record_free))) struct foreign_record

/* The row of that name, or NULL. */
const struct foreign_rule *rule_find(const struct rules *rules, const char *name);

/*
 * Notes the value for a row; a later one takes the place of an earlier one. What the
 * rules do not know becomes a note. The value of a secret is wiped where it stood.
 */
void record_set(struct import *import, struct foreign_record *r, const char *name, char *value,
		unsigned line);
void record_copy(struct foreign_record *to, const struct foreign_record *from);	/* what `from` has */
void record_free(struct foreign_record *r);

/* The row must be one of the record's; NULL: nothing stands for it. */
const char *record_text(const struct foreign_record *r, const char *name);
unsigned record_line(const struct foreign_record *r, const char *name);
bool record_is(const struct foreign_record *r, const char *name, const char *word);
bool record_says_yes(const struct foreign_record *r, const char *name);	/* yes, on, true, 1, "" */

/* An account in the making: its draft, and where it came from. */
struct imported {
	struct draft draft;
	char *path;
	unsigned line;
	bool is_default;	/* the one that is used when nothing tells which */
	bool is_bad;		/* a note says why it will not be written */
	char *known_as;		/* in its file, or NULL */
};

/*
 * A new account, with what the rows of its record say: `ours` is set, `why` is noted.
 * Good until the next one is made. ERROR_CONFIG (NULL) for too many.
 */
struct imported *import_account(struct import *import, const struct foreign_record *r,
				const char *name, struct error *err);

/* Sets what the account says; what our setting does not take becomes a note. */
void import_set(struct import *import, struct imported *account, const char *ours,
		const char *value, const struct foreign_record *r, const char *name);

/*
 * All mail comes from the account's `from`; the other program changed the envelope
 * alone.
 */
extern const char foreign_rewrites_header[];
void import_rewriting(struct import *import, struct imported *account,
		      const struct foreign_record *r, const char *name);

/* The password that stands in a secret's row, if one does. */
void import_password(struct import *import, struct imported *account,
		     const struct foreign_record *r, const char *name);

/* Remembers where it stood. */
void foreign_found_password(struct draft *d, const char *path, unsigned line);

/* A setting of [delivery], which is one for all. */
void import_delivery(struct import *import, const char *ours, const char *value,
		     const char *path, unsigned line, const char *name);

/*
 * The same for a length of time, "NUMBER" or "NUMBER" with s, m, h, d or w: rounded up to
 * our unit; `unit` and `ours_unit` are s, h or d.
 */
void import_time(struct import *import, const char *ours, char ours_unit,
		 const char *value, char unit, const struct note *where);

/* A note about a row, if something stands for it; and one about any place. */
void note_row(struct import *import, enum note_kind kind, const struct foreign_record *r,
	      const char *name, const char *why);
void note_at(struct import *import, enum note_kind kind, const char *path, unsigned line,
	     const char *setting, const char *why);

/* "HOST", "HOST:PORT", "[HOST]:PORT", with names of services as ports; port 0: none. */
bool foreign_split_host(const char *text, char host[256], long *port);
void import_host(struct import *import, struct imported *account, const char *text,
		 long standard_port, const struct foreign_record *r, const char *name);
void import_port(struct imported *account, long port);

/*
 * The same file in the directory of `path`, else as it is named: a copy of /etc/dma
 * reads its own auth.conf. The caller frees it.
 */
char *foreign_path_beside(const char *path, const char *name);
bool foreign_is_there(const char *path);

/* What "~/..." means to the user who imports; a copy. */
char *foreign_expand_home(const char *path);

/* --- the formats */

typedef bool format_reader(struct import *import, struct input *lines, struct error *err);

/*
 * Reads a file that another one names, unless it is among those that were given; a note
 * says why it could not be opened.
 */
bool import_companion(struct import *import, const char *path, format_reader *read,
		      const char *setting, struct error *err);

format_reader msmtp_read, ssmtp_read, ssmtp_read_revaliases, nullmailer_read, dma_read,
	esmtp_read, postfix_read;
format_reader dma_auth_read, postfix_passwords_read, netrc_read;	/* credentials */

/* What all accounts get in the end: service, TLS, login, policy, a name. */
void import_settle(struct import *import);

#endif
