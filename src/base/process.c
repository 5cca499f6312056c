/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fate.h"
#include "base/file.h"
#include "base/text.h"

enum {
	COMPLAINT_MAX = 240,	/* as much of its standard error as we show */
	TICK_MS = 10,		/* how soon we see that it has ended */
	KILL_SECONDS = 1,	/* how long that may take after SIGKILL */
};

struct child {
	pid_t pid;
	int out, complaints;	/* read ends, non-blocking; -1 when at their end */
	char complaint[COMPLAINT_MAX + 1];
	size_t complaint_len;
	char *output;
	size_t size, len;
	int status;		/* when pid is -1: it has ended */
};

/* Between fork and exec: only calls that are safe there (signal-safety(7)). */
static _Noreturn void become(const char *command, pid_t parent, int out, int complaints)
{
	int nothing = open("/dev/null", O_RDONLY);
	sigset_t none;

	setpgid(0, 0);
	/* SIGKILL leaves us no time to take it along. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(126);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out, 1) < 0 ||
	    dup2(complaints, 2) < 0)
		_exit(126);
	if (nothing > 2)
		close(nothing);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

static bool start(struct child *child, const char *command, struct error *err)
{
	int out[2], complaints[2];
	pid_t us = getpid();

	if (pipe2(out, O_CLOEXEC) < 0)
		return error_errno(err, ERROR_SYSTEM, "pipe");
	if (pipe2(complaints, O_CLOEXEC) < 0) {
		error_errno(err, ERROR_SYSTEM, "pipe");
		close(out[0]);
		close(out[1]);
		return false;
	}
	child->pid = fork();
	if (child->pid == 0)
		become(command, us, out[1], complaints[1]);
	close(out[1]);
	close(complaints[1]);
	child->out = out[0];
	child->complaints = complaints[0];
	if (child->pid < 0) {
		error_errno(err, ERROR_SYSTEM, "fork");
		close(child->out);
		close(child->complaints);
		return false;
	}
	setpgid(child->pid, child->pid);
	fate_take_along(child->pid);
	fcntl(child->out, F_SETFL, O_NONBLOCK);
	fcntl(child->complaints, F_SETFL, O_NONBLOCK);
	return true;
}

/* Closes *fd at the end of the file. */
static ssize_t read_or_close(int *fd, char *bytes, size_t size)
{
	ssize_t n = read_some(*fd, bytes, size);

	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		close(*fd);
		*fd = -1;
		return 0;
	}
	return n;
}

static void take_complaint(struct child *child)
{
	char spare[512], *place = child->complaint + child->complaint_len;
	size_t room = COMPLAINT_MAX - child->complaint_len;
	bool fits = room > 0;

	child->complaint_len += (size_t)read_or_close(&child->complaints,
						      fits ? place : spare,
						      fits ? room : sizeof(spare)) *
				fits;
}

static bool take_output(struct child *child, struct error *err)
{
	char spare;

	if (child->len < child->size)
		child->len += (size_t)read_or_close(&child->out, child->output + child->len,
						    child->size - child->len);
	else if (read_or_close(&child->out, &spare, 1) > 0)
		return error_set(err, ERROR_SECRET, "the command printed more than %zu bytes",
				 child->size);
	return true;
}

/* Once it has ended its status is kept. */
static bool has_ended(struct child *child)
{
	if (child->pid > 0 && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->pid = -1;
	return child->pid < 0;
}

/*
 * Until the command has ended and its pipes are empty. They need not be closed: it may have
 * left an agent behind that holds them.
 */
static bool listen_to(struct child *child, int64_t deadline, struct error *err)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->complaints, .events = POLLIN },
		};
		bool is_over = has_ended(child);
		int left = clock_left(deadline);

		if (poll(fds, 2, is_over ? 0 : left < TICK_MS ? left : TICK_MS) == 0 && is_over)
			return true;
		if (left == 0)
			return error_set(err, ERROR_SECRET, "the command did not end in time");
		if (fds[1].revents)
			take_complaint(child);
		if (fds[0].revents && !take_output(child, err))
			return false;
	}
}

/* A setuid program is not ours to kill, and no reason to wait for ever. */
static void kill_group(struct child *child)
{
	int64_t deadline = clock_after(KILL_SECONDS);

	kill(-child->pid, SIGKILL);
	while (!has_ended(child) && clock_left(deadline) > 0)
		poll(NULL, 0, TICK_MS);
}

/* The last words of a program, on one line. */
static void tidy_complaint(struct child *child)
{
	char *text = child->complaint;

	text[child->complaint_len] = '\0';
	while (child->complaint_len > 0 && strchr("\r\n ", text[child->complaint_len - 1]))
		text[--child->complaint_len] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	text_make_printable(text);
}

static bool judge(struct child *child, struct error *err)
{
	int status = child->status;
	const char *said = child->complaint[0] ? ": it said: " : "";

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (WIFSIGNALED(status))
		return error_set(err, ERROR_SECRET, "the command was killed by signal %d%s%s",
				 WTERMSIG(status), said, child->complaint);
	return error_set(err, ERROR_SECRET, "the command failed with exit status %d%s%s",
			 WEXITSTATUS(status), said, child->complaint);
}

bool process_output(const char *command, char *out, size_t size, size_t *len,
		    int seconds, struct error *err)
{
	struct child child = { .output = out, .size = size };
	bool ok;

	*len = 0;
	/* Our caller may have had it ignored: there would be no status then. */
	signal(SIGCHLD, SIG_DFL);
	if (!start(&child, command, err))
		return false;
	ok = listen_to(&child, clock_after(seconds), err);
	if (child.pid > 0)
		kill_group(&child);
	fate_take_along(0);
	if (child.out >= 0)
		close(child.out);
	if (child.complaints >= 0)
		close(child.complaints);
	*len = child.len;
	tidy_complaint(&child);
	return ok && judge(&child, err);
}
