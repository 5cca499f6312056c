/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * AUTH (RFC 4954), as a password and a name: PLAIN and LOGIN. Both show the password to
 * whoever listens, so that they are taken under TLS alone. What was heard is wiped as
 * soon as the taker has seen it, wrong or right; who goes on guessing is turned out.
 */
#include "smtp/server_session.h"

#include <string.h>

#include "base/base64.h"
#include "base/secret.h"
#include "base/text.h"

enum { WRONG_LOGINS_MAX = 3 };

/* What a client answered: decoded, in memory of its own. */
enum heard { HEARD, HEARD_NONSENSE, HEARD_TOO_LONG, HEARD_CANCEL, HEARD_NOTHING };

/*
 * Strictly (RFC 4648 section 3.3): what two readers could read in two ways is nonsense.
 */
static bool decode(const char *text, size_t len, struct secret *out)
{
	uint32_t bits = 0;
	size_t padding = 0;

	if (len % 4 != 0 || len / 4 * 3 > SECRET_MAX)
		return false;
	while (padding < 2 && padding < len && text[len - padding - 1] == '=')
		padding++;
	secret_make_room(out);
	for (size_t i = 0; i < len; i++) {
		int value = i >= len - padding ? 0 : base64_value(text[i], "+/");

		if (value < 0)
			return false;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4 != 3)
			continue;
		for (int shift = 16; shift >= 0; shift -= 8)
			out->bytes[out->len++] = (char)(bits >> shift);
	}
	/* Bits that the padding hides must be none. */
	for (; padding > 0; padding--)
		if (out->bytes[--out->len] != '\0')
			return false;
	out->bytes[out->len] = '\0';
	return true;
}

static enum heard decode_answer(const char *text, size_t len, struct secret *out)
{
	if (!strcmp(text, "*"))
		return HEARD_CANCEL;
	return decode(text, len, out) ? HEARD : HEARD_NONSENSE;
}

/* The answer to a challenge, which is in base64 already. */
static enum heard ask(struct server *s, const char *challenge, struct secret *out)
{
	bool too_long;
	size_t len = 0;
	char *line;
	enum heard heard;

	server_reply(s, 334, "", "%s", challenge);
	line = server_hear_line(s, &len, &too_long);
	if (!line)
		return HEARD_NOTHING;
	heard = too_long ? HEARD_TOO_LONG : strlen(line) != len ? HEARD_NONSENSE :
		decode_answer(line, len, out);
	server_forget_heard(s);
	return heard;
}

/* With the command itself (RFC 4954 section 4: "=" is the empty answer), or asked for. */
static enum heard first_answer(struct server *s, const char *initial, const char *challenge,
			       struct secret *out)
{
	if (!*initial)
		return ask(s, challenge, out);
	if (!strcmp(initial, "="))
		return secret_make_room(out), HEARD;
	return decode_answer(initial, strlen(initial), out);
}

/* --- the mechanisms */

struct claim {		/* both NUL-terminated, somewhere in the secrets */
	struct secret said[2];
	const char *name, *password;
};

/* RFC 4616: [authorization] NUL name NUL password. Nobody acts for somebody else here. */
static enum heard hear_plain(struct server *s, const char *initial, struct claim *claim)
{
	struct secret *said = &claim->said[0];
	enum heard heard = first_answer(s, initial, "", said);
	const char *end, *first_nul, *second_nul;

	if (heard != HEARD)
		return heard;
	end = said->bytes + said->len;
	first_nul = memchr(said->bytes, '\0', said->len);
	second_nul = first_nul ? memchr(first_nul + 1, '\0', (size_t)(end - first_nul - 1)) : NULL;
	if (!second_nul || memchr(second_nul + 1, '\0', (size_t)(end - second_nul - 1)))
		return HEARD_NONSENSE;
	claim->name = first_nul + 1;
	claim->password = second_nul + 1;
	if (*said->bytes && strcmp(said->bytes, claim->name) != 0)
		claim->password = NULL;
	return HEARD;
}

static enum heard hear_login(struct server *s, const char *initial, struct claim *claim)
{
	/* "Username:" and "Password:" */
	enum heard heard = first_answer(s, initial, "VXNlcm5hbWU6", &claim->said[0]);

	if (heard == HEARD)
		heard = ask(s, "UGFzc3dvcmQ6", &claim->said[1]);
	if (heard != HEARD)
		return heard;
	for (size_t i = 0; i < COUNT_OF(claim->said); i++)
		if (memchr(claim->said[i].bytes, '\0', claim->said[i].len))
			return HEARD_NONSENSE;
	claim->name = claim->said[0].bytes;
	claim->password = claim->said[1].bytes;
	return HEARD;
}

static const struct {
	const char *name;
	enum heard (*hear)(struct server *s, const char *initial, struct claim *claim);
} mechanisms[] = {
	{ "PLAIN", hear_plain },
	{ "LOGIN", hear_login },
};

/* --- the command */

static enum next turn_out(struct server *s)
{
	struct error err;

	server_reply(s, 421, "4.7.0", "%s: too many wrong logins", s->options->name);
	error_set(&err, ERROR_PROTOCOL, "%d logins were wrong", WRONG_LOGINS_MAX);
	server_lose(s, &err);
	return HANG_UP;
}

static enum next judge(struct server *s, const struct claim *claim)
{
	struct error err = { 0 };

	if (claim->password && s->taker->login(s->taker, claim->name, claim->password, &err)) {
		s->is_logged_in = true;
		server_reply(s, 235, "2.7.0", "welcome");
		return GO_ON;
	}
	if (claim->password && error_is_worth_retrying(&err) && err.kind != ERROR_AUTH) {
		server_reply(s, 454, "4.7.0", "logins cannot be checked now");
		return GO_ON;
	}
	server_reply(s, 535, "5.7.8", "wrong name or password");
	return ++s->wrong_logins < WRONG_LOGINS_MAX ? GO_ON : turn_out(s);
}

/* RFC 4954 sections 4 and 6 */
static const struct {
	int code;
	const char *enhanced, *words;
} complaints[] = {
	[HEARD_NONSENSE] = { 501, "5.5.2", "that is not what the mechanism says" },
	[HEARD_TOO_LONG] = { 500, "5.5.6", "the answer is too long" },
	[HEARD_CANCEL]	 = { 501, "5.7.0", "the login was given up" },
};

static enum next log_in(struct server *s, const char *arguments)
{
	struct claim claim = { .name = NULL };
	size_t len = strcspn(arguments, " \t");
	const char *initial = arguments + len + strspn(arguments + len, " \t");
	enum heard heard;
	enum next next;
	size_t i = 0;

	while (i < COUNT_OF(mechanisms) && !text_is_n(arguments, len, mechanisms[i].name))
		i++;
	if (i == COUNT_OF(mechanisms))
		return server_blame(s, 504, "5.5.4", "known here are PLAIN and LOGIN");
	heard = mechanisms[i].hear(s, initial, &claim);
	if (heard == HEARD)
		next = judge(s, &claim);
	else if (heard == HEARD_NOTHING)
		next = HANG_UP;
	else
		next = server_blame(s, complaints[heard].code, complaints[heard].enhanced,
				    complaints[heard].words);
	for (i = 0; i < COUNT_OF(claim.said); i++)
		secret_free(&claim.said[i]);
	return next;
}

bool server_offers_login(const struct server *s)
{
	return s->taker->login && s->wire->is_secret;
}

enum next server_take_auth(struct server *s, const char *arguments)
{
	enum next next;

	if (!s->taker->login)
		next = server_blame(s, 502, "5.5.1", "there is nothing to log in to");
	else if (!s->wire->is_secret)
		next = server_blame(s, 538, "5.7.11", "logging in needs TLS");
	else if (s->is_logged_in)
		next = server_blame(s, 503, "5.5.1", "a login was done already");
	else if (s->has_sender)
		next = server_blame(s, 503, "5.5.1", "a message has begun; RSET first");
	else if (!*arguments)
		next = server_blame(s, 501, "5.5.4", "AUTH needs the name of a mechanism");
	else
		next = log_in(s, arguments);
	/* Whatever came of it: a password may stand in it. */
	server_forget_heard(s);
	return next;
}
