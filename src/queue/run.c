/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp queue run: a round through the queue now, or a stay until nothing waits. */
#include "queue/commands.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/json.h"
#include "base/language.h"
#include "base/log.h"
#include "delivery/queue_view.h"
#include "talk/ask.h"
#include "talk/say.h"
#include "queue/pick.h"

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
	if (!queue_load_config(config, flags->config, err))
		return false;
	log_open(config_log(config), "acsmtp");
	return queue_reach(queue, config, true, err) &&
	       queue_can_be_run(queue, err);
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

static int run_and_tell(const struct run_flags *flags, const struct queue *queue,
			struct log_place log)
{
	bool is_shown = !flags->is_background && isatty(STDERR_FILENO);
	bool is_some = pick_is_made(&flags->pick);
	struct run run = {
		.queue = queue,
		.config = flags->config,
		.log = log,
		.asker = isatty(STDERR_FILENO) ? &ask_at_terminal : NULL,
		/* Who names a message wants it tried now, due or not. */
		.is_flush = flags->is_flush || is_some,
		.is_asked_for = !flags->is_background,
		.selects = is_some ? is_picked : NULL,
		.selector = &flags->pick,
		.progress = is_shown ? show_progress : NULL,
	};
	const char *why_not = queue_why_not_stay(queue);
	struct error err;
	bool ok;

	if (flags->is_background && why_not) {
		say_aside("%s", why_not);
		return EX_OK;
	}
	ok = flags->is_background ? runner_stay(&run, &err) : queue->does->run(queue, &run, &err);

	if (is_shown)
		fputs("\r\033[K", stderr);
	if (!ok)
		return say_error(&err);
	if (flags->is_background)
		return EX_OK;
	tell(&run, flags->json);
	if (!queue->does->attend(queue, flags->config, queue_need_after(&run), &err))
		(void)say_error(&err);
	return say_finish();
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
	if (!check_flags(&flags, &err) ||
	    !open_as_configured(&flags, &config, &queue, &err))
		return say_error(&err);
	return run_and_tell(&flags, &queue, config_log(&config));
}

const struct command queue_run_command = {
	.word = "queue", .sub = "run", .arguments = "[ID|PATTERN...]", .most = ARGUMENTS_ANY,
	.help = N_("deliver what is due, or what is named"), .flags = run_flags, .run = run,
	.is_english = true,
};
