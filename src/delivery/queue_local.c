/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The operations on a queue whose spool this process may read itself. */
#include "delivery/queue_ops.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "delivery/metrics.h"
#include "spool/resident.h"

enum { PIECE = 16 * 1024 };

/* --- list */

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
	*row = (struct queue_row){
		.arrived = start->arrived,
		.next = start->next,
		.place = g->place,
		.is_held = start->is_held,
		.is_foreign = start->is_foreign,
	};
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

static bool has_runner(const struct spool *spool)
{
	struct resident resident;
	struct error unheard;

	return spool->dir >= 0 && resident_look(spool, &resident, &unheard) &&
	       resident_is_reliable(&resident);
}

static bool list(const struct queue *q, bool failed, struct queue_rows *rows, struct error *err)
{
	const struct spool *spool = &q->spool;

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
	queue_rows_sort(rows);
	rows->has_runner = has_runner(spool);
	return true;
}

void queue_rows_sort(struct queue_rows *rows)
{
	if (rows->count > 1)
		qsort(rows->items, rows->count, sizeof(*rows->items), compare);
}

void queue_rows_free(struct queue_rows *rows)
{
	free(rows->items);
	*rows = (struct queue_rows){ 0 };
}

bool queue_is_unattended(const struct queue *q, const struct queue_rows *rows, long patience)
{
	if (!q->is_on || !rows->due_since)
		return false;
	if (!q->settings->background &&
	    (!patience || rows->due_since > time(NULL) - patience))
		return false;
	return !rows->has_runner;
}

/* --- one of them */

/*
 * What was set aside may be whole: then a person has mended it, or another version wrote
 * it.
 */
static void look_for_damage(const struct queue *q, struct queue_look *look)
{
	OWNED_MESSAGE m;

	message_init(&m);
	if (spool_look_message(&q->spool, &look->entry, SPOOL_DAMAGED, &m, &look->err))
		error_set(&look->err, ERROR_UNAVAILABLE,
			  "whole now; `acsmtp queue retry` brings it back");
	else
		look->taken = TAKEN_BROKEN;
}

/* Where the entry does not tell when it came and how large it is. */
static void fill_gaps(const struct queue *q, struct queue_look *look)
{
	struct entry *e = &look->entry;
	struct error unheard;
	OWNED_FD fd = spool_look_file(&q->spool, e->id, look->place, &unheard);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return;
	if (!e->arrived)
		e->arrived = st.st_mtime;
	if (e->header_len + e->body_len == 0)
		e->body_len = st.st_size < 2 ? 0 : (uint64_t)st.st_size - 2;
}

static void look(const struct queue *q, const struct queue_row *row, struct queue_look *look)
{
	*look = (struct queue_look){ .place = row->place };
	look->taken = spool_look(&q->spool, row->id, row->place, &look->entry,
				 &look->err);
	memcpy(look->entry.id, row->id, ID_SIZE);
	if (row->place == SPOOL_DAMAGED && look->taken <= TAKEN_BUSY)
		look_for_damage(q, look);
	if (look->taken == TAKEN_BROKEN || look->taken == TAKEN_FOREIGN)
		fill_gaps(q, look);
}

/* --- its bytes */

/* As it would be sent now; as it lies there if its account does not take it. */
static void finish_message(const struct queue *q, const struct entry *entry, struct message *m)
{
	const struct config *config = q->config;
	struct error unheard;
	const struct account *account;
	struct entry e = *entry;
	struct aliases aliases;

	/* Of what is damaged anything may be missing. */
	if (!config || !e.is_original || !e.account || !e.envelope.sender)
		return;
	account = config_account(config, e.account, &unheard);
	if (!account)
		return;
	aliases_init(&aliases, config->delivery.aliases, config->delivery.local_recipients);
	e.envelope.sender = text_copy(e.envelope.sender);
	(void)queue_prepare(account, &aliases, &e, m, &unheard);
	free(e.envelope.sender);
	aliases_free(&aliases);
}

static bool read_whole(const struct queue *q, const struct queue_look *look,
		       enum queue_part part, queue_taker_fn *take, void *taker,
		       struct error *err)
{
	OWNED_MESSAGE m;
	char bytes[PIECE];
	uint64_t at = 0, left;
	ssize_t n = 0;

	message_init(&m);
	if (!spool_look_message(&q->spool, &look->entry, look->place, &m, err))
		return false;
	finish_message(q, &look->entry, &m);
	left = part == PART_HEADER ? m.header.len : UINT64_MAX;
	while (left && (n = message_get(&m, &at, bytes, sizeof(bytes), err)) > 0) {
		if ((uint64_t)n > left)
			n = (ssize_t)left;
		if (!take(taker, bytes, (size_t)n))
			return true;
		left -= (uint64_t)n;
	}
	return n >= 0;
}

static bool read_bytes(const struct queue *q, const struct queue_look *look,
		       enum queue_part part, queue_taker_fn *take, void *taker,
		       struct error *err)
{
	OWNED_FD fd = -1;
	char bytes[PIECE];
	ssize_t n;

	if (part != PART_REMAINS)
		return read_whole(q, look, part, take, taker, err);
	fd = spool_look_file(&q->spool, look->entry.id, look->place, err);
	if (fd < 0)
		return false;
	while ((n = read_some(fd, bytes, sizeof(bytes))) > 0)
		if (!take(taker, bytes, (size_t)n))
			return true;
	return n == 0 || error_errno(err, ERROR_IO, "cannot read the message");
}

/* --- who works on it */

static bool run(const struct queue *q, struct run *run, struct error *err)
{
	run->queue = q;
	return runner_once(run, err);
}

static bool attend(const struct queue *q, const char *config, enum queue_need need,
		   struct error *err)
{
	metrics_update(q, config);
	if (need != QUEUE_LOOK_ANEW)
		return queue_see_to_it(q, config, need == QUEUE_SEND_ALL ? SPOOL_FLUSH : NULL,
				       err);
	spool_wake_runner(&q->spool);
	return true;
}

static bool probe(const struct queue *q, struct error *err)
{
	return spool_can_lock(&q->spool, err) && spool_has_room(&q->spool, err);
}

/* --- accounts */

static void look_at_account(const struct queue *q, const struct account *account, time_t now,
			    struct throttle_view *view)
{
	throttle_look(&q->spool, account, now, view);
}

static void resume_account(const struct queue *q, const struct account *account)
{
	throttle_resume(&q->spool, account);
}

const struct queue_operations queue_local = {
	.list = list,
	.look = look,
	.read = read_bytes,
	.change = queue_change_here,
	.run = run,
	.attend = attend,
	.probe = probe,
	.look_at_account = look_at_account,
	.resume_account = resume_account,
};
