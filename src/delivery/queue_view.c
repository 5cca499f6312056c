/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/queue_view.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>


bool queue_view_open(struct queue_view *v, const char *config_file, struct error *err)
{
	OWNED_TEXT path = NULL;

	*v = (struct queue_view)QUEUE_VIEW_NONE;
	/* It says where the queue is: without it "empty" would be a guess. */
	if (!config_load_any(&v->config, config_file, err))
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
	enum spool_place place;
};

static bool gather(void *seer, const char *id, const struct entry_start *start)
{
	const struct gathering *g = seer;
	struct queue_rows *rows = g->rows;
	struct queue_row *row;

	grow((void **)&rows->items, &rows->room, rows->count, sizeof(*rows->items));
	row = &rows->items[rows->count++];
	*row = (struct queue_row){ .arrived = start->arrived, .place = g->place };
	memcpy(row->id, id, ID_SIZE);
	rows->found[g->place]++;
	if (g->place == SPOOL_QUEUE && !start->is_held && !start->is_foreign &&
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
	const struct spool *spool = &v->queue.spool;

	for (enum spool_place place = SPOOL_QUEUE; place <= SPOOL_DAMAGED; place++) {
		struct gathering g = { rows, place };
		struct error trouble;

		if (spool->dir < 0 || (place == SPOOL_FAILED && !failed) ||
		    spool_scan(spool, place, gather, &g, &trouble))
			continue;
		if (place == SPOOL_QUEUE) {
			*err = trouble;
			return false;
		}
		rows->trouble = trouble;	/* what waits is to be seen all the same */
	}
	if (rows->count > 1)
		qsort(rows->items, rows->count, sizeof(*rows->items), compare);
	return true;
}

void queue_rows_free(struct queue_rows *rows)
{
	free(rows->items);
	*rows = (struct queue_rows){ 0 };
}

/* What was set aside may be whole: then a person has mended it, or another version wrote it. */
static void look_for_damage(const struct queue_view *v, struct queue_look *look)
{
	OWNED_MESSAGE m;

	message_init(&m);
	if (spool_look_message(&v->queue.spool, &look->entry, SPOOL_DAMAGED, &m, &look->err))
		error_set(&look->err, ERROR_UNAVAILABLE,
			  "whole now; `acsmtp queue retry` brings it back");
	else
		look->taken = TAKEN_BROKEN;
}

/* Where the entry does not tell when it came and how large it is. */
static void fill_gaps(const struct queue_view *v, struct queue_look *look)
{
	struct entry *e = &look->entry;
	struct error unheard;
	OWNED_FD fd = spool_look_file(&v->queue.spool, e->id, look->place, &unheard);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (!e->arrived)
		e->arrived = st.st_mtime;
	if (e->header_len + e->body_len == 0)
		e->body_len = st.st_size < 2 ? 0 : (uint64_t)st.st_size - 2;
}

void queue_look(const struct queue_view *v, const struct queue_row *row,
		struct queue_look *look)
{
	*look = (struct queue_look){ .place = row->place };
	look->taken = spool_look(&v->queue.spool, row->id, row->place, &look->entry,
				 &look->err);
	memcpy(look->entry.id, row->id, ID_SIZE);
	if (row->place == SPOOL_DAMAGED && look->taken <= TAKEN_BUSY)
		look_for_damage(v, look);
	if (look->taken == TAKEN_BROKEN || look->taken == TAKEN_FOREIGN)
		fill_gaps(v, look);
}
