/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The share, in the numbers that served a simulated fleet best (tests/pacing). A refusal
 * cuts it by one message an hour, but by a tenth at least and a third at most. A second
 * one in a row says that the hour is used up, and not a minute: then what was sent in the
 * hour before it tells what can be had, if the share was large enough to tell.
 *
 * Messages that are accepted bring it back: in a day or so to where it was cut, and on
 * from there, slowly, until nobody has refused anything for two days. While it is not
 * whole, messages are spread evenly and by chance: bursts of many machines would meet.
 *
 * An attempt is counted before it is made, and given back only when no server heard of
 * it: a process that dies in between has counted one too many, which costs a slot of the
 * window, while one too few would cost a refusal and a pause of all. The same is true of
 * the probe after a failure: whoever was let through and dies holds the others up for
 * PACE_PROBE seconds, and no longer, for its turn is a pause like any other. Everything
 * here is numbers of the past and of the next hours; all of it may be lost, and then is
 * learnt again.
 */
#include "spool/pace.h"

#include <stdio.h>
#include <string.h>

enum {	/* times in seconds */
	MINUTE_SLOT = 1,
	HOUR_SLOT = 60,
	JITTER_OF_CLOCKS = 60,		/* back: one process came late */
	SHARE_LEAST = PACE_ALL / 400,
	CUT_LEAST = 10,			/* a tenth */
	CUT_MOST = 3,			/* a third */
	TELLING = 4,			/* messages an hour: the last one can tell */
	CROWD = 100,			/* no more machines are feared at first */
	HOPE = 4,			/* times what was had: where it returns to */
	RETURN = 24 * 3600,		/* at its first speed it would be back then */
	CLIMB = 150 * 3600,		/* and from there on doubles in this time, */
	CLIMB_LATER = 25 * 3600,	/* or in this, if it was cut LONG_AGO */
	LONG_AGO = 48 * 3600,
	GROWTH_MAX = 24 * 3600,		/* that one accepted message is worth */
	GROWTH_STEP = 60,
};

void pace_init(struct pace *p)
{
	*p = (struct pace){ .share = PACE_ALL, .goal = PACE_ALL };
}

/* --- windows: every slot that may hold something younger than the window counts */

static void window_advance(struct window *w, int64_t slot)
{
	int64_t ahead = slot - w->newest;

	if (ahead <= 0)
		return;
	if (ahead >= PACE_SLOTS)
		memset(w->counts, 0, sizeof(w->counts));
	else
		for (int64_t i = PACE_SLOTS - 1; i >= 0; i--)
			w->counts[i] = i < ahead ? 0 : w->counts[i - ahead];
	w->newest = slot;
}

static long window_used(const struct window *w)
{
	long used = 0;

	for (int i = 0; i < PACE_SLOTS; i++)
		used += w->counts[i];
	return used;
}

static void window_add(struct window *w, size_t messages)
{
	uint32_t room = PACE_COUNT_MAX - w->counts[0];

	w->counts[0] += messages < room ? (uint32_t)messages : room;
}

static void window_take(struct window *w, size_t messages)
{
	for (int i = 0; i < PACE_SLOTS && messages > 0; i++) {
		uint32_t some = w->counts[i] < messages ? w->counts[i] : (uint32_t)messages;

		w->counts[i] -= some;
		messages -= some;
	}
}

/* The first slot in which the window has room for `messages` more; limit 0: any. */
static int64_t window_free(const struct window *w, long limit, size_t messages)
{
	long room = messages < (size_t)limit ? limit - (long)messages : 0, used = 0;

	for (int i = 0; limit > 0 && i < PACE_SLOTS; i++) {
		used += w->counts[i];
		if (used > room)
			return w->newest - i + PACE_SLOTS;
	}
	return 0;
}

/* --- time */

/* Not to 0, which means never, or before: no file would hold that. */
static void shift(time_t *when, time_t by)
{
	if (*when)
		*when = *when > by ? *when - by : 1;
}

static void shift_slot(int64_t *slot, int64_t by)
{
	*slot = *slot > by ? *slot - by : 0;
}

/*
 * The clock went back: everything goes back with it, so that what had to be waited for a
 * minute ago is still waited for, and no longer than that.
 */
static void shift_all(struct pace *p, time_t now)
{
	time_t by = p->stamp - now;

	shift_slot(&p->minute.newest, p->stamp / MINUTE_SLOT - now / MINUTE_SLOT);
	shift_slot(&p->hour.newest, p->stamp / HOUR_SLOT - now / HOUR_SLOT);
	shift(&p->grown, by);
	shift(&p->cut, by);
	shift(&p->due, by);
	shift(&p->until, by);
	shift(&p->last_success, by);
	shift(&p->spent, by);
	shift(&p->store_away, by);
	p->stamp = now;
}

/* Returns the time to reckon with. */
static time_t settle(struct pace *p, time_t now)
{
	if (now < p->stamp - JITTER_OF_CLOCKS)
		shift_all(p, now);
	if (now > p->stamp)
		p->stamp = now;
	window_advance(&p->minute, p->stamp / MINUTE_SLOT);
	window_advance(&p->hour, p->stamp / HOUR_SLOT);
	return p->stamp;
}

/* --- the share */

static long hourly(const struct quota *quota)
{
	return quota->per_hour ? quota->per_hour : quota->per_minute * 60;
}

static bool is_shared(const struct pace *p, const struct quota *quota)
{
	return p->share < PACE_ALL && hourly(quota) > 0;
}

/* Seconds between messages, more or less. */
static time_t spacing(const struct pace *p, const struct quota *quota, size_t messages,
		      uint32_t random)
{
	double chance = 0.75 + (double)random / UINT32_MAX / 2;
	double seconds = 3600.0 * PACE_ALL / ((double)p->share * (double)hourly(quota));

	seconds *= chance * (double)messages;
	return seconds < PACE_SPACING_MAX ? (time_t)seconds : PACE_SPACING_MAX;
}

static void take_turn(struct pace *p, const struct quota *quota, size_t messages,
		      struct moment moment)
{
	time_t latest = p->stamp + PACE_SPACING_MAX;

	if (!is_shared(p, quota))
		return;
	if (p->due < p->stamp)
		p->due = p->stamp;
	p->due += spacing(p, quota, messages, moment.random);
	if (p->due > latest)
		p->due = latest;
}

static void grow_share(struct pace *p)
{
	/*
	 * By the time that has passed, not by messages: whoever sends much would take it
	 * all.
	 */
	int64_t elapsed = p->stamp - p->grown, share = p->share;
	int64_t climb = p->stamp - p->cut > LONG_AGO ? CLIMB_LATER : CLIMB;

	if (elapsed < GROWTH_STEP)
		return;
	if (elapsed > GROWTH_MAX)
		elapsed = GROWTH_MAX;
	if (share < p->goal)
		share += (p->goal - share) * elapsed / RETURN;
	share += share * elapsed / climb;
	p->share = share < PACE_ALL ? (long)share : PACE_ALL;
	p->grown = p->stamp;
}

/* Messages an hour that may follow, after a refusal at `rate` of them. */
static double lower_rate(const struct pace *p, double rate, double whole)
{
	double seen = (double)p->seen, cut = 1;

	if (p->failures > 0 && rate >= TELLING) {
		seen = seen < 1 ? 1 : seen;
		seen = seen < whole / CROWD ? whole / CROWD : seen;
		return seen < rate ? seen : rate;
	}
	if (cut < rate / CUT_LEAST)
		cut = rate / CUT_LEAST;
	if (cut > rate / CUT_MOST)
		cut = rate / CUT_MOST;
	return rate - cut;
}

static void cut_share(struct pace *p, const struct quota *quota, struct moment moment)
{
	double whole = (double)hourly(quota);
	long share;

	if (p->failures == 0) {
		p->seen = window_used(&p->hour) - 1;
		p->seen = p->seen < 0 ? 0 : p->seen;
		p->goal = p->share;
	}
	share = (long)(PACE_ALL * lower_rate(p, (double)p->share * whole / PACE_ALL, whole) /
		       whole);
	p->share = share > SHARE_LEAST ? share : SHARE_LEAST;
	if (p->goal > HOPE * p->share)
		p->goal = HOPE * p->share;
	p->grown = p->cut = p->stamp;
	/* At the old rate the turn was perhaps too soon, and is drawn anew. */
	p->due = 0;
	take_turn(p, quota, 1, moment);
}

/* --- what callers ask and tell */

/* At least one, or nothing would ever go. */
static long part_of(const struct pace *p, long limit)
{
	int64_t part = (int64_t)limit * p->share / PACE_ALL;

	return limit && part < 1 ? 1 : (long)part;
}

bool pace_ask(struct pace *p, const struct quota *quota, size_t messages,
	      struct moment moment, time_t *at)
{
	time_t now = settle(p, moment.now);
	time_t waits[] = {
		moment.is_free ? 0 : p->until,
		window_free(&p->minute, part_of(p, quota->per_minute), messages) *
			MINUTE_SLOT,
		window_free(&p->hour, quota->per_hour, messages) * HOUR_SLOT,
		is_shared(p, quota) ? p->due : 0,
	};

	/* The latest of them: asked again before, the answer could only be the same. */
	*at = 0;
	for (size_t i = 0; i < COUNT_OF(waits); i++)
		if (waits[i] > *at)
			*at = waits[i];
	if (*at > now) {
		if (!p->spent && (moment.is_free || *at != p->until))
			p->spent = now;
		return false;
	}
	window_add(&p->minute, messages);
	window_add(&p->hour, messages);
	take_turn(p, quota, messages, moment);
	if (p->failures == 0)
		p->spent = 0;
	/*
	 * One goes ahead. Its turn is a pause for the others, until its outcome is known.
	 */
	if (p->failures > 0 && !moment.is_free) {
		p->is_probed = true;
		p->until = now + PACE_PROBE;
	}
	return true;
}

void pace_resume(struct pace *p)
{
	p->until = 0;
	p->due = 0;
	p->failures = 0;
	p->is_probed = false;
	p->class[0] = p->why[0] = '\0';
	p->about = 0;
	p->spent = 0;
}

void pace_nudge(struct pace *p)
{
	p->until = 0;
	p->due = 0;
	p->is_probed = false;
}

void pace_reached(struct pace *p, time_t now)
{
	time_t due;

	/*
	 * That the account is well says nothing of the share: the next turn stays where
	 * it is.
	 */
	settle(p, now);
	due = p->due;
	pace_resume(p);
	p->due = due;
}

void pace_accepted(struct pace *p, const struct quota *quota, time_t now)
{
	pace_reached(p, now);
	p->last_success = p->stamp;
	if (is_shared(p, quota))
		grow_share(p);
}

void pace_undecided(struct pace *p)
{
	if (p->is_probed)
		p->until = 0;
	p->is_probed = false;
}

void pace_give_back(struct pace *p, size_t messages)
{
	window_take(&p->minute, messages);
	window_take(&p->hour, messages);
}

unsigned pace_failures(const struct pace *p, const char *class)
{
	return strcmp(p->class, class) != 0 ? 0 : p->failures;
}

void pace_failed(struct pace *p, const struct quota *quota, const struct setback *setback,
		 struct moment moment)
{
	long delay = setback->delay < PACE_PAUSE_MAX ? setback->delay : PACE_PAUSE_MAX;
	time_t now = settle(p, moment.now);

	/*
	 * Of those who were on their way when the pause began: it would grow with their
	 * number.
	 */
	if (now < p->until && !p->is_probed)
		return;
	/* Another kind of failure begins its own row, and with it the shortest pause. */
	p->failures = pace_failures(p, setback->class);
	if (setback->is_quota && hourly(quota) > 0)
		cut_share(p, quota, moment);
	if (!setback->is_quota)
		p->spent = 0;
	else if (!p->spent)
		p->spent = now;
	p->failures++;
	p->is_probed = false;
	p->until = now + delay;
	p->about = setback->about;
	snprintf(p->class, sizeof(p->class), "%s", setback->class);
	snprintf(p->why, sizeof(p->why), "%s", setback->why);
}

void pace_look(struct pace *p, const struct quota *quota, time_t now, struct pace_use *use)
{
	settle(p, now);
	use->minute = window_used(&p->minute);
	use->hour = window_used(&p->hour);
	use->share_minute = part_of(p, quota->per_minute);
	use->share_hour = part_of(p, quota->per_hour);
}
