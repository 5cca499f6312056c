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

#include "base/base64.h"
#include "smtp/bearer.h"
#include "smtp/scram.h"

enum {
	TURNS_MAX = 4,		/* answers that we give before a mechanism is a muddle */
	REASON_MAX = 300,	/* bytes that are shown of why a token was refused */
};

struct exchange {
	const struct smtp_options *options;
	int turn;
	const char *challenge;		/* in base64; NULL: nothing was said yet */
	struct scram scram;
};

static void exchange_free(struct exchange *x)
{
	scram_free(&x->scram);
}
#define OWNED_EXCHANGE	__attribute__((cleanup(exchange_free))) struct exchange

/*
 * The raw words of a turn; the base64 of them goes over the wire. False: what the server
 * says is not answered, with ERROR_PROTOCOL or ERROR_CONFIG.
 */
typedef bool respond_fn(struct exchange *x, struct buf *raw, struct error *err);

static bool respond_plain(struct exchange *x, struct buf *raw, struct error *err) /* RFC 4616 */
{
	const struct smtp_options *o = x->options;

	(void)err;
	buf_add_bytes(raw, "", 1);
	buf_add(raw, o->user);
	buf_add_bytes(raw, "", 1);
	buf_add_bytes(raw, o->secret->bytes, o->secret->len);
	return true;
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

static bool respond_login(struct exchange *x, struct buf *raw, struct error *err)
{
	const struct smtp_options *o = x->options;

	(void)err;
	if (x->turn == 0 || asks_for_user(x->challenge))
		buf_add(raw, o->user);
	else
		buf_add_bytes(raw, o->secret->bytes, o->secret->len);
	return true;
}

static bool decode_challenge(const char *challenge, struct buf *bytes, struct error *err)
{
	char *room = buf_reserve(bytes, strlen(challenge));

	if (room && base64_decode(challenge, strlen(challenge), "+/", room, &bytes->len)) {
		room[bytes->len] = '\0';
		return true;
	}
	return error_set(err, ERROR_PROTOCOL, "the server's challenge makes no sense");
}

static bool respond_scram(struct exchange *x, struct buf *raw, struct error *err)
{
	OWNED_BUF bytes = BUF_INIT(REPLY_TEXT_MAX);

	return (!x->challenge || decode_challenge(x->challenge, &bytes, err)) &&
	       scram_next(&x->scram, x->options->user, x->options->secret,
			  x->challenge ? &bytes : NULL, raw, err);
}

static bool respond_cram(struct exchange *x, struct buf *raw, struct error *err)
{
	OWNED_BUF bytes = BUF_INIT(REPLY_TEXT_MAX);

	return decode_challenge(x->challenge, &bytes, err) &&
	       smtp_cram_md5(x->options->user, x->options->secret, &bytes, raw, err);
}

static bool respond_xoauth2(struct exchange *x, struct buf *raw, struct error *err)
{
	(void)err;
	bearer_xoauth2(x->options, raw);
	return true;
}

static bool respond_oauthbearer(struct exchange *x, struct buf *raw, struct error *err)
{
	(void)err;
	bearer_oauthbearer(x->options, raw);
	return true;
}

/*
 * RFC 4422 appendix A: who the certificate of TLS says that we are, unless another name
 * is said.
 */
static bool respond_external(struct exchange *x, struct buf *raw, struct error *err)
{
	(void)err;
	buf_add(raw, x->options->user);
	return true;
}

static const struct mechanism {
	const char *name;
	respond_fn *respond;
	const char *to_reason;		/* the answer to a challenge that says why it refuses */
	enum auth_choice choice;
	bool takes_token;		/* and no password: the other kind is never said */
	bool initial_response;
	bool is_second_try;		/* for servers that choke on an initial response */
} mechanisms[] = {
	/* ACS takes a password by LOGIN alone; elsewhere it is as good as PLAIN. */
	{ "LOGIN", respond_login, NULL, AUTH_LOGIN, false, true, false },
	{ "LOGIN", respond_login, NULL, AUTH_LOGIN, false, false, true },
	{ "PLAIN", respond_plain, NULL, AUTH_PLAIN, false, true, false },
	{ "XOAUTH2", respond_xoauth2, "", AUTH_XOAUTH2, true, true, false },
	{ "OAUTHBEARER", respond_oauthbearer, "AQ==", AUTH_OAUTHBEARER, true, true, false },
	/*
	 * They keep a password from the server, which has no use for it: TLS has shown
	 * who it is. And servers list what a user's password was not kept for.
	 */
	{ "SCRAM-SHA-256", respond_scram, NULL, AUTH_SCRAM_SHA_256, false, true, false },
	{ "CRAM-MD5", respond_cram, NULL, AUTH_CRAM_MD5, false, false, false },
	{ "EXTERNAL", respond_external, NULL, AUTH_EXTERNAL, false, true, false },
};

/* A buffer in a secret's memory: it is wiped with it, and can never move. */
static struct buf buf_in(struct secret *room, size_t limit)
{
	secret_make_room(room);
	return (struct buf){ .text = room->bytes, .room = SECRET_MAX + 1, .limit = limit };
}

/* Says one line: `command` (or nothing) and the base64 of the mechanism's answer. */
static bool say_turn(struct session *s, const struct mechanism *m, struct exchange *x,
		     struct error *err)
{
	OWNED_SECRET raw_room = { 0 }, line_room = { 0 };
	struct buf raw = buf_in(&raw_room, SECRET_MAX);
	struct buf line = buf_in(&line_room, COMMAND_MAX - 2);
	char shown[64];
	bool is_first = !x->challenge;

	/*
	 * What is left unanswered is waited for: nothing more can be said, not even QUIT.
	 */
	if ((!is_first || m->initial_response) && !m->respond(x, &raw, err)) {
		s->is_broken = true;
		return false;
	}
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
	if (code == 504 || code == 534 || (code == 501 && m->initial_response && !m->takes_token) ||
	    (code == 500 && m->initial_response && is_first))
		return TRY_NEXT;
	return code == 535 && is_first && m->choice == AUTH_LOGIN &&
	       m->initial_response && login_is_all_there_is(s) ? TRY_NEXT : FAILED;
}

/* Who lets anybody in does not know the password, and is perhaps not who he should be. */
static enum outcome judge_success(struct session *s, const struct mechanism *m,
				  const struct exchange *x, struct error *err)
{
	if (m->choice != AUTH_SCRAM_SHA_256 || x->scram.is_proven)
		return LOGGED_IN;
	s->is_broken = true;
	error_set(err, ERROR_PROTOCOL, "the server does not show that it knows the password");
	return FAILED;
}

static enum outcome try_mechanism(struct session *s, const struct mechanism *m,
				  struct error *err)
{
	OWNED_REPLY reply = REPLY_INIT;
	OWNED_TEXT challenge = NULL;
	OWNED_BUF reason = BUF_INIT(REASON_MAX);
	OWNED_EXCHANGE x = { .options = &s->options };
	bool has_answered = m->initial_response;

	do {
		bool is_reason = m->to_reason && x.turn > 0;

		if (!(is_reason ? answer_reason(s, m, challenge, &reason, err) :
				  say_turn(s, m, &x, err)) ||
		    !session_hear(s, &reply, 1, err))
			return FAILED;
		if (reply.code == 235)
			return judge_success(s, m, &x, err);
		text_cleanup(&challenge);
		x.challenge = challenge = text_copy(buf_text(&reply.text));
		x.turn += has_answered;
		has_answered = true;
	} while (reply.code == 334 && x.turn < TURNS_MAX);
	if (reason.len > 0)
		buf_addf(&reply.text, " (%s)", buf_text(&reason));
	session_refused(s, &reply, AT_AUTH, err);
	return judge_refusal(s, m, reply.code, x.turn == 1);
}

static bool lists_token_mechanism(const struct session *s)
{
	for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
		if (mechanisms[i].takes_token && extensions_have_auth(&s->can, mechanisms[i].name))
			return true;
	return false;
}

/*
 * What the server does not list is tried where the account names it, and never on trial.
 */
static bool is_candidate(const struct session *s, const struct mechanism *m, int last_code)
{
	if (m->is_second_try && last_code != 500 && last_code != 501 &&
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

/*
 * A token that was kept may have been taken back since, or be too near to its end for
 * this server, which Microsoft's say by this code; a new one is tried once.
 */
static bool has_new_token(struct session *s, const struct mechanism *m,
			  const struct error *err)
{
	struct renewal *renewal = m->takes_token ? s->options.renewal : NULL;

	bool is_of_token = err->reply == 535 || !strcmp(err->status, "5.5.127");

	return renewal && is_of_token && renewal->renew(renewal) && !s->is_broken;
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
