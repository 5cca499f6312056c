/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Happy eyeballs (RFC 8305): a family that leads nowhere, as IPv6 on many lines, costs a
 * quarter of a second and not the time-out of a connection.
 */
#include "net/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/language.h"

enum {
	NEXT_AFTER = 250,	/* ms; RFC 8305 section 5 recommends it */
	REASONS_MAX = 800	/* bytes of the error's text */
};

struct tcp_attempt {
	const struct ip_address *address;
	int fd;			/* while it is under way, else -1 */
	int failure;		/* errno */
};

struct race {
	const struct ip_address *source;
	struct tcp_attempt attempts[ADDRESSES_MAX];
	size_t count, started, running;
	int64_t next;		/* when the next one starts, clock_ms() */
};

/* RFC 8305 section 4: the families take turns, beginning with the first address's. */
static void line_up(struct race *race, const struct addresses *addresses)
{
	const struct ip_address *list = addresses->list;
	int first_family = list[0].socket.any.sa_family;
	size_t first = 0, second = 0, n = addresses->count;

	while (first < n || second < n) {
		while (first < n && list[first].socket.any.sa_family != first_family)
			first++;
		if (first < n)
			race->attempts[race->count++].address = &list[first++];
		while (second < n && list[second].socket.any.sa_family == first_family)
			second++;
		if (second < n)
			race->attempts[race->count++].address = &list[second++];
	}
}

static void fail(struct race *race, struct tcp_attempt *attempt, int reason)
{
	attempt->failure = reason;
	if (attempt->fd >= 0)
		close(attempt->fd);
	attempt->fd = -1;
	race->running--;
	race->next = clock_ms();	/* the next one need not wait for its turn */
}

/* The port is chosen when it is known where to, so that all of them can be used. */
static bool leaves_from(int fd, const struct ip_address *source)
{
	if (source->len == 0)
		return true;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof(int));
	return bind(fd, &source->socket.any, source->len) == 0;
}

/* Whether it is connected already. */
static bool start_next(struct race *race)
{
	struct tcp_attempt *attempt = &race->attempts[race->started++];
	const struct ip_address *address = attempt->address;

	race->running++;
	race->next = clock_ms() + NEXT_AFTER;
	attempt->fd = socket(address->socket.any.sa_family,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0) {
		fail(race, attempt, errno);
		return false;
	}
	if (!leaves_from(attempt->fd, race->source)) {
		fail(race, attempt, errno);
		return false;
	}
	if (connect(attempt->fd, &address->socket.any, address->len) == 0)
		return true;
	/* An interrupted connect() goes on by itself, like one under way. */
	if (errno != EINPROGRESS && errno != EINTR)
		fail(race, attempt, errno);
	return false;
}

/* The attempt that is connected, after waiting for as long as makes sense, or NULL. */
static struct tcp_attempt *wait_for_one(struct race *race, int64_t deadline)
{
	struct pollfd fds[ADDRESSES_MAX];
	int64_t until = race->started < race->count && race->next < deadline ?
			race->next : deadline;

	for (size_t i = 0; i < race->started; i++)
		fds[i] = (struct pollfd){ .fd = race->attempts[i].fd, .events = POLLOUT };
	if (poll(fds, race->started, clock_left(until)) <= 0)
		return NULL;
	for (size_t i = 0; i < race->started; i++) {
		int failure = 0;
		socklen_t len = sizeof(failure);

		if (fds[i].fd < 0 || !fds[i].revents)
			continue;
		getsockopt(fds[i].fd, SOL_SOCKET, SO_ERROR, &failure, &len);
		if (!failure)
			return &race->attempts[i];
		fail(race, &race->attempts[i], failure);
	}
	return NULL;
}

static struct tcp_attempt *run(struct race *race, int64_t deadline)
{
	struct tcp_attempt *winner;

	while (clock_left(deadline) > 0) {
		if (race->started < race->count &&
		    (race->running == 0 || clock_ms() >= race->next)) {
			if (start_next(race))
				return &race->attempts[race->started - 1];
			continue;
		}
		if (race->running == 0)
			return NULL;
		winner = wait_for_one(race, deadline);
		if (winner)
			return winner;
	}
	return NULL;
}

static void stop_all_but(struct race *race, const struct tcp_attempt *winner)
{
	for (size_t i = 0; i < race->started; i++)
		if (&race->attempts[i] != winner && race->attempts[i].fd >= 0)
			fail(race, &race->attempts[i], ETIMEDOUT);
}

static void explain(const struct race *race, struct error *err)
{
	OWNED_BUF reasons = BUF_INIT(REASONS_MAX), words = BUF_INIT(REASONS_MAX);

	for (size_t i = 0; i < race->count; i++) {
		const struct tcp_attempt *attempt = &race->attempts[i];
		const char *untried = i < race->started ? NULL : N_("not tried in time");
		char text[ADDRESS_TEXT_SIZE];

		ip_address_text(attempt->address, text);
		buf_addf(&reasons, "%s%s: %s", i ? "; " : "", text,
			 untried ? untried : strerror(attempt->failure));
		buf_addf(&words, "%s%s: %s", i ? "; " : "", text,
			 untried ? tr(untried) : language_reason(attempt->failure));
	}
	error_texts(err, ERROR_NETWORK, buf_text(&reasons), buf_text(&words));
	err->number = race->attempts[0].failure;
	error_context(err, "no connection");
	if (race->source->len > 0 && err->number == EADDRNOTAVAIL)
		error_advise(err, "`source_address` is no address that this machine has");
}

int tcp_connect(const struct addresses *addresses, int64_t deadline,
		const struct ip_address **winner, struct error *err)
{
	struct race race = { .source = &addresses->source };
	struct tcp_attempt *first;

	line_up(&race, addresses);
	first = run(&race, deadline);
	stop_all_but(&race, first);
	if (!first) {
		explain(&race, err);
		return -1;
	}
	/*
	 * Commands are small and waited for: Nagle's algorithm would add a delay to each.
	 */
	setsockopt(first->fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	*winner = first->address;
	return first->fd;
}
