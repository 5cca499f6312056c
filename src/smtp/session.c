/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is said and heard, in step. Each command goes through session_say(), past which
 * no control character comes, and each secret through session_say_secret(), which asks
 * for TLS whatever others have asked; from then on replies that say it back are made
 * blank. The time for the whole is bounded beside that for each answer.
 */
#include "smtp/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "smtp/hide.h"

enum { SHOWN_MAX = 400 };	/* bytes of a reply that an error shows */

bool session_say(struct session *s, struct error *err, const char *fmt, ...)
{
	char text[COMMAND_MAX];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0 || len > COMMAND_MAX - 2)
		return error_set(err, ERROR_DATA, "a command of %d bytes is too long", len);
	/* A line break in an address would be a command of the address's author. */
	if (text_has_control(text))
		return error_set(err, ERROR_DATA,
				 "a control character stands in an address or name");
	buf_add(&s->out, text);
	buf_add(&s->out, "\r\n");
	if (buf_is_full(&s->out))
		return error_set(err, ERROR_BUG, "too many commands in one flight");
	trace_line(s->options.trace, ">>>", text);
	return true;
}

static void trace_reply(struct session *s, const struct reply *reply)
{
	OWNED_TEXT text = text_copy(buf_text(&reply->text));
	char line[REPLY_LINE_MAX + 8], *at = text, *next;

	for (; at; at = next) {
		next = strchr(at, '\n');
		if (next)
			*next++ = '\0';
		snprintf(line, sizeof(line), "%d%c%s", reply->code, next ? '-' : ' ', at);
		trace_line(s->options.trace, "<<<", line);
	}
}

/* Its lines joined by blanks: an error is one line, whatever a server says. */
static char *one_line(const struct reply *reply)
{
	char *text = text_copy(buf_text(&reply->text));

	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	return text;
}

static void hide_secrets(struct session *s, struct buf *text)
{
	hide_bytes(text, s->hidden.bytes, s->hidden.len);
	if (s->hidden.len > 0 && s->options.secret)
		hide_secret(text, s->options.secret);
}

void session_last_words(struct session *s, struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;
	struct error unheard;

	/* What a server has said before it hung up is here already, or never comes. */
	s->is_broken = true;
	s->wire->deadline = clock_after(1);
	while (reply_read(&s->reader, &reply, &unheard)) {
		hide_secrets(s, &reply.text);
		if (s->options.trace)
			trace_reply(s, &reply);
		if (reply.code >= 400) {
			session_refused(s, &reply, s->at, err);
			return;
		}
		s->at = AT_DATA;	/* that was the answer to MAIL */
	}
}

void session_set_deadline(struct session *s)
{
	int64_t deadline = clock_after(s->options.timeout);

	s->wire->deadline = deadline < s->until ? deadline : s->until;
}

bool session_at_brink(struct session *s, struct error *err)
{
	if (!s->witness || s->witness->at_brink(s->witness, err))
		return true;
	s->is_broken = true;
	return false;
}

static bool write_now(struct session *s, const char *bytes, size_t len, struct error *err)
{
	session_set_deadline(s);
	if (s->wire->write(s->wire, bytes, len, err))
		return true;
	session_last_words(s, err);
	return false;
}

/* The last word of the line: "AUTH PLAIN ..." may come back without the rest. */
static void hide_from_now_on(struct session *s, const char *line, size_t len)
{
	const char *blank = memrchr(line, ' ', len);

	if (blank) {
		len -= (size_t)(blank + 1 - line);
		line = blank + 1;
	}
	if (len > 0)
		(void)secret_set(&s->hidden, line, len);
}

bool session_say_secret(struct session *s, char *line, size_t len, const char *shown,
			struct error *err)
{
	/* Whatever the configuration says, whoever calls: not in clear text. */
	if (!s->wire->is_secret)
		return error_set(err, ERROR_TLS,
				 "a secret is never sent without verified TLS");
	/*
	 * What was said before goes out by itself: this line is never copied into a
	 * buffer.
	 */
	if (!session_flush(s, err))
		return false;
	trace_line(s->options.trace, ">>>", shown);
	hide_from_now_on(s, line, len);
	memcpy(line + len, "\r\n", 2);
	return write_now(s, line, len + 2, err);
}

bool session_is_in_step(struct session *s, struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;
	OWNED_TEXT text = NULL;

	if (reader_is_empty(&s->reader))
		return true;
	if (!session_hear(s, &reply, 1, err))
		return false;
	/*
	 * Which answer was for which command is not known any more, not even whose RCPT
	 * it was.
	 */
	s->is_broken = true;
	if (reply.code == 421)
		return session_refused(s, &reply, AT_SESSION, err);
	text = one_line(&reply);
	return error_set(err, ERROR_PROTOCOL, "the server answered more than was said: %d %.*s",
			 reply.code, SHOWN_MAX, text);
}

bool session_flush(struct session *s, struct error *err)
{
	bool ok = s->out.len == 0 || (session_is_in_step(s, err) &&
				      write_now(s, s->out.text, s->out.len, err));

	buf_clear(&s->out);
	return ok;
}

bool session_hear(struct session *s, struct reply *reply, int patience, struct error *err)
{
	/* The answer to the message is waited for whatever the whole has taken: giving up here
	   means sending it twice. */
	if (patience == 1)
		session_set_deadline(s);
	else
		s->wire->deadline = clock_after(s->options.timeout * patience);
	if (!reply_read(&s->reader, reply, err)) {
		s->is_broken = true;
		hide_secrets(s, &reply->text);
		if (patience == 1 && clock_left(s->until) == 0)
			return error_set(err, ERROR_LATER, "the server was so slow that the "
					 "whole took too long");
		return reply->code || reply->text.len == 0 ? false :
		       reply_is_none(reply, err);
	}
	hide_secrets(s, &reply->text);
	if (s->options.trace)
		trace_reply(s, reply);
	if (reply->code == 421)		/* RFC 5321 section 3.8: it will hang up */
		s->is_broken = true;
	return true;
}

bool session_refused(struct session *s, const struct reply *reply, enum reply_at at,
		     struct error *err)
{
	OWNED_TEXT text = one_line(reply);
	struct meaning meaning =
		reply_meaning(s->options.service, at, reply->code, buf_text(&reply->text));

	/* A "yes" where none fits is no refusal that may give mail up, nor a yes. */
	if (reply->code < 400)
		error_set(err, ERROR_PROTOCOL, "the server said %d %.*s, which is no answer here",
			  reply->code, SHOWN_MAX, text);
	else
		error_set(err, meaning.kind, "%d %.*s", reply->code, SHOWN_MAX, text);
	reply_note(err, at, reply->code, buf_text(&reply->text));
	if (meaning.hint)
		error_advise(err, meaning.hint);
	s->is_throttled = s->is_throttled || meaning.kind == ERROR_QUOTA;
	return false;
}

bool session_reset(struct session *s, struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;

	if (!session_say(s, err, "RSET") || !session_flush(s, err) ||
	    !session_hear(s, &reply, 1, err))
		return error_context(err, "RSET");
	if (reply.code == 250)
		return true;
	s->is_broken = true;	/* nobody knows what of the last transaction is left in it */
	session_refused(s, &reply, AT_RSET, err);
	return error_context(err, "RSET");
}
