/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is not his own is, to him, not there: he hears the same of it as of what never
 * was.
 */
#include "daemon/answer.h"

#include <stdlib.h>
#include <string.h>

enum { PATIENCE = 30 };		/* seconds, for who reads slowly */

/* --- telling */

bool answer_send(struct inquiry *q, enum queue_wire kind)
{
	q->is_gone = q->is_gone || !frame_send(q->client, kind, &q->answer, PATIENCE);
	buf_clear(&q->answer);
	return !q->is_gone;
}

bool answer_end(struct inquiry *q, const struct wire_done *done)
{
	queue_done_write(done, &q->answer);
	return answer_send(q, WIRE_DONE);
}

bool answer_end_well(struct inquiry *q)
{
	return answer_end(q, &(struct wire_done){ .ok = true });
}

bool answer_end_with(struct inquiry *q, const struct error *err)
{
	return answer_end(q, &(struct wire_done){ .ok = false, .err = *err });
}

bool answer_end_as(struct inquiry *q, bool ok, const struct error *err)
{
	return ok ? answer_end_well(q) : answer_end_with(q, err);
}

/* --- whose it is */

/* What cannot be read as a whole says nothing that could be relied on. */
static bool owns(const struct inquiry *q, const struct queue_look *look)
{
	return q->desk->sees_all ||
	       (queue_look_is_whole(look) && look->place != SPOOL_DAMAGED &&
		look->entry.uid == q->desk->by && !look->entry.host);
}

/* True: it is there, and his. */
bool answer_find(const struct inquiry *q, const struct queue_row *row, struct queue_look *look)
{
	queue_local.look(&q->queue, row, look);
	if (look->taken != TAKEN_GONE && owns(q, look))
		return true;
	queue_look_free(look);
	*look = (struct queue_look){ .taken = TAKEN_GONE, .place = row->place };
	memcpy(look->entry.id, row->id, ID_SIZE);
	return false;
}
