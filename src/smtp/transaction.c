/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A transaction is sent in as few flights as the server allows and heard in the
 * order in which it was said:
 *
 *	CHUNKING and PIPELINING, small message:	MAIL RCPT... BDAT+message
 *	PIPELINING:				MAIL RCPT... DATA | message
 *	CHUNKING, large message:		MAIL RCPT... | BDAT+message
 *	neither:				one command at a time
 *
 * So refusals arrive when the message may already be on its way: the server must then
 * refuse the message too, and whatever it says to it, nobody refused becomes accepted.
 *
 * There is one point from which on the server may have the message: its last byte, the dot or
 * the end of the last chunk. What breaks before it was not sent, whatever was said so far. What
 * breaks after it, before an answer that can be told to be the message's, is UNKNOWN, and never
 * REFUSED or LATER: those would send it again without a word. Each answer is waited for as long
 * as the session says, and that to the message for longer, as servers work on it meanwhile.
 */
#include "smtp/transaction.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "smtp/body.h"

/* The largest message that is worth sending before its recipients are accepted. */
enum { SMALL_MAX = 48 * 1024 };

/*
 * How far it has come. Answers are counted and not matched: the n-th answer is that to
 * the n-th command, so as many are heard as were said, whatever the first of them is, or
 * all that follow would be taken for answers to the wrong commands.
 */

struct progress {
	size_t asked;		/* recipients in the beginning */
	size_t said, heard;	/* commands of the envelope: 0 is MAIL, then RCPT */
	size_t accepted;	/* recipients: they are moved to the front of the list */
	bool mail_refused;
	struct error why;	/* of that */
	struct error closing;	/* the 421 that ended the session */
};

static bool is_8bit(const struct message *m)
{
	return m->header_is_8bit || m->body_is_8bit;
}

static bool say_mail(struct transaction *t, struct error *err)
{
	struct session *s = t->session;
	const struct envelope *e = t->envelope;
	OWNED_BUF line = BUF_INIT(COMMAND_MAX);

	buf_addf(&line, "MAIL FROM:<%s>", e->sender);
	if (s->can.size)
		buf_addf(&line, " SIZE=%" PRIu64, message_size(t->message));
	if (s->can.eightbitmime && is_8bit(t->message))
		buf_add(&line, " BODY=8BITMIME");
	if (t->is_utf8)
		buf_add(&line, " SMTPUTF8");
	if (s->can.dsn && e->ret)
		buf_addf(&line, " RET=%s", e->ret);
	if (s->can.dsn && e->envid)
		buf_addf(&line, " ENVID=%s", e->envid);
	if (e->along && !s->can.along)
		return error_set(err, ERROR_LATER, "it cannot be told all that was said to us: the "
				 "daemon is of another version");
	if (e->along)
		buf_addf(&line, " XACSMTP=%s", e->along);
	return session_say(s, err, "%s", buf_text(&line)) || error_context(err, "MAIL FROM");
}

static bool say_rcpt(struct transaction *t, const struct recipient *r, struct error *err)
{
	const char *notify = t->session->can.dsn ? t->envelope->notify : NULL;

	return session_say(t->session, err, "RCPT TO:<%s>%s%s", r->mailbox,
			   notify ? " NOTIFY=" : "", notify ? notify : "") ||
	       error_context(err, "RCPT TO <%s>", r->mailbox);
}

/* The n-th command of the envelope. */
static bool say_envelope(struct transaction *t, size_t n, struct error *err)
{
	return n == 0 ? say_mail(t, err) : say_rcpt(t, t->recipients[n - 1], err);
}

/* Only noted: the answers to what was said behind it must be heard all the same. */
static void judge_mail(struct transaction *t, struct progress *p, const struct reply *reply)
{
	if (reply->code / 100 == 2)
		return;
	p->mail_refused = true;
	session_refused(t->session, reply, AT_MAIL, &p->why);
	error_context(&p->why, "MAIL FROM <%s>", t->envelope->sender);
	t->session->is_sender_refused = reply->code / 100 == 5;
	if (reply->code == 421)
		p->closing = p->why;
}

static void judge_rcpt(struct transaction *t, struct progress *p, size_t n,
		       const struct reply *reply)
{
	struct recipient *r = t->recipients[n];
	struct error why;

	if (reply->code / 100 == 2) {	/* RFC 5321 section 4.2.1: the first digit decides */
		t->recipients[p->accepted++] = r;
		return;
	}
	/* After MAIL was refused a 503 follows by itself and says nothing of the address;
	   "too many" after others were taken means "in the next transaction". Both leave
	   the recipient without a verdict. */
	if (p->mail_refused || (p->accepted > 0 &&
				reply_is_too_many(reply->code, buf_text(&reply->text))))
		return;
	session_refused(t->session, reply, AT_RCPT, &why);
	/* The same error for whomever the server tells the same. */
	error_context(&why, "RCPT TO <%s>", WHOM);
	envelope_judge(t->envelope, r,
		       error_is_worth_retrying(&why) ? VERDICT_LATER : VERDICT_REFUSED, &why);
	if (reply->code == 421)
		recipient_reason(r, &p->closing);
}

/* Hears the next answer to the envelope. */
static bool hear_envelope(struct transaction *t, struct progress *p, struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;
	size_t n = p->heard;

	if (!session_hear(t->session, &reply, 1, err))
		return n == 0 ? error_context(err, "MAIL FROM") :
			error_context(err, "RCPT TO <%s>", t->recipients[n - 1]->mailbox);
	p->heard++;
	/* Last words of the server are about the message from now on. */
	t->session->at = AT_DATA;
	if (n == 0)
		judge_mail(t, p, &reply);
	else
		judge_rcpt(t, p, n - 1, &reply);
	return true;
}

static bool hear_rest(struct transaction *t, struct progress *p, struct error *err)
{
	while (p->heard < p->said)
		if (!hear_envelope(t, p, err))
			return false;
	return true;
}

/* Says MAIL and all RCPT; hears of them only what must be heard on the way. */
static bool say_all(struct transaction *t, struct progress *p, struct error *err)
{
	struct session *s = t->session;

	while (p->said <= t->count && !p->mail_refused) {
		if (!say_envelope(t, p->said, err))
			return false;
		p->said++;
		/* RFC 2920 section 3.1: never more unanswered than buffers hold. */
		if (s->can.pipelining && s->out.len < FLIGHT_MAX / 2)
			continue;
		if (!session_flush(s, err))
			return error_context(err, "sending the envelope");
		if (!hear_rest(t, p, err))
			return false;
		/* Better for some of them now than, the next time as well, for nobody. */
		if (p->accepted > 0 && p->said <= t->count && clock_left(s->last_call) == 0) {
			t->count = p->said - 1;
			s->is_late = true;
		}
	}
	return true;
}

/*
 * Where nobody could write down who has it: then the envelope is heard before the
 * message.
 */
static bool is_for_all_or_none(const struct transaction *t)
{
	return t->session->witness && t->session->witness->all_or_none;
}

/* Heard of all of them: whether it must not be sent to those who were accepted alone. */
static bool leaves_somebody_out(const struct transaction *t, const struct progress *p,
				struct error *err)
{
	if (!is_for_all_or_none(t) || p->accepted == p->asked)
		return false;
	error_set(err, ERROR_LATER, "the server does not take it for all recipients at once");
	return true;
}

static bool nobody_left(const struct progress *p)
{
	return p->mail_refused || p->accepted == 0;
}

/* Those whom the server accepted, when the message itself had its answer. */
static void judge_accepted(struct transaction *t, const struct progress *p,
			   enum verdict verdict, const struct error *why)
{
	for (size_t i = 0; i < p->accepted; i++)
		envelope_judge(t->envelope, t->recipients[i], verdict, why);
}

/*
 * The message was said to its end: without an answer it may have been taken, for those
 * who were accepted and for those of whom nothing was heard.
 */
static bool answer_lost(struct transaction *t, const struct progress *p,
			struct error *err)
{
	/* What was refused before, or by a server that took nothing more, is not lost. */
	if (p->mail_refused || p->closing.kind != ERROR_NONE)
		return false;
	error_context(err, "after the message");
	error_advise(err, "the message may have been sent: the server's answer to it was lost; "
		     "sending it again may deliver it twice");
	judge_accepted(t, p, VERDICT_UNKNOWN, err);
	for (size_t i = p->heard ? p->heard - 1 : 0; i < t->count; i++)
		envelope_judge(t->envelope, t->recipients[i], VERDICT_UNKNOWN, err);
	return false;
}

static void keep_last_reply(struct session *s, const struct reply *reply)
{
	struct buf line = BUF_INIT(REPLY_TEXT_MAX + 8);

	buf_addf(&line, "%d %s", reply->code, buf_text(&reply->text));
	free(s->last_reply);
	s->last_reply = buf_take(&line);
	s->last_code = reply->code;
	text_make_printable(s->last_reply);
}

static bool hear_message(struct transaction *t, struct progress *p, struct error *err)
{
	struct session *s = t->session;
	OWNED_REPLY reply = REPLY_INIT;

	if (!session_hear(s, &reply, FINAL_PATIENCE, err))
		return nobody_left(p) || answer_lost(t, p, err);
	/* To a message for nobody any answer is as good: everybody has a verdict. */
	if (nobody_left(p))
		return true;
	/* One answer too many, and it is not known which of them is the message's. */
	if (!session_is_in_step(s, err))
		return answer_lost(t, p, err);
	/* Neither yes nor no, to a message that was said to its end. */
	if (reply.code < 400 && reply.code / 100 != 2) {
		session_refused(s, &reply, AT_DATA, err);
		return answer_lost(t, p, err);
	}
	if (reply.code / 100 != 2) {
		session_refused(s, &reply, AT_DATA, err);
		if (err->kind == ERROR_SENDER)
			error_context(err, "sender <%s>", t->envelope->sender);
		return error_context(err, "after the message");
	}
	s->is_dirty = false;
	keep_last_reply(s, &reply);
	judge_accepted(t, p, VERDICT_ACCEPTED, NULL);
	return true;
}

/* A body that could not be sent whole was not taken, unless the server says otherwise. */
static bool body_failed(struct transaction *t, struct error *err)
{
	if (!t->session->is_broken)	/* or we did not want to */
		session_last_words(t->session, err);
	return error_context(err, "sending the message");
}

/* The message has a time of its own, by its size: a slow line is not a slow server. */
static bool send_body(struct transaction *t, struct error *err)
{
	struct session *s = t->session;
	int64_t began = clock_ms(), until = s->until;
	bool ok;

	s->until = clock_after(s->options.timeout +
			       (long)(message_size(t->message) / RATE_MIN));
	ok = s->can.chunking ? body_send_chunk(s, t->message, err) :
			       body_send_dotted(s, t->message, err);
	s->until = until + (clock_ms() - began);
	s->last_call += clock_ms() - began;
	return ok || body_failed(t, err);
}

/*
 * Hears of the whole envelope before the message. False: that was all, and *ok says how.
 */
static bool goes_on(struct transaction *t, struct progress *p, bool *ok, struct error *err)
{
	struct session *s = t->session;

	*ok = (session_flush(s, err) || error_context(err, "sending the envelope")) &&
	      hear_rest(t, p, err);
	if (!*ok || nobody_left(p))
		return false;
	*ok = !leaves_somebody_out(t, p, err);
	return *ok;
}

static bool send_chunked(struct transaction *t, struct progress *p, struct error *err)
{
	struct session *s = t->session;
	/*
	 * One wait less; but megabytes for a sender who is refused would be sent for
	 * nothing.
	 */
	bool together = s->can.pipelining && message_size(t->message) <= SMALL_MAX &&
			!is_for_all_or_none(t);
	int64_t until;
	bool ok;

	if (!together && !goes_on(t, p, &ok, err))
		return ok;
	if (!send_body(t, err))
		return false;
	/* It may be taken now: no more haste. */
	until = s->until;
	s->until = INT64_MAX;
	ok = hear_rest(t, p, err);
	s->until = until;
	return ok ? hear_message(t, p, err) : answer_lost(t, p, err);
}

static bool send_data(struct transaction *t, struct progress *p, struct error *err)
{
	struct session *s = t->session;
	OWNED_REPLY reply = REPLY_INIT;
	bool ok;

	if ((!s->can.pipelining || is_for_all_or_none(t)) && !goes_on(t, p, &ok, err))
		return ok;
	if (!session_say(s, err, "DATA") || !session_flush(s, err))
		return error_context(err, "DATA");
	/*
	 * With DATA, unlike BDAT, nothing can have been taken before our dot: no doubt
	 * yet.
	 */
	if (!hear_rest(t, p, err))
		return false;
	if (!session_hear(s, &reply, 1, err))
		return nobody_left(p) || error_context(err, "DATA");
	if (reply.code != 354) {
		if (nobody_left(p))
			return true;
		session_refused(s, &reply, AT_DATA, err);
		return error_context(err, "DATA");
	}
	/*
	 * RFC 2920 section 3.1: taken although nobody is left; end it with an empty one.
	 */
	if (nobody_left(p)) {
		buf_add(&s->out, ".\r\n");
		return session_flush(s, err) && hear_message(t, p, err);
	}
	if (!session_is_in_step(s, err))
		return error_context(err, "DATA");
	return send_body(t, err) && hear_message(t, p, err);
}

bool transaction_run(struct transaction *t, struct error *err)
{
	struct progress p = { .asked = t->count };
	bool ok;

	t->session->is_dirty = true;
	t->session->is_sender_refused = false;
	t->session->at = AT_SESSION;
	ok = say_all(t, &p, err);
	if (ok && !(p.mail_refused && p.heard == p.said))
		ok = t->session->can.chunking ? send_chunked(t, &p, err) :
						send_data(t, &p, err);
	/* That the rest was not answered, or answered oddly, follows from these. */
	if (p.mail_refused)
		*err = p.why;
	else if (!ok && p.closing.kind != ERROR_NONE)
		*err = p.closing;
	return ok && !p.mail_refused;
}
