/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Replies of a server (RFC 5321 section 4.2), read by one bounded reader: three digits,
 * lines of one code, nothing that could harm a terminal.
 */
#ifndef SMTP_REPLY_H
#define SMTP_REPLY_H

#include "base/buf.h"
#include "net/transport.h"

enum {
	REPLY_LINE_MAX = 2048,		/* bytes; RFC 5321 section 4.5.3.1.5 asks for 512 */
	REPLY_TEXT_MAX = 16 * 1024,	/* bytes of all lines of one reply */
};

struct reader {
	struct transport *wire;
	char bytes[REPLY_LINE_MAX];
	size_t start, end;
};

struct reply {
	int code;		/* 200 to 599 */
	struct buf text;	/* the lines without their codes, joined by "\n" */
};
#define REPLY_INIT	{ .text = BUF_INIT(REPLY_TEXT_MAX) }
#define OWNED_REPLY	__attribute__((cleanup(reply_free))) struct reply

void reader_init(struct reader *r, struct transport *wire);

/* Whether nothing was received beyond the replies that were read. */
bool reader_is_empty(const struct reader *r);

/*
 * The next reply, replacing what `reply` held. ERROR_NETWORK when the connection is lost
 * or the transport's deadline passes, ERROR_PROTOCOL when it is no reply. Of a line that
 * is none the code is 0 and the text that line, and the error quotes it.
 */
bool reply_read(struct reader *r, struct reply *reply, struct error *err);

/* Says that again of such a reply, after its text was changed. */
bool reply_is_none(const struct reply *reply, struct error *err);

void reply_free(struct reply *reply);

#endif
