/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Under sudo, su and cron HOME may be another user's: our queue there would be that
 * user's to read, or root's files would come to lie in it. So HOME counts if it belongs
 * to whom we run as; next best is what the user database says, and then a home that is
 * root's.
 */
#include "base/home.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/self.h"

bool home_is_trusted(uid_t owner)
{
	return owner == self_user() || owner == 0;
}

/* A directory that belongs to one of these two. */
static bool belongs(const char *path, uid_t one, uid_t other)
{
	struct stat st;

	return path && *path == '/' && stat(path, &st) == 0 &&
	       (st.st_uid == one || st.st_uid == other);
}

const char *home_own(void)
{
	const char *home = getenv("HOME");

	return belongs(home, self_user(), self_user()) ? home : NULL;
}

const char *home_found(void)
{
	const char *home = getenv("HOME");
	const struct passwd *user;
	int number;

	if (home_own())
		return home;
	errno = 0;
	user = getpwuid(self_user());
	if (user && belongs(user->pw_dir, self_user(), self_user()))
		return user->pw_dir;
	number = errno;
	if (belongs(home, self_user(), 0))
		return home;
	if (user && belongs(user->pw_dir, self_user(), 0))
		return user->pw_dir;
	errno = number;
	return NULL;
}

const char *home_xdg(const char *variable)
{
	const char *value = getenv(variable);
	OWNED_TEXT path = NULL;
	struct stat st;

	if (!value || *value != '/')
		return NULL;
	path = text_copy(value);
	/* It may still have to be made: then whoever may make it is asked for. */
	while (stat(path, &st) < 0) {
		char *slash = strrchr(path, '/');

		if (slash == path)
			return NULL;
		*slash = '\0';
	}
	return home_is_trusted(st.st_uid) ? value : NULL;
}
