/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An account's pace is a file that all processes share (spool/account_state.h): it is
 * locked, changed and written in one go, so that they count together and one alone
 * tries after a failure. What goes well is written seldom, or each message would cost a
 * write.
 */
#include "delivery/throttle.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/language.h"
#include "base/log.h"
#include "delivery/quota_store.h"
#include "delivery/retry.h"
#include "spool/account_state.h"

enum {
	SUCCESS_STEP = 60,		/* seconds that a last success is good for, */
	SUCCESS_STEP_ALONE = 24 * 3600,	/* where that is all there is to be known */
	STORE_AWAY = 45,		/* seconds that a store is left alone which did not answer */
	NUDGES_MAX = 3,			/* failures: then nobody but a person asks for more */
};

static struct quota quota_of(const struct account *account)
{
	return (struct quota){ account->rate_per_minute, account->rate_per_hour };
}

static bool has_quota(const struct account *account)
{
	return account->rate_per_minute > 0 || account->rate_per_hour > 0;
}

static struct state_place place_of(const struct account *account)
{
	return (struct state_place){ .host = account->host, .user = account->user,
				     .port = account->port, .account = account->name };
}

/* Of the files that it comes from, not of what they say: no secret is in it. */
static uint64_t configuration_of(const struct account *account)
{
	uint64_t sum = account->files_sum;
	struct stat st;

	if (account->password_file && *account->password_file &&
	    stat(account->password_file, &st) == 0)
		sum = file_sum(sum, &st);
	return sum;
}

/* --- asking */

static void tell_why(const struct pace *p, struct pause *pause)
{
	if (pause->at == p->until) {
		pause->kind = retry_class_facts(p->class).kind;
		snprintf(pause->why, sizeof(p->why), "%s", p->why);
		return;
	}
	pause->kind = ERROR_QUOTA;
	snprintf(pause->why, sizeof(p->why), "%s", p->share < PACE_ALL ?
		 N_("the quota is used up for now, and others seem to use it too") :
		 N_("the quota is used up for now"));
}

/* What failed is not what would be tried now. True: so the pause is no more. */
static bool has_changed(struct pace *p, const struct account *account)
{
	if (p->failures == 0 || retry_class_facts(p->class).outlasts_config ||
	    p->about == configuration_of(account))
		return false;
	pace_resume(p);
	return true;
}

/* For somebody who waits for the outcome, and who sets the account up perhaps. */
static bool is_worth_a_try(const struct pace *p)
{
	struct retry_facts facts = retry_class_facts(p->class);

	return facts.is_unheard || (p->last_success == 0 && !facts.counts);
}

static bool is_asked(const struct pace *p, const struct account *account, time_t now)
{
	return quota_store_is_set(account) && p->store_away <= now;
}

/* Once when it goes and once when it is back: mail goes on all the same. */
static void note_store(struct pace *p, const struct account *account, time_t now,
		       const struct error *failure)
{
	if (failure && !p->store_away)
		log_problem("account %s: %s; this machine counts for itself until it answers",
			    account->name, failure->text);
	else if (!failure && p->store_away)
		log_info("account %s: the quota's store answers again", account->name);
	p->store_away = failure ? now + STORE_AWAY : 0;
}

/*
 * The windows are the store's then, and only pauses this machine's own; what it counts of
 * them is for the time when the store does not answer.
 */
static bool ask_store(struct pace *p, const struct turn *turn, struct moment moment,
		      struct pause *pause)
{
	const struct quota none = { 0, 0 }, quota = quota_of(turn->account);
	struct error err;
	long wait;
	bool is_there;

	if (!pace_ask(p, &none, turn->messages, moment, &pause->at)) {
		tell_why(p, pause);
		return false;
	}
	is_there = quota_store_charge(turn->account, turn->messages, &wait, &err);
	note_store(p, turn->account, p->stamp, is_there ? NULL : &err);
	if (is_there && wait == 0)
		return true;
	pace_give_back(p, turn->messages);
	pace_undecided(p);
	if (!is_there) {
		if (pace_ask(p, &quota, turn->messages, moment, &pause->at))
			return true;
		tell_why(p, pause);
		return false;
	}
	if (!p->spent)
		p->spent = p->stamp;
	pause->at = moment.now + wait;
	pause->kind = ERROR_QUOTA;
	snprintf(pause->why, sizeof(pause->why), "%s",
		 N_("the quota that machines share is used up for now"));
	return false;
}

bool throttle_ask(const struct turn *turn, time_t now, struct pause *pause)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	struct pace *p = &state.pace;
	const struct quota quota = quota_of(turn->account);
	const struct state_place place = place_of(turn->account);
	struct moment moment = { .now = now, .random = chance_new() };
	time_t stamp, spent, away;
	bool is_new, may;

	if (!account_state_open(turn->spool, &place, has_quota(turn->account), &state))
		return true;
	stamp = p->stamp;
	is_new = has_changed(p, turn->account);
	moment.is_free = turn->is_awaited && p->until > now && is_worth_a_try(p);
	spent = p->spent;
	away = p->store_away;
	if (is_asked(p, turn->account, now))
		may = ask_store(p, turn, moment, pause);
	else if (!(may = pace_ask(p, &quota, turn->messages, moment, &pause->at)))
		tell_why(p, pause);
	if (is_new || p->stamp < stamp || p->spent != spent || p->store_away != away ||
	    (may && (has_quota(turn->account) || p->failures > 0)))
		account_state_save(&state, &place);
	return may;
}

/* --- telling */

/* Whether it is worth a write: what goes well is told once a minute at most. */
static bool is_news(const struct pace *p, const struct account *account, time_t now)
{
	time_t step = has_quota(account) ? SUCCESS_STEP : SUCCESS_STEP_ALONE;

	return p->failures > 0 || p->spent || p->share < PACE_ALL || now < p->last_success ||
	       now - p->last_success >= step;
}

static void learn_failure(struct pace *p, const struct account *account,
			  const struct error *err, time_t now)
{
	const struct quota quota = quota_of(account);
	uint32_t random = chance_new();
	struct setback setback = {
		.class = retry_class(err),
		.why = err->text,
		.about = configuration_of(account),
		.is_quota = err->kind == ERROR_QUOTA,
	};

	setback.delay = retry_delay(err, pace_failures(p, setback.class), random);
	pace_failed(p, &quota, &setback, (struct moment){ .now = now, .random = random });
}

static void give_back(struct pace *p, const struct turn *turn, time_t now)
{
	struct error err;

	pace_give_back(p, turn->messages);
	if (is_asked(p, turn->account, now) &&
	    !quota_store_give_back(turn->account, turn->messages, &err))
		note_store(p, turn->account, now, &err);
}

bool throttle_learn(const struct turn *turn, const struct error *err, bool in_transaction,
		    time_t now)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	struct pace *p = &state.pace;
	/* What this process lacks others may have. */
	bool has_failed = err && !error_is_lack(err) &&
			  retry_scope(err, in_transaction) == RETRY_ACCOUNT;
	const struct quota quota = quota_of(turn->account);
	const struct state_place place = place_of(turn->account);
	unsigned failures;

	if (!account_state_open(turn->spool, &place, has_failed || !err, &state))
		return false;
	failures = p->failures;
	if (!has_failed && !is_news(p, turn->account, now))
		return false;
	if (has_failed && !in_transaction && retry_class_facts(retry_class(err)).is_unheard)
		give_back(p, turn, now);
	if (has_failed)
		learn_failure(p, turn->account, err, now);
	else if (err && !in_transaction)
		pace_undecided(p);
	else if (err)
		pace_reached(p, now);
	else
		pace_accepted(p, &quota, now);
	account_state_save(&state, &place);
	return failures > 0 && p->failures == 0;
}

/* --- looking */

bool throttle_has_never_sent(const struct spool *s, const struct account *account)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	const struct state_place place = place_of(account);

	return account_state_open(s, &place, false, &state) && state.pace.last_success == 0;
}

void throttle_look(const struct spool *s, const struct account *account, time_t now,
		   struct throttle_view *view)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	const struct quota quota = quota_of(account);
	const struct state_place place = place_of(account);
	struct pace_use use;

	if (account_state_open(s, &place, false, &state))
		(void)has_changed(&state.pace, account);	/* as whoever sends next will see it */
	pace_look(&state.pace, &quota, now, &use);
	*view = (struct throttle_view){
		.used_minute = use.minute,
		.used_hour = use.hour,
		.share_minute = use.share_minute,
		.share_hour = use.share_hour,
		.paused_until = state.pace.until > now ? state.pace.until : 0,
		.failures = state.pace.failures,
		.kind = state.pace.failures ? retry_class_facts(state.pace.class).kind : ERROR_NONE,
		.last_success = state.pace.last_success,
		.spent = state.pace.spent,
	};
	snprintf(view->why, sizeof(view->why), "%s", state.pace.why);
}

time_t throttle_until(const struct turn *turn, const struct error *err, bool in_transaction,
		      time_t now)
{
	struct throttle_view view;

	if (retry_scope(err, in_transaction) != RETRY_ACCOUNT)
		return 0;
	throttle_look(turn->spool, turn->account, now, &view);
	return view.paused_until;
}

/* --- persons */

void throttle_resume(const struct spool *s, const struct account *account)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	const struct state_place place = place_of(account);

	if (!account_state_open(s, &place, false, &state))
		return;
	pace_resume(&state.pace);
	account_state_save(&state, &place);
}

bool throttle_nudge(const struct spool *s, const struct account *account, bool is_attended)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	const struct state_place place = place_of(account);

	if (!account_state_open(s, &place, false, &state) || state.pace.failures == 0 ||
	    (!is_attended && state.pace.failures >= NUDGES_MAX &&
	     retry_class_facts(state.pace.class).counts))
		return false;
	pace_nudge(&state.pace);
	account_state_save(&state, &place);
	return true;
}
