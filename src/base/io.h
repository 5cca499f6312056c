/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bytes from and to a descriptor, all that was asked for. */
#ifndef BASE_IO_H
#define BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All of it, over interruptions and short writes; false with errno. */
bool write_all(int fd, const void *bytes, size_t len);

/*
 * The same for what others may stop reading, such as a pipe or a terminal: gives up after
 * `patience_ms` with EAGAIN. Safe in signal handlers.
 */
bool write_patiently(int fd, const void *bytes, size_t len, int patience_ms);

/* Like read(2), over interruptions. */
ssize_t read_some(int fd, void *bytes, size_t size);

/* All of `len` bytes; false: the end comes first, or an error. */
bool read_exactly(int fd, void *bytes, size_t len);

#endif
