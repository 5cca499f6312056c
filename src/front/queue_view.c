/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/queue_view.h"

#include <stdlib.h>
#include <string.h>

#include "service/service.h"

bool queue_view_open(struct queue_view *v, const char *config_file, struct error *err)
{
	OWNED_TEXT path = NULL;

	*v = (struct queue_view)QUEUE_VIEW_NONE;
	/* It says where the queue is: without it "empty" would be a guess. */
	if (!config_load_any(&v->config, config_file, service_setting, err))
		return error_context(err, "which queue is meant is not known");
	v->queue.settings = &v->config.delivery;
	path = queue_spool_path(&v->config.delivery);
	if (path && !spool_open_existing(&v->queue.spool, path, err))
		return false;
	v->queue.is_on = v->queue.spool.dir >= 0;
	if (path)
		return true;
	error_set(err, ERROR_CREATE, "there is no queue: this user has no home");
	return error_advise(err, "name a directory of this user's in [delivery] spool");
}

void queue_view_close(struct queue_view *v)
{
	spool_close(&v->queue.spool);
	config_free(&v->config);
}

/* --- rows */

struct gathering {
	struct queue_rows *rows;
	bool is_failed;
};

static bool gather(void *seer, const char *id, const struct entry_start *start)
{
	const struct gathering *g = seer;
	struct queue_rows *rows = g->rows;
	struct queue_row *row;

	grow((void **)&rows->items, &rows->room, rows->count, sizeof(*rows->items));
	row = &rows->items[rows->count++];
	*row = (struct queue_row){ .arrived = start->arrived, .is_failed = g->is_failed };
	memcpy(row->id, id, ID_SIZE);
	rows->failed += g->is_failed;
	if (!g->is_failed && !start->is_held &&
	    (!rows->due_since || start->next < rows->due_since))
		rows->due_since = start->next > 0 ? start->next : 1;
	return true;
}

static int compare(const void *a, const void *b)
{
	const struct queue_row *one = a, *other = b;

	if (one->arrived != other->arrived)
		return one->arrived < other->arrived ? -1 : 1;
	return strcmp(one->id, other->id);
}

bool queue_view_rows(const struct queue_view *v, bool failed, struct queue_rows *rows,
		     struct error *err)
{
	struct gathering waiting = { .rows = rows }, others = { rows, true };
	const struct spool *spool = &v->queue.spool;

	if (spool->dir < 0)
		return true;
	if (!spool_scan(spool, false, gather, &waiting, err) ||
	    (failed && !spool_scan(spool, true, gather, &others, err)))
		return false;
	if (rows->count > 1)
		qsort(rows->items, rows->count, sizeof(*rows->items), compare);
	return true;
}

void queue_rows_free(struct queue_rows *rows)
{
	free(rows->items);
	*rows = (struct queue_rows){ 0 };
}

void queue_look(const struct queue_view *v, const struct queue_row *row,
		struct queue_look *look)
{
	*look = (struct queue_look){ .is_failed = row->is_failed };
	look->taken = spool_look(&v->queue.spool, row->id, row->is_failed, &look->entry,
				 &look->err);
	memcpy(look->entry.id, row->id, ID_SIZE);
}

void queue_look_free(struct queue_look *look)
{
	entry_free(&look->entry);
}
