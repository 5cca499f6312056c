/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MAIL and RCPT: their paths (RFC 5321 section 4.1.2) and parameters. */
#include "smtp/server_session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/text.h"
#include "mail/address.h"

enum {
	PARAMETER_MAX = 2048,
	ENVID_MAX = 100,	/* characters: RFC 3461 section 4.4 */
	ORCPT_MAX = 500,	/* and section 4.2 */
};

/*
 * "FROM:<...>" or "TO:<...>", with the blanks that programs put in; NULL: it is not that.
 */
static const char *after_word(const char *arguments, const char *word)
{
	const char *rest = text_after(arguments, word);

	if (!rest)
		return NULL;
	rest += strspn(rest, " \t");
	if (*rest != ':')
		return NULL;
	rest++;
	return rest + strspn(rest, " \t");
}

/* The place behind the path: its ">", or the first blank of one without brackets. */
static const char *path_end(const char *path)
{
	bool is_quoted = false;

	if (*path != '<')
		return path + strcspn(path, " \t");
	for (const char *c = path + 1; *c; c++) {
		if (*c == '\\' && c[1])
			c++;
		else if (*c == '"')
			is_quoted = !is_quoted;
		else if (*c == '>' && !is_quoted)
			return c + 1;
	}
	return NULL;
}

/* The mailbox of a path, which the caller frees; NULL: it is none. */
static char *read_path(const char *path, const char *end, struct error *err)
{
	struct address address = { 0 };
	OWNED_TEXT text = NULL;
	char *mailbox;

	if (!end)
		return error_set(err, ERROR_DATA, "no \">\" ends the address"), NULL;
	text = text_copy_n(path, (size_t)(end - path));
	if (!*text)
		return error_set(err, ERROR_DATA, "there is no address"), NULL;
	if (!address_parse(&address, text, err))
		return NULL;
	mailbox = address.mailbox;
	address.mailbox = NULL;
	address_free(&address);
	return mailbox;
}

/* --- parameters */

/* What a parameter does with its value ("": there is none); false: it makes no sense. */
typedef bool take_fn(struct server *s, const char *value);

static bool take_size(struct server *s, const char *value)
{
	long size;

	if (!text_to_number(value, 0, INT64_MAX / 2, &size))
		return false;
	s->announced = (uint64_t)size;
	return true;
}

static bool take_body(struct server *s, const char *value)
{
	(void)s;
	return text_is(value, "7BIT") || text_is(value, "8BITMIME");
}

static bool take_utf8(struct server *s, const char *value)
{
	(void)s;
	return !*value;
}

/* AUTH= says who logged in elsewhere, which is not kept. */
static bool take_nothing(struct server *s, const char *value)
{
	(void)s;
	return *value != '\0';
}

static void keep(char **place, const char *value)
{
	free(*place);
	*place = text_copy(value);
}

static bool take_ret(struct server *s, const char *value)
{
	if (!text_is(value, "FULL") && !text_is(value, "HDRS"))
		return false;
	keep(&s->envelope.ret, value);
	text_upper(s->envelope.ret);
	return true;
}

static bool take_envid(struct server *s, const char *value)
{
	if (strlen(value) > ENVID_MAX || !hex_is_xtext(value, false))
		return false;
	keep(&s->envelope.envid, value);
	return true;
}

/*
 * The kind of address, an atom, ";" and the address in xtext: where it was to go first.
 * It is not kept.
 */
static bool take_orcpt(struct server *s, const char *value)
{
	static const char atom[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				   "0123456789!#$%&'*+-/=?^_`{|}~";
	size_t len = strspn(value, atom);

	(void)s;
	return len > 0 && value[len] == ';' && strlen(value) <= ORCPT_MAX &&
	       hex_is_xtext(value + len + 1, text_is_n(value, len, "utf-8"));
}

static bool take_along(struct server *s, const char *value)
{
	if (!s->options->takes_along || !*value)
		return false;
	keep(&s->envelope.along, value);
	return true;
}

static bool is_notify_word(const char *word, size_t len)
{
	return text_is_n(word, len, "SUCCESS") || text_is_n(word, len, "FAILURE") ||
	       text_is_n(word, len, "DELAY");
}

static bool is_notify(const char *value)
{
	if (text_is(value, "NEVER"))
		return true;
	for (;;) {
		size_t len = strcspn(value, ",");

		if (!is_notify_word(value, len))
			return false;
		if (!value[len])
			return true;
		value += len + 1;
	}
}

static bool take_notify(struct server *s, const char *value)
{
	if (!is_notify(value))
		return false;
	keep(&s->notify, value);
	text_upper(s->notify);
	return true;
}

/*
 * The envelope has one word for all its recipients: where they want different things,
 * what everybody gets by default, which is to hear of failures. One who was not taken has
 * no say in it, so this is before envelope_add().
 */
static void agree_on_notify(struct server *s)
{
	char **all = &s->envelope.notify;

	if (s->envelope.count == 0)
		*all = text_take(&s->notify);
	else if (*all ? !s->notify || strcmp(*all, s->notify) != 0 : s->notify != NULL)
		keep(all, "FAILURE,DELAY");
}

static const struct parameter_row {
	const char *name;
	bool is_of_mail;	/* or of RCPT */
	take_fn *take;
} parameters[] = {
	{ "SIZE",     true,  take_size },
	{ "BODY",     true,  take_body },
	{ "SMTPUTF8", true,  take_utf8 },
	{ "RET",      true,  take_ret },
	{ "ENVID",    true,  take_envid },
	{ "AUTH",     true,  take_nothing },
	{ "XACSMTP",  true,  take_along },
	{ "NOTIFY",   false, take_notify },
	{ "ORCPT",    false, take_orcpt },
};

static const struct parameter_row *find(const char *name, size_t len, bool is_of_mail)
{
	for (size_t i = 0; i < COUNT_OF(parameters); i++)
		if (parameters[i].is_of_mail == is_of_mail &&
		    text_is_n(name, len, parameters[i].name))
			return &parameters[i];
	return NULL;
}

/* False: it was answered. `seen` has a bit for each row that was taken. */
static bool take_parameter(struct server *s, const char *text, bool is_of_mail, unsigned *seen)
{
	size_t len = strcspn(text, "=");
	const struct parameter_row *row = find(text, len, is_of_mail);

	if (!row) {
		(void)server_blame(s, 555, "5.5.4", "no such parameter");
		return false;
	}
	if (*seen & 1U << (row - parameters)) {
		(void)server_blame(s, 501, "5.5.4", "a parameter stands there twice");
		return false;
	}
	*seen |= 1U << (row - parameters);
	if (row->take(s, text[len] ? text + len + 1 : ""))
		return true;
	(void)server_blame(s, 501, "5.5.4", "a parameter has a value that makes no sense");
	return false;
}

static bool take_parameters(struct server *s, const char *rest, bool is_of_mail)
{
	unsigned seen = 0;

	while (*(rest += strspn(rest, " \t"))) {
		size_t len = strcspn(rest, " \t");
		OWNED_TEXT one = text_copy_n(rest, len < PARAMETER_MAX ? len : PARAMETER_MAX);

		if (!take_parameter(s, one, is_of_mail, &seen))
			return false;
		rest += len;
	}
	return true;
}

/* --- the commands */

static enum next refuse_path(struct server *s, const char *enhanced, const struct error *err)
{
	return server_blame(s, 501, enhanced, err->text);
}

static bool is_too_big(const struct server *s)
{
	return s->options->max_size && s->announced > s->options->max_size;
}

enum next server_take_mail(struct server *s, const char *arguments)
{
	const char *path = after_word(arguments, "FROM");
	const char *end = path ? path_end(path) : NULL;
	OWNED_TEXT mailbox = NULL;
	struct error err;

	if (!path)
		return server_blame(s, 501, "5.5.4", "it is MAIL FROM:<address>");
	mailbox = read_path(path, end, &err);
	if (!mailbox)
		return refuse_path(s, "5.1.7", &err);
	server_reset(s);
	if (!take_parameters(s, end, true)) {
		server_reset(s);
		return s->is_lost ? HANG_UP : GO_ON;
	}
	if (is_too_big(s)) {
		server_reset(s);
		server_reply(s, 552, "5.3.4", "the message is larger than is taken here");
		return GO_ON;
	}
	if (!s->taker->sender(s->taker, mailbox, &err)) {
		server_reset(s);
		server_reply_error(s, &err);
		return GO_ON;
	}
	s->has_sender = true;
	keep(&s->envelope.sender, mailbox);
	server_reply(s, 250, "2.1.0", "Ok");
	return GO_ON;
}

enum next server_take_rcpt(struct server *s, const char *arguments)
{
	const char *path = after_word(arguments, "TO");
	const char *end = path ? path_end(path) : NULL;
	OWNED_TEXT mailbox = NULL;
	struct error err;

	if (!path)
		return server_blame(s, 501, "5.5.4", "it is RCPT TO:<address>");
	mailbox = read_path(path, end, &err);
	if (mailbox && !*mailbox)
		return server_blame(s, 501, "5.1.3", "nobody has that address");
	if (!mailbox)
		return refuse_path(s, "5.1.3", &err);
	if (s->envelope.count >= s->options->max_recipients) {
		/*
		 * RFC 5321 section 4.5.3.1.10: to 452 the client sends the others a
		 * message of their own.
		 */
		server_reply(s, 452, "4.5.3", "too many recipients of one message");
		return GO_ON;
	}
	free(text_take(&s->notify));	/* of the one before */
	if (!take_parameters(s, end, false))
		return s->is_lost ? HANG_UP : GO_ON;
	if (!s->taker->recipient(s->taker, mailbox, &err)) {
		server_reply_error(s, &err);
		return GO_ON;
	}
	agree_on_notify(s);
	envelope_add(&s->envelope, mailbox);
	server_reply(s, 250, "2.1.5", "Ok");
	return GO_ON;
}
