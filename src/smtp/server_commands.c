/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the server knows to do, a row for each command. */
#include "smtp/server_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

static enum next wrong_arguments(struct server *s, const char *words)
{
	return server_blame(s, 501, "5.5.4", words);
}

static void greet(struct server *s, bool is_extended)
{
	server_reset(s);	/* RFC 5321 section 4.1.4 */
	s->is_greeted = true;
	s->is_extended = is_extended;
}

/*
 * RFC 3207 section 4.2: whatever was said in clear may have been said by somebody in
 * between. What was sent ahead of the handshake was, and nobody who does that is spoken
 * to any more.
 */
static enum next do_starttls(struct server *s, const char *arguments)
{
	struct error err;

	if (*arguments)
		return wrong_arguments(s, "STARTTLS stands alone");
	if (s->wire->tls || s->wire->is_secret)
		return server_blame(s, 503, "5.5.1", "TLS has begun already");
	if (!s->options->offers_tls)
		return server_blame(s, 502, "5.5.1", "TLS is not offered here");
	if (server_is_ahead(s)) {
		server_reply(s, 554, "5.5.0", "something was sent ahead of TLS");
		return HANG_UP;
	}
	server_reply(s, 220, "2.0.0", "begin");
	if (!server_flush(s))
		return HANG_UP;
	server_reset(s);
	s->is_greeted = s->is_extended = false;
	s->start = s->end = 0;
	s->wire->deadline = clock_after(s->options->idle_timeout);
	if (s->wire->start_tls(s->wire, &err))
		return GO_ON;
	err.kind = ERROR_TLS;	/* lost or refused: no word in clear can follow */
	server_lose(s, &err);
	return HANG_UP;
}

static enum next do_helo(struct server *s, const char *arguments)
{
	if (!*arguments)	/* RFC 2034 section 4: no enhanced code, as in all answers to it */
		return server_blame(s, 501, "", "HELO needs the name of who says it");
	greet(s, false);
	server_reply(s, 250, "", "%s", s->options->name);
	return GO_ON;
}

static enum next do_ehlo(struct server *s, const char *arguments)
{
	static const char *const keywords[] = {
		"PIPELINING", "8BITMIME", "SMTPUTF8", "DSN", "CHUNKING", "ENHANCEDSTATUSCODES",
	};
	char line[64];

	if (!*arguments)
		return server_blame(s, 501, "", "EHLO needs the name of who says it");
	greet(s, true);
	server_reply_more(s, 250, s->options->name);
	for (size_t i = 0; i < COUNT_OF(keywords); i++)
		server_reply_more(s, 250, keywords[i]);
	if (s->options->offers_tls && !s->wire->is_secret)
		server_reply_more(s, 250, "STARTTLS");
	if (server_offers_login(s))
		server_reply_more(s, 250, "AUTH PLAIN LOGIN");
	if (s->options->takes_along)
		server_reply_more(s, 250, "XACSMTP");
	snprintf(line, sizeof(line), "SIZE %" PRIu64, s->options->max_size);
	server_reply_more(s, 250, line);
	/* RFC 9422 */
	server_reply(s, 250, "", "LIMITS RCPTMAX=%zu", s->options->max_recipients);
	return GO_ON;
}

static enum next do_mail(struct server *s, const char *arguments)
{
	if (s->has_sender)
		return server_blame(s, 503, "5.5.1", "a sender was named already; RSET first");
	if (s->options->needs_login && !s->is_logged_in)
		return server_blame(s, 530, "5.7.0", s->wire->is_secret ? "AUTH comes first" :
				    "STARTTLS and AUTH come first");
	return server_take_mail(s, arguments);
}

static enum next do_rcpt(struct server *s, const char *arguments)
{
	if (!s->has_sender)
		return server_blame(s, 503, "5.5.1", "MAIL comes first");
	if (server_has_begun(s))
		return server_blame(s, 503, "5.5.1", "the message has begun already");
	return server_take_rcpt(s, arguments);
}

/* Of what comes while no message may; both with 5.5.1. */
static const char needs_sender[] = "MAIL comes first", needs_recipient[] = "no valid recipients";
enum { NEEDS_SENDER = 503, NEEDS_RECIPIENT = 554 };	/* RFC 5321 section 3.3 */

static enum next do_data(struct server *s, const char *arguments)
{
	if (*arguments)
		return wrong_arguments(s, "DATA stands alone");
	if (server_has_begun(s))
		return server_blame(s, 503, "5.5.1", "the message has begun with BDAT");
	if (!s->has_sender)
		return server_blame(s, NEEDS_SENDER, "5.5.1", needs_sender);
	if (s->envelope.count > 0)
		return server_take_data(s);
	server_reply(s, NEEDS_RECIPIENT, "5.5.1", "%s", needs_recipient);
	return GO_ON;
}

/* The chunk is read nevertheless. */
static void spoil_chunk(struct server *s)
{
	s->is_spoilt = true;
	s->spoilt_code = s->has_sender ? NEEDS_RECIPIENT : NEEDS_SENDER;
	s->spoilt_status = "5.5.1";
	error_set(&s->why_spoilt, ERROR_DATA, "%s", s->has_sender ? needs_recipient : needs_sender);
}

/* Its chunk follows, whatever is thought of it: how long it is must be known. */
static enum next do_bdat(struct server *s, const char *arguments)
{
	const char *end;
	uint64_t size = 0;

	for (end = arguments; *end >= '0' && *end <= '9'; end++) {
		if (size > (UINT64_MAX - 9) / 10)
			break;
		size = size * 10 + (uint64_t)(*end - '0');
	}
	if (end == arguments || (*end && !text_is(end, " LAST"))) {
		/* What follows would be read as commands. */
		server_reply(s, 501, "5.5.4", "BDAT needs a size, and LAST or nothing");
		return HANG_UP;
	}
	if (!s->is_spoilt && (!s->has_sender || s->envelope.count == 0))
		spoil_chunk(s);
	return server_take_chunk(s, size, *end != '\0');
}

static enum next do_rset(struct server *s, const char *arguments)
{
	if (*arguments)
		return wrong_arguments(s, "RSET stands alone");
	server_reset(s);
	server_reply(s, 250, "2.0.0", "Ok");
	return GO_ON;
}

static enum next do_noop(struct server *s, const char *arguments)
{
	(void)arguments;
	server_reply(s, 250, "2.0.0", "Ok");
	return GO_ON;
}

/*
 * RFC 5321 section 3.5.3: which mailboxes there are is told to nobody, and 252 is for
 * that.
 */
static enum next do_vrfy(struct server *s, const char *arguments)
{
	if (!*arguments)
		return wrong_arguments(s, "VRFY needs a name");
	server_reply(s, 252, "2.5.2", "send to it, and see");
	return GO_ON;
}

static enum next do_quit(struct server *s, const char *arguments)
{
	(void)arguments;
	s->has_quit = true;
	server_reply(s, 221, "2.0.0", "%s closes", s->options->name);
	return HANG_UP;
}

static enum next do_not_here(struct server *s, const char *arguments)
{
	(void)arguments;
	return server_blame(s, 502, "5.5.1", "this is not offered here");
}

static enum next do_help(struct server *s, const char *arguments);

static const struct server_command {
	const char *verb;
	enum next (*obey)(struct server *s, const char *arguments);
	bool needs_greeting;
	bool waits;		/* it ends a flight: RFC 2920 section 3.1 */
} commands[] = {
	{ "HELO", do_helo,	false, true },
	{ "EHLO", do_ehlo,	false, true },
	{ "MAIL", do_mail,	true,  false },
	{ "RCPT", do_rcpt,	true,  false },
	{ "DATA", do_data,	true,  true },
	{ "BDAT", do_bdat,	true,  false },
	{ "RSET", do_rset,	false, false },
	{ "NOOP", do_noop,	false, true },
	{ "VRFY", do_vrfy,	false, true },
	{ "HELP", do_help,	false, false },
	{ "QUIT", do_quit,	false, true },
	{ "AUTH", server_take_auth, true, true },
	{ "STARTTLS", do_starttls, true, true },
	{ "EXPN", do_not_here,	false, true },
	{ "ETRN", do_not_here,	false, false },
	{ "TURN", do_not_here,	false, true },
};

static bool is_offered(const struct server *s, const struct server_command *c)
{
	if (c->obey == server_take_auth)
		return server_offers_login(s);
	if (c->obey == do_starttls)
		return s->options->offers_tls && !s->wire->is_secret;
	return c->obey != do_not_here;
}

static enum next do_help(struct server *s, const char *arguments)
{
	OWNED_BUF words = BUF_INIT(512);

	(void)arguments;
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (is_offered(s, &commands[i]))
			buf_addf(&words, " %s", commands[i].verb);
	server_reply(s, 214, "2.0.0", "known here:%s", buf_text(&words));
	return GO_ON;
}

static const struct server_command *find(const char *line, size_t verb_len)
{
	for (size_t i = 0; i < COUNT_OF(commands); i++)
		if (text_is_n(line, verb_len, commands[i].verb))
			return &commands[i];
	return NULL;
}

static bool is_too_early(const struct server *s, const struct server_command *c)
{
	/* To whom pipelining was not offered nothing may be sent ahead. */
	return s->options->is_strict && server_is_ahead(s) && (c->waits || !s->is_extended) &&
	       c->obey != do_bdat;
}

enum next server_obey(struct server *s, char *line, size_t len)
{
	const struct server_command *c;
	size_t verb_len;
	char *arguments;

	/*
	 * A NUL would hide what follows it, the others would get into logs and onto
	 * terminals.
	 */
	if (strlen(line) != len || text_has_control_but_tab(line))
		return server_blame(s, 500, "5.5.2", "a control character stands in the command");
	while (len > 0 && text_is_blank(line[len - 1]))
		line[--len] = '\0';
	verb_len = strcspn(line, " \t");
	c = find(line, verb_len);
	if (!c)
		return server_blame(s, 500, "5.5.1", "no such command");
	if (s->taker->is_closed && c->obey != do_quit) {
		server_reply_closed(s);
		return HANG_UP;
	}
	if (is_too_early(s, c)) {
		server_reply(s, 554, "5.5.0", "commands were sent ahead of the reply to %s",
			     c->verb);
		return HANG_UP;
	}
	if (c->needs_greeting && !s->is_greeted && s->options->is_strict)
		return server_blame(s, 503, "5.5.1", "HELO or EHLO comes first");
	arguments = line + verb_len;
	arguments += strspn(arguments, " \t");
	return c->obey(s, arguments);
}
