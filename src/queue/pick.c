/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two kinds of words: an id is looked for by name alone and in every place, a pattern
 * needs the entry and means one place. Entries are read only if a pattern or a filter
 * asks for it: to remove one message by its id of ten thousand must not read the others.
 */
#include "queue/pick.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"

bool pick_is_made(const struct pick *s)
{
	return s->count > 0 || s->all || s->account || s->sender || s->recipient;
}

bool pick_is_id(const char *word)
{
	size_t len = strspn(word, "0123456789abcdefghijklmnopqrstuv");

	return len > 0 && len < ID_SIZE && !word[len];
}

/* --- one message */

static bool is_like(const char *pattern, const char *text)
{
	return fnmatch(pattern, text, FNM_CASEFOLD) == 0;
}

static bool fits_sender(const char *pattern, const struct entry *e)
{
	const char *sender = e->envelope.sender ? e->envelope.sender : "";
	const char *origin = e->envelope.origin;

	return is_like(pattern, sender) || (origin && is_like(pattern, origin)) ||
	       (!*sender && !strcmp(pattern, "<>"));
}

static bool fits_recipient(const char *pattern, const struct entry *e)
{
	for (size_t i = 0; i < e->envelope.count; i++)
		if (is_like(pattern, e->envelope.recipients[i].mailbox))
			return true;
	return false;
}

bool pick_fits(const char *pattern, const struct entry *e)
{
	return is_like(pattern, e->id) || fits_sender(pattern, e) ||
	       fits_recipient(pattern, e);
}

bool pick_passes(const struct pick *s, const struct entry *e)
{
	return (!s->account || is_like(s->account, e->account ? e->account : "")) &&
	       (!s->sender || fits_sender(s->sender, e)) &&
	       (!s->recipient || fits_recipient(s->recipient, e));
}

/* --- all of them */

static bool begins(const struct queue_row *row, const char *word)
{
	return !strncmp(row->id, word, strlen(word));
}

/* Done before anything is changed: a beginning that was too short must not remove two. */
static bool check_unique(const char *word, const struct queue_rows *rows,
			 struct error *err)
{
	const struct queue_row *first = NULL, *other = NULL;
	size_t found = 0;

	for (size_t i = 0; i < rows->count; i++) {
		const struct queue_row *row = &rows->items[i];

		/* A message may be in both places for a moment. */
		if (!begins(row, word) || (first && !strcmp(first->id, row->id)))
			continue;
		found++;
		if (!first)
			first = row;
		else
			other = row;
	}
	if (found < 2)
		return true;
	error_set(err, ERROR_USAGE, "\"%s\" is the beginning of %zu ids, %s and %s among "
		  "them", word, found, first->id, other->id);
	return error_advise(err, "give more of the id; nothing was done");
}

struct sieve {
	const struct pick *pick;
	const struct queue_view *view;
	bool has_filters, has_patterns;
	bool *has_fitted;	/* for each word */
};

static enum spool_place scope_of(const struct pick *s)
{
	return s->damaged ? SPOOL_DAMAGED : s->failed ? SPOOL_FAILED : SPOOL_QUEUE;
}

/* There is an entry, or a guess at one. */
static bool is_known(const struct queue_look *look)
{
	return look->taken != TAKEN_GONE && look->taken != TAKEN_ERROR;
}

static bool fits_words(struct sieve *sieve, const struct queue_row *row,
		       const struct queue_look *look)
{
	const struct pick *s = sieve->pick;
	bool in_scope = row->place == scope_of(s), is_narrow = s->failed || s->damaged;
	bool fits = s->count == 0 && in_scope;

	for (int i = 0; i < s->count; i++) {
		bool is_id = pick_is_id(s->words[i]);

		if (is_id ? !begins(row, s->words[i]) || (is_narrow && !in_scope) :
		    !in_scope || !is_known(look) || !pick_fits(s->words[i], &look->entry))
			continue;
		sieve->has_fitted[i] = true;
		fits = true;
	}
	return fits;
}

static bool is_meant(struct sieve *sieve, const struct queue_row *row)
{
	OWNED_LOOK look = { .taken = TAKEN_GONE };

	if (sieve->has_patterns || sieve->has_filters)
		sieve->view->queue.does->look(&sieve->view->queue, row, &look);
	if (!fits_words(sieve, row, &look))
		return false;
	return !sieve->has_filters ||
	       (is_known(&look) && pick_passes(sieve->pick, &look.entry));
}

/* The first of those that fit nothing, and how many more of them there are. */
static bool refuse_words(const char *first, size_t more, bool is_about_failed,
			 struct error *err)
{
	char shown[SHOWN_SIZE];

	text_show(first, shown);
	if (more && is_about_failed)
		return error_set(err, ERROR_UNAVAILABLE, "no message fits \"%s\" in failed/, "
				 "nor %zu more of the words", shown, more);
	if (more)
		return error_set(err, ERROR_UNAVAILABLE, "no message fits \"%s\", nor %zu more "
				 "of the words", shown, more);
	if (is_about_failed)
		return error_set(err, ERROR_UNAVAILABLE, "no message fits \"%s\" in failed/",
				 shown);
	return error_set(err, ERROR_UNAVAILABLE, "no message fits \"%s\"", shown);
}

static bool check_fitted(const struct sieve *sieve, const struct queue_rows *rows,
			 struct error *err)
{
	const struct pick *s = sieve->pick;
	const char *first = NULL;
	size_t missing = 0;

	for (int i = 0; i < s->count; i++) {
		if (sieve->has_fitted[i])
			continue;
		first = first ? first : s->words[i];
		missing++;
	}
	if (missing > 0)
		return refuse_words(first, missing - 1, s->failed, err);
	return rows->count > 0 || (!s->count && !sieve->has_filters) ||
	       error_text(err, ERROR_UNAVAILABLE, s->failed ? N_("no message fits in failed/") :
			  N_("no message fits"));
}

bool pick_apply(const struct pick *s, const struct queue_view *v,
		     struct queue_rows *rows, struct error *err)
{
	struct sieve sieve = { .pick = s, .view = v };
	size_t kept = 0;
	bool ok;

	for (int i = 0; i < s->count; i++) {
		if (!pick_is_id(s->words[i]))
			sieve.has_patterns = true;
		else if (!check_unique(s->words[i], rows, err))
			return false;
	}
	sieve.has_filters = s->account || s->sender || s->recipient;
	sieve.has_fitted = xcalloc((size_t)s->count + 1, sizeof(bool));
	for (size_t i = 0; i < rows->count; i++)
		if (is_meant(&sieve, &rows->items[i]))
			rows->items[kept++] = rows->items[i];
	rows->count = kept;
	ok = check_fitted(&sieve, rows, err);
	free(sieve.has_fitted);
	return ok;
}
