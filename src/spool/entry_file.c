/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One entry on the disk: read, put in the place of the one that is there, and room for
 * it.
 */
#include "spool/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/self.h"

enum {				/* bytes */
	ROOM_OF_RECIPIENT = 16,	/* a verdict may have a longer name than another */
	ROOM_SPARE = 1024,	/* and why the message waits */
	START_MAX = 8192,	/* they hold the first lines of an entry */
};

enum taken spool_read_entry(int dir, const char *id, struct entry *e, struct error *err)
{
	char name[SPOOL_NAME_SIZE];
	OWNED_FD fd = openat(dir, spool_name(id, ".env", name),
			     O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	OWNED_BUF text = BUF_INIT(ENTRY_TEXT_MAX);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return TAKEN_GONE;
	if (fd < 0 && !spool_is_not_ours(errno)) {
		error_errno(err, ERROR_IO, "%s", name);
		return TAKEN_ERROR;
	}
	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !self_owns(&st)) {
		error_set(err, ERROR_DATA, "%s: not a regular file of this user", name);
		return TAKEN_BROKEN;
	}
	if (!file_read(fd, &text, err)) {
		error_context(err, "%s", name);
		return err->kind == ERROR_DATA ? TAKEN_BROKEN : TAKEN_ERROR;
	}
	if (entry_read(e, buf_text(&text), text.len, err)) {
		memcpy(e->id, id, ID_SIZE);
		return TAKEN;
	}
	entry_free(e);
	entry_guess(e, buf_text(&text), text.len);
	error_context(err, "%s", name);
	return err->kind == ERROR_UNAVAILABLE ? TAKEN_FOREIGN : TAKEN_BROKEN;
}

int spool_begin_entry(int dir, const struct entry *e, struct error *err)
{
	char name[SPOOL_NAME_SIZE];
	OWNED_BUF text = BUF_INIT(ENTRY_TEXT_MAX);
	OWNED_FD fd = -1;

	if (!spool_unmark_empty(dir, err) || !entry_write(e, &text, err))
		return -1;
	fd = file_create_anew(dir, spool_name(e->id, ".new", name));
	if (fd < 0) {
		error_errno(err, ERROR_CREATE, "create %s", name);
		return -1;
	}
	if (write_all(fd, buf_text(&text), text.len)) {
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
		return fd_take(&fd);
	}
	error_errno(err, ERROR_IO, "write %s", name);
	unlinkat(dir, name, 0);
	return -1;
}

bool spool_finish_entry(int dir, const struct entry *e, int fd, struct error *err)
{
	char temp[SPOOL_NAME_SIZE];

	if (fsync(fd) == 0)
		return true;
	error_errno(err, ERROR_IO, "write %s", spool_name(e->id, ".new", temp));
	unlinkat(dir, temp, 0);
	return false;
}

bool spool_commit_entry(int dir, const struct entry *e, struct error *err)
{
	char temp[SPOOL_NAME_SIZE], name[SPOOL_NAME_SIZE];

	spool_name(e->id, ".new", temp);
	spool_name(e->id, ".env", name);
	if (renameat(dir, temp, dir, name) == 0)
		return true;
	error_errno(err, ERROR_IO, "write %s", name);
	unlinkat(dir, temp, 0);
	return false;
}

bool spool_sync_entry(int dir, const struct entry *e, struct error *err)
{
	char name[SPOOL_NAME_SIZE];

	return fsync(dir) == 0 || error_errno(err, ERROR_IO, "sync the directory of %s",
					      spool_name(e->id, ".env", name));
}

bool spool_write_entry(int dir, const struct entry *e, struct error *err)
{
	OWNED_FD fd = spool_begin_entry(dir, e, err);

	return fd >= 0 && spool_finish_entry(dir, e, fd, err) && spool_commit_entry(dir, e, err) &&
	       spool_sync_entry(dir, e, err);
}

/* --- room for an entry */

bool spool_make_room(int dir, const struct entry *e, struct error *err)
{
	char temp[SPOOL_NAME_SIZE], name[SPOOL_NAME_SIZE];
	OWNED_FD fd = file_create_anew(dir, spool_name(e->id, ".new", temp));
	off_t size = ROOM_SPARE + (off_t)e->envelope.count * ROOM_OF_RECIPIENT;
	struct stat st;

	if (fd < 0)
		return error_errno(err, ERROR_CREATE, "create %s", temp);
	if (fstatat(dir, spool_name(e->id, ".env", name), &st, AT_SYMLINK_NOFOLLOW) == 0)
		size += st.st_size;
	/* Its result is the error; errno it leaves alone. */
	errno = posix_fallocate(fd, 0, size);
	if (!errno)
		return true;
	error_errno(err, ERROR_IO, "write %s", temp);
	unlinkat(dir, temp, 0);
	return false;
}

/* What others would have to be told of a recipient, without why. */
static bool write_without_reasons(const struct entry *e, struct buf *text, struct error *err)
{
	struct entry bare = *e;
	bool ok;

	bare.envelope.recipients = xcalloc(e->envelope.count, sizeof(struct recipient));
	for (size_t i = 0; i < e->envelope.count; i++) {
		bare.envelope.recipients[i] = e->envelope.recipients[i];
		bare.envelope.recipients[i].why = NULL;
	}
	ok = entry_write(&bare, text, err);
	free(bare.envelope.recipients);
	return ok;
}

/* Over what is there, as what it takes up must not be given back first. */
static bool overwrite(int fd, const struct buf *text)
{
	return lseek(fd, 0, SEEK_SET) == 0 && write_all(fd, buf_text(text), text->len) &&
	       ftruncate(fd, (off_t)text->len) == 0 && fsync(fd) == 0;
}

static bool fill_room(int fd, const char *name, const struct entry *e, struct error *err)
{
	OWNED_BUF whole = BUF_INIT(ENTRY_TEXT_MAX), bare = BUF_INIT(ENTRY_TEXT_MAX);

	if (!entry_write(e, &whole, err))
		return false;
	if (overwrite(fd, &whole))
		return true;
	error_errno(err, ERROR_IO, "write %s", name);
	/* Why somebody was refused can be left out; who has the message cannot. */
	return error_is_no_room(err) && write_without_reasons(e, &bare, err) &&
	       (overwrite(fd, &bare) || error_errno(err, ERROR_IO, "write %s", name));
}

bool spool_use_room(int dir, int to, const struct entry *e, struct error *err)
{
	char temp[SPOOL_NAME_SIZE], name[SPOOL_NAME_SIZE];
	OWNED_FD fd = openat(dir, spool_name(e->id, ".new", temp),
			     O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0)
		return spool_write_entry(to, e, err);
	spool_name(e->id, ".env", name);
	if (!spool_unmark_empty(to, err) || !fill_room(fd, temp, e, err) ||
	    (renameat(dir, temp, to, name) < 0 && !error_errno(err, ERROR_IO, "write %s", name))) {
		unlinkat(dir, temp, 0);
		return false;
	}
	return spool_sync_entry(to, e, err);
}

/* --- how it begins */

/* What is not ours has to be whole for that: else it is damaged. */
static bool is_foreign(int dir, const char *id)
{
	OWNED_ENTRY entry = { .id = "" };
	struct error unheard;

	return spool_read_entry(dir, id, &entry, &unheard) == TAKEN_FOREIGN;
}

/* What cannot be read is due since ever: so it is taken, and set aside. */
void spool_read_start(int dir, const char *id, struct entry_start *start)
{
	char name[SPOOL_NAME_SIZE], text[START_MAX];
	OWNED_FD fd = openat(dir, spool_name(id, ".env", name),
			     O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read_some(fd, text, sizeof(text));

	if (n < 0 || !entry_read_start(start, text, (size_t)n))
		*start = (struct entry_start){ .uid = (uid_t)-1,
					       .is_foreign = is_foreign(dir, id) };
}
