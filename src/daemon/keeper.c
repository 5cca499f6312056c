/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keeper's own process waits for signals, pokes and connections, and does nothing
 * that can take long: a child for each connection takes mail in or says how it goes,
 * one child, the runner, sends. A session of the door may say nothing for hours, and has
 * its child when it has its first message. Only the keeper starts a runner, so that there
 * are never two. A child that has put mail into a queue on which nobody works pokes it,
 * by a pipe.
 */
#include "daemon/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/background.h"
#include "base/fate.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/secret.h"
#include "base/self.h"
#include "daemon/beginning.h"
#include "daemon/sockets.h"
#include "daemon/visit.h"
#include "delivery/connection.h"
#include "delivery/runner.h"
#include "talk/say.h"

enum {
	CLIENTS_MAX = 4096,
	ASKERS_MAX = 128,	/* of them users who ask, */
	ASKERS_OF_USER = 8,	/* and of one of them; root is not counted */
	SPARE = 64,		/* descriptors that are not for those who say nothing */
	RUNNER_PAUSE = 10,	/* seconds, after one that failed */
	PATIENCE = 5,		/* seconds that those who end may take */
};

struct keeper {
	const struct keeper_job *job;
	struct config config;
	struct queue queue;
	int signals, pokes[2];
	pid_t runner;		/* 0: nobody works on the queue */
	int64_t runner_after;	/* clock_ms() before which none is started */
	bool wants_runner, is_over;
	struct keeper_client {
		pid_t pid;	/* 0: it has no child yet, */
		int fd;		/* and what it says comes here; else -1 */
		struct visitor who;
		bool gives;	/* it has said what it is for: visit_begins_to_give() */
	} clients[CLIENTS_MAX];
	size_t client_count;
};

/* --- children */

/*
 * What every child begins with: it ends with the keeper, and hears signals again. Whoever
 * is served by another child would not see that one's end if this one kept the connection.
 */
static void begin_child(struct keeper *k, pid_t keeper)
{
	sigset_t none;

	for (size_t i = 0; i < k->client_count; i++)
		fd_cleanup(&k->clients[i].fd);
	self_end_with(keeper, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	close(k->signals);
	close(k->pokes[0]);
	close(k->job->control);
}

static void run_queue(struct keeper *k, pid_t keeper)
{
	struct run run = { .queue = &k->queue, .config = k->job->config,
			   .connections = k->config.daemon.max_connections,
			   .log = config_log(&k->config) };
	struct error err;

	begin_child(k, keeper);
	/*
	 * Whoever is told to end while a server may have taken a message waits for its
	 * answer.
	 */
	fate_catch_signals();
	background_set_title("acsmtp: sends what waits");
	_exit(runner_stay(&run, &err) ? EX_OK : error_exit_status(&err));
}

static void start_runner(struct keeper *k)
{
	pid_t keeper = getpid();

	if (k->runner || !k->wants_runner || clock_left(k->runner_after) > 0)
		return;
	k->wants_runner = false;
	k->runner = fork();
	if (k->runner == 0)
		run_queue(k, keeper);
	if (k->runner < 0) {
		log_problem("nobody can be started to send: %s", strerror(errno));
		k->runner = 0;
		k->wants_runner = true;
		k->runner_after = clock_after(RUNNER_PAUSE);
	}
}

static void poke(void *keeper)
{
	const struct keeper *k = keeper;

	(void)write_patiently(k->pokes[1], "", 1, 1000);
}

/* Each session of the door has one connection to us; who asks is none, whoever it is. */
static size_t count_clients(const struct keeper *k, const struct keeper_client *asker)
{
	size_t count = 0;

	for (size_t i = 0; i < k->client_count; i++)
		count += &k->clients[i] != asker &&
			 visit_is_of_door(k->clients[i].who.uid, k->job->door_uid);
	return count;
}

static void serve(struct keeper *k, struct keeper_client *client, pid_t keeper)
{
	OWNED_FD fd = fd_take(&client->fd);
	const struct intake_desk desk = { &k->queue, k->job->config, poke, k };
	const struct status_facts facts = {
		.queue = &k->queue, .config = &k->config, .door_uid = k->job->door_uid,
		.clients = count_clients(k, client), .confined = k->job->confined,
		.is_blind = !visitors_are_known(),
	};
	const struct visit visit = { &client->who, &desk, &facts, client->gives };

	begin_child(k, keeper);
	visit_serve(&visit, fd);
	_exit(0);
}

/* So that one user, or many, who ask and ask are in nobody's way who gives mail. */
static bool has_room(const struct keeper *k, uid_t uid)
{
	size_t all = 0, own = 0;

	for (size_t i = 0; i < k->client_count; i++) {
		all += visit_is_limited(k->clients[i].who.uid, k->job->door_uid);
		own += k->clients[i].who.uid == uid;
	}
	return k->client_count < CLIENTS_MAX &&
	       (!visit_is_limited(uid, k->job->door_uid) ||
		(all < ASKERS_MAX && own < ASKERS_OF_USER));
}

static void forget_client(struct keeper *k, size_t i)
{
	fd_cleanup(&k->clients[i].fd);
	k->clients[i] = k->clients[--k->client_count];
}

static void begin_to_serve(struct keeper *k, size_t i)
{
	struct keeper_client *client = &k->clients[i];
	pid_t keeper = getpid();

	client->pid = fork();
	if (client->pid == 0)
		serve(k, client, keeper);
	if (client->pid < 0) {
		log_problem("nobody can be started to take mail in: %s", strerror(errno));
		forget_client(k, i);
		return;
	}
	close(client->fd);
	client->fd = -1;
}

/* Their descriptors must not be all that there are: more of them have a child at once. */
static bool may_wait(const struct keeper *k)
{
	long idle = 0;

	for (size_t i = 0; i < k->client_count; i++)
		idle += k->clients[i].fd >= 0;
	return idle + SPARE <= sysconf(_SC_OPEN_MAX);
}

static void take_client(struct keeper *k)
{
	/* cppcheck-suppress nullPointer ; a peer at a socket file has no address */
	int fd = accept4(k->job->control, NULL, NULL, SOCK_CLOEXEC);
	struct keeper_client client = { .fd = fd };
	struct error unheard;

	if (fd < 0)
		return;
	if (!visitor_learn(fd, &client.who, &unheard) || !client.who.is_local ||
	    !has_room(k, client.who.uid)) {
		close(fd);
		return;
	}
	k->clients[k->client_count++] = client;
	/* Others than the door come because they have something to ask. */
	if (!visit_is_of_door(client.who.uid, k->job->door_uid) || !may_wait(k))
		begin_to_serve(k, k->client_count - 1);
}

static bool has_gone(const struct keeper_client *client)
{
	char byte;

	return recv(client->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/*
 * What is said, and by which of the clients. From the last one on, as the last client of
 * all takes the place of one who has gone.
 */
static void hear_clients(struct keeper *k, const struct pollfd *said, const size_t *by,
			 size_t count)
{
	while (count-- > 0) {
		struct keeper_client *client = &k->clients[by[count]];

		if (!said[count].revents)
			continue;
		if (has_gone(client))
			forget_client(k, by[count]);
		else if (!client->gives && visit_begins_to_give(client->fd))
			client->gives = true;
		else
			begin_to_serve(k, by[count]);
	}
}

static void forget_child(struct keeper *k, pid_t pid)
{
	for (size_t i = 0; i < k->client_count; i++)
		if (k->clients[i].pid == pid) {
			forget_client(k, i);
			return;
		}
}

static void reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != k->runner) {
			forget_child(k, pid);
			continue;
		}
		k->runner = 0;
		/*
		 * What it may have missed is seen by the next; one that fails is no
		 * reason to hurry.
		 */
		if (status != 0) {
			k->wants_runner = true;
			k->runner_after = clock_after(RUNNER_PAUSE);
		}
	}
}

/* --- its life */

static bool open_all(struct keeper *k, struct error *err)
{
	if (!config_load(&k->config, k->job->config, err))
		return false;
	log_open(config_log(&k->config), "acsmtp");
	if (k->job->spool) {
		/*
		 * As this user we might look for it elsewhere; the leader has found it,
		 * and made it.
		 */
		free(k->config.delivery.spool);
		k->config.delivery.spool = text_copy(k->job->spool);
	}
	/* A daemon without a queue would be none. */
	k->config.delivery.queue = QUEUE_ON;
	return queue_open(&k->queue, &k->config.delivery, err);
}

/* Mail is taken nevertheless: it waits, and whoever looks after this sees why. */
static void warn_of_accounts(const struct config *config)
{
	struct error err;

	for (size_t i = 0; i < config->count; i++)
		if (!connection_may_come_about(&config->accounts[i], &err))
			log_problem("warning: account %s: %s; its mail waits until that is mended",
				    config->accounts[i].name, err.text);
}

static void reload(struct keeper *k)
{
	struct keeper fresh = { .job = k->job, .queue = QUEUE_CLOSED };
	struct error err;

	if (!open_all(&fresh, &err)) {
		log_problem("the settings stay as they were: %s", err.text);
		queue_close(&fresh.queue);
		config_free(&fresh.config);
		return;
	}
	queue_close(&k->queue);
	config_free(&k->config);
	k->config = fresh.config;
	k->queue = fresh.queue;
	/* They pointed into `fresh`, which ends here. */
	k->queue.settings = &k->config.delivery;
	warn_of_accounts(&k->config);
	/* The next one has them too. */
	k->wants_runner = true;
	if (k->runner)
		kill(k->runner, SIGTERM);
}

/* The leader, where there is one, has said it for both programs. */
static void tell_manager(const struct keeper *k, const char *words)
{
	if (k->job->report < 0)
		notify_say(words);
}

static void hear_signal(struct keeper *k)
{
	struct signalfd_siginfo info;

	if (read(k->signals, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP) {
		if (k->job->report < 0)
			notify_reloading();
		reload(k);
		tell_manager(k, "READY=1");
	} else if (info.ssi_signo != SIGCHLD)
		k->is_over = true;
}

static void hear_pokes(struct keeper *k)
{
	char pokes[64];

	/* However many have come: one runner sees all that waits. */
	if (read(k->pokes[0], pokes, sizeof(pokes)) > 0)
		k->wants_runner = true;
}

enum { SIGNALS, POKES, CONTROL, OWN };	/* what is waited for, and behind it the clients */

/*
 * A client that has its child has no descriptor here. It is left out: poll() takes no more
 * than a process may have open.
 */
static size_t gather(const struct keeper *k, struct pollfd *fds, size_t *by)
{
	const int own[OWN] = { [SIGNALS] = k->signals, [POKES] = k->pokes[0],
			       [CONTROL] = k->job->control };
	size_t count = 0;

	for (size_t i = 0; i < OWN; i++)
		fds[i] = (struct pollfd){ .fd = own[i], .events = POLLIN };
	for (size_t i = 0; i < k->client_count; i++)
		if (k->clients[i].fd >= 0) {
			fds[OWN + count] = (struct pollfd){ k->clients[i].fd, POLLIN, 0 };
			by[count++] = i;
		}
	return count;
}

static void live(struct keeper *k)
{
	static struct pollfd fds[OWN + CLIENTS_MAX];
	static size_t by[CLIENTS_MAX];

	while (!k->is_over) {
		bool is_pausing;
		size_t count;

		start_runner(k);
		count = gather(k, fds, by);
		/* While one works its end, a signal, is what the next one waits for. */
		is_pausing = k->wants_runner && !k->runner;
		(void)poll(fds, OWN + count, is_pausing ? clock_left(k->runner_after) + 1 : -1);
		/* Who has gone is no client any more, to those who ask. */
		hear_clients(k, fds + OWN, by, count);
		if (fds[SIGNALS].revents)
			hear_signal(k);
		reap(k);
		if (fds[POKES].revents)
			hear_pokes(k);
		if (fds[CONTROL].revents)
			take_client(k);
	}
}

/* A delivery under way is finished or broken off where nothing can be lost. */
static void end(struct keeper *k)
{
	int64_t deadline = clock_after(PATIENCE);

	tell_manager(k, "STOPPING=1");
	if (k->runner)
		kill(k->runner, SIGTERM);
	for (size_t i = k->client_count; i-- > 0;)
		if (k->clients[i].pid)
			kill(k->clients[i].pid, SIGTERM);
		else
			forget_client(k, i);
	while ((k->runner || k->client_count > 0) && clock_left(deadline) > 0) {
		reap(k);
		(void)poll(NULL, 0, 20);
	}
}

static bool begin(struct keeper *k, struct error *err)
{
	k->signals = beginning_signals("the daemon's queue", err);
	if (k->signals < 0)
		return false;
	if (pipe2(k->pokes, O_CLOEXEC | O_NONBLOCK) < 0)
		return error_errno(err, ERROR_SYSTEM, "the daemon's queue");
	/* As with PrivateUsers= in a unit: whose mail it is would be a guess. */
	if (sockets_are_of_system() && !visitors_are_known())
		log_problem("warning: users cannot be told apart in this user namespace: all but one "
			    "are taken for nobody");
	if (!open_all(k, err))
		return false;
	warn_of_accounts(&k->config);
	return true;
}

static void report(const struct keeper_job *job, const struct error *err)
{
	if (job->report >= 0) {
		beginning_tell(job->report, err);
		close(job->report);
	} else if (err) {
		(void)say_error(err);
	} else {
		notify_say("READY=1");
	}
}

int keeper_run(const struct keeper_job *job)
{
	struct keeper *k = xcalloc(1, sizeof(*k));
	struct error err;
	bool ok;

	k->job = job;
	k->queue = (struct queue)QUEUE_CLOSED;
	k->wants_runner = true;
	secret_guard_process();
	limits_raise();
	ok = begin(k, &err);
	report(job, ok ? NULL : &err);
	if (ok) {
		live(k);
		end(k);
	}
	queue_close(&k->queue);
	config_free(&k->config);
	free(k);
	return ok ? EX_OK : error_exit_status(&err);
}
