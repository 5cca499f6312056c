/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keeper's own process waits for signals, pokes and connections, and does nothing
 * that can take long: a crew takes mail in, a child for each who asks says how it goes,
 * one child, the runner, sends. Only the keeper starts a runner, so that there are never
 * two. A child that has put mail into a queue on which nobody works pokes it, by a pipe.
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
#include "daemon/keeper_clients.h"
#include "daemon/sockets.h"
#include "daemon/visit.h"
#include "delivery/connection.h"
#include "delivery/runner.h"
#include "delivery/submit.h"
#include "talk/say.h"

enum {
	RUNNER_PAUSE = 10,	/* seconds, after one that failed */
	LINGER_MS = 20,		/* that one of the crew waits for a session to go on, or to go */
	PATIENCE = 5,		/* seconds that those who end may take */
};

struct keeper {
	const struct keeper_job *job;
	pid_t pid;
	struct config config;
	struct queue queue;
	int signals, pokes[2];
	pid_t runner;		/* 0: nobody works on the queue */
	bool is_recalled;	/* that one, as it has settings of before */
	int64_t runner_after;	/* clock_ms() before which none is started */
	bool wants_runner, is_over;
	struct keeper_clients clients;
};

/* --- children */

/* What every child begins with: it ends with the keeper, and hears signals again. */
static void begin_child(void *keeper)
{
	struct keeper *k = keeper;
	sigset_t none;

	keeper_clients_leave(&k->clients);
	self_end_with(k->pid, SIGTERM);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	close(k->signals);
	close(k->pokes[0]);
}

static void run_queue(struct keeper *k)
{
	struct run run = { .queue = &k->queue, .config = k->job->config,
			   .connections = k->config.daemon.max_connections,
			   .log = config_log(&k->config) };
	struct error err;

	begin_child(k);
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
	if (k->runner || !k->wants_runner || clock_left(k->runner_after) > 0)
		return;
	k->wants_runner = false;
	k->runner = fork();
	if (k->runner == 0)
		run_queue(k);
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

static struct intake_desk desk_of(const struct keeper *k)
{
	return (struct intake_desk){
		.queue = &k->queue, .config = k->job->config,
		.largest = submit_largest(&k->config),
		.poke = poke, .keeper = (void *)k,
	};
}

static bool take_mail(void *keeper, int client)
{
	const struct intake_desk desk = desk_of(keeper);

	return visit_take_mail(&desk, client, LINGER_MS);
}

static void answer(void *keeper, const struct keeper_client *client, int fd)
{
	const struct keeper *k = keeper;
	const struct intake_desk desk = desk_of(k);
	const struct status_facts facts = {
		.queue = &k->queue, .config = &k->config, .config_file = k->job->config,
		.door_uid = k->job->door_uid,
		.clients = keeper_clients_giving(&k->clients),
		.confined = k->job->confined, .is_blind = !visitors_are_known(),
	};
	const struct visit visit = { &client->who, &desk, &facts };

	visit_serve(&visit, fd);
}

static void reap(struct keeper *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != k->runner) {
			keeper_clients_bury(&k->clients, pid);
			/* It may have kept mail, and told nobody. */
			k->wants_runner = k->wants_runner || status != 0;
			continue;
		}
		k->runner = 0;
		/*
		 * What it may have missed is seen by the next; one that fails is no
		 * reason to hurry.
		 */
		if (status != 0) {
			k->wants_runner = true;
			k->runner_after = k->is_recalled ? 0 : clock_after(RUNNER_PAUSE);
		}
		k->is_recalled = false;
	}
}

/* --- its life */

static bool open_all(const struct keeper_job *job, struct config *config, struct queue *queue,
		     struct error *err)
{
	if (!config_load(config, job->config, err))
		return false;
	log_open(config_log(config), "acsmtp");
	if (job->spool) {
		/*
		 * As this user we might look for it elsewhere; the leader has found it,
		 * and made it.
		 */
		free(config->delivery.spool);
		config->delivery.spool = text_copy(job->spool);
	}
	/* A daemon without a queue would be none. */
	config->delivery.queue = QUEUE_ON;
	return queue_open(queue, &config->delivery, err);
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
	struct config config = { 0 };
	struct queue queue = QUEUE_CLOSED;
	struct error err;

	if (!open_all(k->job, &config, &queue, &err)) {
		log_problem("the settings stay as they were: %s", err.text);
		queue_close(&queue);
		config_free(&config);
		return;
	}
	queue_close(&k->queue);
	config_free(&k->config);
	k->config = config;
	k->queue = queue;
	k->queue.settings = &k->config.delivery;
	warn_of_accounts(&k->config);
	intake_crew_renew(&k->clients.crew);
	/* The next one has them too. */
	k->wants_runner = true;
	k->is_recalled = k->runner && kill(k->runner, SIGTERM) == 0;
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

static int pause_of(const struct keeper *k)
{
	int pause = keeper_clients_pause(&k->clients);

	/* While one works its end, a signal, is what the next one waits for. */
	if (k->wants_runner && !k->runner && (pause < 0 || clock_left(k->runner_after) < pause))
		pause = clock_left(k->runner_after) + 1;
	return pause;
}

static void live(struct keeper *k)
{
	enum { SIGNALS, POKES, CLIENTS };
	struct pollfd fds[] = {
		[SIGNALS] = { .fd = k->signals, .events = POLLIN },
		[POKES] = { .fd = k->pokes[0], .events = POLLIN },
		[CLIENTS] = { .fd = k->clients.events, .events = POLLIN },
	};

	intake_crew_be_ready(&k->clients.crew);
	while (!k->is_over) {
		start_runner(k);
		if (poll(fds, COUNT_OF(fds), pause_of(k)) < 0)
			continue;
		/* Who has gone is no client any more, to those who ask. */
		keeper_clients_hear(&k->clients);
		if (fds[SIGNALS].revents) {
			hear_signal(k);
			reap(k);
		}
		if (fds[POKES].revents)
			hear_pokes(k);
	}
}

/* A delivery under way is finished or broken off where nothing can be lost. */
static void end(struct keeper *k)
{
	int64_t deadline = clock_after(PATIENCE);

	tell_manager(k, "STOPPING=1");
	if (k->runner)
		kill(k->runner, SIGTERM);
	keeper_clients_end(&k->clients);
	while ((k->runner || keeper_clients_remain(&k->clients)) && clock_left(deadline) > 0) {
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
	if (!open_all(k->job, &k->config, &k->queue, err))
		return false;
	warn_of_accounts(&k->config);
	return keeper_clients_begin(&k->clients, err);
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
	k->pid = getpid();
	k->clients.control = job->control;
	k->clients.door_uid = job->door_uid;
	k->clients.job = (struct intake_job){ begin_child, take_mail, k };
	k->clients.answer = answer;
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
