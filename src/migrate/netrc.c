/* SPDX-License-Identifier: GPL-3.0-or-later */
/* netrc: words, however they are spread over lines. */
#include "migrate/credentials.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"

struct netrc {
	struct import *import;
	struct input *lines;
	char *at;		/* the rest of the line, or NULL */
	struct credential entry;	/* its texts are in the lines */
	bool is_open;
};

/*
 * A word, which may stand in double quotes with backslashes; NULL at the end of the
 * line.
 */
static char *word_here(char **at)
{
	char *word, *to, *from;
	bool quoted;

	*at += strspn(*at, " \t");
	if (!**at)
		return NULL;
	quoted = **at == '"';
	word = to = from = *at + quoted;
	for (; *from && (quoted ? *from != '"' : !text_is_blank(*from)); from++) {
		if (quoted && *from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*at = from + (*from != '\0');
	*to = '\0';
	return word;
}

static char *next_word(struct netrc *n)
{
	char *word = NULL;

	while (!word) {
		if (n->at && (word = word_here(&n->at)))
			break;
		if (!(n->at = input_next(n->lines)))
			return NULL;
		/* At the beginning of a line only: elsewhere it may begin a password. */
		if (*n->at == '#')
			n->at += strlen(n->at);
	}
	return word;
}

static bool finish(struct netrc *n, struct error *err)
{
	bool ok = true;

	if (n->is_open && n->entry.host)
		ok = credential_add(n->import, n->lines, &n->entry, err);
	secret_free(&n->entry.password);
	n->entry = (struct credential){ .may_be_other = true, .line = n->lines->line };
	n->is_open = false;
	return ok;
}

/* A macro ends at an empty line. */
static void skip_macro(struct netrc *n)
{
	char *line;

	note_at(n->import, NOTE_LEFT, n->lines->path, n->lines->line, "macdef",
		N_("there are no macros"));
	while ((line = input_next(n->lines)) && *line)
		;
	n->at = NULL;
}

static void take_password(struct netrc *n, char *value)
{
	if (!secret_set(&n->entry.password, value, strlen(value)))
		note_at(n->import, NOTE_LEFT, n->lines->path, n->lines->line, "password",
			N_("it is too long"));
	wipe(value, strlen(value));
}

static bool take_value(struct netrc *n, const char *name, char *value, struct error *err)
{
	char host[256];

	if (!strcmp(name, "machine")) {
		n->entry.host = value;
		n->is_open = true;
	} else if (!strcmp(name, "login") || !strcmp(name, "user")) {
		n->entry.user = value;
	} else if (!strcmp(name, "password")) {
		take_password(n, value);
	} else if (!strcmp(name, "account")) {
		note_at(n->import, NOTE_LEFT, n->lines->path, n->lines->line, "account",
			N_("mail servers want no account beside user and password"));
	} else {
		OWNED_BUF whole = BUF_INIT(FOREIGN_LINE_MAX);

		/*
		 * Behind a host, since the one function that knows names of ports
		 * expects it there.
		 */
		buf_addf(&whole, "x:%s", value);
		if (!foreign_split_host(buf_text(&whole), host, &n->entry.port) || !n->entry.port)
			return error_set(err, ERROR_CONFIG, "port: it is no port");
	}
	return true;
}

static bool is_name(const char *word)
{
	static const char *const names[] = { "machine",	 "login",   "user",
					     "password", "account", "port" };

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (!strcmp(word, names[i]))
			return true;
	return false;
}

/* What is wrong may be a password with a blank in it: it is not shown. */
static bool take_word(struct netrc *n, const char *word, struct error *err)
{
	char *value;

	if (!strcmp(word, "macdef")) {
		skip_macro(n);
		return true;
	}
	if (!strcmp(word, "machine") || !strcmp(word, "default")) {
		if (!finish(n, err))
			return false;
	}
	if (!strcmp(word, "default")) {
		note_at(n->import, NOTE_LEFT, n->lines->path, n->lines->line, "default",
			N_("an account is for one server"));
		return true;
	}
	if (!is_name(word)) {
		error_set(err, ERROR_CONFIG, "an unknown word");
		return error_advise(err,
				    "words are machine, login, password, port, account, "
				    "default and macdef");
	}
	value = next_word(n);
	if (!value)
		return error_set(err, ERROR_CONFIG, "%s is the last word", word);
	return take_value(n, word, value, err);
}

bool netrc_read(struct import *import, struct input *lines, struct error *err)
{
	struct netrc n = { .import = import, .lines = lines };
	bool ok = true;
	char *word;

	/* It ends nothing yet, and begins the first entry. */
	(void)finish(&n, err);
	while (ok && (word = next_word(&n)))
		ok = take_word(&n, word, err) || input_blame(lines, err);
	ok = ok && finish(&n, err);
	secret_free(&n.entry.password);
	return ok;
}
