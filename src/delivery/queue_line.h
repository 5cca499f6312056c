/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The way to whoever holds a spool for others: the socket of the daemon's keeper. */
#ifndef DELIVERY_QUEUE_LINE_H
#define DELIVERY_QUEUE_LINE_H

#include "config/account.h"
#include "delivery/queue_wire.h"

/*
 * Whether somebody answers for the queue at one of those places; then q->line is open,
 * unless the spool that he has is q's own. False: ERROR_LATER, the last of them does not.
 */
bool queue_line_open(struct queue *q, const struct daemon_settings *settings,
		     struct error *err);

/*
 * Asks; a line that was closed meanwhile is opened anew. False: ERROR_LATER, and it is
 * closed. So it is with what is answered: the next frame, and its end.
 */
bool queue_line_ask(const struct queue *q, const struct queue_request *request,
		    struct error *err);
bool queue_line_hear(const struct queue *q, struct queue_frame *frame, struct error *err);

/* What it said makes no sense; false. */
bool queue_line_hang_up(const struct queue *q, struct error *err);

#endif
