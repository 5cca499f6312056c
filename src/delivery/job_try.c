/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One try: by the message's own account, or where that cannot now by one after the other
 * of those that take its mail (`failover`). Each of them has the message by its own
 * sender policy, quota and pauses. The entry says who has it in hand before the server
 * can have it: whoever finds it in doubt goes back to that one and to no other. What a
 * server said of the message ends the row, as does an answer that was lost; what the last
 * one of the row could not do either waits by the reason of the first.
 */
#include "delivery/job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "delivery/attempt.h"
#include "delivery/by_daemon.h"
#include "delivery/damaged.h"
#include "delivery/failover.h"
#include "delivery/record.h"
#include "delivery/retry.h"
#include "delivery/settle.h"
#include "delivery/throttle.h"

enum {
	LOST_MAX = 2,			/* dialogues lost in a row: it is not the messages */
	LOST_PAUSE = 60,
};

struct course {			/* of one message through the accounts */
	struct failover accounts;
	struct error why;	/* what kept the first of them from it */
	bool had_session;	/* in that */
	bool was_tried;		/* by one of them, without an answer of its own */
	bool is_over;		/* none of the others is to be asked */
	time_t wake;		/* the earliest moment worth asking again; 0: not known */
};

static const struct account *own_account(const struct course *c)
{
	return c->accounts.list[0];
}

static bool is_own(const struct course *c, const struct account *account)
{
	return account == own_account(c);
}

static bool has_others(const struct course *c)
{
	return c->accounts.count > 1;
}

static void wake_at(struct course *c, time_t when)
{
	if (when && (!c->wake || when < c->wake))
		c->wake = when;
}

/* --- over a connection */

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
	/*
	 * In the background a prompt would come from nowhere, and again at every retry.
	 */
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
 * A report whose null sender is refused goes once more from the account, to which its
 * server may report then; from us there is no report about it either way.
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

/* --- its end */

/* What has become of its attempt, by the own account in the end. */
struct outcome {
	bool ok, had_session;
	time_t account_until;	/* as struct settlement has it */
	const struct error *err;
};

/* When it may go again, by itself and by its account. */
static time_t next_of(const struct job *j, const struct outcome *o)
{
	time_t next = j->item.entry.next;

	return next > o->account_until ? next : o->account_until;
}

static void settle(struct job *j, const struct outcome *o)
{
	struct entry *e = &j->item.entry;
	const struct settlement s = {
		.settings = j->settings,
		.had_session = o->had_session,
		.account_until = o->account_until,
		.now = time(NULL),	/* a round may take long */
		.random = chance_new(),
	};
	char when[CLOCK_DATE_SIZE];

	if (envelope_waiting(&e->envelope) == 0) {
		job_conclude(j);
		return;
	}
	(void)job_report_failures(j);	/* if not now, with the next attempt */
	settle_schedule(&s, e, o->err);
	if (!o->ok && job_is_expired(j)) {
		job_give_up(j);
		return;
	}
	j->w->counts.deferred++;
	clock_stamp(next_of(j, o), when);
	log_info_of(e->id, "waits: %s%s", e->is_held ? "held" : "not before ",
		    e->is_held ? "" : when);
	job_settle_disk(j);
}

/* --- what it asks the account for */

static struct turn turn_of(const struct job *j)
{
	size_t most = (size_t)j->account->max_recipients;

	return (struct turn){
		.spool = &j->w->queue->spool,
		.account = j->account,
		.messages = (envelope_waiting(&j->item.entry.envelope) + most - 1) / most,
	};
}

/*
 * Once in a round: a pause that begins in it is as good as any. But one that begins before
 * the first try of it is of an attempt that was under way when somebody asked.
 */
static bool may_end_pause(struct job *j, const struct course *c)
{
	bool is_first = j->w->nudged != j->start.account;

	if (!j->round->is_asked_for || !is_own(c, j->account))
		return false;
	j->w->nudged = j->start.account;
	return is_first;
}

static bool may_have_turn(struct job *j, const struct course *c, struct pause *pause)
{
	const struct spool *spool = &j->w->queue->spool;
	const struct turn turn = turn_of(j);
	bool insists = may_end_pause(j, c);

	return throttle_ask(&turn, time(NULL), pause) ||
	       (insists && throttle_nudge(spool, j->account, j->w->asker != NULL) &&
		throttle_ask(&turn, time(NULL), pause));
}

/* The reason of the first account for what none of them could do. */
static void settle_for_all(struct job *j, const struct course *c)
{
	const struct error why = c->why;
	const struct turn turn = turn_of(j);
	const struct outcome o = {
		.had_session = c->had_session,
		.account_until = throttle_until(&turn, &why, c->had_session, time(NULL)),
		.err = &why,
	};

	settle(j, &o);
	round_block(j->round, j->start.account, c->wake ? c->wake : next_of(j, &o));
}

/* --- one account's turn */

enum turn_is { TURN_GRANTED, TURN_PAUSED, TURN_IMPOSSIBLE };

/* Whether the others may be asked, for what keeps this account from it. */
static bool lets_others(struct job *j, struct course *c, const struct error *why,
			bool had_session)
{
	struct throttle_view view = { .spent = 0 };
	time_t due;

	if (!is_own(c, j->account))
		return true;
	c->why = *why;
	c->had_session = had_session;
	if (!has_others(c) || !failover_concerns_account(why, had_session))
		return false;
	if (why->kind == ERROR_QUOTA)
		throttle_look(&j->w->queue->spool, j->account, time(NULL), &view);
	if (failover_is_due(j->account, why->kind, view.spent, j->item.entry.arrived, &due))
		return true;
	wake_at(c, due);
	return false;
}

/* Whether it may be sent now: by its account, and by the disk. */
static enum turn_is may_try(struct job *j, struct record *r, struct course *c)
{
	const struct spool *spool = &j->w->queue->spool;
	struct error err;
	struct pause pause;

	/*
	 * Room before the token: one that is counted for a message that cannot go is
	 * lost.
	 */
	record_begin(r, spool, &j->item);
	r->is_durable = j->settings->on_lost_reply == LOST_HOLD;
	r->is_remembered = j->w->remembers;
	if (!record_prepare(r, (size_t)j->account->max_recipients, &err)) {
		job_spool_failed(j, &err);
		return TURN_IMPOSSIBLE;
	}
	if (may_have_turn(j, c, &pause))
		return TURN_GRANTED;
	spool_end_try(spool, &j->item);
	wake_at(c, pause.at);
	error_set(&err, pause.kind, "%s", pause.why);
	c->is_over = !lets_others(j, c, &err, false);
	return TURN_PAUSED;
}

/* On the disk, where it was another one before: that who has it in hand stays known. */
static bool note_who(struct job *j, const struct course *c, struct record *r)
{
	struct entry *e = &j->item.entry;
	const char *by = is_own(c, j->account) ? NULL : j->account->name;
	struct error err;

	if (!by && !e->by)
		return true;
	free(e->by_why);
	e->by_why = by ? text_copy(c->why.text) : NULL;
	if (by && e->by && text_is(by, e->by))
		return true;
	free(e->by);
	e->by = by ? text_copy(by) : NULL;
	if (spool_update(r->spool, &j->item, &err) &&
	    (!r->is_reserved || spool_reserve(r->spool, &j->item, &err)))
		return true;
	job_spool_failed(j, &err);
	return false;
}

static void count(struct job *j, const struct error *err, bool had_session)
{
	j->w->lost = err && is_of_the_session(err) ? j->w->lost + 1 : 0;
	j->w->counts.reached += had_session;
	j->w->counts.unreached += err && !had_session && (err->kind == ERROR_NETWORK ||
							  err->kind == ERROR_NO_HOST);
}

static void block(struct job *j, const struct outcome *o)
{
	if (!o->ok && retry_scope(o->err, o->had_session) == RETRY_ACCOUNT)
		round_block(j->round, j->start.account, next_of(j, o));
	else if (j->w->lost >= LOST_MAX)
		round_block(j->round, j->start.account, j->round->now + LOST_PAUSE);
}

/* Whether it goes on to the next account, without those who have been answered. */
static bool goes_on(struct job *j, struct course *c, const struct error *err, bool had_session)
{
	struct envelope *e = &j->item.entry.envelope;

	if (!lets_others(j, c, err, had_session) || !failover_concerns_account(err, had_session) ||
	    failover_reopen(e, had_session) == 0)
		return false;
	/* What no server can have needs no mark. */
	spool_end_try(&j->w->queue->spool, &j->item);
	c->was_tried = true;
	return true;
}

static void end_of_turn(struct job *j, const struct course *c, struct outcome *o)
{
	bool is_own_turn = is_own(c, j->account);
	struct turn turn;

	j->account = own_account(c);
	turn = turn_of(j);
	if (!o->ok)
		o->account_until = throttle_until(&turn, o->err, o->had_session, time(NULL));
	settle(j, o);
	if (is_own_turn)
		block(j, o);
	if (c->wake)
		round_wake_at(j->round, c->wake);
}

/* False: the account cannot have it now. */
static bool attempt(struct job *j, const struct message *m, struct course *c)
{
	struct entry *e = &j->item.entry;
	const struct caller caller = queue_caller(e);
	struct record record;
	struct attempt a;
	struct error err;
	const struct turn turn = turn_of(j);
	enum turn_is now = may_try(j, &record, c);
	char *sender;
	bool ok, had_session = false, is_written = true;

	if (now == TURN_PAUSED)
		return false;
	if (now == TURN_IMPOSSIBLE || !note_who(j, c, &record)) {
		job_leave(j, 0);
		return true;
	}
	attempt_begin(&a, j->account, e->id, &caller);
	a.witness = &record.witness;
	a.instead_of = is_own(c, j->account) ? NULL : own_account(c);
	a.why = c->why.text;
	if (!c->was_tried)
		begin_again(e);
	sender = j->account->daemon ? by_daemon_address_entry(e) : NULL;
	ok = converse_somehow(j, &a, m, &had_session, &err);
	by_daemon_leave_entry(e, sender);
	snprintf(a.peer, sizeof(a.peer), "%s", j->w->connection.peer);
	ok = attempt_end(&a, ok, &e->envelope, m, &err);
	is_written = !record.failure;
	if (record.failure)
		job_spool_failed(j, record.failure);
	record_end(&record);
	/*
	 * Before the entry is settled: others may be about to try for the same account.
	 */
	(void)throttle_learn(&turn, ok ? NULL : &err, had_session, time(NULL));
	count(j, ok ? NULL : &err, had_session);
	if (!ok && is_written && has_others(c) && goes_on(j, c, &err, had_session)) {
		fate_set(FATE_NOT_SENT);
		return false;
	}
	end_of_turn(j, c, &(struct outcome){ ok, had_session, 0, &err });
	fate_set(FATE_NOT_SENT);	/* that of the next one */
	return true;
}

/* --- the row of accounts */

/* The account as it is set up now does not take it, so that the others need not wait. */
static void wait_for_policy(struct job *j, const struct error *err)
{
	job_wait_for_config(j, err);
	if (job_is_expired(j))
		job_give_up(j);
	else
		j->w->counts.left++;
}

/* False: it is for the next one. */
static bool try_by(struct job *j, struct course *c)
{
	OWNED_MESSAGE m;
	struct error err;

	message_init(&m);
	if (!item_message(&j->item, &m, &err)) {
		if (err.kind == ERROR_DATA)
			job_damaged(j, &err);
		else
			job_cannot_read(j->w, j->round, j->item.entry.id, &err);
		return true;
	}
	if (queue_prepare(j->account, &j->w->aliases, &j->item.entry, &m, &err))
		return attempt(j, &m, c);
	if (is_own(c, j->account)) {
		wait_for_policy(j, &err);
		return true;
	}
	log_info_of(j->item.entry.id, "is nothing for %s", err.text);
	return false;
}

/* One that may have it already is the only one that gets it again. */
static void keep_to_whom_it_was_given(struct job *j, struct course *c)
{
	const char *by = j->item.entry.by;

	for (size_t i = 0; by && i < c->accounts.count; i++)
		if (text_is(c->accounts.list[i]->name, by))
			c->accounts.at = i;
	c->accounts.count = c->accounts.at + 1;
}

static void begin_course(struct job *j, struct course *c)
{
	*c = (struct course){ .why.kind = ERROR_NONE };
	failover_begin(&c->accounts, &j->w->config, j->account);
	if (j->item.entry.is_in_doubt)
		keep_to_whom_it_was_given(j, c);
	else if (has_others(c) && failover_has_ended(j->account, j->round->now, &c->why))
		c->accounts.at = 1;
}

void job_try(struct job *j)
{
	struct course c;
	bool is_done = false;

	begin_course(j, &c);
	for (; !is_done && !c.is_over && c.accounts.at < c.accounts.count; c.accounts.at++) {
		j->account = c.accounts.list[c.accounts.at];
		is_done = try_by(j, &c);
	}
	j->account = own_account(&c);
	if (is_done)
		return;
	if (c.was_tried)
		settle_for_all(j, &c);
	else
		job_leave(j, c.wake ? c.wake : j->round->now + JOB_CONFIG_PAUSE);
}
