/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A secret that is the first line of a file. Whose the file is and who can read it is
 * asked of what was opened; bytes go straight into a secret's memory.
 */
#include "secret/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/self.h"

enum { PATH_LIMIT = 4096 };

/*
 * Editors end a line with a line feed, and some with two bytes; no password ends so. What
 * stands behind the first line, such as notes of pass(1), is wiped with the rest.
 */
bool secret_keep_first_line(struct secret *secret, size_t len)
{
	const char *end = memchr(secret->bytes, '\n', len);
	size_t kept = end ? (size_t)(end - secret->bytes) : len;

	if (kept > SECRET_MAX)
		return false;
	if (kept && secret->bytes[kept - 1] == '\r')
		kept--;
	wipe(secret->bytes + kept, SECRET_MAX + 1 - kept);
	secret->len = kept;
	return true;
}

/*
 * Of the descriptor and not of the path, which may lead elsewhere a moment later. A fifo
 * would hand the secret to whoever reads first, and a device has none.
 */
static bool check_file(int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_errno(err, ERROR_CONFIG, "fstat");
	if (file_is_ours(&st, err))
		return file_is_private(fd, &st, err);
	return S_ISREG(st.st_mode)
		       ? false
		       : error_advise(
				 err,
				 "use password_command for what has to be run or asked");
}

/* One byte more than there may be tells that it is too long; false with errno. */
static bool fill(int fd, struct secret *secret, bool ends_at_line, size_t *len)
{
	ssize_t n = 0;

	*len = 0;
	secret_make_room(secret);
	while (*len <= SECRET_MAX &&
	       !(ends_at_line && memchr(secret->bytes, '\n', *len)) &&
	       (n = read_some(fd, secret->bytes + *len, SECRET_MAX + 1 - *len)) > 0)
		*len += (size_t)n;
	return n >= 0;
}

bool secret_read_file(const char *path, struct secret *secret, struct error *err)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len;

	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, "cannot open it");
	if (!check_file(fd, err))
		return false;
	if (!fill(fd, secret, false, &len))
		return error_errno(err, ERROR_CONFIG, "cannot read it");
	return secret_keep_first_line(secret, len) ||
	       error_set(err, ERROR_CONFIG, "its first line is longer than %d bytes",
			 SECRET_MAX);
}

/*
 * To the end of the line and no further: a person at a terminal, and ssh, close nothing.
 */
bool secret_read_input(int fd, struct secret *secret, struct error *err)
{
	size_t len;

	if (!fill(fd, secret, true, &len))
		return error_errno(err, ERROR_IO, "standard input");
	if (!secret_keep_first_line(secret, len))
		return error_set(err, ERROR_DATA,
				 "standard input: its first line is longer than %d bytes",
				 SECRET_MAX);
	return secret->len > 0 ||
	       error_set(err, ERROR_DATA, "standard input: nothing is on its first line");
}

/*
 * Only ever a new file: one that is there may be open to others already, or be a link to
 * somebody's. What could not be written whole is removed: half a password is a wrong one.
 */
bool secret_write_file(const char *path, const struct secret *secret, struct error *err)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0)
		return error_errno(err, ERROR_CREATE, "%s", path);
	if (write_all(fd, secret->bytes, secret->len) && write_all(fd, "\n", 1) &&
	    fsync(fd) == 0)
		return true;
	error_errno(err, ERROR_IO, "write %s", path);
	unlink(path);
	return false;
}

/* Beside it, so that a rename does it; its name is of this process alone. */
static bool write_beside(const char *path, const struct stat *old,
			 const struct secret *secret, struct error *err)
{
	OWNED_BUF temp = BUF_INIT(PATH_LIMIT);
	OWNED_FD fd = -1;

	buf_addf(&temp, "%s.%ld.new", path, (long)getpid());
	unlink(buf_text(&temp));	/* of one of our number that was killed */
	fd = open(buf_text(&temp), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_errno(err, ERROR_CREATE, "%s", buf_text(&temp));
	if (write_all(fd, secret->bytes, secret->len) && write_all(fd, "\n", 1) &&
	    (self_owns(old) || fchown(fd, old->st_uid, (gid_t)-1) == 0) &&
	    (!(old->st_mode & S_IRWXG) || fchown(fd, (uid_t)-1, old->st_gid) == 0) &&
	    fchmod(fd, old->st_mode & 0777) == 0 && fsync(fd) == 0 &&
	    rename(buf_text(&temp), path) == 0)
		return true;
	error_errno(err, ERROR_IO, "write %s", path);
	unlink(buf_text(&temp));
	return false;
}

/* That the new name survives a loss of power is the directory's matter. */
static bool settle_directory(const char *path, struct error *err)
{
	OWNED_TEXT parent = path_directory(path);
	OWNED_FD dir = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return (dir >= 0 && fsync(dir) == 0) || error_errno(err, ERROR_IO, "%s", parent);
}

bool secret_replace_file(const char *path, const struct secret *secret, struct error *err)
{
	char real[PATH_MAX];	/* a link stays one, and leads to the new file */
	struct stat st;

	if (*path != '/')
		return error_set(err, ERROR_CONFIG, "%s: it is not the whole path of a file",
				 path);
	if (stat(path, &st) != 0)
		return errno != ENOENT ? error_errno(err, ERROR_CREATE, "%s", path) :
		       secret_write_file(path, secret, err) && settle_directory(path, err);
	if (!realpath(path, real))
		return error_errno(err, ERROR_CREATE, "%s", path);
	return write_beside(real, &st, secret, err) && settle_directory(real, err);
}

/*
 * systemd names the directory, and each service has its own. A slash in the account's
 * name would lead out of it.
 */
char *secret_credential_path(const char *account)
{
	const char *directory = getenv("CREDENTIALS_DIRECTORY");
	const char *names[] = { account, "" };

	if (!directory || *directory != '/' || strchr(account, '/'))
		return NULL;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		OWNED_BUF path = BUF_INIT(PATH_LIMIT);

		buf_addf(&path, "%s/acsmtp%s%s", directory, *names[i] ? "." : "",
			 names[i]);
		if (!buf_is_full(&path) && access(buf_text(&path), F_OK) == 0)
			return buf_take(&path);
	}
	return NULL;
}
