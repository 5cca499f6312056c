/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spool/queue_look.h"

bool queue_look_is_whole(const struct queue_look *look)
{
	return look->taken <= TAKEN_BUSY;
}

void queue_look_free(struct queue_look *look)
{
	entry_free(&look->entry);
}
