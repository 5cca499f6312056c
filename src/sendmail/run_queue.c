/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/run_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/background.h"
#include "base/log.h"
#include "delivery/runner.h"
#include "talk/ask.h"

/* --- -qI, -qR, -qS */

static bool has_recipient(const struct envelope *e, const char *text)
{
	for (size_t i = 0; i < e->count; i++)
		if (strcasestr(e->recipients[i].mailbox, text))
			return true;
	return false;
}

static bool fits(const struct selection *selection, const struct entry *e)
{
	bool is_in = false;

	switch (selection->what) {
	case 'I':
		is_in = strcasestr(e->id, selection->text) != NULL;
		break;
	case 'S':
		is_in = (e->envelope.sender && strcasestr(e->envelope.sender, selection->text)) ||
			(e->envelope.origin && strcasestr(e->envelope.origin, selection->text));
		break;
	case 'R':
		is_in = has_recipient(&e->envelope, selection->text);
		break;
	}
	return is_in != selection->is_inverted;
}

bool run_queue_selects(const struct options *options, const struct entry *e)
{
	for (size_t i = 0; i < options->selection_count; i++)
		if (!fits(&options->selections[i], e))
			return false;
	return true;
}

static bool is_selected(const void *selector, const struct entry *e)
{
	return run_queue_selects(selector, e);
}

/* --- -Q */

struct holder {
	const struct options *options;
	const struct spool *spool;
	bool hold;		/* or release */
	bool ok;
	size_t busy;		/* are being sent, and were left alone */
	struct error *err;
};

static bool is_busy(const struct holder *h, const char *id)
{
	OWNED_ENTRY entry = { .id = "" };
	struct error unheard;

	return spool_look(h->spool, id, SPOOL_QUEUE, &entry, &unheard) <= TAKEN_BUSY &&
	       is_selected(h->options, &entry);
}

static bool hold_one(void *seer, const char *id, const struct entry_start *start)
{
	struct holder *h = seer;
	OWNED_ITEM item = ITEM_NONE;
	enum taken taken;

	if (start->is_held == h->hold && !(h->hold && start->is_held_by_us))
		return true;
	taken = spool_take(h->spool, id, SPOOL_QUEUE, &item, h->err);
	if (taken == TAKEN && is_selected(h->options, &item.entry)) {
		item.entry.is_held = h->hold;
		item.entry.is_held_by_us = false;
		h->ok = spool_update(h->spool, &item, h->err) && h->ok;
	}
	if (taken == TAKEN_BUSY)
		h->busy += is_busy(h, id);
	h->ok = h->ok && taken != TAKEN_ERROR;
	return h->ok;
}

static bool hold_selected(const struct options *options, const struct queue *queue,
			  bool hold, struct error *err)
{
	struct holder h = { .options = options, .spool = &queue->spool, .hold = hold,
			    .ok = true, .err = err };

	if (!spool_scan(&queue->spool, SPOOL_QUEUE, hold_one, &h, err) || !h.ok)
		return false;
	if (h.busy == 0)
		return true;
	error_set(err, ERROR_LATER, "%zu messages are being sent and were left as they are",
		  h.busy);
	return error_advise(err, "try again when that is over");
}

/* --- rounds */

/* Its directory will be another one, so what names a file must be whole. */
static bool run_every(const struct options *options, struct run *run, struct error *err)
{
	OWNED_TEXT config = run->config ? realpath(run->config, NULL) : NULL;

	limits_raise();
	if (options->in_foreground)
		return runner_every(run, options->interval, err);
	if (config)
		run->config = config;
	run->asker = NULL;
	return (background_enter(err) || error_context(err, "cannot go into the background")) &&
	       runner_every(run, options->interval, err);
}

bool run_queue_as_told(const struct options *options, const struct config *config,
		       const struct queue *queue, struct trace *trace, struct error *err)
{
	struct run run = {
		.queue = queue,
		.config = options->config_file,
		.log = config_log(config),
		.trace = trace,
		.asker = isatty(STDERR_FILENO) ? &ask_at_terminal : NULL,
		.is_flush = options->interval == 0,
		.is_asked_for = options->interval == 0,
		.selects = options->selection_count ? is_selected : NULL,
		.selector = options,
	};

	log_open(run.log, "acsmtp");
	if (!queue_can_be_run(queue, err))
		return false;
	if (options->holds)
		return hold_selected(options, queue, !options->held_alone, err);
	if (options->held_alone && !hold_selected(options, queue, false, err))
		return false;
	if (options->interval > 0)
		return run_every(options, &run, err);
	if (!runner_once(&run, err))
		return false;
	if (run.is_elsewhere)
		fprintf(stderr, "sendmail: %s\n", "another process is running the queue");
	if (run.waiting > 0 || run.is_elsewhere)
		return queue_see_to_it(queue, options->config_file,
				       run.is_elsewhere && run.is_flush ? SPOOL_FLUSH : NULL, err);
	spool_wake_runner(&queue->spool);	/* one that slept has no reason any more */
	return true;
}
