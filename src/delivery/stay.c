/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The runner that stays until nothing waits. It looks at the queue when something may be
 * due, has a crew that sends, and listens: what is new is named by the bell, and costs no
 * look at all that waits.
 *
 * It never speaks to a server, nor waits for one: what blocks it is a disk, or poll(2)
 * for no longer than until something is due. Killed at any point it takes its crew along
 * (they ask the kernel for that); its place is a lock and becomes free with it. Then
 * nothing is lost but time: whoever adds a message, or any later call, finds the place
 * free and mail that waits, and starts another one. The bell may be full, deaf or gone:
 * it says what is new, and is never the only one to know, for a look at the directory
 * finds the same.
 */
#include "delivery/runner.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>

#include "base/background.h"
#include "base/file.h"
#include "base/log.h"
#include "delivery/bell.h"
#include "delivery/crew.h"
#include "delivery/metrics.h"
#include "spool/account_state.h"
#include "spool/resident.h"

enum {
	NAP_MAX = 600,		/* seconds: then the calendar is looked at again */
	TROUBLE_PAUSE = 60,	/* after the spool could not be read or written */
	DESCRIPTORS = 24,	/* that we need besides those of our beginning */
	PLACE_TRIES = 10,
	PLACE_PAUSE_MS = 20,
	METRICS_PAUSE = 15,	/* between two writes of the file */
	AGAIN_MAX = 64,		/* messages */
	AGAIN_PAUSE = 1,	/* seconds */
	LOOK_REST = 9,		/* times as long as a look took, before the crew has another */
};

struct stay {
	const struct run *run;
	struct crew crew;
	struct round *round;
	int place, lock;	/* of ours alone; -1: none */
	struct bell bell;
	char again[AGAIN_MAX][ID_SIZE];	/* to be tried when who has them lets them go */
	size_t again_count;
	int64_t again_at;	/* clock_ms() */
	bool wants_look, wants_flush;
	bool has_begun;		/* a look went well */
	bool is_in_trouble;	/* the last one did not: it is not known what waits */
	bool is_changed;	/* something was done since we knew that something waits */
	time_t wake;		/* when to look again */
	int64_t rested;		/* clock_ms(): the crew's wish for a look is heard again */
	time_t watched;		/* when metrics_file was written */
	bool has_news;		/* for it */
	time_t cut_off;		/* since when no server was reached; 0: one was */
	size_t reached, unreached;	/* as of then */
	size_t served;		/* accounts of the look that have had their order */
};

static const struct spool *spool_of(const struct stay *s)
{
	return &s->run->queue->spool;
}

static void wake_at(struct stay *s, time_t when)
{
	if (when < s->wake)
		s->wake = when;
}

/* --- a look at all of it */

static void drop_lock(struct stay *s)
{
	fd_cleanup(&s->lock);
	s->lock = -1;
}

/* For as long as we have something to do: a round that is due is left to us then. */
static bool take_lock(struct stay *s, struct error *err)
{
	drop_lock(s);	/* its file may be another one by now */
	return spool_lock(spool_of(s), SPOOL_WORKING, &s->lock, err);
}

static bool take_census(struct stay *s, time_t now, struct error *err)
{
	const struct delivery_settings *settings = s->run->queue->settings;

	s->round->is_flush = s->wants_flush;
	round_know_limits(s->round, settings);
	round_begin(s->round, spool_of(s), now);
	spool_sweep(spool_of(s), now, settings->keep_failed * SECONDS_OF_DAY);
	if (!s->has_begun)
		account_state_sweep(spool_of(s), now);
	s->round->is_census = true;
	return take_lock(s, err) && round_next(s->round, err);
}

/*
 * Those for whom there is no room have their turn when others are done: a new look would
 * begin with the same ones again.
 */
static void give_orders(struct stay *s)
{
	struct crew *crew = &s->crew;
	const struct round *r = s->round;

	crew->has_room = false;
	for (; s->served < r->account_count; s->served++)
		if (!crew_order(crew, r->accounts[s->served], NULL, r->is_flush,
				r->account_rows[s->served]) && crew->is_wanted)
			break;
}

/* A flush is for all accounts of its look, even if another look comes before their turn. */
static void keep_flush(struct stay *s)
{
	const struct round *r = s->round;

	for (size_t i = s->served; r->is_flush && i < r->account_count; i++)
		crew_want_flush(&s->crew, r->accounts[i]);
}

static void add_unflushed(struct stay *s)
{
	for (size_t i = 0; i < s->crew.unflushed_count; i++)
		round_note_account(s->round, s->crew.unflushed[i]);
}

/*
 * A flush takes all and does not see what is due when, so there is another look behind
 * it.
 */
static bool look(struct stay *s, struct error *err)
{
	time_t now = time(NULL);
	int64_t began = clock_ms();

	s->wake = now + NAP_MAX;
	s->wants_look = s->crew.wants_look = s->crew.has_room = false;
	keep_flush(s);
	s->is_in_trouble = !take_census(s, now, err);
	s->rested = clock_ms() + LOOK_REST * (clock_ms() - began);
	if (s->is_in_trouble) {
		s->wake = now + TROUBLE_PAUSE;
		return false;
	}
	s->has_begun = s->is_changed = true;
	/*
	 * Before the orders: what the crew tells from now on is about this look and later
	 * ones.
	 */
	s->crew.wake = 0;
	s->served = 0;
	add_unflushed(s);
	give_orders(s);
	if (s->wants_flush)
		s->wake = now + 1;
	else if (s->round->wake)
		wake_at(s, s->round->wake);
	s->wants_flush = false;
	return true;
}

/* --- the bell */

static void hear_of_message(struct stay *s, const char *id)
{
	struct entry_start start;

	if (!spool_look_start(spool_of(s), id, &start) || start.is_held ||
	    start.is_foreign)
		return;
	s->is_changed = true;
	s->round->now = time(NULL);
	if (!round_is_due(s->round, &start))
		wake_at(s, start.next);
	else
		(void)crew_order(&s->crew, entry_start_key(&start), id, false, 0);
}

/*
 * Not at once: whoever has it in hand may be none of the crew, and would be asked for it
 * on and on. More than there is room for wait for their time.
 */
static void note_again(struct stay *s, const char *id)
{
	for (size_t i = 0; i < s->again_count; i++)
		if (!strcmp(s->again[i], id))
			return;
	if (s->again_count == AGAIN_MAX)
		return;
	if (s->again_count == 0)
		s->again_at = clock_after(AGAIN_PAUSE);
	memcpy(s->again[s->again_count++], id, ID_SIZE);
}

/* Behind the attempt that is under way, if that is one of the crew. */
static void try_again(struct stay *s)
{
	size_t count = s->again_count;
	struct entry_start start;

	if (count == 0 || clock_left(s->again_at) > 0)
		return;
	s->again_count = 0;
	for (size_t i = 0; i < count; i++) {
		char id[ID_SIZE];

		memcpy(id, s->again[i], ID_SIZE);
		if (!spool_look_start(spool_of(s), id, &start) || start.is_held ||
		    start.is_foreign)
			continue;
		s->is_changed = true;
		if (!crew_order(&s->crew, entry_start_key(&start), id, true, 0))
			note_again(s, id);
	}
}

static void hear(void *hearer, enum bell_word word, const char *id)
{
	struct stay *s = hearer;

	switch (word) {
	case BELL_NEW:
		hear_of_message(s, id);
		break;
	case BELL_AGAIN:
		note_again(s, id);
		break;
	case BELL_FLUSH:
		s->wants_flush = s->wants_look = true;
		break;
	case BELL_LOOK:
		s->wants_look = true;
		break;
	}
}

/* --- its life */

/*
 * Whether the servers can be reached from here is for those to know who could do better.
 */
static void note_reach(struct stay *s)
{
	const struct work_counts *counts = &s->crew.counts;
	time_t before = s->cut_off;

	if (counts->reached != s->reached)
		s->cut_off = 0;
	else if (counts->unreached != s->unreached && !s->cut_off)
		s->cut_off = time(NULL);
	s->reached = counts->reached;
	s->unreached = counts->unreached;
	if (s->cut_off != before)
		resident_tell(s->place, s->cut_off);
}

/*
 * When mail comes faster than it goes the crew soon wants a look at all of it. Where much
 * waits that must not be all that is done.
 */
static bool crew_wants_look(const struct stay *s)
{
	return s->crew.wants_look || s->crew.has_room;
}

static int patience(const struct stay *s)
{
	time_t now = time(NULL), wake = s->wake;
	long left;
	int ms;

	if (s->crew.wake && s->crew.wake < wake)
		wake = s->crew.wake;
	left = wake <= now ? 1 : (long)(wake - now);
	if (left > NAP_MAX)
		left = NAP_MAX;
	if (s->bell.fd < 0 && left > WAKE_WITHOUT_BELL)
		left = WAKE_WITHOUT_BELL;
	ms = (int)left * 1000;
	if (crew_wants_look(s) && clock_left(s->rested) < ms)
		ms = clock_left(s->rested) + 1;
	if (s->again_count > 0 && clock_left(s->again_at) < ms)
		ms = clock_left(s->again_at) + 1;
	return ms;
}

static void rest(struct stay *s)
{
	size_t orders_before = s->crew.count;
	bool was_busy = crew_is_busy(&s->crew);
	time_t now;

	/*
	 * Asleep it is in nobody's way: `sendmail -q` finds the lock free, and works
	 * itself.
	 */
	if (!was_busy)
		drop_lock(s);
	crew_wait(&s->crew, s->bell.fd, patience(s));
	bell_listen(&s->bell, hear, s);
	try_again(s);
	note_reach(s);
	now = time(NULL);
	if (s->crew.has_room && s->served < s->round->account_count)
		give_orders(s);
	s->wants_look = s->wants_look || (crew_wants_look(s) && clock_left(s->rested) == 0) ||
			now >= s->wake || (s->crew.wake && now >= s->crew.wake);
	s->has_news = s->has_news || was_busy || s->wants_look;
	s->is_changed = s->is_changed || was_busy || s->crew.count != orders_before;
}

/* A look at all of the queue, so not with each message. */
static void tell_watchers(struct stay *s, bool is_last)
{
	time_t now = time(NULL);

	if (!is_last && (!s->has_news || (now >= s->watched && now - s->watched < METRICS_PAUSE)))
		return;
	metrics_update(s->run->queue, s->run->config);
	s->watched = now;
	s->has_news = false;
}

/* Whether something waits is asked again when something was done. */
static bool is_over(struct stay *s)
{
	if (!s->is_changed || s->is_in_trouble || s->wants_look || crew_is_busy(&s->crew))
		return false;
	s->is_changed = false;
	return !spool_has_waiting(spool_of(s));
}

/*
 * Nobody comes back at once to mail that a runner has left behind, so one that has begun
 * does not leave because of what may pass. One that cannot begin, or has no process to
 * send with, is in the way of others who perhaps can.
 */
static bool work_in_place(struct stay *s, struct error *err)
{
	s->wants_look = true;
	while (!resident_is_displaced(spool_of(s), s->place)) {
		if (s->wants_look && !look(s, err)) {
			log_problem("the queue cannot be worked on: %s", err->text);
			if (!s->has_begun || spool_is_gone(spool_of(s)))
				return false;
		}
		if (s->crew.has_failed && s->crew.count == 0)
			return error_set(err, ERROR_LATER, "no processes can be had; the log has "
					 "more");
		if (is_over(s))
			break;
		tell_watchers(s, false);
		rest(s);
	}
	return true;
}

/* Who only looks at it holds it for a moment; who cannot be relied on loses it. */
static bool take_place(struct stay *s, struct error *err)
{
	struct resident holder;

	for (int i = 0; i < PLACE_TRIES; i++) {
		if (!resident_take(spool_of(s), &s->place, err))
			return false;
		if (s->place >= 0)
			return true;
		if (!resident_look(spool_of(s), &holder, err))
			return false;
		if (!resident_displace(spool_of(s), &holder, false))
			(void)poll(NULL, 0, PLACE_PAUSE_MS);
	}
	return true;
}

static void leave_place(struct stay *s)
{
	(void)flock(s->place, LOCK_UN);
	fd_cleanup(&s->place);
	bell_close(&s->bell);
	drop_lock(s);
	s->place = -1;
}

/*
 * Whoever adds a message finds this place taken and rings, or free and starts a runner.
 * What came after our last look and before we let go is ours still: hence the second
 * look.
 */
static bool stay(struct stay *s, struct error *err)
{
	for (;;) {
		bool ok, is_displaced;

		if (!take_place(s, err))
			return false;
		if (s->place < 0) {
			spool_wake_runner(spool_of(s));
			return true;
		}
		bell_open(&s->bell, spool_of(s));
		ok = work_in_place(s, err);
		is_displaced = resident_is_displaced(spool_of(s), s->place);
		/* With the place still held, which is what makes the mark true. */
		if (ok && !is_displaced)
			(void)spool_mark_empty(spool_of(s));
		tell_watchers(s, true);
		leave_place(s);
		if (!ok || is_displaced || spool_is_empty(spool_of(s)) ||
		    !spool_has_waiting(spool_of(s)))
			return ok;
	}
}

bool runner_stay(struct run *run, struct error *err)
{
	struct stay s = { .run = run, .place = -1, .bell = BELL_CLOSED, .lock = -1,
			  .wants_flush = run->is_flush };
	bool ok;

	limits_raise();
	if (!descriptors_suffice(DESCRIPTORS)) {
		error_set(err, ERROR_LATER, "a runner of the queue may not have the %d files open "
			  "that it needs", DESCRIPTORS);
		log_problem("%s", err->text);
		return false;
	}
	s.round = xcalloc(1, sizeof(*s.round));
	crew_begin(&s.crew, run);
	s.crew.remembers = true;
	s.crew.private[0] = &s.place;
	s.crew.private[1] = &s.bell.fd;
	s.crew.private[2] = &s.lock;
	ok = stay(&s, err);
	crew_end(&s.crew);
	free(s.round);
	return ok;
}
