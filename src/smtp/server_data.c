/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message itself. Of DATA only CR LF . CR LF ends it: whoever takes another line end
 * for that lets others smuggle mail in behind it. A CR or LF alone is data, and is made
 * lawful by the canonicaliser that stands behind this reader and the command line's
 * alike. What cannot be taken is still read to its end, for commands follow.
 */
#include "smtp/server_session.h"

#include <inttypes.h>
#include <string.h>

enum { SLACK = 4096 };	/* bytes over the largest message that are still taken in */

/* --- what becomes of it */

static void begin_intake(struct server *s)
{
	if (!server_has_begun(s))
		s->intake = message_intake_begin(&s->message, 0);
}

static void spoil(struct server *s, const struct error *why)
{
	if (!s->is_spoilt)
		s->why_spoilt = *why;
	s->is_spoilt = true;
}

static void refuse_size(struct server *s)
{
	struct error err;

	error_set(&err, ERROR_DATA, "the message is larger than the %" PRIu64
		  " bytes that are taken here", s->options->max_size);
	spoil(s, &err);
	s->spoilt_code = 552;
	s->spoilt_status = "5.3.4";
}

static void take_bytes(struct server *s, const char *bytes, size_t len)
{
	struct error err;

	if (s->is_spoilt || len == 0)
		return;
	/* Exactly is found out at its end: line ends may grow and shrink. */
	if (s->options->max_size && message_size(&s->message) + len > s->options->max_size + SLACK) {
		refuse_size(s);
	} else if (!message_intake_add(s->intake, bytes, len, &err)) {
		spoil(s, &err);
	}
}

static void complete(struct server *s)
{
	struct error err;
	bool ok;

	if (s->is_spoilt)
		return;
	ok = message_intake_end(s->intake, &err);
	s->intake = NULL;
	if (!ok)
		spoil(s, &err);
	else if (s->options->max_size && message_size(&s->message) > s->options->max_size)
		refuse_size(s);
}

static enum next refuse(struct server *s)
{
	enum next next;

	/* Out of order, with which no transaction has begun. */
	if (!s->has_sender) {
		next = server_blame(s, s->spoilt_code, s->spoilt_status, s->why_spoilt.text);
		server_reset(s);
		return next;
	}
	if (s->spoilt_code)
		server_reply(s, s->spoilt_code, s->spoilt_status, "%s", s->why_spoilt.text);
	else
		server_reply_error(s, &s->why_spoilt);
	return GO_ON;
}

/* The one place where a message becomes ours. */
static enum next finish(struct server *s)
{
	enum next next = GO_ON;
	char id[ID_SIZE] = "";
	struct error err;

	complete(s);
	if (s->is_spoilt)
		next = refuse(s);
	else if (s->taker->message(s->taker, &s->envelope, &s->message, id, &err))
		server_reply(s, 250, "2.0.0", "Ok: queued as %s", id);
	else
		server_reply_error(s, &err);
	server_reset(s);
	/*
	 * Nobody shall wait for it, and from here on there is nothing to be told of it.
	 */
	(void)server_flush(s);
	if (s->taker->answered)
		s->taker->answered(s->taker);
	return next;
}

/* --- DATA */

/* What stands last, of CR LF . CR LF. */
enum at { AT_LINE, AT_DOT, AT_DOT_CR, IN_LINE, AT_CR };

struct dotted {
	enum at at;
	bool is_over;
};

/* The next byte; `out` takes what of it is text, two bytes at most. */
static size_t undot(struct dotted *d, char c, char out[2])
{
	size_t n = 0;

	if (d->at == AT_DOT_CR && c == '\n') {
		d->is_over = true;
		return 0;
	}
	if (d->at == AT_DOT && c == '\r') {
		d->at = AT_DOT_CR;
		return 0;
	}
	/* The first dot of a line was put there for the way: RFC 5321 section 4.5.2. */
	if (d->at == AT_LINE && c == '.') {
		d->at = AT_DOT;
		return 0;
	}
	if (d->at == AT_DOT_CR)
		out[n++] = '\r';
	out[n++] = c;
	if (c == '\n' && d->at == AT_CR)
		d->at = AT_LINE;
	else
		d->at = c == '\r' ? AT_CR : IN_LINE;
	return n;
}

/* Takes text up to the end of the message, or of the bytes; how many were used. */
static size_t take_text(struct server *s, struct dotted *d, const char *bytes, size_t len)
{
	size_t at = 0;

	while (at < len && !d->is_over) {
		const char *cr = d->at == IN_LINE ? memchr(bytes + at, '\r', len - at) : NULL;
		size_t run = d->at != IN_LINE ? 0 : cr ? (size_t)(cr - bytes) - at : len - at;
		char out[2];

		if (run > 0) {
			take_bytes(s, bytes + at, run);
			at += run;
		} else {
			run = undot(d, bytes[at++], out);
			take_bytes(s, out, run);
		}
	}
	return at;
}

/* False: the client is gone, and nothing of the message is anybody's. */
static bool read_dotted(struct server *s)
{
	struct dotted d = { .at = AT_LINE };

	while (!d.is_over) {
		const char *bytes;
		size_t n = server_hear_bytes(s, SERVER_BUFFER, &bytes);

		if (n == 0)
			return false;
		/* What follows the end is a command. */
		s->start -= n - take_text(s, &d, bytes, n);
	}
	return true;
}

enum next server_take_data(struct server *s)
{
	server_reply(s, 354, "", "end the message with a dot on a line of its own");
	begin_intake(s);
	if (!read_dotted(s))
		return HANG_UP;
	return finish(s);
}

/* --- BDAT (RFC 3030) */

enum next server_take_chunk(struct server *s, uint64_t size, bool is_last)
{
	uint64_t left = size;

	begin_intake(s);
	while (left > 0) {
		const char *bytes;
		size_t most = left < SERVER_BUFFER ? (size_t)left : SERVER_BUFFER;
		size_t n = server_hear_bytes(s, most, &bytes);

		if (n == 0)
			return HANG_UP;
		take_bytes(s, bytes, n);
		left -= n;
	}
	if (is_last)
		return finish(s);
	if (s->is_spoilt)
		return refuse(s);
	server_reply(s, 250, "2.0.0", "%" PRIu64 " bytes", size);
	return GO_ON;
}
