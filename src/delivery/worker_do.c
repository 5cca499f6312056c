/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a message of the queue goes through, in the order in which a crash is harmless:
 *
 *	lock ID.msg; read the entry	nothing has happened
 *	room for its verdicts		a file ID.new, which a sweep removes
 *	a token of the quota		one attempt too many is counted, for an hour
 *	connect, log in			the same: nobody can have the message
 *	mark ID.try			from here to the verdicts it is in doubt: whoever takes it
 *	say it, hear the answer		next finds the mark, and goes by on_lost_reply
 *	verdicts to the disk, then the mark goes	it is known who has it, and that stays
 *	report to the sender		told twice at worst, if it stays and says "not told"
 *	to failed/, or away		what is left has nobody to be tried, and is concluded
 *
 * What waits for others has an end: for the account's state 5 seconds, for the server the
 * account's timeout at each step. Nobody waits for a message's lock. The disk alone has none.
 */
#include "delivery/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "delivery/attempt.h"
#include "delivery/damaged.h"
#include "delivery/job.h"
#include "delivery/record.h"
#include "delivery/retry.h"
#include "delivery/settle.h"
#include "delivery/throttle.h"
#include "mail/aliases.h"

enum {
	BUSY_PAUSE = 2,			/* seconds until a message is asked for again */
	TRIED_ENOUGH = 6,		/* failures of an account in a row, an hour or so */
};

void worker_init(struct worker *w, const struct queue *queue)
{
	*w = (struct worker){ .queue = queue };
}

void worker_free(struct worker *w)
{
	worker_hang_up(w);
	worker_forget_config(w);
	owed_free(&w->owed);
	free(w->logged);
}

/* --- one message */

/* A message whose account cannot be had. */
static void wait_for_config(struct job *j, const struct error *err)
{
	/* An account of that name in another configuration need not wait. */
	if (!*j->item.entry.config)
		round_block(j->round, j->start.account, j->round->now + JOB_CONFIG_PAUSE);
	job_wait_for_config(j, err);
	/* What is told of it can go through another account. */
	j->account = worker_substitute(j->w);
	if (j->account && job_is_expired(j)) {
		job_give_up(j);
		return;
	}
	if (j->account && job_wants_warning(j))
		job_warn(j);
	j->w->counts.left++;
}

/* Somebody died in a dialogue about it: it is as if the answer had been lost. */
static bool note_interruption(struct job *j)
{
	struct entry *e = &j->item.entry;
	struct error err;

	e->is_in_doubt = true;
	if (j->settings->on_lost_reply == LOST_HOLD)
		e->is_held = e->is_held_by_us = true;
	if (!spool_update(&j->w->queue->spool, &j->item, &err)) {
		error_context(&err, "it may have been sent already, and waits");
		job_spool_failed(j, &err);	/* the mark is still there */
		return false;
	}
	log_problem_of(e->id, "a process died while it was sending it: it may have been sent "
		       "already and %s: message-id=%s", e->is_held ? "is held" :
		       "is sent again", e->message_id ? e->message_id : "");
	spool_end_try(&j->w->queue->spool, &j->item);
	return true;
}

/* It may have to wait for its account, and must not come out of sight again meanwhile. */
static void catch_up(struct job *j)
{
	j->item.entry.next = j->round->now;
	(void)job_update(j);
}

/*
 * By itself, or by others often enough: age alone is perhaps a clock that was put
 * forward.
 */
static bool was_tried(const struct job *j)
{
	const struct envelope *e = &j->item.entry.envelope;
	struct throttle_view view;

	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].why && e->recipients[i].verdict != VERDICT_REFUSED)
			return true;
	throttle_look(&j->w->queue->spool, j->account, j->round->now, &view);
	return view.failures >= TRIED_ENOUGH;
}

/* It cannot be sent now, as it is held or its account has to wait; but it has an end. */
static void look_after(struct job *j)
{
	if (job_is_expired(j) && (j->item.entry.is_held || was_tried(j)))
		job_give_up(j);
	else if (j->item.entry.is_held)
		j->w->counts.left++;
}

static void send_or_wait(struct job *j)
{
	struct worker *w = j->w;

	if (envelope_waiting(&j->item.entry.envelope) == 0) {
		job_conclude(j);
		return;
	}
	/* Nothing is sent of which the disk could not be told. */
	if (owed_is_full(&w->owed)) {
		w->spool_fails = true;
		return;
	}
	if (j->item.was_interrupted && !note_interruption(j)) {
		job_leave(j, 0);
		return;
	}
	if (round_is_ahead(j->round, &j->start))
		catch_up(j);
	if (job_wants_warning(j))
		job_warn(j);
	if (w->spool_fails)
		return;
	if (j->item.entry.is_held || round_is_blocked(j->round, j->start.account))
		look_after(j);
	else if (j->round->is_flush || round_is_due(j->round, &j->start))
		job_try(j);
}

/* Its account has another name now. */
static void adopt(struct job *j)
{
	struct entry *e = &j->item.entry;

	log_info_of(e->id, "account %s is gone, and %s takes its place", e->account,
		    j->account->name);
	free(e->account);
	e->account = text_copy(j->account->name);
	entry_get_start(e, &j->start);
	(void)job_update(j);
}

static void work_on(struct job *j)
{
	struct worker *w = j->w;
	const struct entry *e = &j->item.entry;
	struct error err;

	if (owed_restore(&w->owed, &j->item.entry)) {
		job_pay(j);
		return;
	}
	if ((e->is_held && !e->is_held_by_us) || (w->selects && !w->selects(w->selector, e)))
		return;
	if (!worker_find_account(w, e, &j->account, &err)) {
		wait_for_config(j, &err);
		return;
	}
	if (strcmp(j->account->name, e->account) != 0)
		adopt(j);
	job_choose_settings(j);
	round_know_limits(j->round, j->settings);
	send_or_wait(j);
}

/*
 * An attempt that has begun before somebody wanted all to be tried may fail after that, and
 * nobody would come back to it before its time.
 */
static void ask_again(const struct worker *w, const char *id)
{
	const struct spool *spool = &w->queue->spool;
	OWNED_ENTRY e = { .id = "" };
	struct error unheard;

	if (!w->selects || (spool_look(spool, id, SPOOL_QUEUE, &e, &unheard) == TAKEN_BUSY &&
			    w->selects(w->selector, &e)))
		spool_announce_again(spool, id);
}

void worker_do(struct worker *w, struct round *r, const struct batch_row *row)
{
	struct job j = { .w = w, .round = r, .item = ITEM_NONE,
			 .settings = w->queue->settings };
	struct error err;

	worker_open_log(w);
	switch (spool_take(&w->queue->spool, row->id, SPOOL_QUEUE, &j.item, &err)) {
	case TAKEN:
		/* What the scan could not read it took for nothing known. */
		entry_get_start(&j.item.entry, &j.start);
		work_on(&j);
		break;
	case TAKEN_BUSY:
		round_wake_at(r, r->now + BUSY_PAUSE);
		w->counts.left++;
		if (r->is_flush)
			ask_again(w, row->id);
		break;
	case TAKEN_ERROR:
		job_cannot_read(w, r, row->id, &err);
		break;
	case TAKEN_BROKEN:
		job_damaged(&j, &err);
		break;
	case TAKEN_FOREIGN:
	case TAKEN_GONE:
		break;
	}
	item_release(&j.item);
}
