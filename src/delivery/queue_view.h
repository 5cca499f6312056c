/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue as people look at it: opened without making it, its messages in order. */
#ifndef DELIVERY_QUEUE_VIEW_H
#define DELIVERY_QUEUE_VIEW_H

#include "config/account.h"
#include "delivery/queue.h"
#include "spool/queue_look.h"

struct queue_view {
	struct config config;	/* perhaps without an account */
	struct queue queue;	/* its spool is closed where there is none: nothing waits */
};
#define OWNED_VIEW	__attribute__((cleanup(queue_view_close))) struct queue_view
#define QUEUE_VIEW_NONE	{ .queue = QUEUE_CLOSED }

/*
 * Opens this user's spool by the settings of `config_file` (NULL: the usual files). No
 * account is needed. False: ERROR_CONFIG, the configuration makes no sense, so that it is not
 * known where the queue is; ERROR_CREATE, the spool is a link, not this user's alone, or
 * cannot be had.
 */
bool queue_view_open(struct queue_view *v, const char *config_file, struct error *err);
void queue_view_close(struct queue_view *v);

struct queue_row {
	time_t arrived;		/* 0: its entry cannot be read */
	char id[ID_SIZE];
	enum spool_place place;
};

struct queue_rows {
	struct queue_row *items;
	size_t count, room;
	size_t found[SPOOL_DAMAGED + 1];	/* in each place, whatever was picked then */
	struct error trouble;	/* failed/ or damaged/ could not be listed; kind NONE: all is well */
	time_t due_since;	/* when the first was due of those that wait; 0: none does */
};
void queue_rows_free(struct queue_rows *rows);
#define OWNED_ROWS	__attribute__((cleanup(queue_rows_free))) struct queue_rows

/* Every message, those in failed/ only if `failed`: the oldest first. ERROR_IO. */
bool queue_view_rows(const struct queue_view *v, bool failed, struct queue_rows *rows,
		     struct error *err);

void queue_look(const struct queue_view *v, const struct queue_row *row,
		struct queue_look *look);

#endif
