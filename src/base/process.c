/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

enum { COMPLAINT_MAX = 240 };	/* as much of its standard error as we show */

struct child {
	pid_t pid;
	int out, complaints;	/* read ends, non-blocking; -1 when at their end */
	char complaint[COMPLAINT_MAX + 1];
	size_t complaint_len;
};

/* Between fork and exec: only calls that are safe there (signal-safety(7)). */
static _Noreturn void become(const char *command, int out, int complaints)
{
	int nothing = open("/dev/null", O_RDONLY);
	sigset_t none;

	setpgid(0, 0);
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
		become(command, out[1], complaints[1]);
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

/* Until both pipes are closed; false: too long or too much. */
static bool listen_to(struct child *child, char *out, size_t size, size_t *len,
		      int64_t deadline, struct error *err)
{
	while (child->out >= 0 || child->complaints >= 0) {
		struct pollfd fds[] = {
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->complaints, .events = POLLIN },
		};

		if (!clock_left(deadline) || poll(fds, 2, clock_left(deadline)) == 0)
			return error_set(err, ERROR_SECRET,
					 "the command did not end in time");
		if (fds[1].revents)
			take_complaint(child);
		if (!fds[0].revents)
			continue;
		if (*len == size)
			return error_set(err, ERROR_SECRET,
					 "the command printed more than %zu bytes", size);
		*len += (size_t)read_or_close(&child->out, out + *len, size - *len);
	}
	return true;
}

/* It has closed its pipes; its end is near, or we make it near. */
static bool reap(struct child *child, int64_t deadline, int *status)
{
	pid_t pid;

	while ((pid = waitpid(child->pid, status, WNOHANG)) <= 0) {
		if (pid < 0 && errno != EINTR)
			return false;
		if (!clock_left(deadline))
			return false;
		poll(NULL, 0, 2);
	}
	child->pid = -1;
	return true;
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

static bool judge(struct child *child, int status, struct error *err)
{
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
	struct child child = { 0 };
	int64_t deadline = clock_after(seconds);
	int status = 0;
	bool ok;

	*len = 0;
	if (!start(&child, command, err))
		return false;
	ok = listen_to(&child, out, size, len, deadline, err);
	if (ok && !reap(&child, deadline, &status))
		ok = error_set(err, ERROR_SECRET, "the command did not end in time");
	if (child.pid > 0) {
		kill(-child.pid, SIGKILL);
		waitpid(child.pid, &status, 0);
	}
	if (child.out >= 0)
		close(child.out);
	if (child.complaints >= 0)
		close(child.complaints);
	tidy_complaint(&child);
	return ok && judge(&child, status, err);
}
