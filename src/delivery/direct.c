/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The witness of a dialogue whose caller waits. One transaction is all or nothing for
 * the caller, and costs no disk. With a second one to come, some have the message that
 * others lack: a caller told "not sent" would send it to all again, one told "sent"
 * would have lost some. So the spool gets it then, and from there on a record writes
 * each step.
 */
#include "delivery/direct.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

enum { LOGGED_MAX = 2000 };	/* bytes of a line, and one mailbox more */

static bool at_brink(struct witness *w, struct error *err)
{
	struct direct *d = (struct direct *)w;

	if (direct_is_stored(d))
		return d->record.witness.at_brink(&d->record.witness, err);
	fate_set(FATE_PERHAPS);
	return true;
}

/* A signal between its commit and this would tell the caller that it is his. */
static bool store(struct direct *d)
{
	struct error err;
	bool ok;

	fate_hold(true);
	ok = queue_keep(d->queue, d->facts, d->envelope, d->message, &d->item, &err);
	if (ok) {
		record_begin(&d->record, &d->queue->spool, &d->item);
		d->record.at_rest = FATE_STORED;
		d->record.is_durable = d->queue->settings->on_lost_reply == LOST_HOLD;
		d->record.is_reserved = spool_reserve(&d->queue->spool, &d->item, &err);
		fate_set(FATE_STORED);
	} else {
		log_problem_of(d->facts->id, "goes on without the queue: %s", err.text);
	}
	fate_hold(false);
	return ok;
}

/* It looks like no outcome: whoever counts those finds one line a message. */
static void log_names(struct direct *d, struct log_list *names)
{
	size_t accepted = envelope_count(d->envelope, VERDICT_ACCEPTED);
	const struct log_fact facts[] = {
		{ "accepted", LOG_PART, .number = (int64_t)accepted,
		  .whole = (int64_t)d->envelope->count },
		{ "to", LOG_ADDRESSES, .list = names },
	};

	log_facts(false, d->facts->id, "goes on", facts, COUNT_OF(facts));
	log_list_free(names);
}

/* Who sends it again after we were killed can leave these out. */
static void tell(struct direct *d)
{
	struct log_list names = { .items = NULL };
	size_t accepted = envelope_count(d->envelope, VERDICT_ACCEPTED);
	char words[80];

	if (!d->is_told)
		d->is_told = xcalloc(d->envelope->count, sizeof(*d->is_told));
	for (size_t i = 0; i < d->envelope->count; i++) {
		const struct recipient *r = &d->envelope->recipients[i];

		if (r->verdict != VERDICT_ACCEPTED || d->is_told[i])
			continue;
		d->is_told[i] = true;
		log_list_add(&names, r->mailbox, SIZE_MAX);
		if (names.len >= LOGGED_MAX)
			log_names(d, &names);
	}
	if (names.count > 0)
		log_names(d, &names);
	snprintf(words, sizeof(words), "%zu of %zu have it, and the log says who", accepted,
		 d->envelope->count);
	fate_explain(words);
}

static void settle_fate(const struct envelope *e)
{
	size_t accepted = envelope_count(e, VERDICT_ACCEPTED);

	fate_set(accepted == e->count ? FATE_SENT :
		 accepted + envelope_count(e, VERDICT_UNKNOWN) > 0 ? FATE_PERHAPS :
		 FATE_NOT_SENT);
}

/*
 * What some have, or may have, and others wait for is about to be queued: that is not cut
 * short.
 */
static bool has_a_rest_to_queue(const struct direct *d)
{
	const struct envelope *e = d->envelope;
	size_t accepted = envelope_count(e, VERDICT_ACCEPTED);

	return d->queue->is_on && accepted + envelope_count(e, VERDICT_UNKNOWN) > 0 &&
	       accepted + envelope_count(e, VERDICT_REFUSED) < e->count;
}

static bool after_transaction(struct witness *w, bool is_last, struct error *err)
{
	struct direct *d = (struct direct *)w;

	if (direct_is_stored(d))
		return d->record.witness.after_transaction(&d->record.witness, is_last, err);
	settle_fate(d->envelope);
	if (is_last && has_a_rest_to_queue(d))
		fate_set(FATE_AWAITED);
	if (is_last || envelope_count(d->envelope, VERDICT_ACCEPTED) == 0)
		return true;
	if (!d->queue->is_on || !store(d))
		tell(d);
	return true;
}

void direct_begin(struct direct *d, const struct queue *queue,
		  const struct intake_facts *facts, struct envelope *e,
		  const struct message *m)
{
	*d = (struct direct){
		.witness = { at_brink, after_transaction, false },
		.queue = queue,
		.facts = facts,
		.envelope = e,
		.message = m,
		.item = ITEM_NONE,
	};
}

void direct_end(struct direct *d)
{
	free(d->is_told);
	d->is_told = NULL;
	if (!direct_is_stored(d))
		return;
	record_end(&d->record);
	spool_end_try(d->record.spool, &d->item);
	queue_let_go(&d->item);
}

bool direct_is_stored(const struct direct *d)
{
	return d->item.fd >= 0;
}

void direct_remove(struct direct *d)
{
	struct error err;

	settle_fate(d->envelope);
	if (spool_remove(d->record.spool, &d->item, &err))
		return;
	log_problem_of(d->item.entry.id, "over, but still in the queue: %s", err.text);
	/*
	 * Whoever finds it must not send it; where not even that can be said the mark is
	 * left.
	 */
	if (!record_write(&d->record, &err))
		d->item.is_marked = false;
}

static void drop_refused(struct envelope *e)
{
	size_t kept = 0;

	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict != VERDICT_REFUSED)
			e->recipients[kept++] = e->recipients[i];
	e->count = kept;
}

void direct_keep(struct direct *d, const struct intake_facts *facts, time_t *next)
{
	struct entry *e = &d->item.entry;
	struct envelope whole = e->envelope;
	struct error err;

	/*
	 * A list for the disk alone: the caller's still has those who were refused, and
	 * tells of them.
	 */
	e->envelope.recipients = xcalloc(whole.count, sizeof(*whole.recipients));
	for (size_t i = 0; i < whole.count; i++)
		e->envelope.recipients[i] = whole.recipients[i];
	if (!facts->keeps_refused)
		drop_refused(&e->envelope);
	queue_schedule(d->queue, facts, e);
	*next = queue_next(facts, e);
	/*
	 * What the last transaction has left there is as good but for the time; and the
	 * mark.
	 */
	if (!spool_update(d->record.spool, &d->item, &err)) {
		log_problem_of(e->id, "%s", err.text);
		d->item.is_marked = false;
	}
	fate_set(FATE_QUEUED);
	free(e->envelope.recipients);
	e->envelope = whole;
}
