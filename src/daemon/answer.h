/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One who asks about the queue, and how he is answered. */
#ifndef DAEMON_ANSWER_H
#define DAEMON_ANSWER_H

#include "daemon/intake.h"
#include "delivery/queue_wire.h"

struct inquiry_desk {			/* borrowed */
	const struct intake_desk *intake;	/* whose queue it is, and whom to poke */
	const struct config *config;
	uid_t by;			/* who asks */
	bool sees_all;
};

struct inquiry {
	const struct inquiry_desk *desk;
	struct queue queue;
	int client;
	bool is_gone;		/* it reads no more */
	struct buf answer;
	size_t row_count;	/* in the answer */
	struct queue_rows sum;	/* of a list: how many there are */
	enum spool_place place;
	char (*picked)[ID_SIZE];	/* sorted when a round begins */
	size_t picked_count, picked_room;
};

/* What `answer` holds goes out as that; false: he is gone. */
bool answer_send(struct inquiry *q, enum queue_wire kind);

/* The last word of an answer; false: he is gone. */
bool answer_end(struct inquiry *q, const struct wire_done *done);
bool answer_end_well(struct inquiry *q);
bool answer_end_with(struct inquiry *q, const struct error *err);
bool answer_end_as(struct inquiry *q, bool ok, const struct error *err);

/* Whether a message is there, and his; else the look says that it is gone. */
bool answer_find(const struct inquiry *q, const struct queue_row *row, struct queue_look *look);

/* Of what he asks these are about who works on the queue (daemon/answer_round.c). */
bool answer_pick(struct inquiry *q, const struct queue_request *request);
bool answer_run(struct inquiry *q, const struct queue_request *request);
bool answer_attend(struct inquiry *q, const struct queue_request *request);
bool answer_probe(struct inquiry *q, const struct queue_request *request);

#endif
