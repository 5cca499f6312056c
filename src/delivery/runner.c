/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rounds through the queue. Nothing of a round has to outlive it: each message has its
 * own lock and its own entry, so one that is killed leaves what worker_do.c says of the
 * message that it was at, and the others as they were. The lock of those who work only
 * spares two of them the same reading and the same server; mail is safe without it, so
 * nobody waits for it for long.
 */
#include "delivery/runner.h"

#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "delivery/bell.h"
#include "delivery/crew.h"
#include "delivery/hand.h"
#include "delivery/metrics.h"
#include "spool/account_state.h"

enum {
	LOCK_PAUSE_MS = 20,
	FLUSH_PATIENCE = 3,	/* seconds that a round is waited for which is going on */
	LOCK_LOOKS = 3,		/* some only look at it, for a moment */
};

struct runner {
	struct hand hand;
	struct crew crew;	/* where there is mail of several accounts */
	size_t waiting;
};

/* --- a round */

static void sweep(const struct run *run)
{
	time_t now = time(NULL);

	spool_sweep(&run->queue->spool, now, run->queue->settings->keep_failed * SECONDS_OF_DAY);
	account_state_sweep(&run->queue->spool, now);
}

static bool take_census(struct hand *h, struct error *err)
{
	bool ok;

	round_begin(h->round, &h->run->queue->spool, time(NULL));
	h->round->is_census = true;
	ok = round_next(h->round, err);
	h->round->is_census = false;
	return ok;
}

/* Each account has a process of its own, so that none waits for the server of another. */
static bool do_together(struct runner *r, struct error *err)
{
	const struct round *round = r->hand.round;

	crew_begin(&r->crew, r->hand.run);
	for (size_t i = 0; i < round->account_count && !r->crew.has_failed; ) {
		if (crew_order(&r->crew, round->accounts[i], NULL, round->is_flush, 0))
			i++;
		else if (!r->crew.has_failed)
			crew_wait(&r->crew, -1, -1);
	}
	while (crew_is_busy(&r->crew))
		crew_wait(&r->crew, -1, -1);
	crew_end(&r->crew);
	return !r->crew.has_failed ||
	       error_set(err, ERROR_LATER, "no processes can be had; the log has more");
}

static bool do_round(struct runner *r, struct error *err)
{
	/*
	 * What failed/ no longer keeps, and litter, may be the room that this round
	 * needs.
	 */
	sweep(r->hand.run);
	/*
	 * Whose mail there is: reading starts of entries is cheap, and says how many must
	 * work.
	 */
	if (!take_census(&r->hand, err))
		return false;
	/* Others would send again what this process alone knows to be sent. */
	if (r->hand.round->account_count > 1 && r->hand.worker.owed.count == 0)
		/*
		 * The children's rounds are not ours: what is left has to be counted
		 * anew.
		 */
		return do_together(r, err) && take_census(&r->hand, err);
	return hand_do_round(&r->hand, err);
}

/*
 * Another round may be going on, which has an end, but perhaps one that is far, or was
 * stopped: whoever asks to try all waits a little, and others not at all.
 */
static bool work(struct runner *r, struct run *run, struct error *err)
{
	int64_t deadline = clock_after(FLUSH_PATIENCE);
	OWNED_FD lock = -1;

	for (int looks = 1; ; looks++) {
		if (!spool_lock(&run->queue->spool, SPOOL_WORKING, &lock, err))
			return false;
		if (lock >= 0)
			break;
		run->is_elsewhere = run->is_flush ? clock_left(deadline) == 0 :
						    looks >= LOCK_LOOKS;
		if (run->is_elsewhere)
			return true;
		(void)poll(NULL, 0, LOCK_PAUSE_MS);
	}
	return do_round(r, err);
}

static void sum_up(struct runner *r, struct run *run)
{
	const struct work_counts *here = &r->hand.worker.counts, *there = &r->crew.counts;

	run->counts = (struct work_counts){
		.sent = here->sent + there->sent,
		.deferred = here->deferred + there->deferred,
		.failed = here->failed + there->failed,
		.left = here->left + there->left,
	};
	run->waiting = r->hand.round->waiting;
}

static bool report_trouble(const struct runner *r, struct error *err)
{
	const struct worker *w = &r->hand.worker;
	const char *path = r->hand.run->queue->spool.path;

	if (w->spool_fails || r->crew.spool_fails || w->unwritten + r->crew.unwritten > 0)
		return error_set(err, ERROR_IO, "the spool %s cannot be written; the log has "
				 "more", path);
	return w->unread + r->crew.unread == 0 ||
	       error_set(err, ERROR_IO, "the spool %s cannot be read as a whole; the log has "
			 "more", path);
}

bool runner_once(struct run *run, struct error *err)
{
	struct runner r = { .crew.count = 0 };
	bool ok;

	hand_begin(&r.hand, run);
	ok = work(&r, run, err) && report_trouble(&r, err);
	sum_up(&r, run);
	hand_end(&r.hand);
	metrics_update(run->queue, run->config);
	return ok;
}

/* --- rounds */

static void hear(void *hearer, enum bell_word word, const char *id)
{
	bool *is_flush = hearer;

	(void)id;
	*is_flush = *is_flush || word == BELL_FLUSH;
}

/* Until then, or until the bell is rung; true: all should be tried now. */
static bool nap(struct bell *bell, long seconds)
{
	struct pollfd end = { .fd = bell->fd, .events = POLLIN };
	bool is_flush = false;
	int64_t deadline;

	if (bell->fd < 0 && seconds > WAKE_WITHOUT_BELL)
		seconds = WAKE_WITHOUT_BELL;
	deadline = clock_after(seconds);
	/* Some naps are longer than poll(2) can wait. */
	while (poll(&end, 1, clock_left(deadline)) == 0 && clock_left(deadline) > 0)
		;
	bell_listen(bell, hear, &is_flush);
	return is_flush;
}

/* What fails now may pass, such as a disk that is full; a spool that is gone does not. */
static bool round_or_trouble(struct runner *r, struct run *run, struct error *err)
{
	bool ok = work(r, run, err);

	if (!ok)
		log_problem("the queue cannot be worked on: %s", err->text);
	metrics_update(run->queue, run->config);
	/* It sleeps without a secret in memory, and sees what was changed meanwhile. */
	worker_forget_config(&r->hand.worker);
	return ok || !spool_is_gone(&run->queue->spool);
}

bool runner_every(struct run *run, long seconds, struct error *err)
{
	struct runner r = { .crew.count = 0 };
	struct bell bell;

	bell_open(&bell, &run->queue->spool);
	hand_begin(&r.hand, run);
	r.hand.worker.remembers = true;
	while (round_or_trouble(&r, run, err)) {
		bool is_short = run->is_elsewhere && seconds > WAKE_WITHOUT_BELL;

		/* One that another was in the way of is wanted still. */
		run->is_flush = run->is_flush && run->is_elsewhere;
		run->is_flush = nap(&bell, is_short ? WAKE_WITHOUT_BELL : seconds) ||
				run->is_flush;
		run->is_asked_for = run->is_flush;
		r.hand.round->is_flush = r.hand.round->is_asked_for = run->is_flush;
	}
	log_problem("no more rounds of the queue: the spool %s is gone", run->queue->spool.path);
	hand_end(&r.hand);
	bell_close(&bell);
	return false;
}
