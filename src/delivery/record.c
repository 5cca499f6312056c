/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Around each transaction: a mark before the server can have the message, verdicts on the
 * disk before the next one begins, and only then the mark goes. Killed between mark and
 * verdicts it is in doubt, and nowhere else. After the last transaction, when everybody
 * has it, leaving the queue is what tells that: one write less, for the message that most
 * are.
 */
#include "delivery/record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static size_t count(const struct record *r, enum verdict verdict)
{
	return envelope_count(&r->item->entry.envelope, verdict);
}

static bool note_failure(struct record *r, const struct error *err)
{
	if (!r->failure)
		r->failure = xmalloc(sizeof(*err));
	*r->failure = *err;
	return false;
}

bool record_write(struct record *r, struct error *err)
{
	if (!spool_update(r->spool, r->item, err))
		return note_failure(r, err);
	/* Of an answer that was lost more has to be said. */
	if (count(r, VERDICT_UNKNOWN) == 0)
		spool_end_try(r->spool, r->item);
	return true;
}

static bool at_brink(struct witness *w, struct error *err)
{
	struct record *r = (struct record *)w;
	bool ok;

	/*
	 * Before the mark is made, which a signal in between would leave behind for
	 * nothing.
	 */
	fate_set(FATE_AWAITED);
	ok = spool_begin_try(r->spool, r->item, r->is_durable, err);
	if (!ok || fate_is_put_off()) {
		spool_end_try(r->spool, r->item);
		fate_set(r->at_rest);
	}
	return ok || note_failure(r, err);
}

/*
 * After the last one there is nothing to write when it leaves, and no haste if nobody has
 * it.
 */
static bool is_to_be_written(const struct record *r, bool is_last)
{
	size_t accepted = count(r, VERDICT_ACCEPTED);

	if (!is_last)
		return true;
	return accepted < r->item->entry.envelope.count &&
	       (accepted > r->item->known || count(r, VERDICT_UNKNOWN) > 0);
}

static bool after_transaction(struct witness *w, bool is_last, struct error *err)
{
	struct record *r = (struct record *)w;

	if (is_to_be_written(r, is_last) && !record_write(r, err))
		return false;
	if (is_last)
		return true;
	if (r->is_reserved && !spool_reserve(r->spool, r->item, err))
		return note_failure(r, err);
	fate_set(r->at_rest);
	return true;
}

void record_begin(struct record *r, const struct spool *spool, struct item *item)
{
	*r = (struct record){
		.witness = { at_brink, after_transaction, false },
		.spool = spool,
		.item = item,
		.at_rest = FATE_NOT_SENT,
	};
}

void record_end(struct record *r)
{
	free(r->failure);
	r->failure = NULL;
}

/* It is gone when all have it, and if they do not nothing has changed. */
static bool leaves_as_a_whole(const struct record *r, size_t transaction_max)
{
	return count(r, VERDICT_REFUSED) == 0 &&
	       envelope_waiting(&r->item->entry.envelope) <= transaction_max;
}

bool record_prepare(struct record *r, size_t transaction_max, struct error *err)
{
	bool is_whole = leaves_as_a_whole(r, transaction_max);

	if (is_whole && envelope_waiting(&r->item->entry.envelope) == 1)
		return faccessat(r->spool->dir, ".", W_OK, 0) == 0 ||
		       error_errno(err, ERROR_IO, "the spool %s", r->spool->path);
	r->is_reserved = spool_reserve(r->spool, r->item, err);
	if (r->is_reserved || !error_is_no_room(err))
		return r->is_reserved;
	r->witness.all_or_none = !r->is_remembered;
	return r->is_remembered || is_whole;
}
