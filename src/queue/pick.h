/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which messages of the queue a command line means. A word of up to 16 of 0-9a-v is an
 * id or the beginning of one; any other is a shell pattern for id, sender (as it was
 * given, and as it is now) and recipients, in any case; "<>" is the null sender. The
 * filters narrow that down.
 */
#ifndef QUEUE_PICK_H
#define QUEUE_PICK_H

#include "delivery/queue_view.h"

struct pick {		/* texts are borrowed */
	char **words;		/* none: every message */
	int count;
	const char *account, *sender, *recipient;	/* patterns; NULL: any */
	bool all;		/* said so: no words and no filters */
	bool failed;		/* those in failed/ instead of those that wait */
	bool damaged;		/* those in damaged/ */
};

/* Whether it says anything at all about which messages. */
bool pick_is_made(const struct pick *s);

/* Whether a word is an id or the beginning of one. */
bool pick_is_id(const char *word);

/* Whether a pattern, which is no id, fits; whether the filters let it pass. */
bool pick_fits(const char *pattern, const struct entry *e);
bool pick_passes(const struct pick *s, const struct entry *e);

/*
 * Leaves those rows that are meant. A word that is an id finds its message in failed/ and
 * damaged/ too; anything else only with `failed` or `damaged`. ERROR_USAGE: the beginning
 * of several ids. ERROR_UNAVAILABLE: a word fits nothing (or, without words, the filters
 * do); the rows that the other words mean are left all the same.
 */
bool pick_apply(const struct pick *s, const struct queue_view *v,
		     struct queue_rows *rows, struct error *err);

#endif
