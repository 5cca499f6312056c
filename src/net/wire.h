/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connected socket that waits no longer than its deadline. It reads ahead, and it
 * can hold back what is written, so that a flight of several pieces is one packet;
 * whatever is held goes out before anybody waits for the other side.
 */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <signal.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "base/error.h"

enum { WIRE_SIZE = 8 * 1024 };

struct wire {
	int fd;			/* non-blocking; its owner closes it */
	int64_t deadline;	/* clock_ms() */
	bool holds;		/* wire_push() keeps what fits */
	bool more;		/* more follows at once: fill packets */
	volatile sig_atomic_t is_deaf;	/* wire_stop_reading() */
	size_t start, end;	/* of what is read ahead */
	size_t held;
	unsigned char in[WIRE_SIZE], out[WIRE_SIZE];
};

/* Like recv(2) and sendmsg(2): -1 with errno, EAGAIN: wire_wait() first. No SIGPIPE. */
ssize_t wire_pull(struct wire *wire, void *bytes, size_t size);
ssize_t wire_push(struct wire *wire, const struct iovec *pieces, int count);

/*
 * Nothing more comes, and who waits to read is told that time is up: at once, and from
 * now on. Safe in signal handlers.
 */
void wire_stop_reading(struct wire *wire);

/* Sends what is held; false with errno. */
bool wire_flush(struct wire *wire);

/* Until it can be read from (POLLIN) or written to (POLLOUT); false: time is up. */
bool wire_wait(struct wire *wire, short events);

#endif
