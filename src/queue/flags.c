/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mistakes of the command line are found before the queue is opened, and nothing is
 * changed.
 */
#include "queue/flags.h"
#include "talk/say.h"

#include <sysexits.h>


static bool select_rows(const struct queue_flags *flags, struct queue_view *view,
			struct queue_rows *rows, struct error *err)
{
	return queue_view_open(view, flags->config, err) &&
	       view->queue.does->list(&view->queue, true, rows, err) &&
	       pick_apply(&flags->pick, view, rows, err);
}

bool queue_begin(struct command_call *call, struct queue_flags *flags,
		 struct queue_view *view, struct queue_rows *rows, int *status)
{
	struct error err;
	bool ok;

	*status = EX_OK;
	if (!command_parse(call, flags, status))
		return false;
	flags->pick.words = call->arguments;
	flags->pick.count = call->count;
	if (flags->pick.all && call->count > 0) {
		error_set(&err, ERROR_USAGE, "queue %s: --all, or ids and patterns: not "
			  "both", call->command->sub);
		*status = say_error(&err);
		return false;
	}
	if (flags->pick.failed && flags->pick.damaged) {
		error_set(&err, ERROR_USAGE, "queue %s: --failed or --damaged: not both",
			  call->command->sub);
		*status = say_error(&err);
		return false;
	}
	if (flags->must_pick && !pick_is_made(&flags->pick)) {
		error_set(&err, ERROR_USAGE, "queue %s: it must be said which messages",
			  call->command->sub);
		error_advise(&err, "give ids, patterns, --account, --sender, --recipient or "
			     "--all");
		*status = say_error(&err);
		return false;
	}
	ok = select_rows(flags, view, rows, &err);
	if (rows->trouble.kind)
		*status = say_error(&rows->trouble);
	if (ok)
		return true;
	*status = say_error(&err);
	return err.kind == ERROR_UNAVAILABLE;
}
