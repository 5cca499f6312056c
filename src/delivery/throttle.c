/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/throttle.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/language.h"
#include "delivery/retry.h"
#include "spool/account_state.h"

enum { SUCCESS_STEP = 60 };	/* seconds that a last success is good for */

static struct quota quota_of(const struct account *account)
{
	return (struct quota){ account->rate_per_minute, account->rate_per_hour };
}

static bool has_quota(const struct account *account)
{
	return account->rate_per_minute > 0 || account->rate_per_hour > 0;
}

static void tell_why(const struct pace *p, bool is_paused, char why[256])
{
	if (is_paused) {
		snprintf(why, sizeof(p->why), "%s", p->why);
		return;
	}
	snprintf(why, sizeof(p->why), "%s", p->share < PACE_ALL ?
		 N_("the quota is used up for now, and others seem to use it too") :
		 N_("the quota is used up for now"));
}

bool throttle_ask(const struct spool *s, const struct account *account, size_t messages,
		  time_t now, struct pause *pause)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	const struct quota quota = quota_of(account);
	time_t stamp;
	bool may;

	if (!account_state_open(s, account->name, has_quota(account), &state))
		return true;
	stamp = state.pace.stamp;
	may = pace_ask(&state.pace, &quota, messages, (struct moment){ now, chance_new() },
		       &pause->at);
	if (may || state.pace.stamp < stamp)
		account_state_save(&state, account->name);
	if (!may)
		tell_why(&state.pace, pause->at == state.pace.until, pause->why);
	return may;
}

/* Whether it is worth a write: what goes well is told once a minute. */
static bool is_news(const struct pace *p, time_t now)
{
	return p->failures > 0 || p->share < PACE_ALL || now < p->last_success ||
	       now - p->last_success >= SUCCESS_STEP;
}

static void learn_failure(struct pace *p, const struct account *account,
			  const struct error *err, time_t now)
{
	const struct quota quota = quota_of(account);
	uint32_t random = chance_new();
	struct setback setback = {
		.class = retry_class(err),
		.why = err->text,
		.is_quota = err->kind == ERROR_QUOTA,
	};

	setback.delay = retry_delay(err, pace_failures(p, setback.class), random);
	pace_failed(p, &quota, &setback, (struct moment){ now, random });
}

void throttle_learn(const struct spool *s, const struct account *account,
		    const struct error *err, bool in_transaction, time_t now)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	bool has_failed = err && retry_scope(err, in_transaction) == RETRY_ACCOUNT;
	const struct quota quota = quota_of(account);

	if (!account_state_open(s, account->name, has_failed || (!err && has_quota(account)),
				&state))
		return;
	if (!has_failed && !is_news(&state.pace, now))
		return;
	if (has_failed)
		learn_failure(&state.pace, account, err, now);
	else if (err && !in_transaction)
		pace_undecided(&state.pace);
	else if (err)
		pace_reached(&state.pace, now);
	else
		pace_accepted(&state.pace, &quota, now);
	account_state_save(&state, account->name);
}

void throttle_look(const struct spool *s, const struct account *account, time_t now,
		   struct throttle_view *view)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;
	const struct quota quota = quota_of(account);
	struct pace_use use;

	(void)account_state_open(s, account->name, false, &state);
	pace_look(&state.pace, &quota, now, &use);
	*view = (struct throttle_view){
		.used_minute = use.minute,
		.used_hour = use.hour,
		.share_minute = use.share_minute,
		.share_hour = use.share_hour,
		.paused_until = state.pace.until > now ? state.pace.until : 0,
		.failures = state.pace.failures,
		.last_success = state.pace.last_success,
	};
	snprintf(view->why, sizeof(view->why), "%s", state.pace.why);
}

static void resume(const struct spool *s, const struct account *account, bool always)
{
	OWNED_ACCOUNT_STATE state = ACCOUNT_STATE_NONE;

	if (!account_state_open(s, account->name, false, &state) ||
	    (!always && retry_class_counts(state.pace.class)))
		return;
	pace_resume(&state.pace);
	account_state_save(&state, account->name);
}

void throttle_resume(const struct spool *s, const struct account *account)
{
	resume(s, account, true);
}

void throttle_nudge(const struct spool *s, const struct account *account)
{
	resume(s, account, false);
}
