/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing here waits for anybody. A client with a child has no descriptor here, as whoever
 * is served by another one would not see that one's end; nor is one polled that is lent to
 * the crew, as it speaks to them.
 */
#include "daemon/keeper_clients.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "daemon/visit.h"

enum {
	ASKERS_MAX = 128,	/* users who ask, */
	ASKERS_OF_USER = 8,	/* and of one of them; root is not counted */
	SPARE = 64,		/* descriptors that are not for those who say nothing */
	FIRST_WORD = 30,	/* seconds until one who says nothing at all is forgotten */
	LACK_PAUSE_MS = 100,	/* when the system has no more descriptors or memory */
};

/* So that one user, or many, who ask and ask are in nobody's way who gives mail. */
static bool has_room(const struct keeper_clients *c, uid_t uid)
{
	size_t all = 0, own = 0;

	for (size_t i = 0; i < c->count; i++) {
		all += visit_is_limited(c->list[i].who.uid, c->door_uid);
		own += c->list[i].who.uid == uid;
	}
	return c->count < KEEPER_CLIENTS_MAX &&
	       (!visit_is_limited(uid, c->door_uid) ||
		(all < ASKERS_MAX && own < ASKERS_OF_USER));
}

/* Their descriptors must not be all that there are: more of them have a child at once. */
static bool may_wait(const struct keeper_clients *c)
{
	long idle = 0;

	for (size_t i = 0; i < c->count; i++)
		idle += c->list[i].fd >= 0;
	return idle + SPARE <= sysconf(_SC_OPEN_MAX);
}

static void forget(struct keeper_clients *c, struct keeper_client *client)
{
	fd_cleanup(&client->fd);
	*client = c->list[--c->count];
}

static void begin_to_answer(struct keeper_clients *c, struct keeper_client *client)
{
	client->pid = fork();
	if (client->pid == 0) {
		int fd = fd_take(&client->fd);

		c->job.begin(c->job.keeper);
		c->answer(c->job.keeper, client, fd);
		_exit(0);
	}
	if (client->pid < 0) {
		log_problem("nobody can be started to answer: %s", strerror(errno));
		forget(c, client);
		return;
	}
	close(client->fd);
	client->fd = -1;
}

static void let_in(struct keeper_clients *c)
{
	/* cppcheck-suppress nullPointer ; a peer at a socket file has no address */
	int fd = accept4(c->control, NULL, NULL, SOCK_CLOEXEC);
	struct keeper_client client = { .fd = fd, .deadline = clock_after(FIRST_WORD) };
	struct error unheard;

	if (fd < 0) {
		/* It stays in the line; to ask again at once would not help. */
		if (errno_is_lack(errno))
			c->lack_until = clock_ms() + LACK_PAUSE_MS;
		return;
	}
	if (!visitor_learn(fd, &client.who, &unheard) || !client.who.is_local ||
	    !has_room(c, client.who.uid)) {
		close(fd);
		return;
	}
	c->list[c->count++] = client;
	/* Others than the door come because they have something to ask. */
	if (!visit_is_of_door(client.who.uid, c->door_uid) || !may_wait(c))
		begin_to_answer(c, &c->list[c->count - 1]);
}

static bool has_gone(const struct keeper_client *client)
{
	char byte;

	return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static bool lend(struct keeper_clients *c, struct keeper_client *client)
{
	client->is_lent = intake_crew_lend(&c->crew, client->fd);
	return client->is_lent;
}

static void hear_client(struct keeper_clients *c, struct keeper_client *client)
{
	if (has_gone(client) || (client->gives && !lend(c, client)))
		forget(c, client);
	else if (!client->gives && visit_begins_to_give(client->fd))
		client->gives = true;
	else if (!client->gives)
		begin_to_answer(c, client);
}

static void take_back(struct keeper_clients *c, int fd, bool is_good)
{
	for (size_t i = 0; fd >= 0 && i < c->count; i++)
		if (c->list[i].fd == fd && is_good) {
			c->list[i].is_lent = false;
			return;
		} else if (c->list[i].fd == fd) {
			forget(c, &c->list[i]);
			return;
		}
}

/* --- what is waited for */

static int sooner(int one, int other)
{
	return one < 0 || (other >= 0 && other < one) ? other : one;
}

size_t keeper_clients_gather(struct keeper_clients *c, struct pollfd *fds, int *pause)
{
	int lack = clock_left(c->lack_until);
	size_t count = 0, members;

	*pause = sooner(*pause, intake_crew_pause(&c->crew));
	if (lack > 0)
		*pause = sooner(*pause, lack);
	/* poll(2) takes no more than a process may have open, so that who is -1 is left out. */
	fds[0] = (struct pollfd){ .fd = lack > 0 ? -1 : c->control, .events = POLLIN };
	members = intake_crew_gather(&c->crew, fds + 1, c->watched);
	for (size_t i = 0; i < c->count; i++) {
		const struct keeper_client *client = &c->list[i];

		if (client->fd < 0 || client->is_lent)
			continue;
		if (!client->gives)
			*pause = sooner(*pause, clock_left(client->deadline) + 1);
		fds[1 + members + count] = (struct pollfd){ client->fd, POLLIN, 0 };
		c->watched[members + count++] = i;
	}
	c->gathered_members = members;
	c->gathered = members + count;
	return 1 + c->gathered;
}

void keeper_clients_hear(struct keeper_clients *c, const struct pollfd *fds)
{
	const struct pollfd *said = fds + 1;

	/* From the last one on, as the last of all takes the place of one who is forgotten. */
	for (size_t i = c->gathered; i-- > c->gathered_members;) {
		struct keeper_client *client = &c->list[c->watched[i]];

		if (said[i].revents)
			hear_client(c, client);
		else if (!client->gives && clock_left(client->deadline) == 0)
			forget(c, client);
	}
	for (size_t i = 0; i < c->gathered_members; i++)
		if (said[i].revents) {
			bool is_good;
			int fd = intake_crew_hear(&c->crew, c->watched[i], &is_good);

			take_back(c, fd, is_good);
		}
	intake_crew_rest(&c->crew);
	if (fds[0].revents)
		let_in(c);
}

/* --- their processes */

void keeper_clients_bury(struct keeper_clients *c, pid_t pid)
{
	int lent;

	if (intake_crew_bury(&c->crew, pid, &lent)) {
		take_back(c, lent, false);
		return;
	}
	for (size_t i = 0; i < c->count; i++)
		if (c->list[i].pid == pid) {
			forget(c, &c->list[i]);
			return;
		}
}

void keeper_clients_leave(struct keeper_clients *c)
{
	for (size_t i = 0; i < c->count; i++)
		fd_cleanup(&c->list[i].fd);
	intake_crew_leave(&c->crew);
	close(c->control);
}

size_t keeper_clients_of_door(const struct keeper_clients *c, const struct keeper_client *asker)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++)
		count += &c->list[i] != asker && visit_is_of_door(c->list[i].who.uid, c->door_uid);
	return count;
}

void keeper_clients_end(struct keeper_clients *c)
{
	intake_crew_end(&c->crew);
	for (size_t i = c->count; i-- > 0;)
		if (c->list[i].pid)
			kill(c->list[i].pid, SIGTERM);
		else if (!c->list[i].is_lent)
			forget(c, &c->list[i]);
}

bool keeper_clients_remain(const struct keeper_clients *c)
{
	return c->count > 0 || c->crew.count > 0;
}
