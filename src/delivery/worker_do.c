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
	CONFIG_PAUSE = 60,		/* and a configuration that makes no sense */
	LOST_MAX = 2,			/* dialogues lost in a row: it is not the messages */
	LOST_PAUSE = 60,
	TRIED_ENOUGH = 6,		/* failures of an account in a row, an hour or so */
	UNREAD_PAUSE = 60,
	UNREAD_LOGGED = 20,		/* in a round: a disk that is gone is one problem */
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

static void leave(struct job *j, time_t until)
{
	if (until)
		round_block(j->round, j->start.account, until);
	j->w->counts.left++;
}

/* One that cannot be read, for now or at all, must not stop the others. */
static void cannot_read(struct worker *w, struct round *r, const char *id,
			const struct error *err)
{
	if (w->unread++ < UNREAD_LOGGED)
		log_problem_of(id, "left where it is: %s", err->text);
	w->counts.left++;
	round_wake_at(r, r->now + UNREAD_PAUSE);
}

/* --- an attempt */

/* LATER and UNKNOWN get another chance; the reasons are those of the last attempt. */
static void begin_again(struct entry *e)
{
	entry_keep_reason(e, NULL);
	for (size_t i = 0; i < e->envelope.count; i++) {
		struct recipient *r = &e->envelope.recipients[i];

		if (r->verdict == VERDICT_LATER || r->verdict == VERDICT_UNKNOWN)
			envelope_judge(&e->envelope, r, VERDICT_NONE, NULL);
	}
}

static bool nobody_was_judged(const struct envelope *e)
{
	return envelope_count(e, VERDICT_LATER) + envelope_count(e, VERDICT_UNKNOWN) == 0;
}

static bool connect_for(struct job *j, struct error *err)
{
	struct connection *c = &j->w->connection;

	if (c->session && c->account == j->account && !smtp_is_broken(c->session))
		return true;
	worker_hang_up(j->w);
	/* In the background a prompt would come from nowhere, and again at every retry. */
	c->asker = j->w->asker;
	return connection_open(c, j->account, j->w->trace, err);
}

static bool is_of_the_session(const struct error *err)
{
	return err->kind == ERROR_NETWORK || err->kind == ERROR_BARRED || err->reply == 421;
}

/*
 * Servers close connections that have been of use: what fails on one before anything was
 * said of this message is tried once more on a new one.
 */
static bool converse(struct job *j, struct attempt *a, const struct message *m,
		     bool *had_session, struct error *err)
{
	struct envelope *e = &j->item.entry.envelope;
	size_t waiting = envelope_waiting(&j->item.entry.envelope);

	for (;;) {
		bool was_used = j->w->is_used;

		*had_session = connect_for(j, err);
		if (!*had_session)
			return false;
		was_used = was_used && j->w->is_used;
		j->w->is_used = true;
		if (attempt_send(a, &j->w->connection, e, m, err))
			return true;
		if (!was_used || !is_of_the_session(err) ||
		    envelope_waiting(&j->item.entry.envelope) != waiting || !nobody_was_judged(e))
			return false;
		worker_hang_up(j->w);
	}
}

/*
 * A report whose null sender is refused goes once more from the account, to which its server
 * may report then; from us there is no report about it either way.
 */
static bool may_have_another_sender(const struct job *j, const struct error *err)
{
	const struct entry *e = &j->item.entry;

	return e->is_report && !*e->envelope.sender && *j->account->from &&
	       !error_is_worth_retrying(err) && j->w->connection.session &&
	       smtp_sender_is_refused(j->w->connection.session);
}

static bool converse_somehow(struct job *j, struct attempt *a, const struct message *m,
			     bool *had_session, struct error *err)
{
	struct entry *e = &j->item.entry;

	if (converse(j, a, m, had_session, err))
		return true;
	if (!may_have_another_sender(j, err))
		return false;
	log_info_of(e->id, "goes from <%s>, as <> is refused: %s", j->account->from, err->text);
	free(e->given);
	e->given = text_copy(j->account->from);
	free(e->envelope.sender);
	e->envelope.sender = text_copy(j->account->from);
	return converse(j, a, m, had_session, err);
}

static void settle(struct job *j, bool ok, bool had_session, const struct error *err)
{
	struct entry *e = &j->item.entry;
	const struct settlement s = {
		.settings = j->settings,
		.had_session = had_session,
		.now = time(NULL),	/* a round may take long */
		.random = chance_new(),
	};
	char when[CLOCK_DATE_SIZE];

	if (envelope_waiting(&e->envelope) == 0) {
		job_conclude(j);
		return;
	}
	(void)job_report_failures(j);	/* if not now, with the next attempt */
	settle_schedule(&s, e, err);
	if (!ok && job_is_expired(j)) {
		job_give_up(j);
		return;
	}
	j->w->counts.deferred++;
	clock_stamp(e->next, when);
	log_info_of(e->id, "waits: %s%s", e->is_held ? "held" : "not before ",
		    e->is_held ? "" : when);
	job_settle_disk(j);
}

static struct turn turn_of(const struct job *j)
{
	size_t most = (size_t)j->account->max_recipients;

	return (struct turn){
		.spool = &j->w->queue->spool,
		.account = j->account,
		.messages = (envelope_waiting(&j->item.entry.envelope) + most - 1) / most,
	};
}

/* Once in a round: a pause that begins in it is as good as any. */
static bool is_nudged(struct job *j)
{
	bool before = j->w->nudged == j->start.account;

	j->w->nudged = j->start.account;
	return before;
}

/* Whether it may be sent now: by its account, and by the disk. */
static bool may_try(struct job *j, struct record *r)
{
	const struct spool *spool = &j->w->queue->spool;
	const struct turn turn = turn_of(j);
	struct error err;
	struct pause pause;

	if (j->round->is_asked_for && !is_nudged(j))
		throttle_nudge(spool, j->account, j->w->asker != NULL);
	/* Room before the token: one that is counted for a message that cannot go is lost. */
	record_begin(r, spool, &j->item);
	r->is_durable = j->settings->on_lost_reply == LOST_HOLD;
	r->is_remembered = j->w->remembers;
	if (!record_prepare(r, (size_t)j->account->max_recipients, &err)) {
		job_spool_failed(j, &err);
		leave(j, 0);
		return false;
	}
	if (throttle_ask(&turn, time(NULL), &pause))
		return true;
	spool_end_try(spool, &j->item);
	leave(j, pause.at);
	return false;
}

static void attempt(struct job *j, const struct message *m)
{
	struct entry *e = &j->item.entry;
	const struct caller caller = queue_caller(e);
	struct record record;
	struct attempt a;
	struct error err;
	const struct turn turn = turn_of(j);
	bool ok, had_session = false;

	if (!may_try(j, &record))
		return;
	attempt_begin(&a, j->account, e->id, &caller);
	a.witness = &record.witness;
	begin_again(e);
	ok = converse_somehow(j, &a, m, &had_session, &err);
	snprintf(a.peer, sizeof(a.peer), "%s", j->w->connection.peer);
	ok = attempt_end(&a, ok, &e->envelope, m, &err);
	if (record.failure)
		job_spool_failed(j, record.failure);
	record_end(&record);
	/* Before the entry is settled: others may be about to try for the same account. */
	(void)throttle_learn(&turn, ok ? NULL : &err, had_session, time(NULL));
	j->w->lost = !ok && is_of_the_session(&err) ? j->w->lost + 1 : 0;
	if (!ok && retry_scope(&err, had_session) == RETRY_ACCOUNT)
		round_block(j->round, j->start.account, j->round->now + 1);
	else if (j->w->lost >= LOST_MAX)
		round_block(j->round, j->start.account, j->round->now + LOST_PAUSE);
	j->w->counts.reached += had_session;
	j->w->counts.unreached += !had_session && (err.kind == ERROR_NETWORK ||
						   err.kind == ERROR_NO_HOST);
	settle(j, ok, had_session, &err);
	fate_set(FATE_NOT_SENT);	/* that of the next one */
}

/* --- one message */

/* What kept those who wait from it until now is past. */
static void forget_reasons(struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict != VERDICT_REFUSED)
			envelope_judge(e, &e->recipients[i], e->recipients[i].verdict, NULL);
}

/* It waits for whoever mends the configuration; that is told once. */
static void note_config(struct job *j, const struct error *err)
{
	struct entry *e = &j->item.entry;

	round_wake_at(j->round, j->round->now + CONFIG_PAUSE);
	if (!e->why || strcmp(e->why->text, err->text) != 0) {
		log_problem_of(e->id, "waits: %s", err->text);
		entry_keep_reason(e, err);
		forget_reasons(&e->envelope);
		(void)job_update(j);
	}
}

/* A message whose account cannot be had. */
static void wait_for_config(struct job *j, const struct error *err)
{
	/* An account of that name in another configuration need not wait. */
	if (!*j->item.entry.config)
		round_block(j->round, j->start.account, j->round->now + CONFIG_PAUSE);
	note_config(j, err);
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

/* The account as it is set up now does not take it, so that the others need not wait. */
static void wait_for_policy(struct job *j, const struct error *err)
{
	note_config(j, err);
	if (job_is_expired(j))
		job_give_up(j);
	else
		j->w->counts.left++;
}

static void try_now(struct job *j)
{
	OWNED_MESSAGE m;
	struct error err;

	message_init(&m);
	if (item_message(&j->item, &m, &err)) {
		if (queue_prepare(j->account, &j->w->aliases, &j->item.entry, &m, &err))
			attempt(j, &m);
		else
			wait_for_policy(j, &err);
	}
	else if (err.kind == ERROR_DATA)
		job_damaged(j, &err);
	else
		cannot_read(j->w, j->round, j->item.entry.id, &err);
}

/* By itself, or by others often enough: age alone is perhaps a clock that was put forward. */
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
		leave(j, 0);
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
		try_now(j);
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
		break;
	case TAKEN_ERROR:
		cannot_read(w, r, row->id, &err);
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
