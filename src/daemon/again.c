/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What goes over a line is a byte at a time, to the one side along with a descriptor. A
 * process that a client has taken over may say that it is free when it is not: it gets that
 * client's connections, which are his, and what it does not take out of the line is refused
 * by the kernel at some time, as neither end ever waits for room. If it says so twice its
 * line is closed.
 */
#include "daemon/again.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/parcel.h"
#include "daemon/admission.h"

enum {
	REST_MS = 200,		/* that it is waited for one who may come again */
	FREE_MOST = 64,		/* who wait at a time, */
	FREE_OF_ONE = 16,	/* and of them for one client */
};

static const char in_vain = 'v', with_mail = 'm';

/* --- the door's end */

bool again_begin(struct again *a, struct error *err)
{
	a->events = epoll_create1(EPOLL_CLOEXEC);
	return a->events >= 0 || error_errno(err, ERROR_SYSTEM, "the door");
}

int again_open(struct again *a, const struct visitor *who)
{
	struct epoll_event event = { .events = EPOLLIN };
	int ends[2];

	if (a->count == AGAIN_MAX || !visitor_is_same(who, who) ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
		return -1;
	event.data.fd = ends[0];
	if (epoll_ctl(a->events, EPOLL_CTL_ADD, ends[0], &event) < 0) {
		close(ends[0]);
		close(ends[1]);
		return -1;
	}
	a->lines[a->count++] = (struct again_line){ ends[0], *who, admission_whose(who), 0 };
	return ends[1];
}

/* The last one stands in its place then. */
static void let_go(struct again *a, struct again_line *line)
{
	/* A child that has just been made may have it still: to close it is not enough. */
	(void)epoll_ctl(a->events, EPOLL_CTL_DEL, line->fd, NULL);
	(void)shutdown(line->fd, SHUT_RDWR);
	close(line->fd);
	*line = a->lines[--a->count];
}

/*
 * Whoever has a line is a single user for sure: that is not looked up for each visit. His
 * group may be what let him in, and is that of one program of his.
 */
static bool is_his(const struct again_line *line, const struct visitor *who)
{
	if (line->who.is_local && who->is_local)
		return line->who.uid == who->uid && line->who.gid == who->gid;
	return visitor_is_same(&line->who, who);
}

bool again_give(struct again *a, int client, const struct visitor *who)
{
	for (size_t i = 0; i < a->count; i++) {
		struct again_line *line = &a->lines[i];

		if (!line->until || !is_his(line, who))
			continue;
		line->until = 0;
		if (parcel_send(line->fd, "", 1, &client, 1))
			return true;
		let_go(a, line);
		i--;
	}
	return false;
}

size_t again_free_of(const struct again *a, uint64_t whose)
{
	size_t count = 0;

	for (size_t i = 0; i < a->count; i++)
		count += a->lines[i].until && a->lines[i].whose == whose;
	return count;
}

size_t again_free(const struct again *a)
{
	size_t count = 0;

	for (size_t i = 0; i < a->count; i++)
		count += a->lines[i].until != 0;
	return count;
}

static struct again_line *find(struct again *a, int fd)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->lines[i].fd == fd)
			return &a->lines[i];
	return NULL;
}

/*
 * False: it is no word, or the process has gone. Who is free has nothing to say: one that
 * did so without end would keep the door from everybody else.
 */
static bool hear(const struct again_line *line, bool *has_given)
{
	char word = 0;

	if (line->until || recv(line->fd, &word, 1, MSG_DONTWAIT) != 1)
		return false;
	*has_given = word == with_mail;
	return *has_given || word == in_vain;
}

bool again_hear(struct again *a, uint64_t *whose, bool *has_given)
{
	struct epoll_event event;
	struct again_line *line;

	while (epoll_wait(a->events, &event, 1, 0) > 0) {
		line = find(a, event.data.fd);
		if (!line)
			return false;
		if (!hear(line, has_given)) {
			let_go(a, line);
			continue;
		}
		*whose = line->whose;
		line->until = clock_ms() + REST_MS;
		if (again_free(a) > FREE_MOST || again_free_of(a, line->whose) > FREE_OF_ONE)
			let_go(a, line);
		return true;
	}
	return false;
}

void again_rest(struct again *a)
{
	for (size_t i = 0; i < a->count; i++)
		if (a->lines[i].until && clock_left(a->lines[i].until) == 0)
			let_go(a, &a->lines[i--]);
}

int again_pause(const struct again *a)
{
	int least = -1;

	for (size_t i = 0; i < a->count; i++)
		if (a->lines[i].until)
			least = clock_sooner(least, clock_left(a->lines[i].until) + 1);
	return least;
}

void again_end(struct again *a)
{
	while (a->count > 0)
		let_go(a, a->lines);
}

void again_leave(const struct again *a)
{
	close(a->events);
	for (size_t i = 0; i < a->count; i++)
		close(a->lines[i].fd);
}

/* --- a session's end */

bool again_say(int line, bool has_given)
{
	return send(line, has_given ? &with_mail : &in_vain, 1, MSG_NOSIGNAL) == 1;
}

/* False: the keeper has gone, or the line is of no use. */
static bool wait_for_door(int line, int keeper)
{
	struct pollfd in[] = { { .fd = line, .events = POLLIN },
			       { .fd = keeper, .events = POLLIN } };
	int n;

	while ((n = poll(in, COUNT_OF(in), -1)) < 0 && errno == EINTR)
		;
	/* Who has been sent already is served, and told what is the matter. */
	return n > 0 && in[0].revents;
}

int again_next(int line, int keeper)
{
	int fds[PARCEL_MAX];
	size_t count = 0;
	char byte;

	if (!wait_for_door(line, keeper) ||
	    parcel_receive(line, &byte, 1, fds, &count) != 1 || count == 0)
		return -1;
	while (count > 1)
		close(fds[--count]);
	return fds[0];
}
