/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What may be told to a caller when a signal, or the want of memory, ends us in the
 * middle: that depends on how far the message has come. Whoever sends it says so here
 * at each step; here alone it is decided whether to go at once, to wait a little, or
 * what to say.
 */
#include "base/fate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/drain.h"
#include "base/io.h"
#include "base/self.h"

enum {
	LINE_SIZE = 320,
	PATIENCE_MS = 1000,	/* for a complaint that nobody reads */
	ANSWER_PATIENCE = 60,	/* seconds for an answer when a signal says that we should go:
				   less than those who send signals wait until they kill */
	DETAIL_SIZE = 120,
};

/*
 * Global, as a signal handler is given nothing else to know it from; each field is
 * written in one store, as the handler may look between any two of them.
 */
static struct {
	volatile sig_atomic_t fate, group, put_off;
	volatile sig_atomic_t is_stored;	/* FATE_STORED was the last before this one */
	volatile sig_atomic_t detail;		/* which of the two is good */
	volatile sig_atomic_t has_no_alarm;	/* our caller has it ignored */
	char details[2][DETAIL_SIZE];
} mail;

/*
 * The signal does what it would have done without us, so that whoever waits for us sees
 * which one ended us: a shell stops its loop after an interrupt, and not after an exit
 * status.
 */
static void give_way(int number)
{
	if (mail.is_stored)
		fate_end("interrupted");
	signal(number, SIG_DFL);
	raise(number);
}

void fate_set(enum fate fate)
{
	bool is_end = fate == FATE_NOT_SENT || fate == FATE_STORED;

	if (is_end)
		mail.is_stored = fate == FATE_STORED;
	/*
	 * In this order: a signal in between is put off before we look, or ends us by
	 * itself.
	 */
	mail.fate = (sig_atomic_t)fate;
	if (is_end && mail.put_off)
		give_way(mail.put_off);
}

bool fate_is_put_off(void)
{
	return mail.put_off != 0;
}

void fate_explain(const char *words)
{
	/* The one that the handler does not read, and then it is the good one. */
	int other = !mail.detail;

	snprintf(mail.details[other], DETAIL_SIZE, "%s", words);
	mail.detail = other;
}

enum fate fate_now(void)
{
	return (enum fate)mail.fate;
}

void fate_take_along(pid_t group)
{
	mail.group = group;
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
		[FATE_STORED] = { "the message is queued and will be sent", EX_OK },
		[FATE_AWAITED] = { "the message is queued, and may have been sent", EX_OK },
	};
	/*
	 * Without FATE_STORED before it it is not known whether the disk has it already.
	 */
	enum fate fate = fate_now() == FATE_AWAITED && !mail.is_stored ? FATE_PERHAPS : fate_now();
	char line[LINE_SIZE];
	size_t len = add(line, 0, self_name());

	len = add(line, len, ": ");
	len = add(line, len, why);
	len = add(line, len, ": ");
	len = add(line, len, ends[fate].words);
	if (fate == FATE_PERHAPS && mail.details[mail.detail][0]) {
		len = add(line, len, ": ");
		len = add(line, len, mail.details[mail.detail]);
	}
	line[len++] = '\n';
	(void)write_patiently(self_complaints(), line, len, PATIENCE_MS);
	drain();
	_exit(ends[fate].status);
}

/* A person at a terminal would press the keys again. */
static void say_why_it_takes_time(void)
{
	static const char words[] = ": interrupted: the server's answer to the message is "
				    "waited for, a minute at most\n";
	char line[LINE_SIZE];
	size_t len;

	if (!self_is_watched())
		return;
	len = add(line, 0, self_name());
	len = add(line, len, words);
	(void)write_patiently(self_complaints(), line, len, PATIENCE_MS);
}

static void on_signal(int number)
{
	enum fate fate = fate_now();
	int saved = errno;

	if (fate == FATE_SENT || fate == FATE_QUEUED || fate == FATE_AWAITED) {
		/* Leaving now would leave a doubt that a moment's patience resolves. */
		if (fate == FATE_AWAITED && !mail.put_off) {
			alarm(ANSWER_PATIENCE);
			say_why_it_takes_time();
		}
		mail.put_off = number;
		errno = saved;
		return;
	}
	/*
	 * A command that was to give us a secret may wait for a person, and nobody comes
	 * now.
	 */
	if (mail.group > 0)
		kill(-mail.group, SIGKILL);
	if (fate == FATE_PERHAPS)
		fate_end("interrupted");
	/* It is blocked until we return. */
	give_way(number);
}

/* Ours, or one that a caller has set before he became us, which is his way to end us. */
static void on_alarm(int number)
{
	if (fate_now() == FATE_AWAITED && mail.put_off)
		give_way(mail.put_off);
	else if (!mail.has_no_alarm)
		on_signal(number);
}

static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

void fate_hold(bool hold)
{
	static sigset_t before;
	sigset_t set;

	if (!hold) {
		sigprocmask(SIG_SETMASK, &before, NULL);
		return;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigaddset(&set, numbers[i]);
	sigprocmask(SIG_BLOCK, &set, &before);
}

void fate_catch_signals(void)
{
	struct sigaction ours = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, alarms;

	/*
	 * One at a time: the handler of a second one would run between the lines of the
	 * first.
	 */
	sigfillset(&ours.sa_mask);
	sigaction(SIGALRM, &(struct sigaction){ .sa_handler = on_alarm, .sa_flags = SA_RESTART,
						.sa_mask = ours.sa_mask }, &alarms);
	mail.has_no_alarm = alarms.sa_handler == SIG_IGN;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct sigaction inherited;

		/* nohup(1), and shells that run us in the background */
		if (sigaction(numbers[i], NULL, &inherited) == 0 &&
		    inherited.sa_handler != SIG_IGN)
			sigaction(numbers[i], &ours, NULL);
	}
}
