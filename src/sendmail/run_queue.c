/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sendmail's words for what the queue does anyway. Selections look for a part of a text
 * in any case, as sendmail 8 does, and not for patterns as `acsmtp queue` does.
 */
#include "sendmail/run_queue.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/background.h"
#include "base/log.h"
#include "delivery/queue_ops.h"
#include "talk/ask.h"
#include "talk/say.h"

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
	bool ok;
	size_t busy;		/* are being sent, and were left alone */
	struct error *err;
};

static void hear(void *listener, const struct queue_told *told)
{
	struct holder *h = listener;

	h->busy += told->outcome == QUEUE_IN_USE;
	if (told->outcome == QUEUE_NOT_ALLOWED)
		say_aside("%s stays held: %s", told->entry->id, told->why->text);
	if (told->outcome != QUEUE_FAILED)
		return;
	*h->err = *told->why;
	error_context(h->err, "%s", told->entry->id);
	h->ok = false;
}

/* What is damaged, or of another version, is not for this. */
static bool is_meant(const struct options *options, const struct queue *queue, bool hold,
		     const struct queue_row *row)
{
	OWNED_LOOK look = { 0 };

	if (row->place != SPOOL_QUEUE || row->is_foreign)
		return false;
	queue->does->look(queue, row, &look);
	return queue_look_is_whole(&look) && is_selected(options, &look.entry) &&
	       (look.entry.is_held != hold || (hold && look.entry.is_held_by_us));
}

static bool hold_selected(const struct options *options, const struct queue *queue,
			  bool hold, struct error *err)
{
	const struct queue_change change = { .kind = hold ? QUEUE_HOLD : QUEUE_RELEASE,
					     .by = getuid() };
	struct holder h = { .ok = true, .err = err };
	OWNED_ROWS rows = { 0 };
	size_t kept = 0;

	if (!queue->does->list(queue, false, &rows, err))
		return false;
	for (size_t i = 0; i < rows.count; i++)
		if (is_meant(options, queue, hold, &rows.items[i]))
			rows.items[kept++] = rows.items[i];
	rows.count = kept;
	(void)queue->does->change(queue, &change, &rows, &(struct queue_listener){ hear, &h });
	if (!h.ok || h.busy == 0)
		return h.ok;
	error_set(err, ERROR_LATER, "%zu messages are being sent and were left as they are",
		  h.busy);
	return error_advise(err, "try again when that is over");
}

/* --- rounds */

/* Its directory will be another one, so what names a file must be whole. */
static bool run_every(const struct options *options, struct run *run, struct error *err)
{
	OWNED_TEXT config = run->config ? realpath(run->config, NULL) : NULL;
	const char *why_not = queue_why_not_stay(run->queue);

	if (why_not) {
		say_aside("%s", why_not);
		return true;
	}
	limits_raise();
	if (options->in_foreground)
		return runner_every(run, options->interval, err);
	if (config)
		run->config = config;
	run->asker = NULL;
	return (background_enter(err) || error_context(err, "cannot go into the background")) &&
	       runner_every(run, options->interval, err);
}

/* Of another process, another user's perhaps, nothing can be shown; what it logs can. */
static void tell_whose_dialogue(const struct config *config)
{
	const char *where = config_log(config).where;

	if (*where == '/')
		say_aside("the daemon sends it, and its dialogue is not seen here; its log tells the "
			  "end: %s", where);
	else if (!strcmp(where, "syslog"))
		say_aside("the daemon sends it, and its dialogue is not seen here; the system's log "
			  "tells the end: `journalctl -u acsmtp`, or mail.log");
	else
		say_aside("the daemon sends it, and its dialogue is not seen here; its log tells the "
			  "end, where `log` of its account has one");
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
	bool is_hidden = trace && queue_why_not_stay(queue);

	log_open(run.log, "acsmtp");
	if (!queue_can_be_run(queue, err))
		return false;
	if (options->holds)
		return hold_selected(options, queue, !options->held_alone, err);
	if (options->held_alone && !hold_selected(options, queue, false, err))
		return false;
	if (options->interval > 0)
		return run_every(options, &run, err);
	if (is_hidden)
		tell_whose_dialogue(config);
	if (!queue->does->run(queue, &run, err))
		return false;
	if (run.is_elsewhere && !is_hidden)
		say_aside("another process is running the queue");
	return queue->does->attend(queue, options->config_file, queue_need_after(&run), err);
}
