/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Of what a server offers, the extensions that are of use here; whatever else it says
 * is passed over. It is somebody else's text: numbers are parsed to a bound and lists
 * cut to one.
 */
#include "smtp/extensions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

static void learn_size(struct extensions *can, const char *words)
{
	can->size_limit = strtoull(words, NULL, 10);
}

/* "AUTH LOGIN PLAIN", and the "AUTH=LOGIN" that old servers say beside it. */
static void learn_auth(struct extensions *can, const char *words)
{
	size_t len = strlen(can->auth);

	snprintf(can->auth + len, sizeof(can->auth) - len, " %s", words);
}

/* RFC 9422; of what it may say the recipients of a transaction alone concern us. */
static void learn_limits(struct extensions *can, const char *words)
{
	const char *at = strstr(words, "RCPTMAX=");
	long most = at ? strtol(at + strlen("RCPTMAX="), NULL, 10) : 0;

	if (most > 0)
		can->max_recipients = most;
}

#define IN(field)	offsetof(struct extensions, field)
static const struct {
	const char *keyword;
	size_t flag;		/* its bool */
	void (*learn)(struct extensions *can, const char *words);	/* what follows; or NULL */
	bool is_elsewhere;	/* people are told of it in another place */
} table[] = {
	{ "STARTTLS",	IN(starttls),	  NULL,		true },
	{ "PIPELINING",	IN(pipelining),	  NULL,		false },
	{ "CHUNKING",	IN(chunking),	  NULL,		false },
	{ "8BITMIME",	IN(eightbitmime), NULL,		false },
	{ "SMTPUTF8",	IN(smtputf8),	  NULL,		false },
	{ "DSN",	IN(dsn),	  NULL,		false },
	{ "SIZE",	IN(size),	  learn_size,	false },
	{ "AUTH",	IN(has_auth),	  learn_auth,	true },
	{ "LIMITS",	IN(limits),	  learn_limits,	true },
	/* A daemon of ours: delivery/along.h */
	{ "XACSMTP",	IN(along),	  NULL,		true },
};

static void learn_line(struct extensions *can, const char *line, size_t len)
{
	OWNED_TEXT words = text_copy_n(line, len);

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const char *rest = text_after(words, table[i].keyword);

		if (!rest || (*rest && *rest != ' ' && *rest != '='))
			continue;
		*(bool *)((char *)can + table[i].flag) = true;
		if (table[i].learn)
			table[i].learn(can, *rest ? rest + 1 : rest);
		return;
	}
}

const char *extensions_word(const struct extensions *can, size_t i, bool *has)
{
	if (i >= COUNT_OF(table))
		return NULL;
	*has = !table[i].is_elsewhere && *(const bool *)((const char *)can + table[i].flag);
	return table[i].keyword;
}

void extensions_learn(struct extensions *can, const char *text)
{
	const char *end;

	memset(can, 0, sizeof(*can));
	text = strchr(text, '\n');	/* the first line is the server's name */
	for (; text; text = end) {
		text++;
		end = strchr(text, '\n');
		learn_line(can, text, end ? (size_t)(end - text) : strlen(text));
	}
}

bool extensions_have_auth(const struct extensions *can, const char *mechanism)
{
	const char *at = can->auth;

	while (*(at += strspn(at, " "))) {
		size_t len = strcspn(at, " ");

		if (text_is_n(at, len, mechanism))
			return true;
		at += len;
	}
	return false;
}
