/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command, with a bound for all that it may do to us: time, output, complaints. It
 * has three pipes, so that neither its output nor its words get anywhere by themselves.
 * There is no descriptor that tells of its end on older kernels, hence the ticks.
 */
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fate.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/self.h"
#include "base/text.h"

enum {
	TICK_MS = 10,	  /* how soon we see that it has ended */
	DROP_CHUNK = 16 * 1024,
	KILL_SECONDS = 1, /* how long that may take after SIGKILL */
};

struct child {
	struct process *process;
	pid_t pid;
	int in;		     /* write end, non-blocking; -1: nothing is left to write */
	int out, complaints; /* read ends, non-blocking; -1 when at their end */
	size_t written, complaint_len, dropped;
	int status; /* when pid is -1: it has ended */
};

/* A pipe for each of the three, our end and its end. */
struct pipes {
	int ours[3], its[3];
};

static void close_all(const int fds[3])
{
	for (int i = 0; i < 3; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

static bool open_pipes(struct pipes *pipes, struct error *err)
{
	*pipes = (struct pipes){ { -1, -1, -1 }, { -1, -1, -1 } };
	for (int i = 0; i < 3; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0) {
			error_errno(err, ERROR_SYSTEM, "pipe");
			close_all(pipes->ours);
			close_all(pipes->its);
			return false;
		}
		pipes->ours[i] = ends[i == 0];
		pipes->its[i] = ends[i != 0];
		fcntl(pipes->ours[i], F_SETFL, O_NONBLOCK);
	}
	return true;
}

/* Between fork and exec: only calls that are safe there (signal-safety(7)). */
static _Noreturn void become(const char *const *argv, pid_t parent, const int its[3])
{
	sigset_t none;

	/*
	 * A group of its own, so that what it starts can be killed with it. Both sides
	 * say it, as either may be the first to run.
	 */
	setpgid(0, 0);
	/* SIGKILL leaves us no time to take it along. */
	self_end_with(parent, SIGKILL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	for (int i = 0; i < 3; i++)
		if (dup2(its[i], i) < 0)
			_exit(126);
	execv(argv[0], (char *const *)argv);
	_exit(127);
}

static bool start(struct child *child, struct error *err)
{
	struct pipes pipes;
	pid_t us = getpid();
	sigset_t all, before;

	if (!open_pipes(&pipes, err))
		return false;
	/*
	 * A signal that ended us before fate knows the group would leave its children
	 * alive.
	 */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	child->pid = fork();
	if (child->pid == 0)
		become(child->process->argv, us, pipes.its);
	if (child->pid > 0) {
		setpgid(child->pid, child->pid);
		fate_take_along(child->pid);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	close_all(pipes.its);
	if (child->pid < 0) {
		error_errno(err, ERROR_SYSTEM, "fork");
		close_all(pipes.ours);
		return false;
	}
	child->in = pipes.ours[0];
	child->out = pipes.ours[1];
	child->complaints = pipes.ours[2];
	return true;
}

/* Closes it when all is written, or when nobody wants the rest. */
static void give_input(struct child *child)
{
	const struct process *p = child->process;
	size_t left = p->input_len - child->written;
	ssize_t n = left > 0 ? write(child->in, p->input + child->written, left) : 0;

	child->written += n > 0 ? (size_t)n : 0;
	if (child->written == p->input_len ||
	    (n < 0 && errno != EAGAIN && errno != EINTR)) {
		close(child->in);
		child->in = -1;
	}
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
	char spare[512], *place = child->process->complaint + child->complaint_len;
	size_t room = PROCESS_COMPLAINT_MAX - child->complaint_len;
	bool fits = room > 0;

	child->complaint_len +=
		(size_t)read_or_close(&child->complaints, fits ? place : spare,
				      fits ? room : sizeof(spare)) *
		fits;
}

/* A command that cannot write all that it wants to would fail for that alone. */
static bool take_output(struct child *child, struct error *err)
{
	struct process *p = child->process;
	char spare[DROP_CHUNK];
	ssize_t n;

	if (p->len < p->size) {
		p->len += (size_t)read_or_close(&child->out, p->output + p->len,
						p->size - p->len);
		return true;
	}
	n = read_or_close(&child->out, spare, sizeof(spare));
	wipe(spare, (size_t)n);
	child->dropped += (size_t)n;
	return child->dropped <= PROCESS_DROP_MAX ||
	       error_set(err, ERROR_SECRET, "the command printed more than %d bytes",
			 PROCESS_DROP_MAX);
}

/* Once it has ended its status is kept. */
static bool has_ended(struct child *child)
{
	if (child->pid > 0 && waitpid(child->pid, &child->status, WNOHANG) == child->pid)
		child->pid = -1;
	return child->pid < 0;
}

/*
 * Until the command has ended and its pipes are empty. They need not be closed: it may
 * have left an agent behind that holds them.
 */
static bool listen_to(struct child *child, int64_t deadline, struct error *err)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = child->out, .events = POLLIN },
			{ .fd = child->complaints, .events = POLLIN },
			{ .fd = child->in, .events = POLLOUT },
		};
		bool is_over = has_ended(child);
		int left = clock_left(deadline);
		int patience = is_over ? 0 : left < TICK_MS ? left : TICK_MS;

		if (poll(fds, is_over ? 2 : 3, patience) == 0 && is_over)
			return true;
		if (left == 0)
			return error_set(err, ERROR_SECRET,
					 "the command did not end in time");
		if (fds[2].revents)
			give_input(child);
		if (fds[1].revents)
			take_complaint(child);
		if (fds[0].revents && !take_output(child, err))
			return false;
		if (fds[0].revents && child->process->heard)
			child->process->heard(child->process);
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
	char *text = child->process->complaint;

	text[child->complaint_len] = '\0';
	while (child->complaint_len > 0 && strchr("\r\n ", text[child->complaint_len - 1]))
		text[--child->complaint_len] = '\0';
	for (char *c = text; *c; c++)
		if (*c == '\n')
			*c = ' ';
	text_make_printable(text);
}

/* How it ended, unless by itself. */
static bool judge(struct child *child, struct error *err)
{
	const char *complaint = child->process->complaint;

	if (WIFEXITED(child->status)) {
		child->process->status = WEXITSTATUS(child->status);
		return true;
	}
	if (!*complaint)
		return error_set(err, ERROR_SECRET, "the command was killed by signal %d",
				 WTERMSIG(child->status));
	return error_set(err, ERROR_SECRET,
			 "the command was killed by signal %d: it said: %s",
			 WTERMSIG(child->status), complaint);
}

bool process_run(struct process *process, struct error *err)
{
	struct child child = { .process = process };
	bool ok;

	process->len = 0;
	process->complaint[0] = '\0';
	/* Our caller may have had it ignored: there would be no status then. */
	signal(SIGCHLD, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
	if (!start(&child, err))
		return false;
	ok = listen_to(&child, clock_after(process->seconds), err);
	if (child.pid > 0)
		kill_group(&child);
	fate_take_along(0);
	close_all((int[]){ child.in, child.out, child.complaints });
	tidy_complaint(&child);
	return ok && judge(&child, err);
}

bool process_output(const char *command, char *out, size_t size, size_t *len, int seconds,
		    struct error *err)
{
	const char *const argv[] = { "/bin/sh", "-c", command, NULL };
	struct process p = {
		.argv = argv,
		.output = out,
		.size = size,
		.seconds = seconds,
	};
	bool ok = process_run(&p, err);

	*len = p.len;
	if (!ok || p.status == 0)
		return ok;
	if (!p.complaint[0])
		return error_set(err, ERROR_SECRET, "the command failed with exit status %d",
				 p.status);
	return error_set(err, ERROR_SECRET,
			 "the command failed with exit status %d: it said: %s", p.status,
			 p.complaint);
}
