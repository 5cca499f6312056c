/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "talk/queue_words.h"

#include <inttypes.h>
#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "service/replies.h"

const char *words_span(time_t seconds, char words[WORDS_SIZE])
{
	static const struct {
		time_t from, unit;
		const char *name;
	} units[] = {
		{ 2 * 86400, 86400, N_("d") },
		{ 2 * 3600, 3600, N_("h") },
		{ 120, 60, N_("min") },
		{ 0, 1, N_("s") },
	};
	size_t i = 0;

	if (seconds < 0)
		seconds = 0;
	while (seconds < units[i].from)
		i++;
	snprintf(words, WORDS_SIZE, "%" PRIdMAX " %s", (intmax_t)(seconds / units[i].unit),
		 tr(units[i].name));
	return words;
}

const char *words_size(uint64_t bytes, char words[WORDS_SIZE])
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(words, WORDS_SIZE, "%" PRIu64 " B", bytes);
		return words;
	}
	for (; size >= 1024 && i + 1 < COUNT_OF(units); i++)
		size /= 1024;
	snprintf(words, WORDS_SIZE, "%.1f %s", size, units[i]);
	return words;
}

/* --- states */

enum queue_state words_state(const struct queue_look *look, time_t now)
{
	if (look->taken == TAKEN_ERROR)
		return STATE_UNREADABLE;
	if (look->taken == TAKEN_FOREIGN)
		return STATE_FOREIGN;
	if (look->taken == TAKEN_BROKEN || look->place == SPOOL_DAMAGED)
		return STATE_DAMAGED;
	if (look->taken == TAKEN_BUSY)
		return STATE_SENDING;
	if (look->place == SPOOL_FAILED)
		return STATE_FAILED;
	if (look->entry.is_held)
		return STATE_HELD;
	return look->entry.next <= now ? STATE_DUE : STATE_WAITING;
}

static const struct {
	const char *name, *text;
} states[] = {
	[STATE_DUE]		= { "due", N_("due now") },
	[STATE_WAITING]		= { "waiting", NULL },
	[STATE_HELD]		= { "held", N_("held") },
	[STATE_SENDING]		= { "sending", N_("being sent") },
	[STATE_FAILED]		= { "failed", N_("failed") },
	[STATE_DAMAGED]		= { "damaged", N_("damaged") },
	[STATE_FOREIGN]		= { "foreign", N_("of another version") },
	[STATE_UNREADABLE]	= { "unreadable", N_("cannot be read") },
};

const char *words_state_name(enum queue_state state)
{
	return states[state].name;
}

const char *words_state_text(const struct queue_look *look, time_t now, char words[WORDS_SIZE])
{
	enum queue_state state = words_state(look, now);
	char span[WORDS_SIZE];
	size_t len;

	if (state == STATE_WAITING)
		snprintf(words, WORDS_SIZE, _("next try in %s"),
			 words_span(look->entry.next - now, span));
	else
		snprintf(words, WORDS_SIZE, "%s", tr(states[state].text));
	len = strlen(words);
	snprintf(words + len, WORDS_SIZE - len, "%s",
		 look->entry.is_in_doubt ? _(", perhaps sent already") : "");
	return words;
}

/* --- an entry */

const char *words_verdict(enum verdict verdict)
{
	static const char *const names[] = {
		[VERDICT_NONE] = N_("waiting"),
		[VERDICT_ACCEPTED] = N_("sent"),
		[VERDICT_REFUSED] = N_("failed"),
		[VERDICT_LATER] = N_("waiting"),
		[VERDICT_UNKNOWN] = N_("perhaps sent"),
	};

	return names[verdict];
}

const char *words_advice(const struct config *config, const char *account,
			 const struct error *why)
{
	const struct account *known = NULL;
	struct error unheard;

	/* The account may have gone since; what any server means is left then. */
	if (account)
		known = config_account(config, account, &unheard);
	return reply_hint(known ? known->service : NULL, why);
}

void words_add(struct buf *b, const char *text)
{
	OWNED_TEXT copy = text_copy(text ? text : "");

	text_make_printable(copy);
	buf_add(b, copy);
}

/* --- for programs */

static void add_reason(struct json *j, const struct config *config, const struct entry *e,
		       const struct error *why)
{
	if (!why)
		return;
	json_text(j, "reason", why->text);
	if (why->reply)
		json_number(j, "reply", why->reply);
	if (words_advice(config, e->account, why))
		json_text(j, "advice", words_advice(config, e->account, why));
}

static void add_recipients(struct json *j, const struct config *config,
			   const struct entry *e)
{
	json_array(j, "recipients");
	for (size_t i = 0; i < e->envelope.count; i++) {
		const struct recipient *r = &e->envelope.recipients[i];

		json_object(j, NULL);
		json_text(j, "address", r->mailbox);
		json_text(j, "state", words_verdict(r->verdict));
		if (r->why) {
			struct error why;

			recipient_reason(r, &why);
			add_reason(j, config, e, &why);
		}
		json_end(j);
	}
	json_end(j);
}

/* Nobody should take it for what was written. */
static void add_guess(struct json *j, const struct queue_look *look)
{
	const struct envelope *e = &look->entry.envelope;

	json_text(j, "reason", look->err.text);
	json_object(j, "guess");
	json_text(j, "account", look->entry.account);
	json_text(j, "sender", e->sender);
	json_array(j, "recipients");
	for (size_t i = 0; i < e->count; i++)
		json_text(j, NULL, e->recipients[i].mailbox);
	json_end(j);
	json_end(j);
}

void words_json(struct json *j, const char *key, const struct queue_look *look,
		const struct config *config)
{
	const struct entry *e = &look->entry;

	json_object(j, key);
	json_text(j, "id", e->id);
	json_text(j, "state", words_state_name(words_state(look, time(NULL))));
	if (!queue_look_is_whole(look)) {
		add_guess(j, look);
		json_end(j);
		return;
	}
	if (look->place == SPOOL_DAMAGED)
		json_text(j, "reason", look->err.text);
	json_bool(j, "held", e->is_held);
	json_bool(j, "in_doubt", e->is_in_doubt);
	json_bool(j, "report", e->is_report);
	json_number(j, "arrived", e->arrived);
	json_number(j, "next_try", e->next);
	json_number(j, "tries", e->attempts);
	json_number(j, "size", (int64_t)entry_size(e));
	json_number(j, "uid", e->uid);
	if (e->user)
		json_text(j, "user", e->user);
	if (e->host)
		json_text(j, "host", e->host);
	json_text(j, "account", e->account);
	json_text(j, "message_id", e->message_id);
	json_text(j, "sender", e->envelope.sender);
	if (e->envelope.origin)
		json_text(j, "given_sender", e->envelope.origin);
	if (look->place != SPOOL_DAMAGED)
		add_reason(j, config, e, e->why);
	add_recipients(j, config, e);
	json_end(j);
}
