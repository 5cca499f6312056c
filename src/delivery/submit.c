/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The last function is the way; what it calls stands above it. In the end each recipient
 * is somebody's: the server's, the queue's, or still the caller's, and never nobody's.
 * What is sent while the caller waits touches no disk before a second transaction begins
 * (delivery/direct.h): until then he has the message if we die. What waits afterwards
 * goes into the queue if there is one, as few callers come back by themselves. What was
 * refused is his again, unless he wishes to be told by mail: then it is kept, with its
 * report.
 */
#include "delivery/submit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/daily.h"
#include "base/log.h"
#include "delivery/attempt.h"
#include "delivery/by_daemon.h"
#include "delivery/choose.h"
#include "delivery/throttle.h"
#include "delivery/trial.h"
#include "delivery/worker.h"
#include "mail/submission.h"

enum submit_mode submit_mode(const struct wishes *wishes,
			     const struct delivery_settings *settings)
{
	if (wishes->holds)
		return SUBMIT_TO_QUEUE;
	if (wishes->mode != SUBMIT_AS_SET)
		return wishes->mode;
	return settings->mode == DELIVER_FROM_QUEUE ? SUBMIT_IN_BACKGROUND : SUBMIT_DIRECTLY;
}

uint64_t submit_largest(const struct config *config)
{
	uint64_t largest = 0;

	for (size_t i = 0; i < config->count; i++) {
		uint64_t most = (uint64_t)config->accounts[i].max_size;

		if (!most)
			return 0;
		largest = most > largest ? most : largest;
	}
	return largest;
}

/* --- durable */

/* Others have the queue, and all that is done about a message that is theirs. */
static bool is_handed_on(const struct submittal *s)
{
	return s->queue->add != NULL;
}

static void log_queued(const struct submittal *s, const struct envelope *e,
		       const char *not_before, const struct error *why)
{
	const struct log_fact facts[] = {
		CALLER_FACTS(s->caller),
		{ "account", LOG_WORD, .text = s->account->name },
		{ "from", LOG_ADDRESS, .text = e->sender },
		{ "recipients", LOG_NUMBER, .number = (int64_t)envelope_waiting(e) },
		{ "not-before", LOG_WORD, .text = not_before },
		{ "error", LOG_WORD, .text = why ? why->text : NULL },
		{ "code", LOG_CODE, .number = why ? why->reply : 0, .is_implied = true },
	};

	log_facts(false, s->id, "queued", facts, COUNT_OF(facts));
}

static bool enqueue(struct submittal *s, struct envelope *e, const struct message *m,
		    struct trial *trial, struct error *err)
{
	const struct intake_facts facts = trial_facts(s, trial);
	char when[CLOCK_DATE_SIZE];

	if (trial && direct_is_stored(&trial->direct))
		direct_keep(&trial->direct, &facts, &s->next);
	else if (!queue_add(s->queue, &facts, e, m, &s->next, err))
		return false;
	s->is_queued = true;
	if (facts.why)
		s->why_queued = *facts.why;
	if (envelope_waiting(e) == 0 || is_handed_on(s))
		return true;
	clock_stamp(s->next, when);
	log_queued(s, e, when, facts.why);
	return true;
}

static void see_to_it(struct submittal *s)
{
	struct error err;

	if (submit_mode(&s->wishes, s->queue->settings) != SUBMIT_TO_QUEUE && !is_handed_on(s) &&
	    !queue_see_to_it(s->queue, s->config_file, s->id, &err))
		s->no_runner = err;
}

/* What was refused goes to failed/, and a report to whoever sent it. */
static void keep_failures(struct submittal *s, struct envelope *e, const struct message *m,
			  struct trial *trial)
{
	struct worker worker;
	struct round *round;
	struct batch_row row = { .start.next = 0 };
	struct error err;

	trial->err.kind = ERROR_NONE;	/* each of them has a reason of its own */
	if (!enqueue(s, e, m, trial, &err)) {
		log_problem_of(s->id, "refused, and cannot be kept: %s", err.text);
		return;
	}
	direct_end(&trial->direct);	/* it is for the worker to take */
	s->is_queued = false;
	s->is_kept = true;
	snprintf(row.id, sizeof(row.id), "%s", s->id);
	round = xcalloc(1, sizeof(*round));
	round_begin(round, &s->queue->spool, time(NULL));
	worker_init(&worker, s->queue);
	worker.config_file = s->config_file;
	worker_do(&worker, round, &row);
	worker_free(&worker);
	free(round);
	see_to_it(s);
}

/* --- while the caller waits */

/* The message is in the queue, which is all there is to say where nobody was refused. */
static bool tell_refusal(struct submittal *s, const struct recipient *refusal,
			 struct error *err)
{
	if (!refusal)
		return true;
	s->is_kept = s->wishes.keeps_failures || s->wishes.keeps_some;
	recipient_reason(refusal, err);
	return err->reply ? error_context(err, "account %s", s->account->name) : false;
}

/* When nobody is to be tried any more. */
static bool is_to_be_kept(const struct submittal *s, const struct envelope *e)
{
	return s->queue->is_on &&
	       (s->wishes.keeps_failures ||
		(s->wishes.keeps_some && envelope_count(e, VERDICT_ACCEPTED) > 0));
}

/*
 * No server has asked for patience, and what is wrong may be a word in the file: neither
 * a keyring that is locked is that, nor a server that cannot be reached while a machine
 * boots.
 */
static bool may_be_a_mistake(const struct account *account, const struct error *err)
{
	switch (err->kind) {
	case ERROR_AUTH:
		return true;
	case ERROR_SECRET:
		return account->password_command[0] || account->token_command[0];
	case ERROR_NO_HOST:
	case ERROR_TLS:
	case ERROR_PROTOCOL:
		return err->reply == 0;
	default:
		return false;
	}
}

/*
 * What is told instead of being kept in silence: a configuration that makes no sense, of
 * which nothing passes by itself, and what keeps an account from its first message.
 */
static bool is_the_caller_s(const struct submittal *s, const struct trial *trial)
{
	if (!trial->is_accounts || trial->had_session || s->wishes.keeps_failures)
		return false;
	if (trial->err.kind == ERROR_CONFIG && !trial->err.reply)
		return true;
	return s->queue->is_on && may_be_a_mistake(s->account, &trial->err) &&
	       throttle_has_never_sent(&s->queue->spool, s->account);
}

/*
 * Not everybody has it. Those who wait are queued; those who were refused are the
 * caller's.
 */
static bool take_rest(struct submittal *s, struct envelope *e, const struct message *m,
		      struct trial *trial, struct error *err)
{
	const struct recipient *refusal = envelope_first_refusal(e);
	struct error why;

	*err = trial->err;
	if (trial->is_accounts)
		error_context(err, "account %s", (trial->by ? trial->by : s->account)->name);
	if (envelope_waiting(e) == 0) {
		if (is_to_be_kept(s, e))
			keep_failures(s, e, m, trial);
		else if (direct_is_stored(&trial->direct))
			direct_remove(&trial->direct);
		return false;
	}
	if (is_the_caller_s(s, trial))
		return false;
	if (!s->queue->is_on) {
		if (s->queue->settings->queue == QUEUE_OFF)
			return false;
		log_problem_of(s->id, "not queued: %s", s->queue->why_off.text);
		if (s->queue->why_off.advice)
			error_advise(err, s->queue->why_off.advice);
		return error_context(err, "it cannot be queued (%.300s), and ",
				     s->queue->why_off.text);
	}
	if (!enqueue(s, e, m, trial, &why)) {
		error_context(err, "it cannot be queued (%.300s), and ", why.text);
		return false;
	}
	see_to_it(s);
	return tell_refusal(s, refusal, err);
}

/* None of the recipients leads anywhere, so there is nothing to ask a server. */
static bool refuse_all(struct submittal *s, struct envelope *e, const struct message *m,
		       const struct recipient *refusal, struct error *err)
{
	struct trial trial = { .direct.item = ITEM_NONE };

	recipient_reason(refusal, &trial.err);
	attempt_log_not_taken(s->id, s->caller, &trial.err);
	if (e->count > 1)
		attempt_log_left_out(s->id, e);
	return take_rest(s, e, m, &trial, err);
}

static bool take(struct submittal *s, struct envelope *e, const struct message *m,
		 struct error *err)
{
	struct trial trial = { .err.kind = ERROR_NONE, .direct.item = ITEM_NONE };
	const struct recipient *refusal = envelope_first_refusal(e);
	bool ok;

	if (envelope_waiting(e) == 0 && refusal)
		return refuse_all(s, e, m, refusal, err);
	if (is_handed_on(s) ||
	    (s->queue->is_on &&
	     submit_mode(&s->wishes, s->queue->settings) != SUBMIT_DIRECTLY)) {
		if (enqueue(s, e, m, NULL, err)) {
			if (refusal)
				attempt_log_left_out(s->id, e);
			see_to_it(s);
			return tell_refusal(s, refusal, err);
		}
		if (is_handed_on(s))
			return false;
		/* A full disk need not stop the mail. */
		log_problem_of(s->id, "not queued, so sent directly: %s", err->text);
	}
	ok = trial_run(s, e, m, &trial);
	if (ok && direct_is_stored(&trial.direct))
		direct_remove(&trial.direct);
	ok = ok || take_rest(s, e, m, &trial, err);
	trial_end(&trial);
	return ok;
}

/*
 * What waits for no reason of its own is nobody's message's matter: once a day will do.
 */
static void say_no_queue(const struct submittal *s)
{
	const struct queue *q = s->queue;

	if (!q->is_on && q->settings->queue == QUEUE_AUTO &&
	    daily_say(q->why_off.text) == DAILY_FIRST)
		log_problem("uid=%ld has no queue: %s: what cannot be sent at once is given back to "
			    "the caller", (long)s->caller->uid, q->why_off.text);
}

/* --- made ready */

bool submit_find_account(struct submittal *s, const struct message *m, struct error *err)
{
	struct address author = { 0 };

	submission_author(m, s->aliases, &author);
	s->account = choose_account(s->config, s->wishes.account, s->sender, author.mailbox,
				    &s->why_account, err);
	address_free(&author);
	if (!s->account)
		return false;
	/* What would have been thrown away need not be an address. */
	if (!s->sender_fault || s->account->daemon ||
	    s->account->sender_policy == SENDER_REWRITE)
		return true;
	*err = *s->sender_fault;
	return false;
}

static bool make_ready(struct submittal *s, struct envelope *e, struct message *m,
		       struct error *err)
{
	s->prepared = (struct preparation){
		.account = s->account,
		.caller = s->caller,
		.sender = s->sender,
		.sender_fault = s->sender_fault,
		.full_name = s->wishes.full_name,
		.is_by_default = s->why_account == choose_by_default || s->account->daemon,
		.aliases = s->aliases,
		.joined = s->joined,
		.why_sender = &s->why_sender,
		.repairs = !s->wishes.is_bare,
		.leaves_domains = is_handed_on(s),
		.id = s->id,
		.now = time(NULL),
	};
	/*
	 * Whoever hands it on has a log of its own, and may not write to the account's.
	 */
	if (!is_handed_on(s))
		log_open(account_log(s->account),
			 s->wishes.log_tag ? s->wishes.log_tag : "acsmtp");
	return prepare(&s->prepared, m, e, err) ||
	       error_context(err, "account %s", s->account->name);
}

/* A message that is refused before this needs none. */
static bool has_queue(struct submittal *s, struct error *err)
{
	return s->queue->settings || queue_open(s->queue, &s->config->delivery, err);
}

/* What others have left waiting is not left by us. */
static void look_after(struct submittal *s, bool reaches)
{
	struct error why;

	if (!s->is_queued && !s->is_kept && !is_handed_on(s) &&
	    !queue_look_after(s->queue, s->config_file, reaches, &why))
		s->no_runner = why;
}

/* --- to the daemon: as it was given, for accounts, senders and queue are the daemon's matter */

static void address(const struct submittal *s, struct envelope *e)
{
	const struct along along = {
		.account = (char *)s->wishes.account,
		.full_name = (char *)s->wishes.full_name,
		.user_name = (char *)s->caller->full_name,
		.sender_fault = s->sender_fault ? (char *)s->sender_fault->text : NULL,
		.is_bare = s->wishes.is_bare,
		.is_held = s->wishes.holds,
		.is_left = s->wishes.mode == SUBMIT_TO_QUEUE,
	};

	by_daemon_address(e, s->sender_fault ? NULL : s->sender, &along);
}

/* What it could not be given waits in a queue of this user's own, if there is one. */
static bool keep_for_daemon(struct submittal *s, struct envelope *e, struct message *m,
			    struct trial *trial, struct error *err)
{
	struct error why;

	if (!trial->had_session)
		by_daemon_blame(s->config, &trial->err);
	trial->is_accounts = false;
	*err = trial->err;
	/* To wait does not help who may not send. */
	if (err->kind == ERROR_AUTH)
		return false;
	/*
	 * Who may have it already does not get it from us again, nor goes it by another
	 * account.
	 */
	if (envelope_count(e, VERDICT_UNKNOWN) > 0 || envelope_waiting(e) == 0 ||
	    s->wishes.account || !has_queue(s, &why) || !s->queue->is_on)
		return false;
	return make_ready(s, e, m, err) && take_rest(s, e, m, trial, err);
}

/* One that was needed once, when the daemon was not there. */
static void look_after_own_queue(struct submittal *s)
{
	OWNED_TEXT path = queue_spool_path(&s->config->delivery);
	struct error unheard;

	if (path && access(path, F_OK) == 0 && has_queue(s, &unheard))
		look_after(s, true);
}

static bool hand_over(struct submittal *s, struct envelope *e, struct message *m,
		      struct error *err)
{
	struct trial trial = { .err.kind = ERROR_NONE, .direct.item = ITEM_NONE };
	const struct recipient *refusal = envelope_first_refusal(e);
	bool ok;

	address(s, e);
	s->why_sender = N_("the daemon knows what becomes of it");
	if (s->wishes.mode == SUBMIT_NOTHING)
		return true;
	if (envelope_waiting(e) == 0 && refusal) {
		recipient_reason(refusal, err);
		return false;
	}
	log_open(account_log(s->account), s->wishes.log_tag ? s->wishes.log_tag : "acsmtp");
	s->is_begun = true;
	ok = trial_run(s, e, m, &trial);
	if (ok)
		look_after_own_queue(s);
	ok = ok || keep_for_daemon(s, e, m, &trial, err);
	trial_end(&trial);
	return ok;
}

/* --- all of it */

bool submit(struct submittal *s, struct envelope *e, struct message *m, struct error *err)
{
	bool ok;

	if (!submit_find_account(s, m, err))
		return false;
	if (s->account->daemon)
		return hand_over(s, e, m, err);
	if (!make_ready(s, e, m, err))
		return false;
	if (s->wishes.mode == SUBMIT_NOTHING)
		return true;
	if (!has_queue(s, err))
		return false;
	s->is_begun = true;
	say_no_queue(s);
	ok = take(s, e, m, err);
	look_after(s, ok);
	return ok;
}
