/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * "Now" of users: a round in the process that answers, of all mail if root asks, else of
 * what he has handed in himself. Where another is at work on the queue already it is left
 * to that one.
 */
#include "daemon/answer.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/fate.h"
#include "spool/resident.h"

enum {
	PICKED_MAX = 256 * 1024,	/* messages that one round may be about */
	RUNNER_PATIENCE_MS = 2000,	/* until a runner that was asked for is there */
};

/* --- a round now */

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, ID_SIZE);
}

bool answer_pick(struct inquiry *q, const struct queue_request *request)
{
	struct error err;

	if (q->picked_count + request->count > PICKED_MAX) {
		error_set(&err, ERROR_UNAVAILABLE, "more than %d messages", PICKED_MAX);
		return answer_end_with(q, &err);
	}
	for (size_t i = 0; i < request->count; i++) {
		grow((void **)&q->picked, &q->picked_room, q->picked_count, sizeof(*q->picked));
		memcpy(q->picked[q->picked_count++], request->rows[i].id, ID_SIZE);
	}
	return answer_end_well(q);
}

static bool is_own(const struct inquiry *q, const struct entry *e)
{
	return q->desk->sees_all || (e->uid == q->desk->by && !e->host);
}

static bool is_own_entry(const void *selector, const struct entry *e)
{
	return is_own(selector, e);
}

static bool is_picked(const void *selector, const struct entry *e)
{
	const struct inquiry *q = selector;

	return is_own(q, e) && q->picked_count > 0 &&
	       bsearch(e->id, q->picked, q->picked_count, sizeof(*q->picked), compare_ids);
}

static void tell_progress(void *taker, const struct work_counts *counts, size_t waiting)
{
	struct inquiry *q = taker;
	/* How much waits of others is not for all to know. */
	const struct wire_done so_far = { .ok = true, .counts = *counts,
					  .waiting = q->desk->sees_all ? waiting : 0 };

	queue_done_write(&so_far, &q->answer);
	(void)answer_send(q, WIRE_PROGRESS);
}

static bool count_own(void *seer, const char *id, const struct entry_start *start)
{
	struct inquiry *q = seer;

	(void)id;
	q->sum.count += start->uid == q->desk->by && !start->is_held && !start->is_foreign;
	return true;
}

static size_t left_over(struct inquiry *q, const struct run *run)
{
	struct error unheard;

	if (q->desk->sees_all)
		return run->waiting;
	q->sum.count = 0;
	(void)spool_scan(&q->queue.spool, SPOOL_QUEUE, count_own, q, &unheard);
	return q->sum.count;
}

/* Whether he stays to hear of it or not: what was begun is finished. */
bool answer_run(struct inquiry *q, const struct queue_request *request)
{
	struct run run = {
		.config = q->desk->intake->config, .log = config_log(q->desk->config),
		.is_flush = request->is_flush, .is_asked_for = request->is_asked_for,
		.selects = request->is_some ? is_picked : q->desk->sees_all ? NULL : is_own_entry,
		.selector = q, .progress = tell_progress, .taker = q,
	};
	struct wire_done done = { .ok = false };

	if (q->picked_count > 0)
		qsort(q->picked, q->picked_count, sizeof(*q->picked), compare_ids);
	fate_catch_signals();
	done.ok = queue_local.run(&q->queue, &run, &done.err);
	done.counts = run.counts;
	done.is_elsewhere = run.is_elsewhere;
	done.waiting = left_over(q, &run);
	q->picked_count = 0;
	return answer_end(q, &done);
}

/* --- who works on it */

static bool has_runner(const struct inquiry *q)
{
	struct resident resident;
	struct error unheard;

	return resident_look(&q->queue.spool, &resident, &unheard) && resident.is_there;
}

static void want_runner(const struct inquiry *q)
{
	int64_t deadline = clock_ms() + RUNNER_PATIENCE_MS;

	q->desk->intake->poke(q->desk->intake->keeper);
	while (!has_runner(q) && clock_ms() < deadline)
		(void)poll(NULL, 0, 20);
}

static bool gather_own(void *seer, const char *id, const struct entry_start *start)
{
	struct inquiry *q = seer;
	struct queue_rows *rows = &q->sum;

	if (start->uid != q->desk->by || start->is_held || start->is_foreign)
		return true;
	grow((void **)&rows->items, &rows->room, rows->count, sizeof(*rows->items));
	rows->items[rows->count] = (struct queue_row){ .place = SPOOL_QUEUE };
	memcpy(rows->items[rows->count++].id, id, ID_SIZE);
	return rows->count < PICKED_MAX;
}

/* One that is being sent is tried once more, if that fails. */
static void hear_of_change(void *listener, const struct queue_told *told)
{
	const struct inquiry *q = listener;

	if (told->outcome == QUEUE_IN_USE)
		spool_announce_again(&q->queue.spool, told->entry->id);
}

/* Whoever works on it tries them as it comes to them, as if their time had come. */
static void make_own_due(struct inquiry *q)
{
	const struct queue_change change = { .kind = QUEUE_RETRY, .by = q->desk->by,
					     .is_modest = true };
	struct error unheard;

	q->sum = (struct queue_rows){ .count = 0 };
	if (spool_scan(&q->queue.spool, SPOOL_QUEUE, gather_own, q, &unheard) && q->sum.count > 0)
		(void)queue_local.change(&q->queue, &change, &q->sum,
					 &(struct queue_listener){ hear_of_change, q });
	queue_rows_free(&q->sum);
}

bool answer_attend(struct inquiry *q, const struct queue_request *request)
{
	const struct spool *spool = &q->queue.spool;
	bool is_all = request->need == QUEUE_SEND_ALL;

	if (is_all && !q->desk->sees_all)
		make_own_due(q);
	if (request->need != QUEUE_LOOK_ANEW && !has_runner(q))
		want_runner(q);
	if (is_all && q->desk->sees_all)
		spool_announce(spool, SPOOL_FLUSH);
	else
		spool_wake_runner(spool);
	return answer_end_well(q);
}

bool answer_probe(struct inquiry *q, const struct queue_request *request)
{
	struct error err;

	(void)request;
	return answer_end_as(q, queue_local.probe(&q->queue, &err), &err);
}
