/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The mechanisms in the order in which they are tried. Another one is tried only after
 * an answer that says nothing of the password: each that is called wrong counts towards
 * the lock of an account. What is said is made in a secret's memory and seen by nobody,
 * the trace included.
 */
#include "smtp/auth.h"

#include <stdio.h>
#include <string.h>

#include "smtp/bearer.h"

enum {
	TURNS_MAX = 4,		/* answers that we give before a mechanism is a muddle */
	REASON_MAX = 300,	/* bytes that are shown of why a token was refused */
};

/* The raw words of a turn; the base64 of them goes over the wire. */
typedef void respond_fn(const struct smtp_options *o, int turn, const char *challenge,
			struct buf *raw);

static void respond_plain(const struct smtp_options *o, int turn, const char *challenge,
			  struct buf *raw)	/* RFC 4616 */
{
	(void)turn;
	(void)challenge;
	buf_add_bytes(raw, "", 1);
	buf_add(raw, o->user);
	buf_add_bytes(raw, "", 1);
	buf_add_bytes(raw, o->secret->bytes, o->secret->len);
}

/*
 * No standard says what the prompts of LOGIN are, but all begin with "user" first. A
 * server that did not take the initial response asks for the user again: the password
 * as an answer to that would land in its log.
 */
static bool asks_for_user(const char *challenge)
{
	static const char *const base64_of_user[] = { "VXNlc", "dXNlc", "VVNFU" };

	for (size_t i = 0; i < COUNT_OF(base64_of_user); i++)
		if (!strncmp(challenge, base64_of_user[i], strlen(base64_of_user[i])))
			return true;
	return false;
}

static void respond_login(const struct smtp_options *o, int turn, const char *challenge,
			  struct buf *raw)
{
	if (turn == 0 || asks_for_user(challenge))
		buf_add(raw, o->user);
	else
		buf_add_bytes(raw, o->secret->bytes, o->secret->len);
}

static void respond_xoauth2(const struct smtp_options *o, int turn, const char *challenge,
			    struct buf *raw)
{
	(void)turn;
	(void)challenge;
	bearer_xoauth2(o, raw);
}

static void respond_oauthbearer(const struct smtp_options *o, int turn,
				const char *challenge, struct buf *raw)
{
	(void)turn;
	(void)challenge;
	bearer_oauthbearer(o, raw);
}

/* RFC 4422 appendix A: who the certificate of TLS says that we are, unless another name is said. */
static void respond_external(const struct smtp_options *o, int turn, const char *challenge,
			     struct buf *raw)
{
	(void)turn;
	(void)challenge;
	buf_add(raw, o->user);
}

static const struct mechanism {
	const char *name;
	enum auth_choice choice;
	bool takes_token;		/* and no password: the other kind is never said */
	bool initial_response;
	respond_fn *respond;
	const char *to_reason;		/* the answer to a challenge that says why it refuses */
} mechanisms[] = {
	/* ACS takes a password by LOGIN alone; elsewhere it is as good as PLAIN. */
	{ "LOGIN",   AUTH_LOGIN,	false, true,  respond_login, NULL },
	{ "LOGIN",   AUTH_LOGIN,	false, false, respond_login, NULL },
	{ "PLAIN",   AUTH_PLAIN,	false, true,  respond_plain, NULL },
	{ "XOAUTH2", AUTH_XOAUTH2,	true,  true,  respond_xoauth2, "" },
	{ "OAUTHBEARER", AUTH_OAUTHBEARER, true, true, respond_oauthbearer, "AQ==" },
	{ "EXTERNAL", AUTH_EXTERNAL,	false, true,  respond_external, NULL },
};

/* A buffer in a secret's memory: it is wiped with it, and can never move. */
static struct buf buf_in(struct secret *room, size_t limit)
{
	secret_make_room(room);
	return (struct buf){ .text = room->bytes, .room = SECRET_MAX + 1, .limit = limit };
}

/* Says one line: `command` (or nothing) and the base64 of the mechanism's answer. */
static bool say_turn(struct session *s, const struct mechanism *m, int turn,
		     const char *challenge, struct error *err)
{
	OWNED_SECRET raw_room = { 0 }, line_room = { 0 };
	struct buf raw = buf_in(&raw_room, SECRET_MAX);
	struct buf line = buf_in(&line_room, COMMAND_MAX - 2);
	char shown[64];
	bool is_first = !challenge;

	if (!is_first || m->initial_response)
		m->respond(&s->options, turn, challenge ? challenge : "", &raw);
	if (is_first)
		buf_addf(&line, "AUTH %s", m->name);
	if (is_first && raw.len > 0)
		buf_add_char(&line, ' ');
	/* RFC 4954 section 4: an initial response of no bytes. */
	if (is_first && m->initial_response && raw.len == 0)
		buf_add(&line, " =");
	buf_add_base64(&line, raw.text, raw.len);
	if (buf_is_full(&raw) || buf_is_full(&line))
		return error_set(err, ERROR_CONFIG,
				 "user name and secret are too long for one line of %d bytes",
				 COMMAND_MAX);
	snprintf(shown, sizeof(shown), "%s%s%s", is_first ? "AUTH " : "",
		 is_first ? m->name : "", raw.len > 0 ? is_first ? " ****" : "****" : "");
	return session_say_secret(s, line.text, line.len, shown, err);
}

/* The refusal waits for an answer that means nothing, and the reason is said only now. */
static bool answer_reason(struct session *s, const struct mechanism *m,
			  const char *challenge, struct buf *reason, struct error *err)
{
	bearer_reason(&s->options, challenge, reason);
	return session_say(s, err, "%s", m->to_reason) && session_flush(s, err);
}

enum outcome { LOGGED_IN, TRY_NEXT, FAILED };

static bool login_is_all_there_is(const struct session *s)
{
	return s->options.auth == AUTH_LOGIN || !extensions_have_auth(&s->can, "PLAIN");
}

/*
 * `is_first`: it was said to the AUTH command itself. A 535 to that can mean the initial
 * response, as no password was said yet: then one more try can lock nobody out.
 */
static enum outcome judge_refusal(const struct session *s, const struct mechanism *m,
				  int code, bool is_first)
{
	if (code == 504 || code == 534 || (code == 501 && m->initial_response) ||
	    (code == 500 && m->initial_response && is_first))
		return TRY_NEXT;
	return code == 535 && is_first && m->choice == AUTH_LOGIN &&
	       m->initial_response && login_is_all_there_is(s) ? TRY_NEXT : FAILED;
}

static enum outcome try_mechanism(struct session *s, const struct mechanism *m,
				  struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;
	OWNED_TEXT challenge = NULL;
	OWNED_BUF reason = BUF_INIT(REASON_MAX);
	bool has_answered = m->initial_response;
	int turn = 0;

	do {
		bool is_reason = m->to_reason && turn > 0;

		if (!(is_reason ? answer_reason(s, m, challenge, &reason, err) :
				  say_turn(s, m, turn, challenge, err)) ||
		    !session_hear(s, &reply, 1, err))
			return FAILED;
		if (reply.code == 235)
			return LOGGED_IN;
		text_cleanup(&challenge);
		challenge = text_copy(buf_text(&reply.text));
		turn += has_answered;
		has_answered = true;
	} while (reply.code == 334 && turn < TURNS_MAX);
	if (reason.len > 0)
		buf_addf(&reply.text, " (%s)", buf_text(&reason));
	session_refused(s, &reply, AT_AUTH, err);
	return judge_refusal(s, m, reply.code, turn == 1);
}

static bool lists_token_mechanism(const struct session *s)
{
	for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
		if (mechanisms[i].takes_token && extensions_have_auth(&s->can, mechanisms[i].name))
			return true;
	return false;
}

/* What the server does not list is tried where the account names it, and never on trial. */
static bool is_candidate(const struct session *s, const struct mechanism *m, int last_code)
{
	/* The row without initial response is for servers that choke on one. */
	if (!m->initial_response && last_code != 500 && last_code != 501 &&
	    !((last_code == 504 || last_code == 535) && login_is_all_there_is(s)))
		return false;
	if (s->options.auth != AUTH_AUTO)
		return m->choice == s->options.auth;
	if (m->choice == AUTH_EXTERNAL)
		return false;
	if (m->takes_token != s->options.secret_is_token)
		return false;
	/* Azure takes tokens, and nobody knows whether it says so. */
	return extensions_have_auth(&s->can, m->name) ||
	       (m->choice == AUTH_XOAUTH2 && !lists_token_mechanism(s));
}

/* A token that was kept may have been taken back since; a new one is tried once. */
static bool has_new_token(struct session *s, const struct mechanism *m,
			  const struct error *err)
{
	struct renewal *renewal = m->takes_token ? s->options.renewal : NULL;

	return renewal && err->reply == 535 && renewal->renew(renewal) && !s->is_broken;
}

bool auth_log_in(struct session *s, struct error *err)
{
	int last_code = 0;

	err->kind = ERROR_NONE;
	for (size_t i = 0; i < COUNT_OF(mechanisms) && !s->is_broken; i++) {
		if (!is_candidate(s, &mechanisms[i], last_code))
			continue;
		switch (try_mechanism(s, &mechanisms[i], err)) {
		case LOGGED_IN:
			s->mechanism = mechanisms[i].name;
			return true;
		case FAILED:
			if (has_new_token(s, &mechanisms[i], err)) {
				i--;
				continue;
			}
			return error_context(err, "AUTH %s", mechanisms[i].name);
		case TRY_NEXT:
			error_context(err, "AUTH %s", mechanisms[i].name);
			last_code = err->reply;
		}
	}
	if (err->kind != ERROR_NONE)
		return false;
	if (s->can.auth[0])
		error_set(err, ERROR_BARRED, "the server offers no way to log in that we know "
			  "(it lists:%s)", s->can.auth);
	else
		error_set(err, ERROR_BARRED, "the server offers no way to log in that we know "
			  "(it lists: none)");
	return error_advise(err, "set `auth = login`, `plain` or `xoauth2` to try one that it "
			    "does not list");
}
