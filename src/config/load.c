/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which files there are, and which of them may be missing or closed to this user. */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/home.h"
#include "base/self.h"
#include "config/environment.h"
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

bool config_read_opened(struct config *config, int fd, const char *path, struct error *err)
{
	OWNED_INI ini = { 0 };

	note_file(config, path);
	return ini_read(&ini, fd, path, err) && config_merge(config, &ini, err);
}

bool config_read(struct config *config, const char *path, struct error *err)
{
	OWNED_FD fd = ini_open(path);

	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, "%s", path);
	return config_read_opened(config, fd, path, err);
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
static bool read_if_there(struct config *config, const char *path, bool *closed,
			  struct error *err)
{
	OWNED_FD fd = ini_open(path);

	*closed = fd < 0 && errno == EACCES;
	if (fd < 0)
		return is_missing(path) || error_errno(err, ERROR_CONFIG, "%s", path);
	return config_read_opened(config, fd, path, err);
}

static char *path_below(const char *directory, const char *further)
{
	OWNED_BUF path = BUF_INIT(4096);

	buf_addf(&path, "%s%s/acsmtp.ini", directory, further);
	return buf_take(&path);
}

/* XDG Base Directory Specification: a relative path is to be ignored. */
static char *named_file(void)
{
	const char *base = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (base && *base == '/')
		return path_below(base, "");
	return home && *home == '/' ? path_below(home, "/.config") : NULL;
}

/* In another's directory too, as containers have it; but a link there is another's. */
static bool is_trusted(const char *path)
{
	struct stat st, link;

	return lstat(path, &link) == 0 && stat(path, &st) == 0 &&
	       home_is_trusted(link.st_uid) && home_is_trusted(st.st_uid);
}

/* NULL: no home. */
static char *user_file(void)
{
	const char *base = home_xdg("XDG_CONFIG_HOME"), *home;
	OWNED_TEXT named = named_file();

	if (named && is_trusted(named))
		return text_take(&named);
	if (base)
		return path_below(base, "");
	home = home_found();
	return home ? path_below(home, "/.config") : NULL;
}

/* sudo -E and su leave HOME as it was: what is good for its owner is none of ours. */
static bool is_anothers(const char *path, struct stat *st)
{
	return path && stat(path, st) == 0 && !home_is_trusted(st->st_uid);
}

static void note_anothers(struct config *config, const char *path)
{
	struct stat st;

	if (!is_anothers(path, &st))
		return;
	if (!config->passed_over)
		config->passed_over = xcalloc(1, sizeof(*config->passed_over));
	error_set(config->passed_over, ERROR_CONFIG,
		  "%s belongs to another user (uid %ld) and was not read", path, (long)st.st_uid);
	error_advise(config->passed_over, "`sudo -H` and `su -` change HOME too; -C names any "
					  "file that is yours or root's");
}

/*
 * The user's own file, and a word about one that the environment speaks of and is not
 * his.
 */
static bool read_own(struct config *config, const char *path, struct error *err)
{
	OWNED_TEXT named = named_file();
	struct stat st;
	bool ignored, ok = !path || is_anothers(path, &st) ||
			   read_if_there(config, path, &ignored, err);

	note_anothers(config, path);
	note_anothers(config, named);
	return ok;
}

char *config_own_file(void)
{
	return self_is_root() ? text_copy(system_file) : user_file();
}

bool config_refuse_none(const struct config *config, const char *path, struct error *err)
{
	OWNED_TEXT user = path ? NULL : user_file();
	bool closed = config->is_closed;

	if (path) {
		error_set(err, ERROR_CONFIG, "%s: no account in it", path);
		return error_advise(err, "an account begins with a line like [account work]");
	}
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
			    "user =, from =, and password = or password_command =; or set the "
			    "variables ACSMTP_USER, ACSMTP_FROM and ACSMTP_PASSWORD_FILE");
}

static void note_variables(struct config *config, const struct ini *ini)
{
	const struct setting *row;

	note_file(config, ini->path);
	config->variables = xcalloc(ini->said_count, sizeof(*config->variables));
	for (size_t s = 0; s < ini->count; s++)
		for (size_t i = 0; (row = setting_row(i)); i++) {
			unsigned line = ini->sections[s].lines[i];

			if (line)
				config->variables[config->variable_count++] = (struct config_variable){
					text_copy(ini->said_by[line - 1]),
					row->section == ini->sections[s].kind ? row->name : NULL,
				};
		}
}

/*
 * Variables stand over the files, but their account beside those of the files. What other
 * programs call theirs counts where there is no account else: they need not be meant for
 * us.
 */
static bool read_environment(struct config *config, bool closed, struct error *err)
{
	OWNED_INI ini = { 0 };

	if (!environment_read(&ini, config->count == 0 && !closed, err))
		return false;
	if (!ini.said_count)
		return true;
	note_variables(config, &ini);
	if (!config_merge(config, &ini, err))
		return false;
	if (ini.sections[0].kind == SECTION_ACCOUNT &&
	    !ini_value(&ini, ini_find(&ini, SECTION_DEFAULTS, NULL),
		       setting_find(SECTION_DEFAULTS, "default_account"))) {
		free(config->default_account);
		config->default_account = text_copy(ENVIRONMENT_ACCOUNT);
	}
	return true;
}

static bool read_files(struct config *config, const char *path, struct error *err)
{
	OWNED_TEXT user = NULL;

	config->is_closed = false;
	if (path)
		return config_read(config, path, err);
	errno = 0;
	user = user_file();
	if (!user && errno_is_lack(errno))
		return error_errno(err, ERROR_CONFIG, "this user's home is not known");
	/*
	 * One that is closed to this user is not wrong: his own may be all that he
	 * needs.
	 */
	if (!read_if_there(config, system_file, &config->is_closed, err) && !config->is_closed)
		return false;
	config->is_usual = true;
	return read_own(config, user, err) && read_environment(config, config->is_closed, err);
}

bool config_load_any(struct config *config, const char *path, struct error *err)
{
	if (!read_files(config, path, err))
		return false;
	if (!config->default_account)	/* no file was there */
		config_init(config);
	return config_check_failover(config, err);
}

bool config_load(struct config *config, const char *path, struct error *err)
{
	return read_files(config, path, err) &&
	       (config->count > 0 ? config_check_failover(config, err)
				  : config_refuse_none(config, path, err));
}
