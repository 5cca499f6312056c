/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets share. Build and run them with tests/fuzz/run. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
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
