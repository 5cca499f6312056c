/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Frames on a stream: a byte that says what each is, four with the length of its content,
 * and that. In it a number has eight bytes, the most significant first, and a text its
 * length before it.
 */
#ifndef DELIVERY_QUEUE_FRAME_H
#define DELIVERY_QUEUE_FRAME_H

#include <time.h>

#include "base/buf.h"

struct queue_frame {
	char kind;
	struct buf content;	/* whose limit the reader has set */
};

/*
 * A content of NULL is an empty one. False: the other end has gone, is too slow, or says
 * more than it may.
 */
bool frame_send(int fd, char kind, const struct buf *content, int seconds);
bool frame_receive(int fd, struct queue_frame *frame, int seconds);

/* --- what stands in one */

void frame_put_number(struct buf *b, uint64_t number);
void frame_put_time(struct buf *b, time_t when);
void frame_put_text(struct buf *b, const char *text);

/*
 * From its beginning to its end. `ok` is sticky: one reads on, and asks when all is read.
 * What could not be read is 0, or "".
 */
struct frame_reading {
	const char *at, *end;
	bool ok;
};
struct frame_reading frame_read(const struct buf *content);
uint64_t frame_number(struct frame_reading *r, uint64_t most);
bool frame_bool(struct frame_reading *r);
time_t frame_time(struct frame_reading *r);

/* Of less than `size` bytes, without NUL, and harmless for whatever shows it. */
void frame_text(struct frame_reading *r, char *text, size_t size);

/* Where so many bytes stand, which are passed; NULL: there are not so many. */
const char *frame_take(struct frame_reading *r, uint64_t len);

/* All of it was as it must be, and nothing is left. */
bool frame_is_read(const struct frame_reading *r);

#endif
