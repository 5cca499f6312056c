/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The queue as people reach it: with who answers them, and the configuration that says
 * where.
 */
#ifndef DELIVERY_QUEUE_VIEW_H
#define DELIVERY_QUEUE_VIEW_H

#include "config/account.h"
#include "delivery/queue_ops.h"

/*
 * queue_open(), or queue_open_existing() unless `make`; and finds who answers people who
 * ask it: the daemon too, where it is there and may have mail of this user; then no spool
 * is made. False also where the daemon must have it, and is not there: ERROR_LATER.
 */
bool queue_reach(struct queue *q, const struct config *config, bool make, struct error *err);

/*
 * The configuration by which a queue is worked on. What waits knows its own file of
 * accounts, so that the usual ones need not have any; a file of -C must, unless it says
 * where the daemon is.
 */
bool queue_load_config(struct config *config, const char *file, struct error *err);

struct queue_view {
	struct config config;	/* perhaps without an account */
	struct queue queue;	/* its spool is closed where there is none: nothing waits */
};
#define OWNED_VIEW	__attribute__((cleanup(queue_view_close))) struct queue_view
#define QUEUE_VIEW_NONE	{ .queue = QUEUE_CLOSED }

/*
 * Opens this user's spool by the settings of `config_file` (NULL: the usual files). No
 * account is needed. False: ERROR_CONFIG, the configuration makes no sense, so that it is
 * not known where the queue is; ERROR_CREATE, the spool is a link, not this user's alone,
 * or cannot be had.
 */
bool queue_view_open(struct queue_view *v, const char *config_file, struct error *err);
void queue_view_close(struct queue_view *v);

#endif
