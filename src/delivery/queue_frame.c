/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a length promises is not believed before it has come, so that it costs nobody
 * memory; and whoever sends or reads byte by byte has as much time as the others.
 */
#include "delivery/queue_frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/text.h"

enum { HEAD = 5, NUMBER = 8 };

/* --- frames */

static void put_bytes(unsigned char *at, uint64_t number, size_t len)
{
	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)(number >> 8 * (len - 1 - i));
}

static uint64_t get_bytes(const unsigned char *at, size_t len)
{
	uint64_t number = 0;

	for (size_t i = 0; i < len; i++)
		number = number << 8 | at[i];
	return number;
}

bool frame_send(int fd, char kind, const struct buf *content, int seconds)
{
	size_t len = content ? content->len : 0;
	unsigned char head[HEAD] = { (unsigned char)kind };

	if (content && (buf_is_full(content) || len > UINT32_MAX))
		return false;
	put_bytes(head + 1, len, sizeof(head) - 1);
	return write_patiently(fd, head, sizeof(head), seconds * 1000) &&
	       (len == 0 || write_patiently(fd, content->text, len, seconds * 1000));
}

static bool receive(int fd, void *bytes, size_t len, int64_t deadline)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	char *at = bytes;

	while (len > 0) {
		int n = poll(&in, 1, clock_left(deadline));
		ssize_t got;

		if (n < 0 && errno == EINTR)
			continue;
		got = n > 0 ? read_some(fd, at, len) : -1;
		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

/* As it comes, so that a length alone, of whatever it speaks, costs no memory. */
static bool receive_content(int fd, size_t len, struct buf *content, int64_t deadline)
{
	while (len > 0) {
		size_t some = len < 64 * 1024 ? len : 64 * 1024;
		char *room = buf_reserve(content, some);

		if (!room || !receive(fd, room, some, deadline))
			return false;
		content->len += some;
		content->text[content->len] = '\0';
		len -= some;
	}
	return true;
}

bool frame_receive(int fd, struct queue_frame *frame, int seconds)
{
	int64_t deadline = clock_after(seconds);
	unsigned char head[HEAD];

	buf_clear(&frame->content);
	if (!receive(fd, head, sizeof(head), deadline))
		return false;
	frame->kind = (char)head[0];
	return receive_content(fd, (size_t)get_bytes(head + 1, sizeof(head) - 1),
			       &frame->content, deadline);
}

/* --- values */

struct frame_reading frame_read(const struct buf *content)
{
	return (struct frame_reading){ buf_text(content), buf_text(content) + content->len, true };
}

void frame_put_number(struct buf *b, uint64_t number)
{
	unsigned char bytes[NUMBER];

	put_bytes(bytes, number, sizeof(bytes));
	buf_add_bytes(b, bytes, sizeof(bytes));
}

/* What was never a moment becomes none. */
void frame_put_time(struct buf *b, time_t when)
{
	frame_put_number(b, when < 0 ? 0 : (uint64_t)when);
}

void frame_put_text(struct buf *b, const char *text)
{
	frame_put_number(b, strlen(text));
	buf_add(b, text);
}

/* Where so many bytes stand, which are passed; NULL: there are not so many. */
const char *frame_take(struct frame_reading *r, uint64_t len)
{
	const char *at = r->at;

	r->ok = r->ok && len <= (uint64_t)(r->end - r->at);
	if (!r->ok)
		return NULL;
	r->at += len;
	return at;
}

uint64_t frame_number(struct frame_reading *r, uint64_t most)
{
	const char *at = frame_take(r, NUMBER);
	uint64_t number = at ? get_bytes((const unsigned char *)at, NUMBER) : 0;

	r->ok = r->ok && number <= most;
	return r->ok ? number : 0;
}

bool frame_bool(struct frame_reading *r)
{
	return frame_number(r, 1) == 1;
}

time_t frame_time(struct frame_reading *r)
{
	return (time_t)frame_number(r, INT64_MAX);
}

/* Harmless for whatever terminal or log it comes to. */
void frame_text(struct frame_reading *r, char *text, size_t size)
{
	uint64_t len = frame_number(r, size - 1);
	const char *at = frame_take(r, len);

	if (at)
		memcpy(text, at, (size_t)len);
	text[at ? len : 0] = '\0';
	r->ok = r->ok && (!at || strlen(text) == len);
	text_make_printable(text);
}

bool frame_is_read(const struct frame_reading *r)
{
	return r->ok && r->at == r->end;
}
