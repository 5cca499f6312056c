/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A row for each kind of failure: whom it stops, this message or all of its account's,
 * and how soon it is tried again. A login that fails is tried more slowly, since
 * servers lock accounts that fail often. Each pause is up to a quarter longer by
 * chance, so that those who failed together do not come back together.
 */
#include "delivery/retry.h"

#include <string.h>

#include "service/replies.h"

enum { STEPS = 6 };

/*
 * Seconds; the last step stands for all that follow. None is longer than RETRY_DELAY_MAX
 * says.
 */
static const long usual[STEPS] = { 60, 120, 300, 900, 1800, 3600 };
static const long patient[STEPS] = { 300, 900, 1800, 3600, 3600, 3600 };

/* The first row that fits wins; what fits none is the last. */
static const struct retry_rule {
	enum error_kind kind;	/* NONE: any */
	int reply;		/* 0: any, or none; */
	enum reply_at at;	/* else what it answers */
	const long *schedule;
	const char *class;
	enum retry_scope scope;	/* in a transaction; before it, it is always the account */
	bool counts, is_unheard, outlasts_config;	/* see struct retry_facts */
} rules[] = {
	{ ERROR_QUOTA,   0,   0,       usual,   "quota",       RETRY_ACCOUNT, true,  false, true },
	{ ERROR_AUTH,    0,   0,       patient, "login",       RETRY_ACCOUNT, true,  false, false },
	{ ERROR_SECRET,  0,   0,       usual,   "secret",      RETRY_ACCOUNT, false, true,  false },
	{ ERROR_CONFIG,  0,   0,       usual,   "config",      RETRY_ACCOUNT, false, true,  false },
	{ ERROR_BARRED,  0,   0,       patient, "barred",      RETRY_ACCOUNT, true,  false, false },
	{ ERROR_LATER,   454, AT_AUTH, usual,   "login-later", RETRY_ACCOUNT, true,  false, false },
	{ ERROR_NETWORK, 0,   0,       usual,   "network",     RETRY_MESSAGE, false, true,  false },
	{ ERROR_TLS,     0,   0,       usual,   "network",     RETRY_MESSAGE, false, true,  false },
	{ ERROR_NO_HOST, 0,   0,       usual,   "network",     RETRY_MESSAGE, false, true,  false },
	{ ERROR_NONE,    0,   0,       usual,   "other",       RETRY_MESSAGE, false, false, false },
};

/*
 * What this process could not have says no more of the account than a network that is
 * down.
 */
static enum error_kind kind_of(const struct error *err)
{
	return error_is_lack(err) ? ERROR_NETWORK : err->kind;
}

static const struct retry_rule *rule_for(const struct error *err)
{
	const struct retry_rule *rule = rules;

	while ((rule->kind != ERROR_NONE && rule->kind != kind_of(err)) ||
	       (rule->reply && (rule->reply != err->reply || (int)rule->at != err->at)))
		rule++;
	return rule;
}

enum retry_scope retry_scope(const struct error *err, bool in_transaction)
{
	if (!error_is_worth_retrying(err))
		return RETRY_NEVER;
	return in_transaction ? rule_for(err)->scope : RETRY_ACCOUNT;
}

long retry_delay(const struct error *err, unsigned failures_before, uint32_t random)
{
	unsigned step = failures_before < STEPS ? failures_before : STEPS - 1;
	long delay = rule_for(err)->schedule[step];

	return delay + (long)(random % (uint32_t)(delay / 4 + 1));
}

const char *retry_class(const struct error *err)
{
	return rule_for(err)->class;
}

struct retry_facts retry_class_facts(const char *class)
{
	const struct retry_rule *rule = rules;

	while (rule->kind != ERROR_NONE && strcmp(rule->class, class) != 0)
		rule++;
	return (struct retry_facts){
		.kind = rule->kind == ERROR_NONE ? ERROR_LATER : rule->kind,
		.counts = rule->counts,
		.is_unheard = rule->is_unheard,
		.outlasts_config = rule->outlasts_config,
	};
}
