/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The new file is complete and on the disk beside the old one before it takes its name:
 * whoever reads meanwhile, or after the power failed, has the one or the other. Our own
 * reader has to understand it first. The lock is the directory's, as one on the file
 * would be on what is about to be replaced.
 */
#include "config/write.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "config/file.h"
#include "config/config.h"

struct ini_writer {
	const struct write_job *job;
	char *path;		/* behind all symbolic links */
	const char *name;	/* its last part */
	int dir;
	struct stat old;	/* st_nlink 0: there is none */
	bool had_secret;
	struct ini_text before, after;
	char temp[NAME_MAX + 1];
};

static void writer_free(struct ini_writer *w)
{
	ini_text_free(&w->before);
	ini_text_free(&w->after);
	fd_cleanup(&w->dir);
	text_cleanup(&w->path);
}
#define OWNED_WRITER	__attribute__((cleanup(writer_free))) struct ini_writer

/* --- where */

/*
 * The link of a file that is kept elsewhere stays a link, also while that place is away.
 */
static char *real_path(const char *path, struct error *err)
{
	char real[PATH_MAX];
	struct stat st;

	if (realpath(path, real))
		return text_copy(real);
	if (lstat(path, &st) < 0 || !S_ISLNK(st.st_mode))
		return text_copy(path);
	error_errno(err, ERROR_CREATE, "%s: where this link leads", path);
	error_advise(err, "make it lead to a file, if only an empty one, or remove it");
	return NULL;
}

static int open_directory(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	/* ~/.config of a new user. */
	if (fd < 0 && errno == ENOENT && mkdir(path, 0700) == 0)
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd;
}

static bool enter(struct ini_writer *w, struct error *err)
{
	OWNED_TEXT directory = NULL;

	w->path = real_path(w->job->path, err);
	if (!w->path)
		return false;
	w->name = path_name(w->path);
	directory = path_directory(w->path);
	w->dir = open_directory(directory);
	if (w->dir < 0)
		return error_errno(err, ERROR_CREATE, "%s", directory);
	/* EBADF: NFS locks no directory. */
	if (flock(w->dir, LOCK_EX | LOCK_NB) < 0 && errno != EBADF)
		return error_errno(err, ERROR_LATER,
				   "%s: another program is writing there", directory);
	return true;
}

/* --- what is there */

static bool read_again(int fd, struct ini_text *text, const char *path, struct error *err)
{
	char block[4096];
	ssize_t n;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, ERROR_IO, "%s", path);
	while ((n = read_some(fd, block, sizeof(block))) > 0)
		ini_text_add_bytes(text, block, (size_t)n);
	wipe(block, sizeof(block));
	if (n < 0)
		return error_errno(err, ERROR_IO, "%s", path);
	return !text->full || error_set(err, ERROR_CONFIG, "%s: more than %d bytes", path,
					INI_MAX_BYTES);
}

/* A file that makes no sense already must not get the blame for what is added. */
static bool check_meaning(const struct ini *ini, struct error *err)
{
	OWNED_CONFIG config = { 0 };

	return config_merge(&config, ini, err);
}

static bool read_old(struct ini_writer *w, struct ini *ini, struct error *err)
{
	OWNED_FD fd = ini_open(w->path);

	if (fd < 0)
		return errno == ENOENT || error_errno(err, ERROR_CONFIG, "%s", w->path);
	if (!ini_read(ini, fd, w->path, err) || !check_meaning(ini, err) ||
	    !read_again(fd, &w->before, w->path, err))
		return false;
	w->had_secret = ini_has_secret(ini);
	return fstat(fd, &w->old) == 0 || error_errno(err, ERROR_IO, "%s", w->path);
}

/* --- what takes its place */

static bool brings_secret(const struct write_job *job)
{
	for (size_t i = 0; i < job->count; i++)
		if (secret_is_set(&job->drafts[i].password))
			return true;
	return false;
}

static bool set_mode(const struct ini_writer *w, int fd, struct error *err)
{
	mode_t mode = w->old.st_mode & 07777;

	/*
	 * With its first secret a file that others could read is closed to them: 0600
	 * stays.
	 */
	if (!w->old.st_nlink || (brings_secret(w->job) && !w->had_secret))
		return true;
	/* Who could read it by its group can still do so. */
	if ((mode & S_IRWXG) && fchown(fd, (uid_t)-1, w->old.st_gid) < 0)
		return error_errno(err, ERROR_CREATE, "%s: keep its group", w->path);
	return fchmod(fd, mode) == 0 ||
	       error_errno(err, ERROR_CREATE, "%s: keep its mode", w->path);
}

static bool is_written(const struct ini *ini, const struct draft *d,
		       const struct setting **wrong)
{
	const struct ini_section *section = ini_find(ini, d->kind, d->name);

	for (size_t i = 0; section && (*wrong = setting_row(i)); i++) {
		const char *is = ini_value(ini, section, *wrong), *should = d->values[i];

		if ((*wrong)->type != SETTING_SECRET && should &&
		    (!is || strcmp(is, should) != 0))
			return false;
		if ((*wrong)->type == SETTING_SECRET && d->password.len > 0 &&
		    !secret_is_same(&section->password, &d->password))
			return false;
	}
	return section != NULL || draft_is_empty(d);
}

/* With our own reader: what it would not understand never takes the place. */
static bool check_result(const struct ini_writer *w, int fd, struct error *err)
{
	OWNED_INI ini = { .keeps_secrets = true };
	const struct setting *wrong = NULL;

	if (lseek(fd, 0, SEEK_SET) < 0)
		return error_errno(err, ERROR_IO, "%s", w->path);
	if (!ini_read(&ini, fd, w->path, err) || !check_meaning(&ini, err))
		return error_context(err, "not written, for it would not be understood");
	for (size_t i = 0; i < w->job->count; i++)
		if (!is_written(&ini, &w->job->drafts[i], &wrong))
			return error_set(err, ERROR_BUG,
					 "%s: not written, for %s would be read as "
					 "something else",
					 w->path, wrong ? wrong->name : "[account]");
	return true;
}

static bool fill(struct ini_writer *w, int fd, struct error *err)
{
	if (!write_all(fd, w->after.at, w->after.len))
		return error_errno(err, ERROR_IO, "write %s", w->path);
	if (!set_mode(w, fd, err) || !check_result(w, fd, err))
		return false;
	/*
	 * Before it has the name: else a loss of power may leave the name with nothing
	 * behind it.
	 */
	if (fsync(fd) < 0)
		return error_errno(err, ERROR_IO, "write %s", w->path);
	if (renameat(w->dir, w->temp, w->dir, w->name) < 0)
		return error_errno(err, ERROR_CREATE, "%s", w->path);
	return true;
}

static bool replace(struct ini_writer *w, struct error *err)
{
	OWNED_FD fd = -1;

	if (snprintf(w->temp, sizeof(w->temp), ".%s.%ld", w->name, (long)getpid()) >=
	    (int)sizeof(w->temp))
		return error_set(err, ERROR_CREATE, "%s: its name is too long", w->path);
	/* Left there by one of our number that was killed; it holds the lock no more. */
	if (unlinkat(w->dir, w->temp, 0) < 0 && errno != ENOENT)
		return error_errno(err, ERROR_CREATE, "%s", w->path);
	fd = openat(w->dir, w->temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return error_errno(err, ERROR_CREATE, "create %s", w->path);
	if (!fill(w, fd, err)) {
		unlinkat(w->dir, w->temp, 0);
		return false;
	}
	/* It has its name; that the name survives a crash is the directory's matter. */
	return fsync(w->dir) == 0 ||
	       error_errno(err, ERROR_IO, "%s: its directory", w->path);
}

bool settings_write(const struct write_job *job, struct error *err)
{
	OWNED_WRITER w = { .job = job, .dir = -1 };
	OWNED_INI ini = { .keeps_secrets = true };

	return enter(&w, err) && read_old(&w, &ini, err) &&
	       settings_merge(&w.after, job, &ini, &w.before, err) && replace(&w, err);
}

bool config_keep_password(const struct account *account, const struct secret *password,
			  struct error *err)
{
	struct draft draft = { .kind = SECTION_ACCOUNT, .name = text_copy(account->name) };
	const struct write_job job = {
		.path = account->file, .drafts = &draft, .count = 1, .mode = WRITE_UPDATE,
	};
	bool ok = draft_set_password(&draft, password, err) && settings_write(&job, err);

	draft_free(&draft);
	return ok;
}
