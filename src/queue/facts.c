/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each fact is told once, to whoever listens: what json_*() adds goes nowhere for a
 * person, and what a line begins with, begin_line(), is nothing for a program. The two
 * differ where they must. A program wants every value as it is and at the same place; a
 * person wants what says something now, in words, and the text of an error in his own
 * language.
 */
#include "queue/facts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/language.h"
#include "service/replies.h"
#include "talk/queue_words.h"
#include "talk/say.h"

enum { LABEL_WIDTH = 12 };

struct telling {
	struct json *json;	/* writes nothing: a person listens */
	const struct queue_look *look;
	const struct entry *entry;	/* of the look */
	const struct config *config;
	time_t now;
};

/* --- one fact */

/* False: no line is wanted, for there is no label, or no person. */
static bool begin_line(const struct telling *t, const char *label)
{
	int width;

	if (!label || t->json->out)
		return false;
	width = (int)language_width(tr(label));
	printf("%s:%*s", tr(label), width < LABEL_WIDTH ? LABEL_WIDTH - width : 1, "");
	return true;
}

static void end_line(const char *text)
{
	say_text(text);
	putchar('\n');
}

static void put_line(const struct telling *t, const char *label, const char *text)
{
	if (begin_line(t, label))
		end_line(text);
}

static void tell_text(const struct telling *t, const char *key, const char *label,
		      const char *text)
{
	json_text(t->json, key, text);
	put_line(t, label, text);
}

static void tell_time(const struct telling *t, const char *key, const char *label, time_t when)
{
	char date[CLOCK_DATE_SIZE], span[WORDS_SIZE];

	json_number(t->json, key, when);
	if (!begin_line(t, label))
		return;
	clock_date(when, date);
	if (when > t->now)
		printf(_("%s (in %s)\n"), date, words_span(when - t->now, span));
	else
		printf(_("%s (%s ago)\n"), date, words_span(t->now - when, span));
}

/* --- reasons */

static const char *advice_on(const struct telling *t, const struct error *why)
{
	const struct account *known = NULL;
	struct error unheard;

	/* The account may have gone since; what any server means is left then. */
	if (t->entry->account)
		known = config_account(t->config, t->entry->account, &unheard);
	return reply_hint(known ? known->service : NULL, why);
}

/* Behind the beginning of a line, or of an object. */
static void tell_reason(const struct telling *t, const struct error *why)
{
	const char *advice = advice_on(t, why);

	json_text(t->json, "reason", why->text);
	if (why->reply)
		json_number(t->json, "reply", why->reply);
	if (advice)
		json_text(t->json, "advice", advice);
	if (t->json->out)
		return;
	end_line(error_words(why));
	if (advice)
		printf("%*s%s\n", LABEL_WIDTH + 1, "", tr(advice));
}

/* --- who sent it, through what, to whom */

static void tell_user(const struct telling *t)
{
	const struct entry *e = t->entry;
	OWNED_TEXT user = words_user(e);

	json_number(t->json, "uid", e->uid);
	if (user)
		json_text(t->json, "user", user);
	if (!begin_line(t, N_("handed in")))
		return;
	printf(_("by user %ld"), (long)e->uid);
	if (user) {
		fputs(" (", stdout);
		say_text(user);
		putchar(')');
	}
	putchar('\n');
}

static void put_senders(const struct telling *t)
{
	const struct envelope *e = &t->entry->envelope;

	put_line(t, N_("sender"), *e->sender ? e->sender : "<>");
	if (e->origin && strcmp(e->origin, e->sender) != 0)
		put_line(t, N_("given as"), *e->origin ? e->origin : "<>");
}

static void put_account(const struct telling *t)
{
	const struct entry *e = t->entry;
	struct error unheard;

	if (!begin_line(t, N_("account")))
		return;
	say_text(e->account);
	if (*e->config) {
		fputs(_(", of "), stdout);
		say_text(e->config);
	} else if (!t->look->is_afar && !config_account(t->config, e->account, &unheard)) {
		fputs(_(", which the configuration does not have any more"), stdout);
	}
	putchar('\n');
	if (!e->by || !begin_line(t, N_("taken over")))
		return;
	printf(_("by account %s: "), e->by);
	end_line(e->by_why ? e->by_why : "");
}

static void tell_recipient(const struct telling *t, const struct recipient *r)
{
	static const char *const verdicts[] = {
		[VERDICT_NONE] = N_("waiting"),
		[VERDICT_ACCEPTED] = N_("sent"),
		[VERDICT_REFUSED] = N_("failed"),
		[VERDICT_LATER] = N_("waiting"),
		[VERDICT_UNKNOWN] = N_("perhaps sent"),
	};
	struct error why;

	json_object(t->json, NULL);
	json_text(t->json, "address", r->mailbox);
	json_text(t->json, "state", verdicts[r->verdict]);
	if (begin_line(t, N_("recipient"))) {
		say_text(r->mailbox);
		printf(": %s%s%s", tr(verdicts[r->verdict]),
		       r->is_untold ? _(", and nobody was told") :
		       r->is_reported ? _(", and the sender was told") : "",
		       r->why ? ": " : "\n");
	}
	if (r->why) {
		recipient_reason(r, &why);
		tell_reason(t, &why);
	}
	json_end(t->json);
}

/* --- all of them */

static void tell_state(const struct telling *t)
{
	char words[WORDS_SIZE];

	json_text(t->json, "state", words_state_name(words_state(t->look, t->now)));
	put_line(t, N_("state"), words_state_text(t->look, t->now, words));
}

/* Of one that is damaged, or none of ours. Nobody should take it for what was written. */
static void tell_guess(const struct telling *t)
{
	const struct envelope *e = &t->entry->envelope;
	const char *account = t->entry->account;

	json_text(t->json, "reason", t->look->err.text);
	put_line(t, N_("reason"), error_words(&t->look->err));
	json_object(t->json, "guess");
	tell_text(t, "account", account && *account ? N_("account") : NULL, account);
	json_text(t->json, "sender", e->sender);
	if (e->sender)
		put_senders(t);
	json_array(t->json, "recipients");
	for (size_t i = 0; i < e->count; i++)
		tell_text(t, NULL, N_("recipient"), e->recipients[i].mailbox);
	json_end(t->json);
	json_end(t->json);
}

static void tell_course(const struct telling *t)
{
	const struct entry *e = t->entry;
	bool waits = words_state(t->look, t->now) == STATE_WAITING;

	json_bool(t->json, "held", e->is_held);	/* the state says these two to a person */
	tell_text(t, "held_by", e->held_by ? N_("held by") : NULL, e->held_by);
	json_bool(t->json, "in_doubt", e->is_in_doubt);
	json_bool(t->json, "report", e->is_report);
	tell_time(t, "arrived", N_("arrived"), e->arrived);
	tell_time(t, "next_try", waits ? N_("next try") : NULL, e->next);
	json_number(t->json, "tries", e->attempts);
	if (begin_line(t, N_("tries")))
		printf("%u\n", e->attempts);
	json_number(t->json, "size", (int64_t)entry_size(e));
	if (begin_line(t, N_("size")))
		printf(_("%" PRIu64 " bytes\n"), entry_size(e));
}

static void tell_origin(const struct telling *t)
{
	const struct entry *e = t->entry;
	bool has_id = e->message_id && *e->message_id;

	tell_user(t);
	if (e->host)
		json_text(t->json, "host", e->host);
	json_text(t->json, "account", e->account);
	if (e->by) {
		json_text(t->json, "by", e->by);
		json_text(t->json, "by_why", e->by_why);
	}
	tell_text(t, "message_id", has_id ? N_("message-id") : NULL, e->message_id);
	if (e->is_report)
		put_line(t, N_("report"), _("about another message: nobody is told of its fate"));
	json_text(t->json, "sender", e->envelope.sender);
	if (e->envelope.origin)
		json_text(t->json, "given_sender", e->envelope.origin);
	put_senders(t);
}

static void tell_entry(const struct telling *t)
{
	const struct entry *e = t->entry;
	bool is_damaged = t->look->place == SPOOL_DAMAGED;

	if (is_damaged)
		json_text(t->json, "reason", t->look->err.text);
	tell_course(t);
	tell_origin(t);
	if (is_damaged)
		put_line(t, N_("reason"), error_words(&t->look->err));
	put_account(t);
	/* An object has one reason, and the damage is the one that counts. */
	if (e->why && !(is_damaged && t->json->out)) {
		(void)begin_line(t, N_("reason"));
		tell_reason(t, e->why);
	}
	json_array(t->json, "recipients");
	for (size_t i = 0; i < e->envelope.count; i++)
		tell_recipient(t, &e->envelope.recipients[i]);
	json_end(t->json);
}

void facts_tell(struct json *json, const struct queue_look *look, const struct config *config)
{
	struct telling t = { json, look, &look->entry, config, time(NULL) };

	json_object(json, NULL);
	tell_text(&t, "id", N_("message"), look->entry.id);
	tell_state(&t);
	json_text(json, "queue", look->is_afar ? "daemon" : "own");
	(queue_look_is_whole(look) ? tell_entry : tell_guess)(&t);
	json_end(json);
}
