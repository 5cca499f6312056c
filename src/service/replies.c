/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a reply means: the service's own rows first, then those that are true of all
 * servers; the first that fits. The code alone does not tell whose fault it is: a 550
 * can be about the sender, a recipient, the text, or this machine's address, and only
 * one of these is a reason to give a message up.
 */
#include "service/replies.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"

static const char not_from_here[] =
	N_("the server takes no mail from this machine's address: ask whoever runs it, or the "
	"list that it names; the mail is not at fault");
static const char not_by_this_name[] =
	N_("the server does not like what this machine calls itself: set `domain` to a full name "
	"that it takes");
static const char too_big[] = N_("the message is too big for the server");

/* For all servers, behind the rows of the service. */
static const struct reply_rule rules[] = {
	/* Any server, about the login. */
	{ REPLY_TO(AT_STARTTLS), 454, NULL, NULL, { ERROR_LATER,
	  N_("the server cannot begin TLS now: try again later") } },
	{ REPLY_TO(AT_AUTH), 454, NULL, NULL, { ERROR_LATER,
	  N_("the server cannot check passwords now: try again later") } },
	{ REPLY_ANY, 530, NULL, "starttls", { ERROR_CONFIG,
	  N_("the server wants TLS: set `tls = starttls`") } },
	{ REPLY_ANY, 530, NULL, NULL, { ERROR_AUTH,
	  N_("the server wants a login: set `user` and a password, and not `auth = off`") } },
	{ REPLY_ANY, 534, NULL, NULL, { ERROR_AUTH,
	  N_("the server wants another way to log in: see `auth`") } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("check `user` and the password; some servers want a password of their own for "
	  "programs") } },
	/* About this machine; many servers keep that to themselves until RCPT. */
	{ REPLY_TO(AT_EHLO), 501, NULL, NULL, { ERROR_BARRED, not_by_this_name } },
	{ REPLY_TO(AT_EHLO), 504, NULL, NULL, { ERROR_BARRED, not_by_this_name } },
	{ REPLY_TO(AT_EHLO), 550, NULL, NULL, { ERROR_BARRED, not_by_this_name } },
	{ REPLY_TO(AT_EHLO), 553, NULL, NULL, { ERROR_BARRED, not_by_this_name } },
	{ REPLY_ANY, REPLY_ANY, NULL, "helo command rejected", { ERROR_BARRED, not_by_this_name } },
	{ REPLY_ANY, REPLY_ANY, NULL, "client host", { ERROR_BARRED, not_from_here } },
	{ REPLY_ANY, REPLY_ANY, NULL, "banned sending ip", { ERROR_BARRED, not_from_here } },
	{ REPLY_ANY, REPLY_ANY, NULL, "not accepted from this ip", { ERROR_BARRED, not_from_here } },
	{ REPLY_ANY, 5, "7.25", NULL, { ERROR_BARRED, not_from_here } },
	{ REPLY_ANY, 5, "3.2", NULL, { ERROR_BARRED, NULL } },
	{ REPLY_TO(AT_SESSION), 5, NULL, NULL, { ERROR_BARRED,
	  N_("the server takes nothing from this machine for now, whatever the mail is") } },
	/*
	 * 554 is the session's as well as the message's, and then speaks of its sender.
	 */
	{ REPLY_TO(AT_MAIL), 521, NULL, NULL, { ERROR_BARRED, NULL } },
	{ REPLY_TO(AT_MAIL), 554, NULL, "sender", { ERROR_SENDER, NULL } },
	{ REPLY_TO(AT_MAIL), 554, NULL, "@", { ERROR_SENDER, NULL } },
	{ REPLY_TO(AT_MAIL), 554, "", NULL, { ERROR_BARRED, NULL } },
	{ REPLY_TO(AT_MAIL), 554, "7.", NULL, { ERROR_BARRED, NULL } },
	{ REPLY_TO(AT_MAIL) | REPLY_TO(AT_RCPT), 503, NULL, NULL, { ERROR_PROTOCOL, NULL } },
	/* About the message. */
	{ REPLY_TO_MAIL, 5, NULL, "5.7.60", { ERROR_SENDER,
	  N_("the account may not send as this sender") } },
	{ REPLY_TO_MAIL, 5, "1.7", NULL, { ERROR_SENDER,
	  N_("the server does not take this sender; set `from` to one that it takes") } },
	{ REPLY_TO_MAIL, 5, "1.8", NULL, { ERROR_SENDER,
	  N_("the server does not take this sender; set `from` to one that it takes") } },
	{ REPLY_TO(AT_RCPT), 5, "5.3", NULL, { ERROR_LATER, NULL } },
	{ REPLY_TO_MAIL, 5, "3.4", NULL, { ERROR_DATA, too_big } },
	{ REPLY_TO_MAIL, 5, "2.3", NULL, { ERROR_DATA, too_big } },
	{ REPLY_TO(AT_MAIL) | REPLY_TO(AT_DATA), 552, "", NULL, { ERROR_DATA, too_big } },
};

/* What a 5xx says where no row knows more. */
static const enum error_kind refusals[AT_STEPS] = {
	[AT_SESSION]	= ERROR_BARRED,
	[AT_EHLO]	= ERROR_BARRED,
	[AT_STARTTLS]	= ERROR_PROTOCOL,
	[AT_AUTH]	= ERROR_AUTH,
	[AT_MAIL]	= ERROR_SENDER,
	[AT_RCPT]	= ERROR_NO_USER,
	[AT_DATA]	= ERROR_REFUSED,
	[AT_RSET]	= ERROR_BARRED,
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "5.7.1" of "5.7.1 No" (RFC 3463); "": there is none. */
static void find_status(const char *text, char status[ERROR_STATUS_SIZE])
{
	size_t at = 1;

	status[0] = '\0';
	if (!strchr("245", text[0]) || !text[0])
		return;
	for (int i = 0; i < 2; i++) {
		size_t digits = text[at] == '.' ? strspn(text + at + 1, "0123456789") : 0;

		if (digits == 0 || digits > 3)
			return;
		at += 1 + digits;
	}
	if (!text[at] || strchr(" \n:;", text[at]))
		snprintf(status, ERROR_STATUS_SIZE, "%.*s", (int)at, text);
}

/* Subject and detail of it, which say the same whatever its class. */
static const char *detail_of(const char status[ERROR_STATUS_SIZE])
{
	return *status ? status + strlen("5.") : "";
}

static bool fits_status(const char *wanted, const char *status)
{
	size_t len = strlen(wanted);

	if (len > 0 && wanted[len - 1] == '.')
		return !strncmp(status, wanted, len);
	return !strcmp(status, wanted);
}

/* Whether the place is no part of a longer number: an address "10.5.3.51" is no 5.3.5. */
static bool stands_alone(const char *text, const char *at, size_t len)
{
	bool begins = at == text || (!is_digit(at[-1]) && at[-1] != '.');
	bool ends = !is_digit(at[len]) && !(at[len] == '.' && is_digit(at[len + 1]));

	return begins && ends;
}

static bool has_words(const char *text, const char *words)
{
	const char *at = text;

	for (; (at = strcasestr(at, words)); at++)
		if (!is_digit(*words) || stands_alone(text, at, strlen(words)))
			return true;
	return false;
}

static bool fits_code(int wanted, int code)
{
	return wanted == REPLY_ANY || wanted == code || wanted == code / 100;
}

static bool fits(const struct reply_rule *rule, enum reply_at at, int code, const char *text)
{
	char status[ERROR_STATUS_SIZE];

	if ((rule->at && !(rule->at & REPLY_TO(at))) || !fits_code(rule->code, code))
		return false;
	find_status(text, status);
	return (!rule->status || fits_status(rule->status, detail_of(status))) &&
	       (!rule->words || has_words(text, rule->words));
}

static const struct reply_rule *find_rule(const struct service *service, enum reply_at at,
					  int code, const char *text)
{
	for (size_t i = 0; i < service->rule_count; i++)
		if (fits(&service->rules[i], at, code, text))
			return &service->rules[i];
	for (size_t i = 0; i < COUNT_OF(rules); i++)
		if (fits(&rules[i], at, code, text))
			return &rules[i];
	return NULL;
}

struct meaning reply_meaning(const char *service, enum reply_at at, int code,
			     const char *text)
{
	bool is_refusal = code >= 500 || (at == AT_RSET && code > 421);
	struct meaning meaning = { is_refusal ? refusals[at] :
				   code >= 400 ? ERROR_LATER : ERROR_PROTOCOL, NULL };
	const struct reply_rule *rule =
		code < 400 ? NULL : find_rule(service_named(service), at, code, text);

	if (!rule)
		return meaning;
	meaning.hint = rule->meaning.hint;
	/* RFC 5321 section 3.8: whatever it says, the server is about to hang up. */
	if (rule->meaning.kind != ERROR_NONE &&
	    (code != 421 || error_kind_is_worth_retrying(rule->meaning.kind)))
		meaning.kind = rule->meaning.kind;
	return meaning;
}

bool reply_is_too_many(int code, const char *text)
{
	char status[ERROR_STATUS_SIZE];

	if (code < 400)
		return false;
	find_status(text, status);
	return !strcmp(detail_of(status), "5.3") || (!*status && (code == 452 || code == 552));
}

/* --- errors that a reply is behind */

void reply_note(struct error *err, enum reply_at at, int code, const char *text)
{
	err->reply = code;
	err->at = at;
	err->status[0] = '\0';
	if (code >= 400)
		find_status(text, err->status);
}

/* How the text of an error names the step; the message has no such word. */
static enum reply_at step_of(const char *text, size_t len)
{
	static const struct {
		const char *words;
		enum reply_at at;
	} steps[] = {
		{ "greeting: ", AT_SESSION }, { "EHLO: ", AT_EHLO }, { "STARTTLS: ", AT_STARTTLS },
		{ "AUTH ", AT_AUTH }, { "RSET: ", AT_RSET }, { "MAIL FROM <", AT_MAIL },
		{ "RCPT TO <", AT_RCPT },
	};

	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (memmem(text, len, steps[i].words, strlen(steps[i].words)))
			return steps[i].at;
	return AT_DATA;
}

/*
 * Where the reply begins: at the start, or behind the ": " that ends a context; or NULL.
 */
static const char *find_reply(const char *text, const char *code)
{
	const char *at = text;

	for (; (at = strstr(at, code)); at++)
		if (at == text || (at >= text + 2 && !strncmp(at - 2, ": ", 2)))
			return at;
	return NULL;
}

void reply_recall(struct error *err)
{
	char code[] = "000 ";
	const char *said;

	err->leaf = 0;
	if (err->reply < 400 || err->reply > 599)
		return;
	snprintf(code, sizeof(code), "%03d ", err->reply);
	said = find_reply(err->text, code);
	if (said)
		err->leaf = (size_t)(said - err->text);
	reply_note(err, step_of(err->text, said ? err->leaf : strlen(err->text)), err->reply,
		   said ? said + strlen(code) : err->text);
}

const char *reply_hint(const char *service, const struct error *why)
{
	const char *said = error_said(why);

	if (why->reply < 400 || why->reply > 599)
		return NULL;
	/* Behind the code, which is always three digits. */
	if (is_digit(*said) && strlen(said) >= strlen("000 "))
		said += strlen("000 ");
	return reply_meaning(service, (enum reply_at)why->at, why->reply, said).hint;
}
