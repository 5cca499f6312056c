/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing here waits for anybody, and what is done for one does not grow with the number of
 * those who say nothing. A client with a child has no descriptor here, as whoever is served
 * by another one would not see that one's end; nor is one heard that is lent to the crew,
 * as it speaks to them. Where the system lets none of the crew be started a session waits for
 * one that is there, in its turn; how long is for the session to say, which then hangs up.
 */
#include "daemon/keeper_clients.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/io.h"
#include "base/log.h"
#include "daemon/visit.h"

enum {
	ASKERS_MAX = 128,	/* users who ask, */
	ASKERS_OF_USER = 8,	/* and of one of them; root is not counted */
	SPARE = 64,		/* descriptors that are not for those who say nothing */
	FIRST_WORD = 30,	/* seconds until one who says nothing at all is forgotten */
	LACK_PAUSE_MS = 100,	/* when the system has no more descriptors or memory */
	EVENTS = 64,		/* at a time */
};

/* --- what is heard */

static bool hear_from(const struct keeper_clients *c, int fd, struct error *err)
{
	struct epoll_event event = { .events = EPOLLIN, .data = { .fd = fd } };

	return epoll_ctl(c->events, EPOLL_CTL_ADD, fd, &event) == 0 ||
	       error_errno(err, ERROR_SYSTEM, "the daemon's queue");
}

static void be_deaf_to(const struct keeper_clients *c, int fd)
{
	(void)epoll_ctl(c->events, EPOLL_CTL_DEL, fd, NULL);
}

/* While there is a lack it would be ready again at once. */
static void hear_who_comes(struct keeper_clients *c, bool hears)
{
	struct epoll_event event = { .events = hears ? EPOLLIN : 0,
				     .data = { .fd = c->control } };

	c->lack_until = hears ? 0 : clock_ms() + LACK_PAUSE_MS;
	(void)epoll_ctl(c->events, EPOLL_CTL_MOD, c->control, &event);
}

/* --- who is here */

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
	/* And each may need a line to one of the crew. */
	return 2 * idle + SPARE <= sysconf(_SC_OPEN_MAX);
}

static struct keeper_client *find(struct keeper_clients *c, int fd)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->list[i].fd == fd)
			return &c->list[i];
	return NULL;
}

static void end_turn(struct keeper_clients *c, struct keeper_client *client)
{
	c->waiting -= client->turn != 0;
	client->turn = 0;
}

static void forget(struct keeper_clients *c, struct keeper_client *client)
{
	if (client->fd >= 0 && !client->turn)
		be_deaf_to(c, client->fd);
	end_turn(c, client);
	fd_cleanup(&client->fd);
	*client = c->list[--c->count];
}

static bool begin_to_answer(const struct keeper_clients *c, struct keeper_client *client)
{
	client->pid = fork();
	if (client->pid == 0) {
		int fd = fd_take(&client->fd);

		c->job.begin(c->job.keeper);
		c->answer(c->job.keeper, client, fd);
		_exit(0);
	}
	if (client->pid < 0) {
		client->pid = 0;
		return false;
	}
	/* The child has it still, so that to close it is not enough. */
	be_deaf_to(c, client->fd);
	close(client->fd);
	client->fd = -1;
	return true;
}

static void answer(struct keeper_clients *c, struct keeper_client *client)
{
	if (begin_to_answer(c, client))
		return;
	log_problem("nobody can be started to answer: %s", strerror(errno));
	forget(c, client);
}

static void let_in(struct keeper_clients *c)
{
	/* cppcheck-suppress nullPointer ; a peer at a socket file has no address */
	int fd = accept4(c->control, NULL, NULL, SOCK_CLOEXEC);
	struct keeper_client client = { .fd = fd, .deadline = clock_after(FIRST_WORD) };
	struct keeper_client *last = &c->list[c->count];
	struct error unheard;

	if (fd < 0) {
		/* It stays in the line; to ask again at once would not help. */
		if (errno_is_lack(errno))
			hear_who_comes(c, false);
		return;
	}
	if (!visitor_learn(fd, &client.who, &unheard) || !client.who.is_local ||
	    !has_room(c, client.who.uid) || !hear_from(c, fd, &unheard)) {
		close(fd);
		return;
	}
	*last = client;
	c->count++;
	/* Others than the door come because they have something to ask. */
	if (!visit_is_of_door(client.who.uid, c->door_uid)) {
		answer(c, last);
	} else if (!may_wait(c)) {
		/* What it is for its child will hear; most of them are sessions. */
		last->gives = true;
		/* Without one it is heard as the others are. */
		last->gives = begin_to_answer(c, last);
	}
}

static bool has_gone(const struct keeper_client *client)
{
	char byte;

	return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void hear_client(struct keeper_clients *c, struct keeper_client *client)
{
	if (client->gives) {
		be_deaf_to(c, client->fd);
		client->turn = ++c->turns;
		c->waiting++;
	} else if (has_gone(client)) {
		forget(c, client);
	} else if (visit_begins_to_give(client->fd)) {
		client->gives = true;
	} else {
		answer(c, client);
	}
}

static void take_back(struct keeper_clients *c, int fd, bool is_good)
{
	struct keeper_client *client = fd >= 0 ? find(c, fd) : NULL;
	struct error unheard;

	if (!client)
		return;
	client->is_lent = false;
	if (!is_good || !hear_from(c, fd, &unheard))
		forget(c, client);
}

static void hear_one(struct keeper_clients *c, int fd)
{
	struct keeper_client *client = find(c, fd);
	bool is_good;
	int lent;

	if (client)
		hear_client(c, client);
	else if (intake_crew_hear(&c->crew, fd, &lent, &is_good))
		take_back(c, lent, is_good);
}

/* --- whose turn it is */

static struct keeper_client *first_in_turn(struct keeper_clients *c)
{
	struct keeper_client *first = NULL;

	for (struct keeper_client *one = c->list; one < c->list + c->count; one++)
		if (one->turn && (!first || one->turn < first->turn))
			first = one;
	return first;
}

/* Whatever it has said before: nobody would hear what became of that. */
static bool has_hung_up(const struct keeper_client *client)
{
	struct pollfd end = { .fd = client->fd, .events = POLLRDHUP };

	return poll(&end, 1, 0) > 0;
}

static void refuse(struct keeper_clients *c, struct keeper_client *client)
{
	if (!c->refuses)
		log_problem("mail is refused: there is nobody to take it in");
	c->refuses = true;
	forget(c, client);
}

/* False: it waits on. */
static bool serve(struct keeper_clients *c, struct keeper_client *client)
{
	if (has_hung_up(client)) {
		forget(c, client);
	} else if (intake_crew_lend(&c->crew, client->fd)) {
		client->is_lent = true;
		c->refuses = false;
		end_turn(c, client);
	} else if (c->crew.count == 0) {
		refuse(c, client);
	} else {
		return false;
	}
	return true;
}

static void serve_in_turn(struct keeper_clients *c)
{
	struct keeper_client *first;

	while (c->waiting > 0 && (first = first_in_turn(c)) && serve(c, first))
		;
}

/* --- what there is to do */

static bool is_silent(const struct keeper_client *client)
{
	return client->fd >= 0 && !client->gives;
}

int keeper_clients_pause(const struct keeper_clients *c)
{
	int pause = intake_crew_pause(&c->crew);

	if (c->lack_until)
		pause = clock_sooner(pause, clock_left(c->lack_until) + 1);
	/* When one of the crew comes back, or the system has room again. */
	if (c->waiting > 0)
		pause = clock_sooner(pause, LACK_PAUSE_MS);
	for (size_t i = 0; i < c->count; i++)
		if (is_silent(&c->list[i]))
			pause = clock_sooner(pause, clock_left(c->list[i].deadline) + 1);
	return pause;
}

static void forget_silent(struct keeper_clients *c)
{
	for (size_t i = c->count; i-- > 0;)
		if (is_silent(&c->list[i]) && clock_left(c->list[i].deadline) == 0)
			forget(c, &c->list[i]);
}

void keeper_clients_hear(struct keeper_clients *c)
{
	struct epoll_event heard[EVENTS];
	int count = epoll_wait(c->events, heard, EVENTS, 0);
	bool has_come = false;

	for (int i = 0; i < count; i++)
		if (heard[i].data.fd == c->control)
			has_come = true;
		else
			hear_one(c, heard[i].data.fd);
	serve_in_turn(c);
	/* Last, as who comes may get a number that another has just left. */
	if (has_come)
		let_in(c);
	forget_silent(c);
	intake_crew_rest(&c->crew);
	if (c->lack_until && clock_left(c->lack_until) == 0)
		hear_who_comes(c, true);
}

bool keeper_clients_begin(struct keeper_clients *c, struct error *err)
{
	c->crew.job = &c->job;
	c->events = epoll_create1(EPOLL_CLOEXEC);
	if (c->events < 0)
		return error_errno(err, ERROR_SYSTEM, "the daemon's queue");
	c->crew.events = c->events;
	return hear_from(c, c->control, err);
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
	close(c->events);
}

size_t keeper_clients_giving(const struct keeper_clients *c)
{
	size_t count = 0;

	for (size_t i = 0; i < c->count; i++)
		count += c->list[i].gives;
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
