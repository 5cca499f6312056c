/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/run_queue.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/background.h"
#include "base/json.h"
#include "base/language.h"
#include "base/log.h"
#include "base/secret.h"
#include "delivery/runner.h"
#include "front/commands.h"
#include "front/queue_pick.h"

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
	return (background_enter(err) || error_context(err, "cannot go into the background")) &&
	       runner_every(run, options->interval, err);
}

static bool refuse_no_queue(const struct queue *queue, struct error *err)
{
	*err = queue->why_off;
	return error_context(err, "there is no queue to run");
}

bool run_queue_as_told(const struct options *options, const struct config *config,
		       const struct queue *queue, struct trace *trace, struct error *err)
{
	struct run run = {
		.queue = queue,
		.config = options->config_file,
		.log = config_log(config),
		.trace = trace,
		.is_flush = options->interval == 0,
		.is_asked_for = options->interval == 0,
		.selects = options->selection_count ? is_selected : NULL,
		.selector = options,
	};

	log_open(run.log, "acsmtp");
	if (!queue->is_on)
		return refuse_no_queue(queue, err);
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

/* --- acsmtp queue run */

struct run_flags {
	const char *config;
	struct pick pick;
	bool is_flush, is_background, json;
};

#define IN(field)	offsetof(struct run_flags, field)
static const struct flag run_flags[] = {
	{ "config", FLAG_TEXT, IN(config), "FILE", N_("configuration file, as sendmail -C") },
	{ "account", FLAG_TEXT, IN(pick.account), "NAME",
	  N_("only messages that go through this account, due or not") },
	{ "sender", FLAG_TEXT, IN(pick.sender), "PATTERN", N_("only those of such a sender") },
	{ "recipient", FLAG_TEXT, IN(pick.recipient), "PATTERN",
	  N_("only those with such a recipient") },
	{ "flush", FLAG_SWITCH, IN(is_flush), NULL, N_("also what is not due yet, as sendmail -q") },
	{ "background", FLAG_SWITCH, IN(is_background), NULL,
	  N_("stay until nothing waits any more") },
	{ "json", FLAG_SWITCH, IN(json), NULL, N_("output for programs") },
	{ .name = NULL },
};

static bool open_as_configured(const struct run_flags *flags, struct config *config,
			       struct queue *queue, struct error *err)
{
	if (!(flags->config ? config_load : config_load_any)(config, flags->config, err))
		return false;
	log_open(config_log(config), "acsmtp");
	return queue_open(queue, &config->delivery, err) &&
	       (queue->is_on || refuse_no_queue(queue, err));
}

static void show_progress(void *taker, const struct work_counts *counts, size_t waiting)
{
	size_t done = counts->sent + counts->deferred + counts->failed + counts->left;

	(void)taker;
	fprintf(stderr, "\r%zu of %zu: %zu sent, %zu wait, %zu failed\033[K", done,
		waiting > done ? waiting : done, counts->sent, counts->deferred + counts->left,
		counts->failed);
}

/* By any of the words, if there are some, and by all of the filters. */
static bool is_picked(const void *selector, const struct entry *e)
{
	const struct pick *pick = selector;
	bool is_meant = pick->count == 0;

	for (int i = 0; i < pick->count && !is_meant; i++)
		is_meant = pick_is_id(pick->words[i]) ?
			   !strncmp(e->id, pick->words[i], strlen(pick->words[i])) :
			   pick_fits(pick->words[i], e);
	return is_meant && pick_passes(pick, e);
}

static void tell(const struct run *run, bool as_json)
{
	struct json j = { .out = stdout };

	if (as_json) {
		json_object(&j, NULL);
		json_bool(&j, "elsewhere", run->is_elsewhere);
		json_number(&j, "sent", (int64_t)run->counts.sent);
		json_number(&j, "waiting", (int64_t)run->waiting);
		json_number(&j, "failed", (int64_t)run->counts.failed);
		json_end(&j);
	} else if (run->is_elsewhere) {
		puts("another process is running the queue");
	} else {
		printf("%zu sent, %zu wait, %zu failed\n", run->counts.sent, run->waiting,
		       run->counts.failed);
	}
}

static int run_and_tell(const struct command_call *call, const struct run_flags *flags,
			const struct queue *queue, const char *log)
{
	bool is_shown = !flags->is_background && isatty(STDERR_FILENO);
	bool is_some = pick_is_made(&flags->pick);
	struct run run = {
		.queue = queue,
		.config = flags->config,
		.log = log,
		.is_flush = flags->is_flush || is_some,
		.is_asked_for = !flags->is_background,
		.selects = is_some ? is_picked : NULL,
		.selector = &flags->pick,
		.progress = is_shown ? show_progress : NULL,
	};
	struct error err;
	bool ok = flags->is_background ? runner_stay(&run, &err) : runner_once(&run, &err);

	if (is_shown)
		fputs("\r\033[K", stderr);
	if (!ok)
		return command_fail(call, &err);
	if (flags->is_background)
		return EX_OK;
	tell(&run, flags->json);
	if (run.waiting == 0 && !run.is_elsewhere)
		spool_wake_runner(&queue->spool);
	else if (!queue_see_to_it(queue, flags->config,
				  run.is_elsewhere && run.is_flush ? SPOOL_FLUSH : NULL, &err))
		(void)command_fail(call, &err);
	return command_finish(call);
}

/* Whoever stays is the one that all messages rely on, and others start none beside it. */
static bool check_flags(const struct run_flags *flags, struct error *err)
{
	if (!flags->is_background || !pick_is_made(&flags->pick))
		return true;
	error_set(err, ERROR_USAGE, "queue run: --background is for all messages, not for those "
		  "that are named");
	return error_advise(err, "leave out --background, or what names them");
}

static int run(struct command_call *call)
{
	struct run_flags flags = { .config = NULL };
	OWNED_CONFIG config = { 0 };
	OWNED_QUEUE queue = QUEUE_CLOSED;
	struct error err;
	int status;

	if (!command_parse(call, &flags, &status))
		return status;
	flags.pick.words = call->arguments;
	flags.pick.count = call->count;
	secret_guard_process();
	if (!check_flags(&flags, &err) ||
	    !open_as_configured(&flags, &config, &queue, &err))
		return command_fail(call, &err);
	return run_and_tell(call, &flags, &queue, config_log(&config));
}

const struct command queue_run_command = {
	.word = "queue", .sub = "run", .arguments = "[ID|PATTERN...]", .most = ARGUMENTS_ANY,
	.help = N_("deliver what is due, or what is named"), .flags = run_flags, .run = run,
	.is_english = true,
};
