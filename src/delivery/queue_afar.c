/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations on what the daemon has of this user, or of all if this is root, besides
 * what lies in a spool of this user's own: where there is one it is asked as always, and
 * both answers are put together. Each message says which of them has it.
 */
#include "delivery/queue_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "delivery/queue_line.h"

enum { ROWS_MAX = 4 * 1024 * 1024 };	/* messages that are listed at most */

static bool is_here(const struct queue *q)
{
	return q->spool.dir >= 0;
}

/* --- an answer */

/*
 * Hands each frame on until the answer is over. False: what the daemon says went wrong,
 * or it says nothing that makes sense.
 */
typedef bool hear_fn(void *hearer, const struct queue_frame *frame);

static bool hear_out(const struct queue *q, hear_fn *hear, void *hearer, struct wire_done *done,
		     struct error *err)
{
	struct queue_frame frame = { .content = BUF_INIT(QUEUE_WIRE_TOLD_MAX) };
	bool is_over = false, ok = true;

	while (ok && !is_over && (ok = queue_line_hear(q, &frame, err))) {
		is_over = frame.kind == WIRE_DONE;
		ok = is_over ? queue_done_read(&frame.content, done) :
		     hear && hear(hearer, &frame);
		if (!ok)
			queue_line_hang_up(q, err);
	}
	buf_free(&frame.content);
	if (ok && !done->ok)
		*err = done->err;
	return ok && done->ok;
}

static bool ask(const struct queue *q, const struct queue_request *request, hear_fn *hear,
		void *hearer, struct error *err)
{
	struct wire_done done;

	return queue_line_ask(q, request, err) && hear_out(q, hear, hearer, &done, err);
}

/* --- list and look */

static bool hear_rows(void *hearer, const struct queue_frame *frame)
{
	struct queue_rows *rows = hearer;

	if (frame->kind == WIRE_SUM)
		return queue_sum_read(&frame->content, rows);
	return frame->kind == WIRE_ROWS && rows->count < ROWS_MAX &&
	       queue_rows_read(&frame->content, rows);
}

/* The daemon works on its own, always: what it has is not asked about. */
static bool list(const struct queue *q, bool failed, struct queue_rows *rows, struct error *err)
{
	const struct queue_request request = { .kind = WIRE_LIST, .failed = failed };
	struct error trouble;

	if (is_here(q) && !queue_local.list(q, failed, rows, err))
		return false;
	if (!ask(q, &request, hear_rows, rows, &trouble)) {
		*err = trouble;
		if (!is_here(q))
			return false;
		rows->trouble = trouble;
	}
	queue_rows_sort(rows);
	return true;
}

struct looking {
	struct queue_look *look;
	bool has_answer;
};

static bool hear_look(void *hearer, const struct queue_frame *frame)
{
	struct looking *l = hearer;

	if (frame->kind != WIRE_LOOKED || l->has_answer)
		return false;
	l->has_answer = queue_look_read(&frame->content, l->look);
	return l->has_answer;
}

static void look(const struct queue *q, const struct queue_row *row, struct queue_look *look)
{
	struct queue_request request = { .kind = WIRE_LOOK, .rows = { *row }, .count = 1 };
	struct looking looking = { .look = look };
	struct error err = { .kind = ERROR_NONE };

	if (!row->is_afar) {
		queue_local.look(q, row, look);
		return;
	}
	*look = (struct queue_look){ .taken = TAKEN_GONE };
	if (!ask(q, &request, hear_look, &looking, &err) || !looking.has_answer ||
	    strcmp(look->entry.id, row->id) != 0 || look->place != row->place) {
		queue_look_free(look);
		*look = (struct queue_look){ .taken = TAKEN_ERROR };
		look->err = err;
		if (!err.kind)
			queue_line_hang_up(q, &look->err);
	}
	look->is_afar = true;
	look->place = row->place;
	memcpy(look->entry.id, row->id, ID_SIZE);
}

struct taking {
	queue_taker_fn *take;
	void *taker;
	bool is_enough;
};

static bool hear_bytes(void *hearer, const struct queue_frame *frame)
{
	struct taking *t = hearer;

	if (frame->kind != WIRE_BYTES)
		return false;
	/* What comes behind is read and dropped: the line is needed once more. */
	t->is_enough = t->is_enough || !t->take(t->taker, buf_text(&frame->content),
						frame->content.len);
	return true;
}

static bool read_bytes(const struct queue *q, const struct queue_look *look,
		       enum queue_part part, queue_taker_fn *take, void *taker,
		       struct error *err)
{
	struct queue_request request = { .kind = WIRE_READ, .part = part, .count = 1 };
	struct taking taking = { take, taker, false };

	if (!look->is_afar)
		return queue_local.read(q, look, part, take, taker, err);
	request.rows[0].place = look->place;
	memcpy(request.rows[0].id, look->entry.id, ID_SIZE);
	return ask(q, &request, hear_bytes, &taking, err);
}

/* --- change */

struct changing_afar {
	const struct queue_listener *listener;
	size_t told, changed;
};

static bool hear_told(void *hearer, const struct queue_frame *frame)
{
	struct changing_afar *c = hearer;
	struct wire_told told = { .outcome = QUEUE_FAILED };

	if (frame->kind != WIRE_TOLD || !queue_told_read(&frame->content, &told))
		return false;
	c->told++;
	c->changed += told.outcome == QUEUE_CHANGED;
	c->listener->tell(c->listener->listener,
			  &(struct queue_told){ &told.entry, told.outcome,
						told.outcome == QUEUE_CHANGED ? NULL : &told.why });
	entry_free(&told.entry);
	return true;
}

/*
 * In no order, so that those that nothing was said of are not known: all are named then.
 */
static void tell_failure(const struct queue_request *request, const struct changing_afar *c,
			 const struct error *why)
{
	for (size_t i = 0; c->told < request->count && i < request->count; i++) {
		struct entry known = { 0 };

		memcpy(known.id, request->rows[i].id, ID_SIZE);
		c->listener->tell(c->listener->listener,
				  &(struct queue_told){ &known, QUEUE_FAILED, why });
	}
}

static size_t change_some(const struct queue *q, const struct queue_request *request,
			  const struct queue_listener *listener)
{
	struct changing_afar c = { .listener = listener };
	struct error err;

	if (!ask(q, request, hear_told, &c, &err))
		tell_failure(request, &c, &err);
	return c.changed;
}

/* Those that the daemon has, or those that it has not. */
static void split(const struct queue_rows *rows, bool is_afar, struct queue_rows *part)
{
	part->items = xcalloc(rows->count + 1, sizeof(*part->items));
	for (size_t i = 0; i < rows->count; i++)
		if (rows->items[i].is_afar == is_afar)
			part->items[part->count++] = rows->items[i];
}

static size_t change(const struct queue *q, const struct queue_change *change,
		     const struct queue_rows *rows, const struct queue_listener *listener)
{
	struct queue_request request = { .kind = WIRE_CHANGE, .change = change->kind };
	OWNED_ROWS here = { 0 }, afar = { 0 };
	size_t changed = 0;

	split(rows, false, &here);
	split(rows, true, &afar);
	if (change->account)
		snprintf(request.account, sizeof(request.account), "%s", change->account->name);
	if (here.count > 0)
		changed = queue_local.change(q, change, &here, listener);
	for (size_t done = 0; done < afar.count; done += request.count) {
		request.count = afar.count - done < QUEUE_WIRE_ROWS ? afar.count - done :
				QUEUE_WIRE_ROWS;
		memcpy(request.rows, afar.items + done, request.count * sizeof(*afar.items));
		changed += change_some(q, &request, listener);
	}
	return changed;
}

/* --- who works on it */

struct running {
	struct run *run;
	struct work_counts before;	/* done here */
	size_t waiting;
};

static struct work_counts sum_of(const struct work_counts *a, const struct work_counts *b)
{
	return (struct work_counts){ .sent = a->sent + b->sent, .deferred = a->deferred + b->deferred,
				     .failed = a->failed + b->failed, .left = a->left + b->left };
}

static bool hear_progress(void *hearer, const struct queue_frame *frame)
{
	const struct running *r = hearer;
	struct wire_done so_far;
	struct work_counts sum;

	if (frame->kind != WIRE_PROGRESS || !queue_done_read(&frame->content, &so_far))
		return false;
	sum = sum_of(&r->before, &so_far.counts);
	if (r->run->progress)
		r->run->progress(r->run->taker, &sum, r->waiting + so_far.waiting);
	return true;
}

static bool is_selected(const struct queue *q, const struct run *run, const struct queue_row *row)
{
	OWNED_LOOK one = { .taken = TAKEN_GONE };

	if (!row->is_afar || row->place != SPOOL_QUEUE || row->is_foreign)
		return false;
	look(q, row, &one);
	return queue_look_is_whole(&one) && run->selects(run->selector, &one.entry);
}

/* Which messages are meant can be asked here alone, and is told before the round. */
static bool pick(const struct queue *q, const struct run *run, struct error *err)
{
	struct queue_request request = { .kind = WIRE_PICK };
	const struct queue_request all = { .kind = WIRE_LIST };
	OWNED_ROWS rows = { 0 };
	bool ok = ask(q, &all, hear_rows, &rows, err);

	for (size_t i = 0; ok && i < rows.count; i++) {
		if (!is_selected(q, run, &rows.items[i]))
			continue;
		request.rows[request.count++] = rows.items[i];
		if (request.count == QUEUE_WIRE_ROWS) {
			ok = ask(q, &request, NULL, NULL, err);
			request.count = 0;
		}
	}
	return ok && (request.count == 0 || ask(q, &request, NULL, NULL, err));
}

static bool run_afar(const struct queue *q, struct run *run, struct error *err)
{
	const struct queue_request request = { .kind = WIRE_RUN, .is_flush = run->is_flush,
					       .is_asked_for = run->is_asked_for,
					       .is_some = run->selects != NULL };
	struct running running = { run, run->counts, run->waiting };
	struct wire_done done = { .ok = false };
	bool ok = (!run->selects || pick(q, run, err)) && queue_line_ask(q, &request, err) &&
		  hear_out(q, hear_progress, &running, &done, err);

	run->counts = sum_of(&running.before, &done.counts);
	run->waiting += done.waiting;
	run->is_elsewhere = run->is_elsewhere || done.is_elsewhere;
	return ok;
}

static bool run(const struct queue *q, struct run *run, struct error *err)
{
	return (!is_here(q) || queue_local.run(q, run, err)) && run_afar(q, run, err);
}

static bool attend(const struct queue *q, const char *config, enum queue_need need,
		   struct error *err)
{
	const struct queue_request request = { .kind = WIRE_ATTEND, .need = need };

	return (!is_here(q) || queue_local.attend(q, config, need, err)) &&
	       ask(q, &request, NULL, NULL, err);
}

static bool probe(const struct queue *q, struct error *err)
{
	const struct queue_request request = { .kind = WIRE_PROBE };

	return (!is_here(q) || queue_local.probe(q, err)) && ask(q, &request, NULL, NULL, err);
}

/* --- accounts: of those that are this user's own the spool here counts */

static bool hear_view(void *hearer, const struct queue_frame *frame)
{
	return frame->kind == WIRE_VIEW && queue_view_read(&frame->content, hearer);
}

static void look_at_account(const struct queue *q, const struct account *account, time_t now,
			    struct throttle_view *view)
{
	struct queue_request request = { .kind = WIRE_ACCOUNT };
	struct error unheard;

	if (is_here(q)) {
		queue_local.look_at_account(q, account, now, view);
		return;
	}
	*view = (struct throttle_view){ 0 };
	snprintf(request.account, sizeof(request.account), "%s", account->name);
	(void)ask(q, &request, hear_view, view, &unheard);
}

static void resume_account(const struct queue *q, const struct account *account)
{
	struct queue_request request = { .kind = WIRE_RESUME };
	struct error unheard;

	if (is_here(q)) {
		queue_local.resume_account(q, account);
		return;
	}
	snprintf(request.account, sizeof(request.account), "%s", account->name);
	(void)ask(q, &request, NULL, NULL, &unheard);
}

const struct queue_operations queue_afar = {
	.list = list,
	.look = look,
	.read = read_bytes,
	.change = change,
	.run = run,
	.attend = attend,
	.probe = probe,
	.look_at_account = look_at_account,
	.resume_account = resume_account,
};
