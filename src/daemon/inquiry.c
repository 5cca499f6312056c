/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process for each who asks, with nothing of the door's in it. Whoever asks may be
 * hostile: a request is small, read by one function, and names messages by their ids
 * alone; an answer is sent on while it is found, so that nothing grows with the queue,
 * and nobody waits for one who does not read. What is not his own is, to him, not there.
 */
#include "daemon/inquiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
	PATIENCE = 30,		/* seconds, for who reads slowly or has no more to ask */
	ANSWER_MAX = 64 * 1024,	/* bytes of those that have no entry in them */
};

/* --- list and look */

/* How mail is sent from here is not for all to know. */
static void hide_settings(const struct inquiry *q, struct entry *e)
{
	if (q->desk->sees_all)
		return;
	if (e->config)
		*e->config = '\0';
	free(e->login);
	e->login = NULL;
}

static bool flush_rows(struct inquiry *q)
{
	bool ok = q->row_count == 0 || answer_send(q, WIRE_ROWS);

	q->row_count = 0;
	return ok;
}

static bool list_one(void *seer, const char *id, const struct entry_start *start)
{
	struct inquiry *q = seer;
	struct queue_row row = { .arrived = start->arrived, .next = start->next, .place = q->place,
				 .is_held = start->is_held, .is_foreign = start->is_foreign };

	if (!q->desk->sees_all && (q->place == SPOOL_DAMAGED || start->uid != q->desk->by))
		return true;
	memcpy(row.id, id, ID_SIZE);
	queue_row_write(&row, &q->answer);
	q->sum.found[q->place]++;
	return ++q->row_count < QUEUE_WIRE_ROWS || flush_rows(q);
}

static bool answer_list(struct inquiry *q, const struct queue_request *request)
{
	struct error err;

	q->sum = (struct queue_rows){ .count = 0 };
	for (q->place = SPOOL_QUEUE; q->place <= SPOOL_DAMAGED; q->place++) {
		if ((q->place == SPOOL_FAILED && !request->failed) ||
		    spool_scan(&q->queue.spool, q->place, list_one, q, &err))
			continue;
		if (q->is_gone || q->place == SPOOL_QUEUE)
			return answer_end_with(q, &err);
		q->sum.trouble = err;
	}
	if (!flush_rows(q))
		return false;
	queue_sum_write(&q->sum, &q->answer);
	return answer_send(q, WIRE_SUM) && answer_end_well(q);
}

/* Its frame is as large as the entry, and is given back before the next question. */
static bool answer_look(struct inquiry *q, const struct queue_request *request)
{
	OWNED_BUF content = BUF_INIT(QUEUE_WIRE_TOLD_MAX);
	OWNED_LOOK look = { .taken = TAKEN_GONE };

	if (request->count != 1)
		return false;
	if (answer_find(q, &request->rows[0], &look))
		hide_settings(q, &look.entry);
	return queue_look_write(&look, &content) &&
	       frame_send(q->client, WIRE_LOOKED, &content, PATIENCE) && answer_end_well(q);
}

static bool tell_bytes(void *taker, const char *bytes, size_t len)
{
	struct inquiry *q = taker;

	buf_add_bytes(&q->answer, bytes, len);
	return answer_send(q, WIRE_BYTES);
}

static bool answer_read(struct inquiry *q, const struct queue_request *request)
{
	OWNED_LOOK look = { .taken = TAKEN_GONE };
	struct error err;
	bool ok;

	if (request->count != 1)
		return false;
	ok = answer_find(q, &request->rows[0], &look) ?
	     queue_local.read(&q->queue, &look, request->part, tell_bytes, q, &err) :
	     error_set(&err, ERROR_UNAVAILABLE, "%s has gone", request->rows[0].id);
	return answer_end_as(q, ok, &err);
}

/* --- change */

static void tell_of_change(void *listener, const struct queue_told *told)
{
	struct inquiry *q = listener;
	OWNED_BUF content = BUF_INIT(QUEUE_WIRE_TOLD_MAX);

	q->is_gone = q->is_gone || !queue_told_write(told, &content) ||
		     !frame_send(q->client, WIRE_TOLD, &content, PATIENCE);
}

static void tell_of_none(struct inquiry *q, const struct queue_row *row)
{
	struct entry known = { .id = "" };
	struct error err;

	memcpy(known.id, row->id, ID_SIZE);
	error_text(&err, ERROR_UNAVAILABLE, N_("it has gone meanwhile, sent or removed"));
	tell_of_change(q, &(struct queue_told){ &known, QUEUE_GONE, &err });
}

/* Those of them that he may change; of the others it is said that they are not there. */
static void choose_own(struct inquiry *q, const struct queue_request *request,
		       struct queue_rows *own)
{
	own->items = xcalloc(request->count + 1, sizeof(*own->items));
	for (size_t i = 0; i < request->count; i++) {
		OWNED_LOOK look = { .taken = TAKEN_GONE };

		if (q->desk->sees_all || answer_find(q, &request->rows[i], &look))
			own->items[own->count++] = request->rows[i];
		else
			tell_of_none(q, &request->rows[i]);
	}
}

static bool fill_change(const struct inquiry *q, const struct queue_request *request,
			struct queue_change *change, struct error *err)
{
	*change = (struct queue_change){ .kind = request->change, .by = q->desk->by,
					 .is_modest = !q->desk->sees_all,
					 .config = q->desk->intake->config };
	if (change->kind != QUEUE_MOVE)
		return true;
	if (!q->desk->sees_all)
		return error_set(err, ERROR_REFUSED,
				 "which account mail goes through is for root to say here");
	change->account = config_account(q->desk->config, request->account, err);
	return change->account != NULL;
}

static bool answer_change(struct inquiry *q, const struct queue_request *request)
{
	const struct queue_listener listener = { tell_of_change, q };
	struct wire_done done = { .ok = true };
	struct queue_change change;
	OWNED_ROWS own = { 0 };
	struct error err;

	if (!fill_change(q, request, &change, &err))
		return answer_end_with(q, &err);
	choose_own(q, request, &own);
	if (own.count > 0)
		done.changed = queue_local.change(&q->queue, &change, &own, &listener);
	return answer_end(q, &done);
}

/* --- accounts */

static bool answer_account(struct inquiry *q, const struct queue_request *request)
{
	struct throttle_view view;
	struct error err;
	const struct account *account = config_account(q->desk->config, request->account, &err);

	if (!q->desk->sees_all)
		return answer_end_well(q);
	if (!account)
		return answer_end_with(q, &err);
	queue_local.look_at_account(&q->queue, account, time(NULL), &view);
	queue_view_write(&view, &q->answer);
	return answer_send(q, WIRE_VIEW) && answer_end_well(q);
}

static bool answer_resume(struct inquiry *q, const struct queue_request *request)
{
	struct error err;
	const struct account *account = config_account(q->desk->config, request->account, &err);

	if (account && q->desk->sees_all)
		queue_local.resume_account(&q->queue, account);
	return answer_end_as(q, account != NULL, &err);
}

/* --- the dialogue */

static const struct {
	enum queue_wire kind;
	bool (*answer)(struct inquiry *q, const struct queue_request *request);
} answers[] = {
	{ WIRE_LIST, answer_list },	{ WIRE_LOOK, answer_look },
	{ WIRE_READ, answer_read },	{ WIRE_CHANGE, answer_change },
	{ WIRE_PICK, answer_pick },	{ WIRE_RUN, answer_run },
	{ WIRE_ATTEND, answer_attend },	{ WIRE_PROBE, answer_probe },
	{ WIRE_ACCOUNT, answer_account }, { WIRE_RESUME, answer_resume },
};

static bool answer(struct inquiry *q, const struct queue_request *request)
{
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		if (answers[i].kind == request->kind)
			return answers[i].answer(q, request) && !q->is_gone;
	return false;
}

static bool greet(struct inquiry *q)
{
	struct wire_hello hello = { .sees_all = q->desk->sees_all };
	struct stat st;

	if (fstat(q->queue.spool.dir, &st) == 0) {
		hello.dev = st.st_dev;
		hello.ino = st.st_ino;
	}
	if (hello.sees_all)
		snprintf(hello.path, sizeof(hello.path), "%s", q->queue.spool.path);
	queue_hello_write(&hello, &q->answer);
	return answer_send(q, WIRE_HELLO);
}

void inquiry_serve(const struct inquiry_desk *desk, int client)
{
	struct inquiry q = { .desk = desk, .queue = *desk->intake->queue, .client = client,
			     .answer = BUF_INIT(ANSWER_MAX) };
	struct queue_frame frame = { .content = BUF_INIT(QUEUE_WIRE_ASKED_MAX) };
	struct queue_request request;

	q.queue.does = &queue_local;
	q.queue.config = desk->config;
	if (greet(&q))
		while (frame_receive(client, &frame, PATIENCE) &&
		       queue_request_read((enum queue_wire)frame.kind, &frame.content, &request) &&
		       answer(&q, &request))
			;
	buf_free(&frame.content);
	buf_free(&q.answer);
	free(q.picked);
}

void inquiry_refuse(int client, const char *why)
{
	struct wire_done done = { .ok = false };
	OWNED_BUF content = BUF_INIT(ANSWER_MAX);

	error_text(&done.err, ERROR_REFUSED, why);
	queue_done_write(&done, &content);
	(void)frame_send(client, WIRE_DONE, &content, PATIENCE);
}
