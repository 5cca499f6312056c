/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The question goes to /dev/tty, for standard input may be the message. While a person
 * types, the terminal does not echo, and whatever ends us must give the echo back first:
 * so signals are held, let in only while we wait, and raised again when the terminal is
 * as it was. Whoever was stopped and goes on is asked once more.
 */
#include "talk/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "secret/file.h"

enum { PATIENCE_MS = 5000 }; /* for a terminal that takes no output */

static const int numbers[] = {
	SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGTTIN, SIGTTOU, SIGALRM,
};
enum { NUMBERS = COUNT_OF(numbers) };

/* Global, as a signal handler is given nothing else. */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	caught = number;
}

struct signals {
	struct sigaction actions[NUMBERS];
	sigset_t mask;
};

/*
 * They are let through while we wait, and only then: none comes unseen between two steps.
 */
static void catch_signals(struct signals *before)
{
	struct sigaction ours = { .sa_handler = on_signal };
	sigset_t held;

	caught = 0;
	sigemptyset(&held);
	for (size_t i = 0; i < NUMBERS; i++)
		sigaddset(&held, numbers[i]);
	sigprocmask(SIG_BLOCK, &held, &before->mask);
	sigemptyset(&ours.sa_mask);
	for (size_t i = 0; i < NUMBERS; i++) {
		sigaction(numbers[i], NULL, &before->actions[i]);
		if (before->actions[i].sa_handler != SIG_IGN)
			sigaction(numbers[i], &ours, NULL);
	}
}

static void leave_signals(const struct signals *before)
{
	for (size_t i = 0; i < NUMBERS; i++)
		sigaction(numbers[i], &before->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
}

static int open_terminal(void)
{
	return open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
}

static bool is_possible(void)
{
	OWNED_FD fd = open_terminal();

	return fd >= 0 && isatty(STDERR_FILENO) && tcgetpgrp(fd) == getpgrp();
}

struct asking {
	int fd;
	const char *question;
	int64_t deadline;
	bool has_ended; /* nobody will type any more */
};

static bool refuse_length(struct error *err)
{
	return error_set(err, ERROR_SECRET, "what was typed is longer than %d bytes",
			 SECRET_MAX);
}

/* One line; ends early at a signal, which is in `caught` then. */
static bool read_line(struct asking *a, const sigset_t *mask, struct secret *secret,
		      struct error *err)
{
	size_t len = 0;

	secret_make_room(secret);
	while (!memchr(secret->bytes, '\n', len)) {
		struct pollfd line = { .fd = a->fd, .events = POLLIN };
		int left = clock_left(a->deadline);
		const struct timespec patience = { left / 1000, left % 1000 * 1000000L };
		ssize_t n = 0;

		if (left == 0)
			return error_set(err, ERROR_SECRET,
					 "nobody answered on the terminal");
		if (len > SECRET_MAX)
			return refuse_length(err);
		if (ppoll(&line, 1, &patience, mask) > 0)
			n = read(a->fd, secret->bytes + len, SECRET_MAX + 1 - len);
		if (caught)
			return error_set(err, ERROR_SECRET, "interrupted");
		if (n < 0 && errno != EINTR)
			return error_errno(err, ERROR_SECRET, "the terminal");
		a->has_ended = n == 0 && line.revents;
		if (a->has_ended)
			break;
		len += n > 0 ? (size_t)n : 0;
	}
	if (!secret_keep_first_line(secret, len))
		return refuse_length(err);
	return secret->len > 0 || error_set(err, ERROR_SECRET, "nothing was typed");
}

static bool ask_once(struct asking *a, struct secret *secret, struct error *err)
{
	int fd = a->fd;
	struct signals before;
	struct termios usual, silent;
	bool ok;

	if (tcgetattr(fd, &usual) < 0)
		return error_errno(err, ERROR_SECRET, "the terminal");
	silent = usual;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	catch_signals(&before);
	/* What was typed before the question is no answer to it. */
	ok = tcsetattr(fd, TCSANOW, &silent) == 0 && tcflush(fd, TCIFLUSH) == 0 &&
	     write_patiently(fd, a->question, strlen(a->question), PATIENCE_MS);
	if (!ok)
		error_errno(err, ERROR_SECRET, "the terminal");
	ok = ok && read_line(a, &before.mask, secret, err);
	/* Half of an answer must not end up in the history of the shell behind us. */
	if (!ok)
		tcflush(fd, TCIFLUSH);
	tcsetattr(fd, TCSANOW, &usual);
	(void)write_patiently(fd, "\n", 1, PATIENCE_MS);
	leave_signals(&before);
	return ok;
}

bool ask_secret_again(const char *question, int seconds, struct secret *secret,
		      bool *has_ended, struct error *err)
{
	OWNED_FD fd = open_terminal();
	struct asking a = { fd, question, clock_after(seconds), false };
	bool ok;

	*has_ended = fd < 0;
	if (fd < 0)
		return error_errno(err, ERROR_SECRET, "there is no terminal to ask on");
	do {
		ok = ask_once(&a, secret, err);
		if (caught)
			raise(caught);
		/*
		 * Stopped and continued, or a signal that the caller survives: once more.
		 */
	} while (caught && !ok && clock_left(a.deadline) > 0);
	*has_ended = a.has_ended || clock_left(a.deadline) == 0;
	if (!ok)
		secret_free(secret);
	return ok;
}

bool ask_secret(const char *question, int seconds, struct secret *secret,
		struct error *err)
{
	bool has_ended;

	return ask_secret_again(question, seconds, secret, &has_ended, err);
}

const struct asker ask_at_terminal = { is_possible, ask_secret };
