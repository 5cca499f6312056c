/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command line of sendmail(8): thirty years of it in one table. */
#ifndef SENDMAIL_OPTIONS_H
#define SENDMAIL_OPTIONS_H

#include "base/error.h"
#include "delivery/submit.h"

enum mode {
	MODE_SEND,		/* read a message and send it */
	MODE_NOTHING_KEPT,	/* -bh, -bH: there is no host status to show */
	MODE_DRY_RUN,
	MODE_LOOK_AT_RECIPIENTS,	/* -bv */
	MODE_LOOK_AT_ALIASES,		/* -bi, -I, newaliases */
	MODE_RUN_QUEUE,			/* -q */
	MODE_SPEAK_SMTP,		/* -bs */
	MODE_LIST_QUEUE,		/* -bp, mailq */
	MODE_COUNT_QUEUE,		/* -bP */
	MODE_DAEMON,			/* -bD */
	MODE_DAEMON_APART,		/* -bd: in the background */
	MODE_REFUSED,			/* -bt: refused */
	MODE_HELP,
	MODE_VERSION,
};

enum complaint {			/* -e */
	COMPLAIN_PRINT,			/* p, w */
	COMPLAIN_QUIETLY,		/* q: by the exit status alone */
	COMPLAIN_BY_MAIL,		/* m: by mail too */
	COMPLAIN_BY_MAIL_ALONE,		/* e: and the exit status is 0 */
};

enum { SELECTIONS_MAX = 16 };

struct selection {			/* -qI, -qR, -qS */
	char what;			/* I, R, S */
	bool is_inverted;		/* -q!I */
	const char *text;		/* that stands in an id, a recipient, the sender */
};

struct options {		/* the texts are borrowed from argv */
	enum mode mode;
	enum complaint complaint;
	bool recipients_from_header;	/* -t */
	bool dot_is_text;		/* -i */
	bool verbose;			/* -v */
	bool no_repairs;		/* -G */
	enum submit_mode delivery;	/* -od */
	long interval;			/* of -q30m, seconds; 0: once */
	bool in_foreground;		/* -qf */
	bool holds;			/* -Q */
	bool held_alone;		/* -qQ */
	struct selection selections[SELECTIONS_MAX];
	size_t selection_count;
	const char *account;		/* -a */
	const char *config_file;	/* -C */
	const char *sender;		/* -f, -r: as it was given */
	char sender_letter;		/* which of them it was */
	const char *full_name;		/* -F */
	const char *transcript;		/* -X */
	const char *log_tag;		/* -L */
	const char *notify, *ret, *envid;	/* -N, -R, -V */
	char **recipients;		/* argv from the first word that is no option */
	int count;
};

/*
 * Fills `options` (which must be zeroed) from argv[1] on. ERROR_USAGE names the option
 * and the nearest known one; ERROR_UNAVAILABLE for what this version does not do yet.
 */
bool options_parse(struct options *options, int argc, char **argv, struct error *err);

/* One row of the table, for --help and for the check of the manual. False: no more. */
struct option_help {
	const char *spelling, *value, *help;	/* "f", "ADDRESS" or NULL, ... */
	bool takes_next;	/* the value may be the next word */
	bool is_to_come;	/* refused as not there yet */
};
bool option_help(size_t i, struct option_help *row);

#endif
