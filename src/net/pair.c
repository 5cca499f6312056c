/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A conversation with a program at the other end of two descriptors. They are shared
 * with whoever gave them to us, so that their modes are left alone.
 */
#include "net/pair.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

struct pair {
	struct transport transport;	/* first */
	int in, out;
};

/* The other end is not ours alone, so that it stays as blocking as it is: ask first. */
static ssize_t read_in(struct transport *t, void *bytes, size_t size, struct error *err)
{
	struct pair *p = (struct pair *)t;
	struct pollfd in = { .fd = p->in, .events = POLLIN };

	for (;;) {
		int left = clock_left(t->deadline);
		ssize_t n;

		if (left == 0)
			return error_set(err, ERROR_NETWORK, "nothing came in time"), -1;
		if (poll(&in, 1, left) <= 0)
			continue;
		n = read_some(p->in, bytes, size);
		if (n < 0 && errno == EAGAIN)
			continue;
		if (n < 0)
			error_errno(err, ERROR_NETWORK, "cannot read");
		return n;
	}
}

static bool write_out(struct transport *t, const void *bytes, size_t len, struct error *err)
{
	struct pair *p = (struct pair *)t;

	return write_patiently(p->out, bytes, len, clock_left(t->deadline)) ||
	       error_errno(err, ERROR_NETWORK, "cannot write");
}

static bool start_no_tls(struct transport *t, struct error *err)
{
	(void)t;
	return error_set(err, ERROR_TLS, "there is no TLS between two programs");
}

static void close_pair(struct transport *t)
{
	free(t);
}

struct transport *pair_open(int in, int out)
{
	struct pair *p = xcalloc(1, sizeof(*p));

	*p = (struct pair){
		.transport = {
			.read = read_in,
			.write = write_out,
			.start_tls = start_no_tls,
			.close = close_pair,
			.peer = "",
		},
		.in = in,
		.out = out,
	};
	return &p->transport;
}
