/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The leader starts, waits, and starts again. One that died comes back after a pause,
 * so that a program that cannot live does not take the whole machine. New settings cost
 * nobody a connection: the new door is there before the old one is told to accept no
 * more, both have the same sockets, and the old one ends with its last client. If the
 * new settings are no good, all stays as it was.
 */
#include "daemon/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/notify.h"
#include "base/self.h"
#include "base/text.h"
#include "daemon/admission.h"
#include "daemon/beginning.h"
#include "daemon/launch.h"
#include "daemon/own_log.h"
#include "daemon/sockets.h"
#include "delivery/queue.h"

enum {
	RESTART_PAUSE = 1,	/* seconds before one that died is started again */
	TROUBLE_PAUSE = 10,	/* the same, where that did not go well */
	END_PATIENCE = 5,	/* seconds that they may take to end */
	OLD_DOORS = 8,
};

struct supervisor {
	struct launch_plan launch;	/* what both are started with */
	struct sockets sockets;
	int signals;
	pid_t keeper, door;	/* 0: not there */
	pid_t old_doors[OLD_DOORS];	/* that end with their last client; 0: none */
	int64_t restart_at;	/* clock_ms() */
	bool is_over;
};

/* --- starting, and starting again */

static bool start_keeper(struct supervisor *s, struct error *err)
{
	return launch_keeper(&s->launch, &s->sockets, &s->keeper, err) ||
	       error_context(err, "the keeper");
}

static bool start_door(struct supervisor *s, struct error *err)
{
	return s->sockets.open.count == 0 ||
	       launch_door(&s->launch, &s->sockets, &s->door, err) ||
	       error_context(err, "the door");
}

static void restart(struct supervisor *s)
{
	struct error err;
	bool ok;

	if (clock_left(s->restart_at) > 0)
		return;
	ok = s->keeper || start_keeper(s, &err);
	ok = ok && (s->door || start_door(s, &err));
	s->restart_at = 0;
	if (!ok) {
		log_problem("%s", err.text);
		s->restart_at = clock_after(TROUBLE_PAUSE);
	}
}

static bool wants_restart(const struct supervisor *s)
{
	return !s->keeper || (!s->door && s->sockets.open.count > 0);
}

static void note_end(struct supervisor *s, pid_t pid, int status)
{
	const char *who = pid == s->keeper ? "the keeper" : pid == s->door ? "the door" : NULL;

	for (size_t i = 0; i < OLD_DOORS; i++)
		if (s->old_doors[i] == pid)
			s->old_doors[i] = 0;
	if (pid == s->keeper)
		s->keeper = 0;
	else if (pid == s->door)
		s->door = 0;
	if (!who || s->is_over)
		return;
	log_problem("%s has ended (%s %d) and is started again", who,
		    WIFSIGNALED(status) ? "signal" : "status",
		    WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
	s->restart_at = clock_after(RESTART_PAUSE);
}

static void reap(struct supervisor *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		note_end(s, pid, status);
}

/* --- the settings again */

static void retire_door(struct supervisor *s, pid_t old)
{
	if (!old)
		return;
	kill(old, SIGHUP);
	for (size_t i = 0; i < OLD_DOORS; i++)
		if (!s->old_doors[i]) {
			s->old_doors[i] = old;
			return;
		}
	kill(old, SIGTERM);	/* eight that do not end are enough */
}

/* The way to the keeper stands beside it, for all who ask. */
static void warn_of_socket(const struct daemon_settings *before, const struct daemon_settings *now)
{
	if (!text_is(before->socket, now->socket))
		log_problem("warning: socket stays as it was until the daemon is started anew");
}

/*
 * The new door gets the sockets of the old one, but for those that the settings do not want
 * any more: nobody is refused meanwhile.
 */
static bool renew_door(struct supervisor *s, struct error *err)
{
	struct listeners before = s->sockets.open, now;

	if (!sockets_follow(&s->sockets, &s->launch.config.daemon, &now, err))
		return false;
	s->sockets.open = now;
	if (start_door(s, err)) {
		listeners_close_rest(&before, &now);
		return true;
	}
	s->sockets.open = before;
	listeners_close_rest(&now, &before);
	return false;
}

static bool take_settings(struct supervisor *s, struct error *err)
{
	if (!launch_read_settings(&s->launch, err))
		return false;
	own_log_open(&s->launch);
	/* The new door would wait for one that has just ended, and we for the door. */
	return (s->keeper || start_keeper(s, err)) && renew_door(s, err);
}

static void reload(struct supervisor *s)
{
	struct launch_plan before = s->launch;
	struct error err;
	pid_t old;

	notify_reloading();
	reap(s);
	old = s->door;
	s->launch = (struct launch_plan){ .config_file = before.config_file,
					  .counts = before.counts };
	if (!take_settings(s, &err)) {
		launch_forget_settings(&s->launch);
		s->launch = before;
		s->door = old;
		own_log_open(&s->launch);
		log_problem("the settings stay as they were: %s", err.text);
	} else {
		warn_of_socket(&before.config.daemon, &s->launch.config.daemon);
		launch_forget_settings(&before);
		if (s->door != old)
			retire_door(s, old);
		if (s->keeper)
			kill(s->keeper, SIGHUP);
		log_info("the settings were read again");
	}
	notify_say("READY=1");
}

/* --- its life */

static void hear_signals(struct supervisor *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload(s);
		else if (info.ssi_signo != SIGCHLD)
			s->is_over = true;
	}
}

static void live(struct supervisor *s)
{
	struct pollfd fd = { .fd = s->signals, .events = POLLIN };

	while (!s->is_over) {
		if (wants_restart(s))
			restart(s);
		(void)poll(&fd, 1, wants_restart(s) ? clock_left(s->restart_at) + 1 : -1);
		hear_signals(s);
		reap(s);
	}
}

static void tell_all(const struct supervisor *s, int signal)
{
	if (s->door)
		kill(s->door, signal);
	if (s->keeper)
		kill(s->keeper, signal);
	for (size_t i = 0; i < OLD_DOORS; i++)
		if (s->old_doors[i])
			kill(s->old_doors[i], signal);
}

static void end(struct supervisor *s)
{
	int64_t deadline = clock_after(END_PATIENCE);

	notify_say("STOPPING=1");
	s->is_over = true;
	tell_all(s, SIGTERM);
	while ((s->door || s->keeper) && clock_left(deadline) > 0) {
		reap(s);
		(void)poll(NULL, 0, 20);
	}
	tell_all(s, SIGKILL);
	reap(s);
}

static bool begin(struct supervisor *s, const char *config_file, bool in_background,
		  struct error *err)
{
	s->launch.config_file = config_file;
	s->launch.counts = admission_counts_file();
	if (!launch_read_settings(&s->launch, err))
		return false;
	own_log_open(&s->launch);
	/* What there was to say of the log the caller has heard. */
	if (in_background)
		background_detach();
	return sockets_open(&s->sockets, &s->launch.config.daemon, err) &&
	       (s->signals = beginning_signals("the daemon", err)) >= 0 &&
	       start_keeper(s, err) && start_door(s, err);
}

/* `report`: where somebody waits to hear that it has begun; -1: nobody does. */
static bool run(const char *config_file, int report, struct error *err)
{
	struct supervisor *s = xcalloc(1, sizeof(*s));
	bool ok = begin(s, config_file, report >= 0, err);

	if (ok && report >= 0) {
		beginning_tell(report, NULL);
		close(report);
	}
	if (ok) {
		notify_say("READY=1");
		live(s);
	}
	end(s);
	sockets_close(&s->sockets);
	launch_forget_settings(&s->launch);
	fd_cleanup(&s->launch.counts);
	free(s);
	return ok;
}

/* The caller sees how the other process has begun, and no more of it. */
static bool run_in_background(const char *config_file, struct error *err)
{
	int ends[2];
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, "pipe");
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		setsid();
		if (run(config_file, ends[1], err))
			_exit(0);
		beginning_tell(ends[1], err);
		_exit(error_exit_status(err));
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return error_errno(err, ERROR_SYSTEM, "fork");
	}
	return beginning_hear(ends[0], pid, err);
}

bool supervise(const char *config_file, bool in_background, struct error *err)
{
	OWNED_TEXT whole = config_file ? queue_config_path(config_file) : NULL;

	return in_background ? run_in_background(whole, err) : run(whole, -1, err);
}
