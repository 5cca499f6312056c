/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As an attempt of the queue is, but that a person may be asked for the secret, and that
 * the spool does not have the message yet. Quota and pauses are the queue's to know.
 * Where the account cannot now the next one has the message as the queue would give it:
 * by its own sender policy, with the Message-ID that it has. What is in the spool
 * already, as some have it, is left to whoever works there.
 */
#include "delivery/trial.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "delivery/attempt.h"
#include "delivery/failover.h"
#include "delivery/throttle.h"

static const struct queue no_queue = QUEUE_CLOSED;

struct intake_facts trial_facts(const struct submittal *s, const struct trial *trial)
{
	return (struct intake_facts){
		.id = s->id,
		.account = s->account,
		.prepared = &s->prepared,
		.config = s->config_file,
		.by = trial && trial->by ? trial->by->name : NULL,
		.by_why = trial && trial->by ? trial->by_why : NULL,
		.why = trial && trial->err.kind != ERROR_NONE ? &trial->err : NULL,
		.had_session = trial && trial->had_session,
		.account_until = trial ? trial->account_until : 0,
		.not_before = trial ? trial->not_before : 0,
		.is_held = s->wishes.holds,
		.keeps_refused = s->wishes.keeps_failures || s->wishes.keeps_some,
		.now = time(NULL),
	};
}

static struct turn turn_of(const struct submittal *s, const struct trial *trial,
			   const struct envelope *e)
{
	const struct account *account = trial->by ? trial->by : s->account;
	size_t most = (size_t)account->max_recipients;

	return (struct turn){
		.spool = &s->queue->spool,
		.account = account,
		.messages = (envelope_waiting(e) + most - 1) / most,
		/*
		 * Where others take it nobody waits for what was seen to fail a moment
		 * ago.
		 */
		.is_awaited = !s->account->failover || !*s->account->failover,
	};
}

/*
 * A queue that is on knows the account's quota and pauses; without one nobody does. The
 * daemon has none that are ours to keep, and to ask it costs nothing.
 */
static bool knows_pauses(const struct submittal *s)
{
	return s->queue->is_on && !s->account->daemon;
}

static bool may_try(const struct submittal *s, const struct turn *turn, struct trial *trial)
{
	struct pause pause;

	if (!knows_pauses(s) || throttle_ask(turn, time(NULL), &pause))
		return true;
	trial->not_before = pause.at;
	return error_set(&trial->err, pause.kind, "%s", pause.why);
}

static void tell_what_came(const struct submittal *s, const struct turn *turn,
			   struct trial *trial, bool ok)
{
	time_t now = time(NULL);

	trial->account_until = now;
	if (!knows_pauses(s))
		return;
	if (throttle_learn(turn, ok ? NULL : &trial->err, trial->had_session, now))
		spool_wake_runner(&s->queue->spool);
	if (!ok)
		trial->account_until = throttle_until(turn, &trial->err, trial->had_session, now);
}

/* `kept`: what the spool would get, should it have to. */
static bool try_by(const struct submittal *s, struct envelope *e, const struct message *m,
		   const struct message *kept, struct trial *trial)
{
	const struct turn turn = turn_of(s, trial, e);
	struct connection c = { .asker = s->caller->asker };
	struct intake_facts facts = trial_facts(s, trial);
	struct attempt a;
	bool ok;

	trial->is_accounts = true;
	trial->had_session = false;
	trial->not_before = trial->account_until = 0;
	if (!may_try(s, &turn, trial))
		return false;
	facts.why = NULL;		/* that is not known yet, */
	facts.keeps_refused = true;	/* and nobody else has been told of these */
	direct_begin(&trial->direct, s->account->daemon ? &no_queue : s->queue, &facts, e, kept);
	attempt_begin(&a, turn.account, s->id, s->caller);
	a.witness = &trial->direct.witness;
	a.instead_of = trial->by ? s->account : NULL;
	a.why = trial->by_why;
	ok = connection_open(&c, turn.account, s->wishes.trace, &trial->err);
	trial->had_session = ok;
	snprintf(a.peer, sizeof(a.peer), "%s", c.peer);
	ok = ok && attempt_send(&a, &c, e, m, &trial->err);
	connection_close(&c);
	ok = attempt_end(&a, ok, e, m, &trial->err);
	tell_what_came(s, &turn, trial, ok);
	trial->direct.facts = NULL;
	return ok;
}

/* --- by those that take its mail */

/*
 * Whether it is for the next one: what it failed by is the account's, and those who wait
 * are left.
 */
static bool goes_on(const struct trial *trial, struct envelope *e)
{
	return !direct_is_stored(&trial->direct) &&
	       failover_concerns_account(&trial->err, trial->had_session) &&
	       failover_reopen(e, trial->had_session) > 0;
}

static bool is_due(const struct submittal *s, const struct trial *trial)
{
	struct throttle_view view = { .spent = 0 };
	time_t due;

	if (trial->err.kind == ERROR_QUOTA && knows_pauses(s))
		throttle_look(&s->queue->spool, s->account, time(NULL), &view);
	return failover_is_due(s->account, trial->err.kind, view.spent, 0, &due);
}

/* As that account wants it, from what was given. */
static bool prepare_by(const struct submittal *s, const struct account *account,
		       struct envelope *e, const struct message *m, struct message *theirs)
{
	struct preparation p = s->prepared;
	struct error err;

	p.why_sender = NULL;
	if (!prepare_for_queue(&p, m, e->sender, theirs, &err))
		return false;
	p.account = account;
	if (prepare_from_queue(&p, theirs, &e->sender, &err))
		return true;
	log_info_of(s->id, "is nothing for account %s: %s", account->name, err.text);
	prepare_forget(theirs);
	return false;
}

/*
 * *ok: what became of it. False: none of them has an answer of its own for the message.
 */
static bool try_others(const struct submittal *s, const struct failover *f, struct envelope *e,
		       const struct message *m, struct trial *trial, bool *ok)
{
	trial->by_why = text_copy(trial->err.text);
	for (size_t i = 1; i < f->count; i++) {
		struct message theirs;

		if (!prepare_by(s, f->list[i], e, m, &theirs))
			continue;
		direct_end(&trial->direct);
		trial->by = f->list[i];
		*ok = try_by(s, e, &theirs, m, trial);
		prepare_forget(&theirs);
		if (*ok || !goes_on(trial, e))
			return true;
	}
	trial->by = NULL;
	return false;
}

bool trial_run(const struct submittal *s, struct envelope *e, const struct message *m,
	       struct trial *trial)
{
	struct failover f;
	struct trial first;
	bool ok = false;

	failover_begin(&f, s->config, s->account);
	trial->is_accounts = true;
	if (f.count == 1 || !failover_has_ended(s->account, time(NULL), &trial->err))
		ok = try_by(s, e, m, m, trial);
	if (ok || f.count == 1 || !is_due(s, trial) || !goes_on(trial, e))
		return ok;
	first = *trial;
	if (try_others(s, &f, e, m, trial, &ok))
		return ok;
	/* Nothing of theirs is left, and what waits, waits for the first one. */
	trial->err = first.err;
	trial->is_accounts = true;
	trial->had_session = first.had_session;
	trial->account_until = first.account_until;
	trial->not_before = first.not_before;
	return false;
}

void trial_end(struct trial *trial)
{
	direct_end(&trial->direct);
	free(trial->by_why);
	trial->by_why = NULL;
}
