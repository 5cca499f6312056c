/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For those who look at the queue: the settings and the queue that they name, opened
 * together. Nothing is made that was not there, as looking must not change anything.
 *
 * Mail of one user may lie in two queues: in his own, and in that of the daemon, whatever
 * handed it in there. A file of -C means what it says, so the daemon is asked then only
 * if that file speaks of it.
 */
#include "delivery/queue_view.h"

#include "delivery/by_daemon.h"
#include "delivery/queue_line.h"

/* It alone can have it: there are no accounts but those that are closed to this user. */
static bool must_have(const struct config *config)
{
	return (config->is_closed && config->count == 0) || by_daemon_has_queue(config);
}

/* It may have mail of ours. */
static bool may_have(const struct config *config)
{
	return config->is_usual || *config->daemon.socket || must_have(config);
}

static bool open_here(struct queue *q, const struct config *config, bool make,
		      struct error *err)
{
	bool ok = (make ? queue_open : queue_open_existing)(q, &config->delivery, err);

	q->does = &queue_local;
	if (!ok)
		q->why_off = *err;
	return ok;
}

/*
 * Neither here nor there: what keeps the one here closed, and what is the matter there.
 */
static bool refuse(struct queue *q, bool is_here, const struct error *afar, struct error *err)
{
	if (!is_here && err->kind) {
		error_context(err, "%s; the queue here", afar->text);
		err->kind = ERROR_LATER;
		err->advice = afar->advice;
	} else {
		*err = *afar;
	}
	q->why_off = *err;
	return false;
}

bool queue_reach(struct queue *q, const struct config *config, bool make, struct error *err)
{
	struct error afar;
	bool ok = open_here(q, config, false, err), is_ours = ok && q->spool.dir >= 0;

	if (may_have(config) && queue_line_open(q, &config->daemon, &afar)) {
		if (q->line) {
			q->does = &queue_afar;
			q->is_on = true;
		}
		return true;
	}
	if (!is_ours && must_have(config))
		return refuse(q, ok, &afar, err);
	if (!make)
		return ok;
	queue_close(q);
	return open_here(q, config, true, err);
}

bool queue_load_config(struct config *config, const char *file, struct error *err)
{
	if (!config_load_any(config, file, err))
		return false;
	if (!file || config->count > 0 || *config->daemon.socket)
		return true;
	/* It says what is missing. */
	config_free(config);
	return config_load(config, file, err);
}

bool queue_view_open(struct queue_view *v, const char *config_file, struct error *err)
{
	*v = (struct queue_view)QUEUE_VIEW_NONE;
	/* It says where the queue is: without it "empty" would be a guess. */
	if (!config_load_any(&v->config, config_file, err))
		return error_context(err, "which queue is meant is not known");
	if (!queue_reach(&v->queue, &v->config, false, err))
		return false;
	v->queue.config = &v->config;
	return true;
}

void queue_view_close(struct queue_view *v)
{
	queue_close(&v->queue);
	config_free(&v->config);
}
