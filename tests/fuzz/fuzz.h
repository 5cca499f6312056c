/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets share. Build and run them with tests/fuzz/run. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <ftw.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "mail/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold; the input is kept by whoever runs us. */
#define MUST(condition)	fuzz_must((condition), #condition, __FILE__, __LINE__)

static inline void fuzz_must(bool holds, const char *what, const char *file, int line)
{
	if (!holds) {
		fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
		abort();
	}
}

/* What goes to a terminal, a log or a file of ours. */
static inline void fuzz_must_be_printable(const char *text)
{
	OWNED_TEXT printable = text_copy(text);

	text_make_printable(printable);
	if (strcmp(text, printable) != 0)
		fprintf(stderr, "not printable: \"%s\"\n", text);
	MUST(!strcmp(text, printable));
}

/* Why something was refused: always said, and as text. */
static inline void fuzz_must_say_why(const struct error *err)
{
	if (err->kind == ERROR_BUG)
		fprintf(stderr, "a bug: %s\n", err->text);
	MUST(err->kind != ERROR_NONE && err->kind != ERROR_BUG && err->text[0]);
	/* A character that was cut becomes "?" where it is shown. */
	if (text_is_utf8(err->text, strlen(err->text)))
		fuzz_must_be_printable(err->text);
	MUST(!text_has_control(err->text));
}

/* The bytes as a file of this user alone, at its beginning. */
static inline int fuzz_file(const void *data, size_t size)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	MUST(fd >= 0 && fchmod(fd, 0600) == 0 && write_all(fd, data, size));
	MUST(lseek(fd, 0, SEEK_SET) == 0);
	return fd;
}

enum { FUZZ_PATH_SIZE = 40 };

static inline const char *fuzz_path(int fd, char path[FUZZ_PATH_SIZE])
{
	snprintf(path, FUZZ_PATH_SIZE, "/proc/self/fd/%d", fd);
	return path;
}

/* A directory of this process, gone when it ends. */
static char fuzz_directory_path[200];

static inline int fuzz_remove(const char *path, const struct stat *st, int type,
			      struct FTW *place)
{
	(void)st;
	(void)type;
	(void)place;
	return remove(path);
}

static inline void fuzz_remove_directory(void)
{
	nftw(fuzz_directory_path, fuzz_remove, 8, FTW_DEPTH | FTW_PHYS);
}

/* *is_new: it was made by this call. */
static inline const char *fuzz_directory(bool *is_new)
{
	const char *temp = getenv("TMPDIR");

	*is_new = !fuzz_directory_path[0];
	if (*is_new) {
		snprintf(fuzz_directory_path, sizeof(fuzz_directory_path),
			 "%s/acsmtp-fuzz.XXXXXX", temp ? temp : "/tmp");
		MUST(mkdtemp(fuzz_directory_path) && atexit(fuzz_remove_directory) == 0);
	}
	return fuzz_directory_path;
}

/* Cuts the input at its first byte of that value: the rest is behind it, or empty. */
struct fuzz_pieces {
	const uint8_t *first, *rest;
	size_t first_len, rest_len;
};

static inline struct fuzz_pieces fuzz_cut(const uint8_t *data, size_t size, uint8_t at)
{
	const uint8_t *found = size > 0 ? memchr(data, at, size) : NULL;
	struct fuzz_pieces p = { data, data + size, size, 0 };

	if (found) {
		p.first_len = (size_t)(found - data);
		p.rest = found + 1;
		p.rest_len = size - p.first_len - 1;
	}
	return p;
}

/* The bytes as sendmail's standard input; false: they are no message. */
static inline bool fuzz_read(struct message *m, const uint8_t *data, size_t size,
			     bool dot_ends)
{
	struct error err = { 0 };
	OWNED_FD fd = file_unnamed(&err);

	MUST(fd >= 0 && write_all(fd, data, size) && lseek(fd, 0, SEEK_SET) == 0);
	message_init(m);
	return message_read(m, fd, dot_ends ? ENDS_AT_DOT : ENDS_WITH_INPUT, 0, &err);
}

/* All of the message, as it goes over the wire; the caller frees. */
static inline struct buf fuzz_wire(const struct message *m)
{
	struct buf all = BUF_INIT(64 * 1024 * 1024);
	struct error err = { 0 };
	char piece[1000];
	uint64_t at = 0;
	ssize_t n;

	while ((n = message_get(m, &at, piece, sizeof(piece), &err)) > 0)
		buf_add_bytes(&all, piece, (size_t)n);
	MUST(n == 0 && all.len == message_size(m));
	return all;
}

#endif
