/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Nothing here waits for a client, nor reads what one says. */
#include "daemon/door_clients.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/log.h"
#include "base/self.h"
#include "daemon/admission.h"

/*
 * At once and without a process: who comes too often costs as little as can be. 4.3.2:
 * it is not for the client that nobody is served.
 */
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
	return count;
}

/* NULL: there is room for one more of those. */
static const char *objection(const struct door_clients *c, uint64_t whose)
{
	if (!c->settings)
		return "4.3.2 the keeper of the mail is not there or not ready, try again later";
	if (c->count >= DOOR_CLIENTS_MAX || (long)c->count >= c->settings->max_clients)
		return "4.7.0 too many clients are here, try again later";
	if (count_of(c, whose) >= c->settings->max_clients_per_user)
		return "4.7.0 you are here too often already, try again later";
	return NULL;
}

static void let_in(struct door_clients *c, int client, const struct visitor *who)
{
	const uint64_t whose = admission_whose(who);
	const char *why_not = objection(c, whose);
	pid_t pid, door = getpid();

	if (why_not) {
		turn_away(client, why_not);
		return;
	}
	pid = fork();
	if (pid == 0) {
		/* Without the door nobody would count it. */
		self_end_with(door, SIGTERM);
		c->serve(c->gate, client, who);
		_exit(EX_OK);
	}
	if (pid < 0) {
		log_problem("a client cannot be served: %s", strerror(errno));
		turn_away(client, "4.3.2 nobody can be served now, try again later");
		return;
	}
	c->list[c->count++] = (struct door_client){ pid, whose };
	close(client);
}

void door_clients_come(struct door_clients *c, int client)
{
	struct visitor who;
	struct error unheard;

	if (visitor_learn(client, &who, &unheard))
		let_in(c, client, &who);
	else
		close(client);
}

/* Whoever was served by one that died has heard nothing of it. */
static void warn_of_end(int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) != SIGTERM)
		log_problem("a session has died: signal %d", WTERMSIG(status));
	else if (WIFEXITED(status) && WEXITSTATUS(status) != EX_OK)
		log_problem("a session has ended early: status %d", WEXITSTATUS(status));
}

void door_clients_bury(struct door_clients *c)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		warn_of_end(status);
		for (size_t i = 0; i < c->count; i++)
			if (c->list[i].pid == pid)
				c->list[i--] = c->list[--c->count];
	}
}

void door_clients_tell(const struct door_clients *c, int number)
{
	for (size_t i = 0; i < c->count; i++)
		kill(c->list[i].pid, number);
}
