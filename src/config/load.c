/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files there are, and which of them may be missing or closed to this user. */
#include "config/load.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/file.h"

enum { FILES_MAX = 8192 };	/* bytes of the paths that were read */

static const char system_file[] = ACSMTP_SYSCONFDIR "/acsmtp.ini";

static void note_file(struct config *config, const char *path)
{
	OWNED_BUF files = BUF_INIT(FILES_MAX);

	buf_addf(&files, "%s%s%s", config->files ? config->files : "",
		 config->files ? ", then " : "", path);
	free(config->files);
	config->files = buf_take(&files);
}

static bool read_opened(struct config *config, int fd, const char *path,
			service_lookup *service, struct error *err)
{
	OWNED_INI ini = { 0 };

	note_file(config, path);
	return ini_read(&ini, fd, path, err) && config_merge(config, &ini, service, err);
}

bool config_read(struct config *config, const char *path, service_lookup *service,
		 struct error *err)
{
	OWNED_FD fd = ini_open(path);

	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, "%s", path);
	return read_opened(config, fd, path, service, err);
}

/* A home that this user cannot look into is somebody else's: nothing of ours is there. */
static bool is_missing(const char *path)
{
	struct stat st;

	if (errno == EACCES)
		return stat(path, &st) < 0;
	return errno == ENOENT || errno == ENOTDIR;
}

/* Where a file may be missing; *closed: it is there, but not for this user. */
static bool read_if_there(struct config *config, const char *path,
			  service_lookup *service, bool *closed, struct error *err)
{
	OWNED_FD fd = ini_open(path);

	*closed = fd < 0 && errno == EACCES;
	if (fd < 0)
		return is_missing(path) || error_errno(err, ERROR_CONFIG, "%s", path);
	return read_opened(config, fd, path, service, err);
}

/* XDG Base Directory Specification: a relative path is to be ignored. NULL: no home. */
static char *user_file(void)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	OWNED_BUF path = BUF_INIT(4096);
	const struct passwd *user;

	if (base && *base == '/') {
		buf_addf(&path, "%s/acsmtp.ini", base);
		return buf_take(&path);
	}
	if (!home || *home != '/') {
		user = getpwuid(geteuid());
		home = user ? user->pw_dir : NULL;
	}
	if (!home || *home != '/')
		return NULL;
	buf_addf(&path, "%s/.config/acsmtp.ini", home);
	return buf_take(&path);
}

char *config_own_file(void)
{
	return geteuid() == 0 ? text_copy(system_file) : user_file();
}

static bool refuse_none(const char *user, bool closed, struct error *err)
{
	if (closed && user)
		error_set(err, ERROR_CONFIG,
			  "no account: this user may not read %s and %s has none",
			  system_file, user);
	else if (closed)
		error_set(err, ERROR_CONFIG, "no account: this user may not read %s",
			  system_file);
	else if (user)
		error_set(err, ERROR_CONFIG, "no account: looked for one in %s and %s",
			  system_file, user);
	else
		error_set(err, ERROR_CONFIG, "no account: looked for one in %s", system_file);
	return error_advise(err, "run `acsmtp setup`; or write a line [account work], below it "
			    "user =, from =, and password = or password_command =");
}

/* *closed: the system's file is there, but not for this user. */
static bool read_files(struct config *config, const char *path, service_lookup *service,
		       bool *closed, struct error *err)
{
	OWNED_TEXT user = path ? NULL : user_file();
	bool ignored;

	*closed = false;
	if (path)
		return config_read(config, path, service, err);
	if (!read_if_there(config, system_file, service, closed, err) && !*closed)
		return false;
	return !user || read_if_there(config, user, service, &ignored, err);
}

bool config_load_any(struct config *config, const char *path, service_lookup *service,
		     struct error *err)
{
	bool ignored;

	if (!read_files(config, path, service, &ignored, err))
		return false;
	if (!config->default_account)	/* no file was there */
		config_init(config);
	return true;
}

bool config_load(struct config *config, const char *path, service_lookup *service,
		 struct error *err)
{
	OWNED_TEXT user = path ? NULL : user_file();
	bool closed;

	if (!read_files(config, path, service, &closed, err))
		return false;
	if (config->count > 0)
		return true;
	if (!path)
		return refuse_none(user, closed, err);
	error_set(err, ERROR_CONFIG, "%s: no account in it", path);
	return error_advise(err, "an account begins with a line like [account work]");
}
