/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Everything is non-blocking with a poll(2) to a deadline, since time-outs of sockets
 * begin anew with each byte: a server that sends one a minute would keep us for ever.
 */
#include "net/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

enum { PIECES_MAX = 16 };

static ssize_t send_now(struct wire *wire, struct iovec *pieces, size_t count)
{
	struct msghdr message = { .msg_iov = pieces, .msg_iovlen = count };
	ssize_t n;

	do
		n = sendmsg(wire->fd, &message,
			    MSG_NOSIGNAL | MSG_DONTWAIT | (wire->more ? MSG_MORE : 0));
	while (n < 0 && errno == EINTR);
	return n;
}

static void forget_sent(struct wire *wire, size_t sent)
{
	wire->held -= sent;
	memmove(wire->out, wire->out + sent, wire->held);
}

static size_t length(const struct iovec *pieces, int count)
{
	size_t sum = 0;

	for (int i = 0; i < count; i++)
		sum += pieces[i].iov_len;
	return sum;
}

bool wire_flush(struct wire *wire)
{
	while (wire->held > 0) {
		struct iovec piece = { wire->out, wire->held };
		ssize_t n = send_now(wire, &piece, 1);

		if (n < 0)
			return false;
		forget_sent(wire, (size_t)n);
	}
	return true;
}

ssize_t wire_push(struct wire *wire, const struct iovec *pieces, int count)
{
	struct iovec all[PIECES_MAX + 1] = { { wire->out, wire->held } };
	size_t skip = wire->held == 0;
	ssize_t n;

	if (count > PIECES_MAX)
		count = PIECES_MAX;
	if (wire->holds && length(pieces, count) <= sizeof(wire->out) - wire->held) {
		for (int i = 0; i < count; i++) {
			memcpy(wire->out + wire->held, pieces[i].iov_base,
			       pieces[i].iov_len);
			wire->held += pieces[i].iov_len;
		}
		return (ssize_t)length(pieces, count);
	}
	/* What was held goes in front, in one packet with the rest. */
	memcpy(all + 1, pieces, (size_t)count * sizeof(*pieces));
	n = send_now(wire, all + skip, (size_t)count + 1 - skip);
	if (n < 0)
		return -1;
	/*
	 * Of the caller's bytes none is gone: he is told to come again, and what is held
	 * moves up.
	 */
	if ((size_t)n <= wire->held) {
		forget_sent(wire, (size_t)n);
		errno = EAGAIN;
		return -1;
	}
	n -= (ssize_t)wire->held;
	wire->held = 0;
	return n;
}

ssize_t wire_pull(struct wire *wire, void *bytes, size_t size)
{
	ssize_t n;

	if (wire->start == wire->end) {
		/* Who sends without end must not keep us from looking at the clock. */
		if (clock_left(wire->deadline) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		do
			n = recv(wire->fd, wire->in, sizeof(wire->in), MSG_DONTWAIT);
		while (n < 0 && errno == EINTR);
		if (wire->is_deaf) {
			errno = EAGAIN;
			return -1;
		}
		if (n <= 0)
			return n;
		wire->start = 0;
		wire->end = (size_t)n;
	}
	if (size > wire->end - wire->start)
		size = wire->end - wire->start;
	memcpy(bytes, wire->in + wire->start, size);
	wire->start += size;
	return (ssize_t)size;
}

/* It ends a poll(2) that is about to begin as well as one that has. */
void wire_stop_reading(struct wire *wire)
{
	wire->is_deaf = true;
	(void)shutdown(wire->fd, SHUT_RD);
}

bool wire_wait(struct wire *wire, short events)
{
	struct pollfd fd = { .fd = wire->fd };
	int left;

	/* What the other side waits for goes first. Who hung up may have said why. */
	if (!wire_flush(wire) && errno != EAGAIN)
		wire->held = 0;
	if ((events & POLLIN) && wire->start != wire->end)
		return true;
	if ((events & POLLIN) && wire->is_deaf)
		return false;
	fd.events = (short)(events | (wire->held > 0 ? POLLOUT : 0));
	do {
		left = clock_left(wire->deadline);
		if (left == 0)
			return false;
	} while (poll(&fd, 1, left) < 0 && errno == EINTR);
	return fd.revents != 0;
}
