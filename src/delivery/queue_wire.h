/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The operations of delivery/queue_ops.h as bytes, between whoever asks and the process
 * that holds the spool for him. A connection begins with the line QUEUE_WIRE_LINE; frames
 * follow (delivery/queue_frame.h).
 *
 * Neither end trusts the other: what is longer than it may be is not read, what does not
 * fit to the last byte is no frame, and nobody waits without a limit.
 */
#ifndef DELIVERY_QUEUE_WIRE_H
#define DELIVERY_QUEUE_WIRE_H

#include "delivery/queue_frame.h"
#include "delivery/queue_ops.h"

/* Another number for whatever an older end would take for something else. */
#define QUEUE_WIRE_LINE	"QUEUE 1"

enum {
	QUEUE_WIRE_ROWS = 256,		/* messages that one frame names */
	QUEUE_WIRE_ASKED_MAX = 8 * 1024,	/* bytes of a request */
	QUEUE_WIRE_TOLD_MAX = ENTRY_TEXT_MAX + 8 * 1024,	/* and of an answer */
};

enum queue_wire {
	/* What is asked. */
	WIRE_LIST = 'L', WIRE_LOOK = 'K', WIRE_READ = 'R', WIRE_CHANGE = 'C',
	WIRE_PICK = 'P',	/* some that the next run is about */
	WIRE_RUN = 'N', WIRE_ATTEND = 'A', WIRE_PROBE = 'B', WIRE_ACCOUNT = 'Q',
	WIRE_RESUME = 'U',
	/*
	 * What is told; each request is answered by any number of these, and WIRE_DONE.
	 */
	WIRE_HELLO = 'h', WIRE_ROWS = 'r', WIRE_SUM = 's', WIRE_LOOKED = 'k', WIRE_BYTES = 'b',
	WIRE_TOLD = 't', WIRE_PROGRESS = 'p', WIRE_VIEW = 'q', WIRE_DONE = 'd',
};

/* --- what is asked */

struct queue_request {
	enum queue_wire kind;
	bool failed;			/* LIST: those in failed/ too */
	enum queue_part part;		/* READ */
	enum queue_change_kind change;	/* CHANGE */
	enum queue_need need;		/* ATTEND */
	bool is_flush, is_asked_for, is_some;	/* RUN; is_some: what was picked alone */
	char account[128];		/* CHANGE, for QUEUE_MOVE; ACCOUNT, RESUME */
	struct queue_row rows[QUEUE_WIRE_ROWS];	/* id and place */
	size_t count;
};

void queue_request_write(const struct queue_request *request, struct buf *content);

/* False: it is none. */
bool queue_request_read(enum queue_wire kind, const struct buf *content,
			struct queue_request *request);

/* --- what is told: each with what reads it, false where it cannot be that */

struct wire_hello {
	bool sees_all;
	uint64_t dev, ino;	/* of the spool: whoever has it open needs nobody to read it */
	char path[4096];	/* where that is; "" for those who do not see all */
};
void queue_hello_write(const struct wire_hello *hello, struct buf *content);
bool queue_hello_read(const struct buf *content, struct wire_hello *hello);

/* Of rows the content is these alone. */
void queue_row_write(const struct queue_row *row, struct buf *content);
bool queue_rows_read(const struct buf *content, struct queue_rows *rows);

/* What a list has besides its rows. */
void queue_sum_write(const struct queue_rows *rows, struct buf *content);
bool queue_sum_read(const struct buf *content, struct queue_rows *rows);

/* False: its entry is no entry. The reader's is freed with queue_look_free(). */
bool queue_look_write(const struct queue_look *look, struct buf *content);
bool queue_look_read(const struct buf *content, struct queue_look *look);

struct wire_told {
	struct entry entry;	/* the reader frees it */
	enum queue_outcome outcome;
	struct error why;
};
bool queue_told_write(const struct queue_told *told, struct buf *content);
bool queue_told_read(const struct buf *content, struct wire_told *told);

void queue_view_write(const struct throttle_view *view, struct buf *content);
bool queue_view_read(const struct buf *content, struct throttle_view *view);

struct wire_done {
	bool ok;
	struct error err;	/* not ok */
	struct work_counts counts;	/* RUN, and those of PROGRESS */
	size_t waiting, changed;
	bool is_elsewhere;
};
void queue_done_write(const struct wire_done *done, struct buf *content);
bool queue_done_read(const struct buf *content, struct wire_done *done);

#endif
