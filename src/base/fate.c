/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/fate.h"

#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/drain.h"
#include "base/file.h"

enum {
	LINE_SIZE = 320,
	PATIENCE_MS = 1000,	/* for a standard error that nobody reads */
};

/* Global, as a signal handler is given nothing else to know it from. */
static struct {
	volatile sig_atomic_t fate, group, put_off;
	char name[64];
} self = { .name = "acsmtp" };

void fate_set(enum fate fate)
{
	int number = self.put_off;

	self.fate = (sig_atomic_t)fate;
	if (fate != FATE_NOT_SENT || !number)
		return;
	signal(number, SIG_DFL);
	raise(number);
}

enum fate fate_now(void)
{
	return (enum fate)self.fate;
}

void fate_take_along(pid_t group)
{
	self.group = group;
}

/* By hand, as little else is safe in a signal handler; one byte is kept for "\n". */
static size_t add(char line[LINE_SIZE], size_t len, const char *words)
{
	while (*words && len < LINE_SIZE - 1)
		line[len++] = *words++;
	return len;
}

_Noreturn void fate_end(const char *why)
{
	static const struct {
		const char *words;
		int status;
	} ends[] = {
		[FATE_NOT_SENT] = { "the message was not sent, try again later",
				    EX_TEMPFAIL },
		[FATE_PERHAPS] = { "the message may have been sent, to some recipients "
				   "or to all; sending it again may deliver it twice",
				   EX_TEMPFAIL },
		[FATE_SENT] = { "the message was sent; the log may lack it", EX_OK },
		[FATE_QUEUED] = { "the message is queued and will be sent", EX_OK },
	};
	enum fate fate = fate_now();
	char line[LINE_SIZE];
	size_t len = add(line, 0, self.name);

	len = add(line, len, ": ");
	len = add(line, len, why);
	len = add(line, len, ": ");
	len = add(line, len, ends[fate].words);
	line[len++] = '\n';
	(void)write_patiently(STDERR_FILENO, line, len, PATIENCE_MS);
	drain();
	_exit(ends[fate].status);
}

static void on_signal(int number)
{
	if (fate_now() == FATE_SENT || fate_now() == FATE_QUEUED) {
		self.put_off = number;
		return;
	}
	if (self.group > 0)
		kill(-self.group, SIGKILL);
	if (fate_now() == FATE_PERHAPS)
		fate_end("interrupted");
	/* It is blocked until we return, and then does what it always did. */
	signal(number, SIG_DFL);
	raise(number);
}

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

void fate_hold(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

void fate_catch_signals(const char *name)
{
	struct sigaction ours = { .sa_handler = on_signal, .sa_flags = SA_RESTART };

	snprintf(self.name, sizeof(self.name), "%s", name);
	sigfillset(&ours.sa_mask);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct sigaction inherited;

		/* nohup(1), and shells that run us in the background */
		if (sigaction(numbers[i], NULL, &inherited) == 0 &&
		    inherited.sa_handler != SIG_IGN)
			sigaction(numbers[i], &ours, NULL);
	}
}
