/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The entry for this host and user, and nothing of the others: they are for other
 * programs. The file goes through one block of a secret's memory and is never there as
 * a whole.
 */
#include "secret/netrc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/home.h"
#include "base/text.h"

enum { PATH_LIMIT = 4096 };

/* The file holds secrets, so its bytes and words stand where secrets do. */
struct netrc_reader {
	int fd;
	struct secret block, word;
	size_t at;
};

/* EOF at the end, and where it cannot be read. */
static int peek(struct netrc_reader *r)
{
	ssize_t n;

	if (r->at == r->block.len) {
		n = read_some(r->fd, r->block.bytes, SECRET_MAX);
		r->block.len = n > 0 ? (size_t)n : 0;
		r->at = 0;
	}
	return r->at < r->block.len ? (unsigned char)r->block.bytes[r->at] : EOF;
}

static bool is_space(int c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* What does not fit is left out: such a word is none of ours. */
static void add(struct secret *word, int c)
{
	if (word->len < SECRET_MAX)
		word->bytes[word->len++] = (char)c;
}

static void read_quoted(struct netrc_reader *r)
{
	int c;

	for (r->at++; (c = peek(r)) != EOF && c != '"'; r->at++) {
		if (c == '\\') {
			r->at++;
			c = peek(r);
			if (c == EOF)
				return;
		}
		add(&r->word, c);
	}
	r->at += c == '"';
}

/* Into r->word, up to a blank or a line end, or in double quotes. False: no more. */
static bool next_word(struct netrc_reader *r)
{
	int c;

	wipe(r->word.bytes, r->word.len);
	r->word.len = 0;
	while (is_space(c = peek(r)))
		r->at++;
	if (c == EOF)
		return false;
	if (c == '"') {
		read_quoted(r);
		return true;
	}
	for (; (c = peek(r)) != EOF && !is_space(c); r->at++)
		add(&r->word, c);
	return true;
}

static void skip_line(struct netrc_reader *r)
{
	while (peek(r) != EOF && peek(r) != '\n')
		r->at++;
}

/* A macro ends at an empty line. */
static void skip_macro(struct netrc_reader *r)
{
	do {
		skip_line(r);
		r->at += peek(r) == '\n';
	} while (peek(r) != EOF && peek(r) != '\n');
}

struct netrc_entry {
	bool is_host, is_user, has_password;
};

static bool fits(const struct netrc_entry *entry)
{
	return entry->is_host && entry->is_user && entry->has_password;
}

/* The value of a keyword, which may itself look like one. */
static void take_value(struct netrc_reader *r, const char *keyword, const char *host,
		       const char *user, struct netrc_entry *entry, struct secret *password)
{
	bool is_password = !strcmp(keyword, "password");

	if (!next_word(r))
		return;
	if (!strcmp(keyword, "machine"))
		entry->is_host = text_is(r->word.bytes, host);
	else if (!strcmp(keyword, "login"))
		entry->is_user = !strcmp(r->word.bytes, user);
	else if (is_password && entry->is_host)
		entry->has_password = secret_set(password, r->word.bytes, r->word.len);
}

/*
 * The words of an entry come in any order and end with the next entry, so what fits is
 * known only then. Of several the first one counts.
 */
static bool find_entry(struct netrc_reader *r, const char *host, const char *user,
		       struct secret *password)
{
	static const char *const keywords[] = { "machine", "login", "password",
						"account" };
	struct netrc_entry entry = { 0 };

	while (next_word(r)) {
		bool begins = !strcmp(r->word.bytes, "machine");
		size_t i = 0;

		if (begins || !strcmp(r->word.bytes, "default")) {
			if (fits(&entry))
				return true;
			entry = (struct netrc_entry){ 0 };
		}
		while (i < COUNT_OF(keywords) && strcmp(r->word.bytes, keywords[i]) != 0)
			i++;
		if (r->word.bytes[0] == '#')
			skip_line(r);
		else if (!strcmp(r->word.bytes, "macdef"))
			skip_macro(r);
		else if (i < COUNT_OF(keywords))
			take_value(r, keywords[i], host, user, &entry, password);
	}
	return fits(&entry);
}

static int open_netrc(struct error *err)
{
	const char *home = home_found();
	OWNED_BUF path = BUF_INIT(PATH_LIMIT);
	int fd;

	buf_addf(&path, "%s/.netrc", home ? home : "");
	fd = home ? open(buf_text(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;
	if (home ? fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == EACCES) :
		   !errno_is_lack(errno))
		error_set(err, ERROR_CONFIG, "there is no ~/.netrc");
	else if (fd < 0)
		error_errno(err, ERROR_CONFIG, "~/.netrc");
	return fd;
}

bool netrc_find(const char *host, const char *user, struct secret *password,
		bool *is_there, struct error *err)
{
	OWNED_FD fd = open_netrc(err);
	OWNED_SECRET block = { 0 }, word = { 0 };
	struct netrc_reader r = { .fd = fd };
	struct stat st;

	*is_there = false;
	if (fd < 0)
		return false;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return error_set(err, ERROR_CONFIG, "~/.netrc is no regular file");
	if (!home_is_trusted(st.st_uid))
		return error_set(err, ERROR_CONFIG, "~/.netrc belongs to another user (uid %ld)",
				 (long)st.st_uid);
	secret_make_room(&block);
	secret_make_room(&word);
	r.block = block;
	r.word = word;
	*is_there = find_entry(&r, host, user, password);
	if (!*is_there) {
		secret_free(password);
		return error_set(err, ERROR_CONFIG,
				 "~/.netrc has no password for login %s of "
				 "machine %s",
				 user, host);
	}
	/* Only now: a file without a password for us is none of our concern. */
	if (file_is_ours(&st, err) && file_is_private(fd, &st, err))
		return true;
	secret_free(password);
	return false;
}
