/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors and files. Everything is opened O_CLOEXEC. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <sys/stat.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/io.h"

/*
 * Reads until the end of the file and appends to `b`. ERROR_IO when reading fails,
 * ERROR_DATA when it is over the buffer's limit.
 */
bool file_read(int fd, struct buf *b, struct error *err);

/*
 * Replaces `name` in the directory, whole or not at all, with mode 0600. Not
 * fsynced: for what may be lost, such as a cache. ERROR_CREATE, ERROR_IO.
 */
bool file_replace(int dir, const char *name, const void *bytes, size_t len,
		  struct error *err);

/*
 * Makes a file to write to, mode 0600; what has the name is litter, or not even a file,
 * and goes. -1: errno says why.
 */
int file_create_anew(int dir, const char *name);

/*
 * Whether an open file is a regular one of this user or of root that nobody else can
 * change; ERROR_CONFIG, with what to do.
 */
bool file_is_ours(const struct stat *st, struct error *err);

/*
 * Whether nobody else can read it; but root may share a file with a group, as 0640, and
 * with all where it is mounted read-only or in memory, as the secrets of containers are.
 * ERROR_CONFIG, with what to do.
 */
bool file_is_private(int fd, const struct stat *st, struct error *err);

/*
 * The text of a regular file, as settings name one; if `is_secret` it must be private.
 * ERROR_CONFIG, with the path: whatever it is, whoever runs the program has to mend it.
 */
bool file_read_named(const char *path, bool is_secret, struct buf *text, struct error *err);

/* The sum of what `sum` is of and of which file this is, as it is now (base/sum.h). */
uint64_t file_sum(uint64_t sum, const struct stat *st);

/*
 * A file without a name, in TMPDIR or the usual places, or in memory where none may be
 * made there: gone with its descriptor. ERROR_CREATE; a full disk above all.
 */
int file_unnamed(struct error *err);

#endif
