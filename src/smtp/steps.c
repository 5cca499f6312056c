/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session from its first word to QUIT: the steps to where mail can be sent stand in a
 * table, then come messages, each in as many transactions as the server's limits ask
 * for.
 */
#include "smtp/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "smtp/auth.h"
#include "smtp/session.h"
#include "smtp/suit.h"
#include "smtp/transaction.h"

enum said { SAID, NOTHING_TO_SAY, CANNOT_SAY };

static enum said say_ehlo(struct session *s, struct error *err)
{
	return session_say(s, err, "EHLO %s", s->options.helo) ? SAID : CANNOT_SAY;
}

static enum said say_starttls(struct session *s, struct error *err)
{
	if (!s->options.starttls)
		return NOTHING_TO_SAY;
	if (!s->can.starttls) {
		error_set(err, ERROR_PROTOCOL, "the server does not offer STARTTLS");
		error_advise(err, "nothing is sent in clear text; is it the right port? "
			     "(587 with `tls = starttls`, 465 with `tls = implicit`)");
		return CANNOT_SAY;
	}
	return session_say(s, err, "STARTTLS") ? SAID : CANNOT_SAY;
}

/* What was learned in clear text is hearsay: ask again. */
static enum said say_ehlo_again(struct session *s, struct error *err)
{
	return s->had_tls_started ? say_ehlo(s, err) : NOTHING_TO_SAY;
}

static bool judge_greeting(struct session *s, const struct reply *reply, struct error *err)
{
	return reply->code == 220 || session_refused(s, reply, AT_SESSION, err);
}

static bool judge_ehlo(struct session *s, const struct reply *reply, struct error *err)
{
	if (reply->code != 250)
		return session_refused(s, reply, AT_EHLO, err);
	extensions_learn(&s->can, buf_text(&reply->text));
	return true;
}

static bool start_tls(struct session *s, const struct reply *reply, struct error *err)
{
	char words[64];

	if (reply->code != 220)
		return session_refused(s, reply, AT_STARTTLS, err);
	/*
	 * Bytes that came before the handshake were put there by someone in the middle.
	 */
	if (!reader_is_empty(&s->reader)) {
		error_set(err, ERROR_PROTOCOL, "clear text was sent after the reply to STARTTLS");
		return error_advise(err, "someone between here and the server may be "
				    "tampering with the connection");
	}
	session_set_deadline(s);
	if (!s->wire->start_tls(s->wire, err)) {
		s->is_broken = true;
		return false;
	}
	/* RFC 3207 section 4.2: somebody in the middle may have said that. */
	extensions_learn(&s->can, "");
	s->had_tls_started = true;
	snprintf(words, sizeof(words), "%s%s", s->wire->tls,
		 s->wire->tls_is_resumed ? ", session resumed" : "");
	trace_line(s->options.trace, "***", words);
	return true;
}

/*
 * Read it from top to bottom: it is how a session begins. Each step says its line,
 * waits for the answer and judges it; AUTH has a table of its own.
 */
static const struct smtp_step {
	const char *name;
	enum smtp_stage stage;		/* that it is a part of */
	enum said (*say)(struct session *s, struct error *err);
	bool (*judge)(struct session *s, const struct reply *reply, struct error *err);
} steps[] = {
	{ "greeting",	SMTP_GREETED,	NULL,		judge_greeting },
	{ "EHLO",	SMTP_SECURED,	say_ehlo,	judge_ehlo },
	{ "STARTTLS",	SMTP_SECURED,	say_starttls,	start_tls },
	{ "EHLO",	SMTP_INFORMED,	say_ehlo_again,	judge_ehlo },
};

static bool take_step(struct session *s, const struct smtp_step *step, struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;
	enum said said = step->say ? step->say(s, err) : SAID;

	if (said != SAID)
		return said == NOTHING_TO_SAY;
	return session_flush(s, err) && session_hear(s, &reply, 1, err) &&
	       step->judge(s, &reply, err);
}

bool smtp_advance(struct session *s, enum smtp_stage stage, struct error *err)
{
	for (; s->next_step < COUNT_OF(steps); s->next_step++) {
		const struct smtp_step *step = &steps[s->next_step];

		if (step->stage > stage)
			return true;
		if (!take_step(s, step, err))
			return error_context(err, "%s", step->name);
	}
	return stage < SMTP_READY || s->options.auth == AUTH_OFF || s->mechanism ||
	       auth_log_in(s, err);
}

struct session *smtp_new(struct transport *transport, const struct smtp_options *options)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->wire = transport;
	s->options = *options;
	s->until = s->last_call = clock_after(WHOLE_PATIENCE * options->timeout);
	s->out = (struct buf)BUF_INIT(FLIGHT_MAX + COMMAND_MAX);
	s->last_reply = text_copy("");
	reader_init(&s->reader, transport);
	return s;
}

struct session *smtp_open(struct transport *transport, const struct smtp_options *options,
			  struct error *err)
{
	struct session *s = smtp_new(transport, options);

	if (smtp_advance(s, SMTP_READY, err))
		return s;
	smtp_close(s);
	return NULL;
}

/* Fails before a byte of the message is sent, with both figures. */
static bool fits(const struct session *s, const struct message *m, struct error *err)
{
	uint64_t size = message_size(m);

	if (!s->can.size_limit || size <= s->can.size_limit)
		return true;
	return error_set(err, ERROR_DATA, "the message has %" PRIu64 " bytes and the server "
			 "takes %" PRIu64 " at most (SIZE)", size, s->can.size_limit);
}

/* Refuses those who cannot be named to this server. False: the sender, or all of them. */
static bool can_say_addresses(const struct session *s, struct envelope *e,
			      struct error *err)
{
	bool has_any = false;

	if (s->can.smtputf8 || !envelope_needs_utf8(e))
		return true;
	error_set(err, ERROR_DATA, "an address has letters beyond ASCII, and the server does "
		  "not offer SMTPUTF8");
	if (address_needs_utf8(e->sender))
		return false;
	for (size_t i = 0; i < e->count; i++) {
		struct recipient *r = &e->recipients[i];

		if (r->verdict == VERDICT_NONE && address_needs_utf8(r->mailbox))
			envelope_judge(e, r, VERDICT_REFUSED, err);
		has_any = has_any || r->verdict == VERDICT_NONE;
	}
	return has_any;
}

static size_t transaction_max(const struct session *s)
{
	long most = s->options.max_recipients;

	if (s->can.max_recipients && (most <= 0 || s->can.max_recipients < most))
		most = s->can.max_recipients;
	return most > 0 ? (size_t)most : SIZE_MAX;
}

/* The first recipients without a verdict, at most `most`. */
static size_t gather(struct envelope *e, struct recipient **some, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < e->count && count < most; i++)
		if (e->recipients[i].verdict == VERDICT_NONE)
			some[count++] = &e->recipients[i];
	return count;
}

void smtp_set_witness(struct session *s, struct witness *witness)
{
	s->witness = witness;
}

/* The clock of one message; a server that needs all of it for some is left with those. */
static void set_limits(struct session *s, const struct envelope *e)
{
	size_t most = transaction_max(s), left = envelope_count(e, VERDICT_NONE);
	long further = left > most ? (long)((left - 1) / most) : 0;
	long whole = s->options.timeout * WHOLE_PATIENCE +
		     further * s->options.timeout / WHOLE_SHARE;

	s->until = clock_after(whole);
	s->last_call = clock_after(whole / 2);
	s->is_late = false;
}

/* Whether another transaction makes sense. */
static bool may_begin(const struct session *s, struct error *err)
{
	if (s->is_broken)
		return error_set(err, ERROR_LATER, "the server ended the session before "
				 "it had heard of every recipient");
	if (s->is_throttled)
		return error_set(err, ERROR_QUOTA, "not tried: the server had refused all "
				 "mail of this account for now");
	return (!s->is_late && clock_left(s->last_call) > 0) ||
	       error_set(err, ERROR_LATER, "not tried: the server was so slow that the whole "
			 "would take too long");
}

static bool tell_witness(struct session *s, const struct envelope *e, bool ok,
			 struct error *err)
{
	bool is_last = !ok || envelope_count(e, VERDICT_NONE) == 0;
	struct error why;

	if (!s->witness || s->witness->after_transaction(s->witness, is_last, &why) || is_last)
		return ok;
	*err = why;
	return false;
}

static bool run_next(struct transaction *t, struct error *err)
{
	struct session *s = t->session;

	return may_begin(s, err) && (!s->is_dirty || session_reset(s, err)) &&
	       tell_witness(s, t->envelope, transaction_run(t, err), err);
}

bool smtp_send(struct session *s, struct envelope *e, const struct message *m,
	       struct error *err)
{
	OWNED_SUIT suit;
	struct transaction t = { .session = s, .envelope = e };
	bool ok = true;

	suit_init(&suit);
	if (!can_say_addresses(s, e, err) || !message_suit(&suit, m, e, &s->can, err) ||
	    !fits(s, suit.message, err))
		return false;
	t.message = suit.message;
	t.is_utf8 = suit.is_utf8;
	if (s->witness && s->witness->all_or_none &&
	    envelope_count(e, VERDICT_NONE) > transaction_max(s))
		return error_set(err, ERROR_LATER, "the server does not take it for all "
				 "recipients at once");
	set_limits(s, e);
	t.recipients = xcalloc(e->count, sizeof(struct recipient *));
	while (ok && (t.count = gather(e, t.recipients, transaction_max(s))) > 0)
		ok = run_next(&t, err);
	free(t.recipients);
	return ok;
}

const char *smtp_last_reply(const struct session *s)
{
	return s->last_reply;
}

int smtp_last_code(const struct session *s)
{
	return s->last_code;
}

bool smtp_sender_is_refused(const struct session *s)
{
	return s->is_sender_refused;
}

const struct transport *smtp_transport(const struct session *s)
{
	return s->wire;
}

/* A server that has something to say to a session at rest says goodbye. */
bool smtp_is_broken(const struct session *s)
{
	return s->is_broken || s->is_throttled || !reader_is_empty(&s->reader) ||
	       (s->wire->has_news && s->wire->has_news(s->wire));
}

void smtp_close(struct session *s)
{
	struct error unheard;

	if (!s)
		return;
	/*
	 * Courtesy: what became of the mail is settled, and a lost QUIT changes nothing.
	 */
	buf_clear(&s->out);
	if (!s->is_broken && (s->wire->is_secret || !s->options.starttls) &&
	    session_say(s, &unheard, "QUIT")) {
		s->wire->deadline = clock_after(1);
		(void)s->wire->write(s->wire, s->out.text, s->out.len, &unheard);
	}
	s->wire->close(s->wire);
	secret_free(&s->hidden);
	buf_free(&s->out);
	free(s->last_reply);
	free(s);
}
