/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One process, one connection at a time, no matter whether it leads a crew, is of one,
 * or is the only one. The configuration is read anew after a while: a runner lives for
 * days, and what made mail wait may have been mended.
 */
#include "delivery/hand.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
	CONFIG_AGE = 300,
};

void hand_begin(struct hand *h, const struct run *run)
{
	*h = (struct hand){ .run = run };
	h->round = xcalloc(1, sizeof(*h->round));
	h->round->is_flush = run->is_flush;
	h->round->is_asked_for = run->is_asked_for;
	round_know_limits(h->round, run->queue->settings);
	worker_init(&h->worker, run->queue);
	h->worker.config_file = run->config;
	h->worker.log = run->log;
	h->worker.trace = run->trace;
	h->worker.asker = run->asker;
	h->worker.selects = run->selects;
	h->worker.selector = run->selector;
}

void hand_end(struct hand *h)
{
	worker_free(&h->worker);
	free(h->round);
	h->round = NULL;
}

static void do_row(struct hand *h, struct batch_row *row)
{
	worker_do(&h->worker, h->round, row);
	row->is_done = true;
	if (h->run->progress)
		h->run->progress(h->run->taker, &h->worker.counts, h->round->waiting);
}

/* Those of one account behind each other, so that they share a connection. */
static void do_batch(struct hand *h)
{
	struct round *round = h->round;

	for (size_t i = 0; i < round->count; i++)
		for (size_t k = i; k < round->count && !h->worker.spool_fails; k++)
			if (!round->rows[k].is_done &&
			    round->rows[k].start.account == round->rows[i].start.account)
				do_row(h, &round->rows[k]);
}

static void begin_round(struct hand *h)
{
	time_t now = time(NULL);

	round_begin(h->round, &h->run->queue->spool, now);
	if (now - h->worker.loaded > CONFIG_AGE || now < h->worker.loaded)
		worker_forget_config(&h->worker);	/* it may have been mended */
	h->worker.spool_fails = false;
	h->worker.nudged = 0;
	worker_open_log(&h->worker);
	h->worker.unread = h->worker.unwritten = 0;
}

bool hand_do_round(struct hand *h, struct error *err)
{
	begin_round(h);
	do {
		if (!round_next(h->round, err))
			return false;
		do_batch(h);
	} while (h->round->count > 0 && !h->worker.spool_fails);
	return true;
}

void hand_do_one(struct hand *h, const char *id)
{
	struct batch_row row = { .is_done = false };

	begin_round(h);
	snprintf(row.id, sizeof(row.id), "%s", id);
	do_row(h, &row);
}
