/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What can be said of an entry that somebody looks at. */
#include "spool/queue_look.h"

bool queue_look_is_whole(const struct queue_look *look)
{
	return look->taken <= TAKEN_BUSY;
}

void queue_look_free(struct queue_look *look)
{
	entry_free(&look->entry);
}

uint64_t entry_size(const struct entry *e)
{
	return e->header_len + 2 + e->body_len;
}

bool entry_reason(const struct entry *e, struct error *why)
{
	const struct recipient *whose = NULL;
	bool is_waiting = envelope_waiting(&e->envelope) > 0;

	for (size_t i = 0; i < e->envelope.count; i++) {
		const struct recipient *r = &e->envelope.recipients[i];

		if (r->why && (!whose || (recipient_waits(r) && !recipient_waits(whose))))
			whose = r;
	}
	/* Once nobody waits any more, why the message had to wait is history. */
	if (e->why && (is_waiting || !whose))
		*why = *e->why;
	else if (whose)
		recipient_reason(whose, why);
	return e->why || whose;
}
