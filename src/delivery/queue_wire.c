/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers, texts, and entries, which go as the spool has them: so each fact of an entry
 * comes over that comes back from the disk, and by the same reader.
 */
#include "delivery/queue_wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_id(const char *id)
{
	return strlen(id) == ID_SIZE - 1 &&
	       strspn(id, "0123456789abcdefghijklmnopqrstuv") == ID_SIZE - 1;
}

static void put_id(struct buf *b, const char *id)
{
	buf_add_bytes(b, id, ID_SIZE);
}

/* With its end: as it stands in memory. */
static void get_id(struct frame_reading *r, char id[ID_SIZE])
{
	const char *at = frame_take(r, ID_SIZE);

	id[0] = '\0';
	if (at && memchr(at, '\0', ID_SIZE) == at + ID_SIZE - 1 && is_id(at))
		memcpy(id, at, ID_SIZE);
	else
		r->ok = false;
}

/* Its advice is a string of the other process, and stays there. */
static void put_error(struct buf *b, const struct error *err)
{
	const uint64_t numbers[] = { err->kind, (uint64_t)err->number, (uint64_t)err->reply,
				     (uint64_t)err->at, err->leaf };

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		frame_put_number(b, numbers[i]);
	frame_put_text(b, err->status);
	frame_put_text(b, err->text);
}

/* In the language of whoever reads it, as far as the text is one of ours. */
static void get_error(struct frame_reading *r, struct error *err)
{
	struct error got = { .kind = ERROR_NONE };

	got.kind = (enum error_kind)frame_number(r, ERROR_KINDS - 1);
	got.number = (int)frame_number(r, INT32_MAX);
	got.reply = (int)frame_number(r, 999);
	got.at = (int)frame_number(r, INT32_MAX);
	got.leaf = (size_t)frame_number(r, sizeof(got.text) - 1);
	frame_text(r, got.status, sizeof(got.status));
	frame_text(r, got.text, sizeof(got.text));
	error_text(err, got.kind, got.text);
	err->number = got.number;
	err->reply = got.reply;
	err->at = got.at;
	err->leaf = got.leaf <= strlen(got.text) ? got.leaf : 0;
	memcpy(err->status, got.status, sizeof(err->status));
}

static void put_counts(struct buf *b, const struct work_counts *counts)
{
	const size_t numbers[] = { counts->sent, counts->deferred, counts->failed, counts->left };

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		frame_put_number(b, numbers[i]);
}

static void get_counts(struct frame_reading *r, struct work_counts *counts)
{
	size_t *const numbers[] = { &counts->sent, &counts->deferred, &counts->failed,
				    &counts->left };

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		*numbers[i] = (size_t)frame_number(r, UINT32_MAX);
}

/* --- what is asked */

static bool is_asked(enum queue_wire kind)
{
	return kind && strchr("LKRCPNABQU", (int)kind);
}

void queue_request_write(const struct queue_request *q, struct buf *content)
{
	const uint64_t numbers[] = { q->failed, q->part, q->change, q->need, q->is_flush,
				     q->is_asked_for, q->is_some, q->count };

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		frame_put_number(content, numbers[i]);
	frame_put_text(content, q->account);
	for (size_t i = 0; i < q->count; i++) {
		put_id(content, q->rows[i].id);
		frame_put_number(content, q->rows[i].place);
	}
}

bool queue_request_read(enum queue_wire kind, const struct buf *content,
			struct queue_request *q)
{
	struct frame_reading r = frame_read(content);

	*q = (struct queue_request){ .kind = kind };
	q->failed = frame_bool(&r);
	q->part = (enum queue_part)frame_number(&r, PART_REMAINS);
	q->change = (enum queue_change_kind)frame_number(&r, QUEUE_REMOVE);
	q->need = (enum queue_need)frame_number(&r, QUEUE_SEND_ALL);
	q->is_flush = frame_bool(&r);
	q->is_asked_for = frame_bool(&r);
	q->is_some = frame_bool(&r);
	q->count = (size_t)frame_number(&r, COUNT_OF(q->rows));
	frame_text(&r, q->account, sizeof(q->account));
	for (size_t i = 0; r.ok && i < q->count; i++) {
		get_id(&r, q->rows[i].id);
		q->rows[i].place = (enum spool_place)frame_number(&r, SPOOL_DAMAGED);
	}
	return is_asked(kind) && frame_is_read(&r);
}

/* --- what is told */

void queue_hello_write(const struct wire_hello *hello, struct buf *content)
{
	frame_put_number(content, hello->sees_all);
	frame_put_number(content, hello->dev);
	frame_put_number(content, hello->ino);
	frame_put_text(content, hello->path);
}

bool queue_hello_read(const struct buf *content, struct wire_hello *hello)
{
	struct frame_reading r = frame_read(content);

	hello->sees_all = frame_bool(&r);
	hello->dev = frame_number(&r, UINT64_MAX);
	hello->ino = frame_number(&r, UINT64_MAX);
	frame_text(&r, hello->path, sizeof(hello->path));
	return frame_is_read(&r);
}

void queue_row_write(const struct queue_row *row, struct buf *content)
{
	frame_put_time(content, row->arrived);
	frame_put_time(content, row->next);
	put_id(content, row->id);
	buf_add_char(content, (char)(row->place | row->is_held << 2 | row->is_foreign << 3));
}

static void read_row(struct frame_reading *r, struct queue_row *row)
{
	const char *flags;

	*row = (struct queue_row){ .is_afar = true };
	row->arrived = frame_time(r);
	row->next = frame_time(r);
	get_id(r, row->id);
	flags = frame_take(r, 1);
	if (!flags)
		return;
	r->ok = r->ok && (*flags & 3) <= SPOOL_DAMAGED && (*flags & ~15) == 0;
	if (!r->ok)
		return;
	row->place = (enum spool_place)(*flags & 3);
	row->is_held = *flags & 4;
	row->is_foreign = *flags & 8;
}

bool queue_rows_read(const struct buf *content, struct queue_rows *rows)
{
	struct frame_reading r = frame_read(content);

	while (r.ok && r.at < r.end) {
		struct queue_row row;

		read_row(&r, &row);
		if (!r.ok)
			break;
		grow((void **)&rows->items, &rows->room, rows->count, sizeof(*rows->items));
		rows->items[rows->count++] = row;
	}
	return frame_is_read(&r);
}

void queue_sum_write(const struct queue_rows *rows, struct buf *content)
{
	for (size_t i = 0; i < COUNT_OF(rows->found); i++)
		frame_put_number(content, rows->found[i]);
	put_error(content, &rows->trouble);
}

bool queue_sum_read(const struct buf *content, struct queue_rows *rows)
{
	struct frame_reading r = frame_read(content);
	struct error trouble;

	for (size_t i = 0; i < COUNT_OF(rows->found); i++)
		rows->found[i] += (size_t)frame_number(&r, UINT32_MAX);
	get_error(&r, &trouble);
	if (trouble.kind)
		rows->trouble = trouble;
	return frame_is_read(&r);
}

/* What there is of it, as its file has it; nothing where that is no more than an id. */
static bool put_entry(struct buf *b, const struct entry *e)
{
	OWNED_BUF text = BUF_INIT(ENTRY_TEXT_MAX);
	struct error unheard;

	put_id(b, e->id);
	if ((e->envelope.sender || e->envelope.count > 0) && !entry_write(e, &text, &unheard))
		return false;
	frame_put_number(b, text.len);
	buf_add_bytes(b, buf_text(&text), text.len);
	return true;
}

static void get_entry(struct frame_reading *r, bool is_whole, struct entry *e)
{
	struct error unheard;
	uint64_t len;
	const char *text;

	*e = (struct entry){ .id = "" };
	get_id(r, e->id);
	len = frame_number(r, ENTRY_TEXT_MAX);
	text = frame_take(r, len);
	if (!text || len == 0) {
		r->ok = r->ok && !is_whole;
		return;
	}
	if (is_whole)
		r->ok = entry_read(e, text, (size_t)len, &unheard);
	else
		entry_guess(e, text, (size_t)len);
}

bool queue_look_write(const struct queue_look *look, struct buf *content)
{
	frame_put_number(content, look->taken);
	frame_put_number(content, look->place);
	put_error(content, &look->err);
	return put_entry(content, &look->entry);
}

bool queue_look_read(const struct buf *content, struct queue_look *look)
{
	struct frame_reading r = frame_read(content);

	*look = (struct queue_look){ .is_afar = true };
	look->taken = (enum taken)frame_number(&r, TAKEN_ERROR);
	look->place = (enum spool_place)frame_number(&r, SPOOL_DAMAGED);
	get_error(&r, &look->err);
	get_entry(&r, queue_look_is_whole(look), &look->entry);
	if (frame_is_read(&r))
		return true;
	queue_look_free(look);
	return false;
}

bool queue_told_write(const struct queue_told *told, struct buf *content)
{
	frame_put_number(content, told->outcome);
	put_error(content, told->why ? told->why : &(struct error){ .kind = ERROR_NONE });
	return put_entry(content, told->entry);
}

bool queue_told_read(const struct buf *content, struct wire_told *told)
{
	struct frame_reading r = frame_read(content);

	told->outcome = (enum queue_outcome)frame_number(&r, QUEUE_NOT_ALLOWED);
	get_error(&r, &told->why);
	get_entry(&r, false, &told->entry);
	if (frame_is_read(&r))
		return true;
	entry_free(&told->entry);
	return false;
}

void queue_view_write(const struct throttle_view *view, struct buf *content)
{
	const long numbers[] = { view->used_minute, view->used_hour, view->share_minute,
				 view->share_hour };

	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		frame_put_number(content, numbers[i] < 0 ? 0 : (uint64_t)numbers[i]);
	frame_put_time(content, view->paused_until);
	frame_put_number(content, view->failures);
	frame_put_time(content, view->last_success);
	frame_put_time(content, view->spent);
	frame_put_number(content, (uint64_t)view->kind);
	frame_put_text(content, view->why);
}

bool queue_view_read(const struct buf *content, struct throttle_view *view)
{
	struct frame_reading r = frame_read(content);

	view->used_minute = (long)frame_number(&r, INT32_MAX);
	view->used_hour = (long)frame_number(&r, INT32_MAX);
	view->share_minute = (long)frame_number(&r, INT32_MAX);
	view->share_hour = (long)frame_number(&r, INT32_MAX);
	view->paused_until = frame_time(&r);
	view->failures = (unsigned)frame_number(&r, UINT32_MAX);
	view->last_success = frame_time(&r);
	view->spent = frame_time(&r);
	view->kind = (enum error_kind)frame_number(&r, ERROR_KINDS - 1);
	frame_text(&r, view->why, sizeof(view->why));
	return frame_is_read(&r);
}

void queue_done_write(const struct wire_done *done, struct buf *content)
{
	static const struct error none = { .kind = ERROR_NONE };

	frame_put_number(content, done->ok);
	put_error(content, done->ok ? &none : &done->err);
	put_counts(content, &done->counts);
	frame_put_number(content, done->waiting);
	frame_put_number(content, done->changed);
	frame_put_number(content, done->is_elsewhere);
}

bool queue_done_read(const struct buf *content, struct wire_done *done)
{
	struct frame_reading r = frame_read(content);

	*done = (struct wire_done){ .ok = frame_bool(&r) };
	get_error(&r, &done->err);
	get_counts(&r, &done->counts);
	done->waiting = (size_t)frame_number(&r, UINT32_MAX);
	done->changed = (size_t)frame_number(&r, UINT32_MAX);
	done->is_elsewhere = frame_bool(&r);
	return frame_is_read(&r) && (done->ok || done->err.kind != ERROR_NONE);
}
