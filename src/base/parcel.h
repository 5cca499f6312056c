/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Descriptors that go from one process to another, along with bytes; unix(7), SCM_RIGHTS. */
#ifndef BASE_PARCEL_H
#define BASE_PARCEL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { PARCEL_MAX = 64 };	/* descriptors */

/*
 * Sends both as a whole, over a connected stream: at least one byte, and up to PARCEL_MAX
 * descriptors, which stay the caller's. Waits for room; false with errno.
 */
bool parcel_send(int to, const void *bytes, size_t len, const int *fds, size_t count);

/*
 * As recv(2): up to `size` bytes, and the descriptors that came with the first of them:
 * *count of them, for which `fds` has room for PARCEL_MAX; O_CLOEXEC, the caller's from now
 * on.
 */
ssize_t parcel_receive(int from, void *bytes, size_t size, int *fds, size_t *count);

#endif
