/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An attempt is one line in the log, so that whoever counts lines counts attempts. Only
 * where that line had no room for all recipients, or not all were left out for one
 * reason, others follow that say who and why. Verdicts are complete afterwards: of whom
 * the server said nothing has that of the whole.
 */
#include "delivery/attempt.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/daily.h"
#include "base/log.h"
#include "mail/submission.h"
#include "delivery/account_secret.h"
#include "delivery/retry.h"

enum {
	LOGGED_RECIPIENTS_MAX = 2500,	/* bytes of a log line that has two lists */
	LOGGED_LIST_MAX = 6000,		/* and of one that has nothing else */
};

/* Once a week in its last year, and from then on. */
static void tell_end(const struct account *account)
{
	const struct service *service = service_named(account->service);
	char day[SERVICE_DAY_SIZE], words[200];

	if (service->end.is_of_passwords ||
	    service_life(service, time(NULL)) < SERVICE_LAST_YEAR)
		return;
	service_last_day(service, day);
	snprintf(words, sizeof(words), "account %.60s: the last day of %s is %s", account->name,
		 service->what, day);
	if (daily_say_within(words, 7) == DAILY_FIRST)
		log_problem("%s; `acsmtp check` has the ways out", words);
}

/* Once a day in its last month, and from then on. */
static void tell_end_of_secret(const struct account *account)
{
	struct secret_end end;
	char words[200];

	if (!account_secret_ends(account, time(NULL), &end))
		return;
	snprintf(words, sizeof(words), "account %.60s: its %s %s on %s", account->name,
		 end.certificate ? "certificate" : "secret", end.days < 0 ? "ended" : "ends",
		 end.day);
	if (daily_say(words) != DAILY_FIRST)
		return;
	if (end.certificate)
		log_problem("%s: put a new one into %s", words, end.certificate);
	else
		log_problem("%s: make a new one, and say its end in password_expires", words);
}

void attempt_begin(struct attempt *a, const struct account *account, const char *id,
		   const struct caller *caller)
{
	*a = (struct attempt){ .account = account, .id = id, .caller = caller,
			       .started = clock_ms(), .tls = "none" };
	log_lend(account_log(account));
	tell_end(account);
	tell_end_of_secret(account);
}

bool attempt_send(struct attempt *a, struct connection *c, struct envelope *e,
		  const struct message *m, struct error *err)
{
	const struct transport *wire = smtp_transport(c->session);
	bool ok;

	smtp_set_witness(c->session, a->witness);
	ok = smtp_send(c->session, e, m, err);
	/*
	 * The connection may be kept for the next message, which has a witness of its
	 * own.
	 */
	smtp_set_witness(c->session, NULL);
	snprintf(a->peer, sizeof(a->peer), "%s", c->peer);
	snprintf(a->reply, sizeof(a->reply), "%s", smtp_last_reply(c->session));
	a->code = smtp_last_code(c->session);
	snprintf(a->tls, sizeof(a->tls), "%s%s", wire->tls ? wire->tls : "none",
		 wire->tls_is_resumed ? "+resumed" : "");
	return ok || connection_blame(a->account, err);
}

/* What a failure of the whole means for those of whom the server had said nothing. */
static void judge_rest(struct envelope *e, const struct error *err)
{
	enum verdict verdict = error_is_worth_retrying(err) ? VERDICT_LATER : VERDICT_REFUSED;

	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_NONE)
			envelope_judge(e, &e->recipients[i], verdict, err);
}

/*
 * How much a reason says of the whole. Who may still get it goes before who never will:
 * the caller is to learn that trying again has a sense. And what stops the account goes
 * before what one recipient is told, or nobody would learn of it.
 */
static int weight(const struct recipient *r)
{
	if (r->verdict == VERDICT_ACCEPTED)
		return 0;
	if (r->verdict == VERDICT_REFUSED)
		return 1;
	return r->why && retry_scope(r->why, true) == RETRY_ACCOUNT ? 3 : 2;
}

/* Whose reason the caller gets when the dialogue went well but not for everybody. */
static const struct recipient *find_worst(const struct envelope *e)
{
	const struct recipient *worst = NULL;

	for (size_t i = 0; i < e->count; i++)
		if (weight(&e->recipients[i]) > (worst ? weight(worst) : 0))
			worst = &e->recipients[i];
	return worst;
}

/* For the log: the worst that became of a recipient, unless some have the message. */
static const char *outcome(const struct envelope *e, size_t accepted, bool ok)
{
	if (ok)
		return "sent";
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_UNKNOWN)
			return "may have been sent";
	return accepted ? "partly sent" : "not sent";
}

/* The recipients, of those who did not get it alone if `left_out`. */
static void list_recipients(const struct envelope *e, bool left_out, struct log_list *list)
{
	for (size_t i = 0; i < e->count && !list->is_cut; i++)
		if (!left_out || e->recipients[i].verdict != VERDICT_ACCEPTED)
			log_list_add(list, e->recipients[i].mailbox, LOGGED_RECIPIENTS_MAX);
}

/* --- those who did not get it, all of them */

static const char *fate_of(const struct recipient *r)
{
	return r->verdict == VERDICT_REFUSED ? "refused" :
	       r->verdict == VERDICT_UNKNOWN ? "may have been sent" : "not sent yet";
}

static bool is_told_of(const struct recipient *r)
{
	return r->verdict != VERDICT_ACCEPTED && !r->is_reported && r->why;
}

static bool is_like(const struct recipient *a, const struct recipient *b)
{
	return a->verdict == b->verdict && !strcmp(error_said(a->why), error_said(b->why));
}

/* Some of them in one line: those of one reason that stand behind each other. */
static size_t log_left_out(const char *id, const struct envelope *e, size_t first)
{
	const struct recipient *r = &e->recipients[first];
	OWNED_LOG_LIST list = { .items = NULL };
	const struct log_fact facts[] = {
		{ "to", LOG_ADDRESSES, .list = &list },
		{ "error", LOG_WORD, .text = error_said(r->why) },
		{ "code", LOG_CODE, .number = r->why->reply, .is_implied = true },
	};
	size_t i = first;

	for (; i < e->count && list.len < LOGGED_LIST_MAX - ERROR_TEXT_MAX; i++) {
		const struct recipient *other = &e->recipients[i];

		if (!is_told_of(other))
			continue;
		if (!is_like(r, other))
			break;
		log_list_add(&list, other->mailbox, SIZE_MAX);
	}
	log_facts(true, id, fate_of(r), facts, COUNT_OF(facts));
	return i;
}

void attempt_log_left_out(const char *id, const struct envelope *e)
{
	for (size_t i = 0; i < e->count;)
		if (is_told_of(&e->recipients[i]))
			i = log_left_out(id, e, i);
		else
			i++;
}

/*
 * A refusal whose reason is not the one of the whole, which may be that of one of them.
 */
static bool has_other_reasons(const struct envelope *e, const struct error *err,
			      const struct recipient *worst)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		if (r->verdict != VERDICT_REFUSED || !is_told_of(r))
			continue;
		if (worst ? !recipient_reason_is_same(worst, r) : !error_is_same(err, r->why))
			return true;
	}
	return false;
}

/* All that the log says of an attempt. */
static void log_outcome(const struct attempt *a, const struct envelope *e,
			const struct message *m, const struct error *err,
			const struct recipient *worst)
{
	OWNED_TEXT message_id = submission_message_id(m);
	OWNED_LOG_LIST to = { .items = NULL }, left_out = { .items = NULL };
	OWNED_TEXT server = account_server(a->account);
	size_t accepted = envelope_count(e, VERDICT_ACCEPTED);
	const struct log_fact facts[] = {
		CALLER_FACTS(a->caller),
		{ "account", LOG_WORD, .text = a->account->name },
		{ "instead-of", LOG_WORD, .text = a->instead_of ? a->instead_of->name : NULL },
		{ "from", LOG_ADDRESS, .text = e->sender },
		{ "to", LOG_ADDRESSES, .list = &to },
		{ "not", LOG_ADDRESSES, .list = accepted && err ? &left_out : NULL },
		{ "accepted", LOG_PART, .number = (int64_t)accepted, .whole = (int64_t)e->count },
		{ "recipients", LOG_NUMBER, .number = (int64_t)e->count, .is_implied = true },
		{ "size", LOG_NUMBER, .number = (int64_t)message_size(m) },
		{ "message-id", LOG_WORD, .text = message_id },
		{ "server", LOG_WORD, .text = server },
		{ "peer", LOG_WORD, .text = a->peer },
		{ "tls", LOG_WORD, .text = a->tls },
		{ "duration", LOG_SECONDS, .number = clock_ms() - a->started },
		{ "reply", LOG_QUOTED, .text = a->reply },
		{ "because", LOG_QUOTED, .text = a->instead_of ? a->why : NULL },
		{ "error", LOG_WORD, .text = err ? err->text : NULL },
		{ "code", LOG_CODE, .number = err ? err->reply : a->code, .is_implied = true },
	};

	list_recipients(e, false, &to);
	list_recipients(e, true, &left_out);
	log_facts(err, a->id, outcome(e, accepted, !err), facts, COUNT_OF(facts));
	if (err && (to.is_cut || (accepted && left_out.is_cut) || has_other_reasons(e, err, worst)))
		attempt_log_left_out(a->id, e);
}

void attempt_log_not_taken(const char *id, const struct caller *caller,
			   const struct error *err)
{
	const struct log_fact facts[] = {
		CALLER_FACTS(caller),
		{ "error", LOG_WORD, .text = err->text },
		{ "code", LOG_CODE, .number = err->reply, .is_implied = true },
	};

	log_facts(true, id, "not taken", facts, COUNT_OF(facts));
}

bool attempt_end(const struct attempt *a, bool ok, struct envelope *e,
		 const struct message *m, struct error *err)
{
	const struct recipient *worst = ok ? find_worst(e) : NULL;

	if (!ok)
		judge_rest(e, err);
	if (worst) {
		recipient_reason(worst, err);
		if (err->reply)		/* it was the server who refused */
			(void)connection_blame(a->account, err);
	}
	ok = ok && !worst;
	log_outcome(a, e, m, ok ? NULL : err, worst);
	log_return();
	return ok;
}
