/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whom names without a domain stand for: the aliases file, as sendmail, Postfix and dma
 * write it, and then [delivery] local_recipients. There is no local delivery: each name
 * leads to addresses with a domain, or the mail for it is refused.
 *
 *	name: target, target	names in any case, in quotes where they need them
 *	    target		a line that begins with a blank continues the one before
 *	*: target		or "default:": every name that has no alias of its own
 *	# comment		also behind a blank
 *
 * A target is an address; a name, which is looked up in turn; or \name, which is not and
 * goes to local_recipients, as a name does that is its own target. Files, programs and
 * lists (/file, |program, :include:) are refused. A fault costs only the mail that comes
 * by it; aliases_check() finds them all.
 */
#ifndef MAIL_ALIASES_H
#define MAIL_ALIASES_H

#include "mail/address.h"

enum {
	ALIASES_FILE_MAX = 1024 * 1024,	/* bytes */
	ALIASES_DEPTH_MAX = 20,		/* aliases one behind the other */
};

struct alias {
	char *name;		/* as of a mailbox, ASCII in lower case; "*" is the catch-all */
	char *targets;		/* as written, without comments; a LF for each line end */
	unsigned line;
	unsigned round;		/* of the last walk that came by */
	bool is_open;		/* a walk is behind it just now */
};

struct aliases {
	/*
	 * Whether a domain is none, as this machine's own name is; NULL: all are some.
	 * Borrowed
	 */
	bool (*is_local)(const void *local, const char *domain);
	const void *local;
	bool leaves_names;		/* they stay as they are: somebody else knows them */
	const char *path;		/* NULL: there is no file to look at */
	bool may_be_missing;
	const char *local_recipients;	/* "": nobody */
	bool is_read;			/* the rest is as in the file; which `failure` may tell of */
	struct error failure;
	struct alias *items;		/* in the order of their names */
	size_t count, room;
	size_t longest, total;		/* bytes of the longest targets, and of all */
	unsigned round;
};
#define OWNED_ALIASES	__attribute__((cleanup(aliases_free))) struct aliases

/*
 * `path` is that of the file, or "off". A missing /etc/aliases is as an empty one; any
 * other file must be there. Both texts are borrowed, NULL stands for "off" and "".
 * Nothing is read before a name is looked up, so mail to full addresses needs no good
 * file.
 */
void aliases_init(struct aliases *a, const char *path, const char *local_recipients);

/*
 * Appends the addresses that get mail for the bare name `name`: at least one, each with a
 * domain. ERROR_NO_USER: the name leads nowhere. ERROR_CONFIG: on the way there is a
 * loop, more than ALIASES_DEPTH_MAX aliases, more than ADDRESS_LIST_MAX addresses, a name
 * that stands twice or a target that is no address, with file and line; or the file is
 * missing, not regular, too large, no text, or others may change it. ERROR_IO.
 */
bool aliases_resolve(struct aliases *a, const char *name, struct address_list *list,
		     struct error *err);

/* Cuts the domain off if it is none. */
void aliases_localize(const struct aliases *a, char *mailbox);

/*
 * Whether somebody here is called so: an alias of its own, or a user of this machine. A
 * file that cannot be read may know it.
 */
bool aliases_know(struct aliases *a, const char *name);

/* Takes each fault of the file; ERROR_NO_USER is a name in it that leads nowhere. */
typedef void alias_fault_fn(void *taker, const struct error *fault);

/* Reads the file and follows every alias. False: the file itself cannot be used. */
bool aliases_check(struct aliases *a, alias_fault_fn *report, void *taker,
		   struct error *err);

void aliases_free(struct aliases *a);

#endif
