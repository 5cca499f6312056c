/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file is read once, when the door begins: a session could not open it any more. It
 * stays in memory as one text that names and hashes point into, so that there is one
 * piece to wipe. A login costs what crypt(3) costs, on purpose, and takes as long for a
 * name that is not there.
 */
#include "secret/users.h"

#include <crypt.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/sum.h"
#include "base/text.h"

enum { FILE_MAX = 4 * 1024 * 1024 };

struct user {
	const char *name, *hash;	/* in the text */
};

struct users {
	struct buf text;
	struct user list[USERS_MAX];
	size_t count;
};

/* --- the file */

/*
 * What crypt(3) would refuse is said now, and not when somebody logs in. The oldest of
 * its methods takes any two letters for one of its own, a password in clear too: it is
 * none here.
 */
static bool is_hash(const char *hash)
{
	if (*hash != '$')
		return false;
#ifdef CRYPT_SALT_OK
	int verdict = crypt_checksalt(hash);

	return verdict != CRYPT_SALT_INVALID && verdict != CRYPT_SALT_METHOD_DISABLED;
#else
	return true;
#endif
}

static bool is_known(const struct users *users, const char *name)
{
	for (size_t i = 0; i < users->count; i++)
		if (!strcmp(users->list[i].name, name))
			return true;
	return false;
}

/* The line is the user's from now on. No error shows a hash. */
static bool add_line(struct users *users, char *line, struct error *err)
{
	char *colon = strchr(line, ':');

	if (text_has_control(line))
		return error_set(err, ERROR_CONFIG, "a control character stands in it");
	if (!colon || colon == line || strchr(colon + 1, ':'))
		return error_set(err, ERROR_CONFIG, "it is not NAME:HASH");
	*colon = '\0';
	if (!is_hash(colon + 1)) {
		error_set(err, ERROR_CONFIG, "what \"%s\" has is no hash that crypt(3) knows", line);
		return error_advise(err, "`openssl passwd -6` and `mkpasswd` make one");
	}
	if (is_known(users, line))
		return error_set(err, ERROR_CONFIG, "\"%s\" stands there twice", line);
	if (users->count == USERS_MAX)
		return error_set(err, ERROR_CONFIG, "more than %d users", USERS_MAX);
	users->list[users->count++] = (struct user){ line, colon + 1 };
	return true;
}

static bool read_lines(struct users *users, struct error *err)
{
	char *line = users->text.text, *next;

	if (users->text.len != strlen(buf_text(&users->text)))
		return error_set(err, ERROR_CONFIG, "a NUL stands in it");
	for (unsigned number = 1; line && *line; line = next, number++) {
		size_t len = strcspn(line, "\n");

		next = line + len + (line[len] == '\n');
		line[len] = '\0';
		if (len > 0 && line[len - 1] == '\r')
			line[len - 1] = '\0';
		if (*line && *line != '#' && !add_line(users, line, err))
			return error_context(err, "line %u", number);
	}
	if (users->count > 0)
		return true;
	error_set(err, ERROR_CONFIG, "there is no user in it");
	return error_advise(err, "each has a line NAME:HASH; `openssl passwd -6` makes a hash");
}

struct users *users_load(const char *file, struct error *err)
{
	struct users *users = xcalloc(1, sizeof(*users));

	users->text = (struct buf)BUF_INIT(FILE_MAX);
	if (file_read_named(file, true, &users->text, err) &&
	    (read_lines(users, err) || error_context(err, "%s", file)))
		return users;
	users_free(users);
	return NULL;
}

void users_free(struct users *users)
{
	if (!users)
		return;
	if (users->text.text)
		wipe(users->text.text, users->text.len);
	buf_free(&users->text);
	free(users);
}

/* --- logging in */

/* In a time that does not tell where they differ. */
static bool is_same(const char *a, const char *b)
{
	size_t len = strlen(a);
	unsigned differ = strlen(b) != len;

	for (size_t i = 0; i < len && !(differ && i >= strlen(b)); i++)
		differ |= (unsigned char)(a[i] ^ b[i]);
	return !differ;
}

/*
 * Who is not there has the hash of somebody who is, always the same, so that what it
 * costs is what that method costs.
 */
static const struct user *stand_in(const struct users *users, const char *name)
{
	return &users->list[sum_add(SUM_INIT, name, strlen(name)) % users->count];
}

bool users_fit(const struct users *users, const char *name, const char *password)
{
	struct crypt_data *data = xcalloc(1, sizeof(*data));
	const struct user *user = stand_in(users, name);
	bool is_there = false, fits;
	const char *made;

	for (size_t i = 0; i < users->count; i++)
		if (is_same(users->list[i].name, name)) {
			user = &users->list[i];
			is_there = true;
		}
	made = crypt_r(password, user->hash, data);
	/*
	 * "*0" is how crypt(3) says that it could not: no hash, but a text like others.
	 */
	fits = made && *made != '*' && is_same(user->hash, made);
	wipe(data, sizeof(*data));
	free(data);
	return fits && is_there;
}
