/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing here waits for a client, nor reads what one says. Who is refused costs as little
 * as can be; but a client that does not care comes again at once, and so do a hundred, until
 * the machine does nothing else. So they are made to wait, which costs nobody anything.
 */
#include "daemon/door_clients.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "daemon/session.h"

enum { SPARE = 64 };	/* descriptors that are not for those who wait */

static const char too_often[] = "4.7.0 you come too often without a message, try again later";

/* --- who is let in */

/* 4.3.2: it is not for the client that nobody is served. */
static void turn_away(int client, const char *why)
{
	char line[128];

	snprintf(line, sizeof(line), "421 %s\r\n", why);
	(void)send(client, line, strlen(line), MSG_DONTWAIT | MSG_NOSIGNAL);
	close(client);
}

static long count_of(const struct door_clients *c, uint64_t whose)
{
	long count = 0;

	for (size_t i = 0; i < c->count; i++)
		count += c->list[i].whose == whose;
	return count - (long)again_free_of(&c->again, whose);
}

static const char too_many[] = "4.7.0 too many clients are here, try again later";

/* NULL: one more of those may be served. */
static const char *objection(const struct door_clients *c, uint64_t whose)
{
	if (!c->settings)
		return "4.3.2 the keeper of the mail is not there or not ready, try again later";
	if ((long)(c->count - again_free(&c->again)) >= c->settings->max_clients)
		return too_many;
	if (count_of(c, whose) >= c->settings->max_clients_per_user)
		return "4.7.0 you are here too often already, try again later";
	return NULL;
}

static void refuse(struct door_clients *c, int client, uint64_t whose, const char *why)
{
	turn_away(client, why);
	vain_count(&c->vain, whose, clock_ms());
}

/* What is in a child by its birth, and is the door's alone. */
static void leave(struct door_clients *c)
{
	visitor_register_close(&c->visitors);
	again_leave(&c->again);
	for (size_t i = 0; i < c->waiting_count; i++)
		close(c->waiting[i].fd);
}

static void begin_session(struct door_clients *c, int client, const struct visitor *who,
			  uint64_t whose)
{
	int line = again_open(&c->again, who);
	pid_t pid, door = getpid();

	pid = fork();
	if (pid == 0) {
		/* Without the door nobody would count it. */
		self_end_with(door, SIGTERM);
		leave(c);
		c->serve(c->gate, client, who, line);
		_exit(EX_OK);
	}
	/* Without a process that has this end the other one sees that nobody is there. */
	fd_cleanup(&line);
	if (pid < 0) {
		log_problem("a client cannot be served: %s", strerror(errno));
		refuse(c, client, whose, "4.3.2 nobody can be served now, try again later");
		return;
	}
	c->list[c->count++] = (struct door_client){ pid, whose };
	close(client);
}

static void let_in(struct door_clients *c, int client, const struct visitor *who)
{
	const uint64_t whose = admission_whose(who);
	const char *why_not = objection(c, whose);

	if (why_not)
		refuse(c, client, whose, why_not);
	else if (again_give(&c->again, client, who))
		close(client);
	else if (c->count >= DOOR_CLIENTS_MAX)
		refuse(c, client, whose, too_many);
	else
		begin_session(c, client, who, whose);
}

/* --- who waits */

static void say_so(const struct visitor *who)
{
	char address[ADDRESS_TEXT_SIZE];

	if (who->is_local) {
		log_problem("uid=%ld comes too often without a message, and has to wait",
			    (long)who->uid);
		return;
	}
	ip_address_text(&who->address, address);
	log_problem("client=%s comes too often without a message, and has to wait", address);
}

static bool has_room(const struct door_clients *c)
{
	return c->waiting_count < DOOR_WAITING_MAX &&
	       (long)c->waiting_count + SPARE < sysconf(_SC_OPEN_MAX);
}

void door_clients_come(struct door_clients *c, int client)
{
	struct visitor who;
	struct error unheard;
	uint64_t whose;
	int pause;

	if (!visitor_learn(client, &who, &unheard)) {
		close(client);
		return;
	}
	visitor_find_owner(&c->visitors, client, &who);
	whose = admission_whose(&who);
	pause = vain_pause(&c->vain, whose, clock_ms());
	if (pause == 0) {
		let_in(c, client, &who);
		return;
	}
	if (vain_is_news(&c->vain, whose))
		say_so(&who);
	if (has_room(c))
		c->waiting[c->waiting_count++] =
			(struct door_waiting){ client, who, clock_ms() + pause };
	else
		refuse(c, client, whose, too_often);
}

/* It would not hear a greeting. What it has said before that, if anything, is no question. */
static bool has_gone(int client)
{
	char byte;
	ssize_t n = recv(client, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN);
}

static const struct door_waiting *next(const struct door_clients *c)
{
	const struct door_waiting *first = c->waiting;

	for (size_t i = 1; i < c->waiting_count; i++)
		if (c->waiting[i].until < first->until)
			first = &c->waiting[i];
	return c->waiting_count > 0 ? first : NULL;
}

int door_clients_pause(const struct door_clients *c)
{
	const struct door_waiting *first = next(c);

	return clock_sooner(first ? clock_left(first->until) : -1, again_pause(&c->again));
}

/* One alone, so that those who come meanwhile are not behind all of them. */
void door_clients_call(struct door_clients *c)
{
	const struct door_waiting *first = next(c);
	struct door_waiting one;

	again_rest(&c->again);
	if (!first || clock_left(first->until) > 0)
		return;
	one = *first;
	c->waiting[first - c->waiting] = c->waiting[--c->waiting_count];
	if (has_gone(one.fd)) {
		close(one.fd);
		vain_count(&c->vain, admission_whose(&one.who), clock_ms());
	} else {
		let_in(c, one.fd, &one.who);
	}
}

/* --- who is served no more, or by the same process again */

void door_clients_renew(struct door_clients *c)
{
	again_end(&c->again);
}

static void note_visit(struct door_clients *c, uint64_t whose, bool has_given)
{
	if (has_given)
		vain_forget(&c->vain, whose);
	else
		vain_count(&c->vain, whose, clock_ms());
}

void door_clients_hear(struct door_clients *c)
{
	uint64_t whose;
	bool has_given;

	while (again_hear(&c->again, &whose, &has_given))
		note_visit(c, whose, has_given);
}

void door_clients_dismiss(struct door_clients *c)
{
	door_clients_renew(c);
	while (c->waiting_count > 0)
		turn_away(c->waiting[--c->waiting_count].fd,
			  "4.3.2 the daemon ends, try again later");
}

/* Whoever was served by one that died has heard nothing of it. */
static void warn_of_end(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		log_problem("a session has died: signal %d", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != EX_OK &&
		 WEXITSTATUS(status) != SESSION_IN_VAIN && WEXITSTATUS(status) != SESSION_KNOWN)
		log_problem("a session has ended early: status %d", WEXITSTATUS(status));
}

static void bury(struct door_clients *c, size_t number, int status)
{
	const uint64_t whose = c->list[number].whose;

	c->list[number] = c->list[--c->count];
	if (!WIFEXITED(status) || WEXITSTATUS(status) != SESSION_KNOWN)
		note_visit(c, whose, WIFEXITED(status) && WEXITSTATUS(status) == EX_OK);
}

void door_clients_bury(struct door_clients *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		warn_of_end(status);
		for (size_t i = 0; i < c->count; i++)
			if (c->list[i].pid == pid) {
				bury(c, i, status);
				break;
			}
	}
}

void door_clients_tell(const struct door_clients *c, int number)
{
	for (size_t i = 0; i < c->count; i++)
		kill(c->list[i].pid, number);
}

bool door_clients_remain(const struct door_clients *c)
{
	return c->count > 0 || c->waiting_count > 0;
}
