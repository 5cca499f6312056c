/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the server hears and answers. Everything it hears is bounded: a line, the time that
 * the client may say nothing, and the nonsense that it may say. Replies are held back
 * while there is something to read, so that a flight of commands costs one write.
 */
#include "smtp/server.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"
#include "smtp/server_session.h"

enum {
	REPLY_WORDS_MAX = 400,	/* bytes of what is said in one line */
	ERRORS_MAX = 20,	/* commands that make no sense */
	PACE_MS = 2,		/* of patience for each byte of a message: 500 bytes a second */
};

/* --- hearing */

static bool lose(struct server *s, const struct error *why)
{
	if (!s->is_lost)
		s->why_lost = *why;
	s->is_lost = true;
	return false;
}

static int64_t patience_of(const struct server *s)
{
	return INT64_C(1000) * s->options->idle_timeout;
}

/*
 * A byte now and then would keep a message here for days. So what we wait for it is taken
 * from a patience that its bytes renew, from chunk to chunk; it is never more than one may
 * be silent, and the time that we take ourselves costs the client nothing.
 */
static ssize_t read_at_a_pace(struct server *s, int64_t deadline, struct error *err)
{
	int64_t before = clock_ms(), most = patience_of(s);
	size_t size = sizeof(s->in) - s->end;
	ssize_t n;

	if (deadline > before + s->patience)
		deadline = before + s->patience;
	s->wire->deadline = deadline;
	n = s->wire->read(s->wire, s->in + s->end, size, err);
	s->patience -= clock_ms() - before;
	if (n > 0)
		s->patience += n * PACE_MS;
	if (s->patience > most)
		s->patience = most;
	return n >= 0 ? n : (error_context(err, "in a message"), -1);
}

/* False: nothing came, and nothing will. */
static bool fill(struct server *s, int64_t deadline)
{
	struct error err;
	ssize_t n;

	if (s->is_lost || !server_flush(s))
		return false;
	if (s->start > 0) {
		memmove(s->in, s->in + s->start, s->end - s->start);
		s->end -= s->start;
		s->start = 0;
	}
	s->wire->deadline = deadline;
	if (server_has_begun(s))
		n = read_at_a_pace(s, deadline, &err);
	else
		n = s->wire->read(s->wire, s->in + s->end, sizeof(s->in) - s->end, &err);
	if (n < 0)
		return lose(s, &err);
	s->end += (size_t)n;
	return n > 0;
}

bool server_is_ahead(const struct server *s)
{
	return s->start < s->end;
}

void server_forget_heard(struct server *s)
{
	wipe(s->in, s->start);
	wipe(s->in + s->end, sizeof(s->in) - s->end);
}

/* Up to the line's end, which may be far. */
static void skip_line(struct server *s, int64_t deadline)
{
	char *lf;

	while (!(lf = memchr(s->in + s->start, '\n', s->end - s->start))) {
		s->start = s->end = 0;
		if (!fill(s, deadline))
			return;
	}
	s->start = (size_t)(lf - s->in) + 1;
}

/* It has its time as a whole: a byte now and then would keep a client here for ever. */
char *server_hear_line(struct server *s, size_t *len, bool *too_long)
{
	int64_t deadline = clock_after(s->options->idle_timeout);
	char *line, *lf;

	*too_long = false;
	while (!(lf = memchr(s->in + s->start, '\n', s->end - s->start))) {
		*too_long = s->end - s->start >= SERVER_LINE_MAX;
		if (*too_long) {
			skip_line(s, deadline);
			return s->is_lost ? NULL : s->in;
		}
		if (!fill(s, deadline))
			return NULL;
	}
	line = s->in + s->start;
	s->start = (size_t)(lf - s->in) + 1;
	*len = (size_t)(lf - line);
	if (*len > 0 && line[*len - 1] == '\r')
		--*len;
	line[*len] = '\0';
	return line;
}

size_t server_hear_bytes(struct server *s, size_t size, const char **bytes)
{
	size_t len;

	if (!server_is_ahead(s)) {
		s->start = s->end = 0;
		if (!fill(s, clock_after(s->options->idle_timeout)))
			return 0;
	}
	len = s->end - s->start;
	len = len < size ? len : size;
	*bytes = s->in + s->start;
	s->start += len;
	return len;
}

/* --- answering */

bool server_flush(struct server *s)
{
	struct error err;

	if (s->is_lost || s->out.len == 0)
		return !s->is_lost;
	s->wire->deadline = clock_after(s->options->idle_timeout);
	if (!s->wire->write(s->wire, s->out.text, s->out.len, &err))
		return lose(s, &err);
	buf_clear(&s->out);
	return true;
}

/* Who sends commands and reads no replies must not fill the memory. */
static void add_line(struct server *s, const char *line)
{
	if (s->out.len + strlen(line) + 2 > SERVER_REPLIES_MAX && !server_flush(s))
		return;
	buf_addf(&s->out, "%s\r\n", line);
}

void server_reply_more(struct server *s, int code, const char *text)
{
	OWNED_BUF line = BUF_INIT(REPLY_WORDS_MAX + 32);

	buf_addf(&line, "%d-%.*s", code, REPLY_WORDS_MAX, text);
	add_line(s, buf_text(&line));
}

void server_reply(struct server *s, int code, const char *enhanced, const char *fmt, ...)
{
	char words[REPLY_WORDS_MAX], line[REPLY_WORDS_MAX + 32];
	bool is_told = s->is_extended && *enhanced;
	va_list args;

	va_start(args, fmt);
	vsnprintf(words, sizeof(words), fmt, args);
	va_end(args);
	text_make_printable(words);
	snprintf(line, sizeof(line), "%d %s%s%s", code, is_told ? enhanced : "",
		 is_told ? " " : "", words);
	add_line(s, line);
}

/* The first row that fits wins; NONE: any that passes, and then any that does not. */
static const struct judgement {
	enum error_kind kind;
	bool passes;		/* error_is_worth_retrying() */
	int code;
	const char *enhanced;
} judgements[] = {
	{ ERROR_NO_USER, false, 550, "5.1.1" },
	{ ERROR_NO_HOST, false, 550, "5.1.2" },
	{ ERROR_SENDER,	 false, 550, "5.7.1" },
	{ ERROR_DATA,	 false, 554, "5.6.0" },
	{ ERROR_REFUSED, false, 554, "5.7.1" },
	{ ERROR_QUOTA,	 true,	451, "4.7.1" },
	{ ERROR_NONE,	 true,	451, "4.3.0" },
	{ ERROR_NONE,	 false, 554, "5.3.0" },
}, no_room = { ERROR_IO, true, 452, "4.3.1" }, too_large = { ERROR_DATA, false, 552, "5.3.4" };

void server_reply_error(struct server *s, const struct error *err)
{
	bool passes = error_is_worth_retrying(err);
	const struct judgement *j = judgements;

	while (j->passes != passes || (j->kind != ERROR_NONE && j->kind != err->kind))
		j++;
	if (passes && error_is_no_room(err))
		j = &no_room;
	else if (error_is_too_large(err))
		j = &too_large;
	server_reply(s, j->code, j->enhanced, "%s%s%s", err->text, err->advice ? "; " : "",
		     err->advice ? err->advice : "");
}

void server_reply_closed(struct server *s)
{
	server_reply(s, 421, "4.3.2", "%s closes, come again with a new connection",
		     s->options->name);
}

void server_lose(struct server *s, const struct error *why)
{
	(void)server_flush(s);
	(void)lose(s, why);
}

enum next server_blame(struct server *s, int code, const char *enhanced, const char *words)
{
	struct error err;

	server_reply(s, code, enhanced, "%s", words);
	if (++s->errors < ERRORS_MAX)
		return GO_ON;
	server_reply(s, 421, "4.7.0", "%s: too many errors", s->options->name);
	error_set(&err, ERROR_PROTOCOL, "the client made %d errors; the last: %s", ERRORS_MAX,
		  words);
	server_lose(s, &err);
	return HANG_UP;
}

/* --- the dialogue */

void server_reset(struct server *s)
{
	if (s->intake)
		message_intake_abandon(s->intake);
	s->intake = NULL;
	message_free(&s->message);
	message_init(&s->message);
	envelope_free(&s->envelope);
	s->envelope = (struct envelope){ 0 };
	free(text_take(&s->notify));
	s->has_sender = s->is_spoilt = false;
	s->spoilt_code = 0;
	s->announced = 0;
	s->patience = patience_of(s);
}

/*
 * With the reason on the wire where the client may still hear it: not behind a reply that
 * it did not read.
 */
static void say_goodbye(struct server *s)
{
	struct error unheard;

	if (!s->is_lost || s->has_quit || s->why_lost.kind != ERROR_NETWORK || s->out.len > 0)
		return;
	if (s->taker->is_closed)
		server_reply_closed(s);
	else
		server_reply(s, 421, "4.4.2", "%s: %s", s->options->name, server_has_begun(s) ?
			     "the message came too slowly" : "nothing came for too long");
	s->wire->deadline = clock_after(1);
	(void)s->wire->write(s->wire, s->out.text, s->out.len, &unheard);
}

static void talk(struct server *s)
{
	enum next next = GO_ON;

	server_reply(s, 220, "", "%s ESMTP acsmtp", s->options->name);
	while (next == GO_ON) {
		bool too_long;
		size_t len = 0;
		char *line = server_hear_line(s, &len, &too_long);

		if (!line)
			break;
		next = too_long ? server_blame(s, 500, "5.5.2", "the line is too long") :
				  server_obey(s, line, len);
	}
	(void)server_flush(s);
}

bool smtp_serve(struct transport *wire, const struct server_options *options,
		struct server_taker *taker, struct error *err)
{
	struct server *s = xmalloc(sizeof(*s));
	bool is_lost;

	memset(s, 0, offsetof(struct server, in));
	s->wire = wire;
	s->options = options;
	s->taker = taker;
	s->out = (struct buf)BUF_INIT(SERVER_REPLIES_MAX + REPLY_WORDS_MAX + 64);
	message_init(&s->message);
	s->patience = patience_of(s);
	talk(s);
	say_goodbye(s);
	is_lost = s->is_lost && !s->has_quit && !taker->is_closed;
	if (is_lost)
		*err = s->why_lost;
	server_reset(s);
	message_free(&s->message);
	buf_free(&s->out);
	wipe(s->in, sizeof(s->in));
	free(s);
	return !is_lost;
}

bool smtp_turn_away(struct transport *wire, const struct server_options *options,
		    const struct error *why, struct error *err)
{
	OWNED_BUF line = BUF_INIT(2 * ERROR_TEXT_MAX);
	OWNED_TEXT words = text_copy(why->text);

	text_make_printable(words);
	/*
	 * Not 554: the setting that keeps the client out may be mended, and no mail
	 * should be given up for it.
	 */
	buf_addf(&line, "421 %s %s: %.*s%s%s\r\n",
		 why->kind == ERROR_REFUSED ? "4.7.1" : "4.3.2", options->name, REPLY_WORDS_MAX,
		 words, why->advice ? "; " : "", why->advice ? why->advice : "");
	wire->deadline = clock_after(options->idle_timeout);
	return wire->write(wire, buf_text(&line), line.len, err);
}
