/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For those who look at the queue: the settings and the queue that they name, opened
 * together. Nothing is made that was not there, as looking must not change anything.
 */
#include "delivery/queue_view.h"

bool queue_reach(struct queue *q, const struct delivery_settings *settings, bool make,
		 struct error *err)
{
	bool ok = (make ? queue_open : queue_open_existing)(q, settings, err);

	q->does = &queue_local;
	return ok;
}

bool queue_view_open(struct queue_view *v, const char *config_file, struct error *err)
{
	*v = (struct queue_view)QUEUE_VIEW_NONE;
	/* It says where the queue is: without it "empty" would be a guess. */
	if (!config_load_any(&v->config, config_file, err))
		return error_context(err, "which queue is meant is not known");
	if (!queue_reach(&v->queue, &v->config.delivery, false, err))
		return false;
	v->queue.config = &v->config;
	return true;
}

void queue_view_close(struct queue_view *v)
{
	queue_close(&v->queue);
	config_free(&v->config);
}
