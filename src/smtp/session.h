/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the SMTP client share: the session and how it speaks. */
#ifndef SMTP_SESSION_H
#define SMTP_SESSION_H

#include "service/replies.h"
#include "smtp/client.h"
#include "smtp/extensions.h"
#include "smtp/reply.h"

enum {
	COMMAND_MAX = 12288,		/* octets of a line: RFC 4954 section 4 */
	FLIGHT_MAX = 64 * 1024,		/* bytes of commands that wait for no answer */
	/* What the server may take after the final dot, in units of the time-out: with
	   the standard 60 seconds the ten minutes of RFC 5321 section 4.5.3.2.6. Giving
	   up earlier means sending twice. */
	FINAL_PATIENCE = 10,
	/* What all other answers to one message may take together, in the same units. A
	   transaction that follows another adds a unit's WHOLE_SHARE-th part. */
	WHOLE_PATIENCE = 10,
	WHOLE_SHARE = 30,
	RATE_MIN = 4096,	/* bytes a second: a message may take what that needs */
};

struct session {
	struct transport *wire;
	struct reader reader;
	struct smtp_options options;
	struct extensions can;
	size_t next_step;	/* of the beginning, in client.c's table */
	enum reply_at at;	/* whom the server's last words would be about */
	const char *mechanism;	/* that logged in; NULL: none did */
	struct buf out;		/* commands that were added and not yet flushed */
	bool is_broken;		/* no further command makes sense */
	bool is_dirty;		/* a transaction was begun and not ended: RSET before the next */
	bool is_sender_refused;	/* MAIL was, for good, in the last transaction */
	bool is_throttled;	/* what was refused holds for all mail of the account */
	struct secret hidden;	/* the last secret line: no server's echo of it is shown */
	bool had_tls_started;	/* by STARTTLS: EHLO must be said again */
	char *last_reply;	/* to the last message that was accepted */
	int last_code;
	struct witness *witness;	/* NULL: none */
	/* clock_ms(): when the dialogue has to be over, or that about this message, but for
	   the message itself; and when nobody else is named any more. */
	int64_t until, last_call;
	bool is_late;		/* somebody was not named any more */
};

/* How long what follows may take: the time-out, as far as the whole allows. */
void session_set_deadline(struct session *s);

/*
 * What follows can end with the message in the server's hands: false, it must not go out.
 */
bool session_at_brink(struct session *s, struct error *err);

/*
 * Adds a command line. ERROR_DATA when it would hold a control character or be too
 * long: here, so that it cannot be forgotten.
 */
bool session_say(struct session *s, struct error *err, const char *fmt, ...) PRINTF(3, 4);

/*
 * The same for a line that must not be seen: `line` without CRLF, at most COMMAND_MAX;
 * room for two more bytes behind it. It is sent at once; `shown` goes to the trace.
 */
bool session_say_secret(struct session *s, char *line, size_t len, const char *shown,
			struct error *err);

/* Writes what was added, in one write. Nothing may be outstanding. */
bool session_flush(struct session *s, struct error *err);

/*
 * After a failed write: if the server has said why and hung up, `err` becomes that,
 * for its last words are worth more than "broken pipe". Marks the session broken.
 */
void session_last_words(struct session *s, struct error *err);

/*
 * Whether the server has answered what was said and no more: ask where nothing is
 * outstanding. A surplus reply would be taken for the answer to what is said next.
 * ERROR_PROTOCOL; or what a 421 says, which may come unasked (RFC 5321 section 3.8).
 */
bool session_is_in_step(struct session *s, struct error *err);

/* Waits for one reply, `patience` times the time-out. */
bool session_hear(struct session *s, struct reply *reply, int patience, struct error *err);

/* Between transactions: what a refused one left behind must not leak into the next. */
bool session_reset(struct session *s, struct error *err);

/* Turns the reply to a step into an error: its text, and what service/replies.h knows of
   it. Always false. */
bool session_refused(struct session *s, const struct reply *reply, enum reply_at at,
		     struct error *err);

#endif
