/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/runner.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "spool/account_state.h"
#include "spool/resident.h"

enum {
	NAP_MAX = 600,		/* seconds: then the calendar is looked at again */
	TROUBLE_PAUSE = 60,	/* after the spool could not be written */
	WARM = 10,		/* seconds that a connection is kept without use */
	WAKE_WITHOUT_BELL = 5,
	CONFIG_AGE = 300,
	SECONDS_OF_DAY = 86400,
	SECONDS_OF_HOUR = 3600,
	PLACE_TRIES = 10,
	PLACE_PAUSE_MS = 20,
};

struct runner {
	struct run *run;
	struct worker worker;
	struct round *round;
	bool is_passing;	/* one round is all, whoever does it */
	bool has_begun;		/* a round went well */
};

static void begin(struct runner *r, struct run *run)
{
	const struct delivery_settings *settings = run->queue->settings;

	*r = (struct runner){ .run = run };
	r->round = xcalloc(1, sizeof(*r->round));
	r->round->is_flush = run->is_flush;
	r->round->is_asked_for = run->is_asked_for;
	r->round->expire = settings->expire * SECONDS_OF_DAY;
	r->round->warn_after = settings->warn_after * SECONDS_OF_HOUR;
	worker_init(&r->worker, run->queue);
	r->worker.config_file = run->config;
	r->worker.log = run->log;
	r->worker.trace = run->trace;
	r->worker.selects = run->selects;
	r->worker.selector = run->selector;
}

static void end(struct runner *r)
{
	r->run->counts = r->worker.counts;
	r->run->waiting = r->round->waiting;
	worker_free(&r->worker);
	free(r->round);
}

static void do_row(struct runner *r, struct batch_row *row)
{
	worker_do(&r->worker, r->round, row);
	row->is_done = true;
	if (r->run->progress)
		r->run->progress(r->run->taker, &r->worker.counts, r->round->waiting);
}

/* Those of one account behind each other, so that they share a connection. */
static void do_batch(struct runner *r)
{
	struct round *round = r->round;

	for (size_t i = 0; i < round->count; i++)
		for (size_t k = i; k < round->count && !r->worker.spool_fails; k++)
			if (!round->rows[k].is_done &&
			    round->rows[k].start.account == round->rows[i].start.account)
				do_row(r, &round->rows[k]);
}

static bool do_round(struct runner *r, struct error *err)
{
	time_t now = time(NULL);
	long keep = r->run->queue->settings->keep_failed;

	round_begin(r->round, &r->run->queue->spool, now);
	if (now - r->worker.loaded > CONFIG_AGE || now < r->worker.loaded)
		worker_forget_config(&r->worker);	/* it may have been mended */
	r->worker.spool_fails = false;
	worker_open_log(&r->worker);
	r->worker.unread = r->worker.unwritten = 0;
	spool_sweep(&r->run->queue->spool, now, keep * SECONDS_OF_DAY);
	if (!r->has_begun)
		account_state_sweep(&r->run->queue->spool, now);
	do {
		if (!round_next(r->round, err))
			return false;
		do_batch(r);
	} while (r->round->count > 0 && !r->worker.spool_fails);
	return true;
}

/* Another round may be going on: it has an end, but it does not do what is not due. */
static bool work(struct runner *r, struct error *err)
{
	const struct spool *spool = &r->run->queue->spool;
	OWNED_FD lock = -1;

	for (;;) {
		if (!spool_lock(spool, SPOOL_WORKING, &lock, err))
			return false;
		if (lock >= 0)
			return do_round(r, err);
		r->run->is_elsewhere = r->is_passing && !r->run->is_flush;
		if (r->run->is_elsewhere)
			return true;
		(void)poll(NULL, 0, 200);
	}
}

static bool report_trouble(const struct runner *r, struct error *err)
{
	if (!r->worker.spool_fails && r->worker.unread + r->worker.unwritten == 0)
		return true;
	if (r->worker.spool_fails || r->worker.unwritten > 0)
		return error_set(err, ERROR_IO, "the spool %s cannot be written; the log has "
				 "more", r->run->queue->spool.path);
	return error_set(err, ERROR_IO, "the spool %s cannot be read as a whole; the log has "
			 "more", r->run->queue->spool.path);
}

bool runner_once(struct run *run, struct error *err)
{
	struct runner r;
	bool ok;

	begin(&r, run);
	r.is_passing = true;
	ok = work(&r, err) && report_trouble(&r, err);
	end(&r);
	return ok;
}

/* Until then, or until the bell is rung; it is silent again afterwards. */
static void nap(int bell, long seconds)
{
	struct pollfd end = { .fd = bell, .events = POLLIN };
	char rings[64];
	int64_t deadline;

	if (bell < 0 && seconds > WAKE_WITHOUT_BELL)
		seconds = WAKE_WITHOUT_BELL;
	deadline = clock_after(seconds);
	/* Some naps are longer than poll(2) can wait. */
	while (poll(&end, 1, clock_left(deadline)) == 0 && clock_left(deadline) > 0)
		;
	while (bell >= 0 && read_some(bell, rings, sizeof(rings)) > 0)
		;
}

static long time_to_wake(const struct runner *r)
{
	long left = r->round->wake ? (long)(r->round->wake - time(NULL)) : NAP_MAX;

	if (r->worker.spool_fails)
		return TROUBLE_PAUSE;
	return left < 1 ? 1 : left > NAP_MAX ? NAP_MAX : left;
}

static void sleep_until_due(struct runner *r, int bell)
{
	long left = time_to_wake(r);

	if (left > WARM)
		worker_forget_config(&r->worker);
	nap(bell, left);
}

static bool is_gone(const struct spool *spool)
{
	struct stat st;

	return fstat(spool->dir, &st) == 0 && st.st_nlink == 0;
}

/* What fails now may pass, such as a disk that is full; a spool that is gone does not. */
static bool round_or_trouble(struct runner *r, struct error *err)
{
	bool ok = work(r, err);

	if (!ok)
		log_problem("the queue cannot be worked on: %s", err->text);
	worker_forget_config(&r->worker);
	return ok || !is_gone(&r->run->queue->spool);
}

bool runner_every(struct run *run, long seconds, struct error *err)
{
	int bell = spool_open_bell(&run->queue->spool);
	struct runner r;

	begin(&r, run);
	r.worker.remembers = true;
	while (round_or_trouble(&r, err))
		nap(bell, seconds);
	log_problem("no more rounds of the queue: the spool %s is gone", run->queue->spool.path);
	end(&r);
	fd_cleanup(&bell);
	return false;
}

/* Once is enough. It did not look at when the messages are due: so another round does. */
static void end_flush(struct runner *r)
{
	if (r->round->is_flush)
		r->round->wake = r->round->now + 1;
	r->round->is_flush = r->round->is_asked_for = false;
}

/*
 * Nobody comes back to mail that a runner has left behind, so one that has begun does not
 * leave because of what may pass, such as a lack of descriptors. True: it does not know what
 * waits.
 */
static bool work_or_wait(struct runner *r, struct error *err)
{
	if (work(r, err)) {
		r->has_begun = true;
		return false;
	}
	r->round->waiting = 0;
	if (!r->has_begun || is_gone(&r->run->queue->spool))
		return false;
	log_problem("the queue cannot be worked on: %s", err->text);
	r->worker.spool_fails = true;
	return true;
}

/* Who only looks at it holds it for a moment; who cannot be relied on loses it. */
static bool take_place(const struct spool *spool, int *place, struct error *err)
{
	struct resident holder;

	for (int i = 0; i < PLACE_TRIES; i++) {
		if (!resident_take(spool, place, err))
			return false;
		if (*place >= 0)
			return true;
		if (!resident_look(spool, &holder, err))
			return false;
		if (!resident_displace(spool, &holder, false))
			(void)poll(NULL, 0, PLACE_PAUSE_MS);
	}
	return true;
}

/*
 * Whoever adds a message finds this lock taken and rings, or free and starts a runner. What
 * came after our last look and before we let go is ours still: hence the second look.
 */
static bool stay(struct runner *r, struct error *err)
{
	const struct spool *spool = &r->run->queue->spool;

	for (;;) {
		OWNED_FD resident = -1, bell = -1;

		if (!take_place(spool, &resident, err))
			return false;
		if (resident < 0) {
			spool_wake_runner(spool);
			return true;
		}
		bell = spool_open_bell(spool);
		while (work_or_wait(r, err) || r->round->waiting > 0) {
			end_flush(r);
			sleep_until_due(r, bell);
			if (resident_is_displaced(spool, resident))
				return true;
		}
		if (!r->has_begun)
			return false;
		(void)spool_mark_empty(spool);
		(void)flock(resident, LOCK_UN);
		if (spool_is_empty(spool) || !spool_has_waiting(spool))
			return true;
	}
}

bool runner_stay(struct run *run, struct error *err)
{
	struct runner r;
	bool ok;

	begin(&r, run);
	r.worker.remembers = true;
	ok = stay(&r, err);
	end(&r);
	return ok;
}
