/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * As an attempt of the queue is, but that a person may be asked for the secret, and that the
 * spool does not have the message yet. Quota and pauses are the queue's to know.
 */
#include "delivery/trial.h"

#include <stdio.h>

#include "delivery/attempt.h"
#include "delivery/throttle.h"

static const struct queue no_queue = QUEUE_CLOSED;

struct intake_facts trial_facts(const struct submittal *s, const struct trial *trial)
{
	return (struct intake_facts){
		.id = s->id,
		.account = s->account,
		.prepared = &s->prepared,
		.config = s->config_file,
		.why = trial && trial->err.kind != ERROR_NONE ? &trial->err : NULL,
		.had_session = trial && trial->had_session,
		.not_before = trial ? trial->not_before : 0,
		.is_held = s->wishes.holds,
		.keeps_refused = s->wishes.keeps_failures || s->wishes.keeps_some,
		.now = time(NULL),
	};
}

static struct turn turn_of(const struct submittal *s, const struct envelope *e)
{
	size_t most = (size_t)s->account->max_recipients;

	return (struct turn){
		.spool = &s->queue->spool,
		.account = s->account,
		.messages = (envelope_waiting(e) + most - 1) / most,
		.is_awaited = true,
	};
}

/*
 * A queue that is on knows the account's quota and pauses; without one nobody does. The daemon
 * has none that are ours to keep, and to ask it costs nothing.
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
			   const struct trial *trial, bool ok)
{
	if (knows_pauses(s) && throttle_learn(turn, ok ? NULL : &trial->err,
					      trial->had_session, time(NULL)))
		spool_wake_runner(&s->queue->spool);
}

bool trial_run(const struct submittal *s, struct envelope *e, const struct message *m,
		    struct trial *trial)
{
	const struct turn turn = turn_of(s, e);
	struct connection c = { .asker = s->caller->asker };
	struct intake_facts facts = trial_facts(s, NULL);
	struct attempt a;
	bool ok;

	trial->is_accounts = true;
	if (!may_try(s, &turn, trial))
		return false;
	facts.keeps_refused = true;	/* while nobody else has been told of them */
	direct_begin(&trial->direct, s->account->daemon ? &no_queue : s->queue, &facts, e, m);
	attempt_begin(&a, s->account, s->id, s->caller);
	a.witness = &trial->direct.witness;
	ok = connection_open(&c, s->account, s->wishes.trace, &trial->err);
	trial->had_session = ok;
	snprintf(a.peer, sizeof(a.peer), "%s", c.peer);
	ok = ok && attempt_send(&a, &c, e, m, &trial->err);
	connection_close(&c);
	ok = attempt_end(&a, ok, e, m, &trial->err);
	tell_what_came(s, &turn, trial, ok);
	trial->direct.facts = NULL;
	return ok;
}
