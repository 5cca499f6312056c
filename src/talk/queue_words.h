/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the queue says of itself in words: times, sizes, states. */
#ifndef TALK_QUEUE_WORDS_H
#define TALK_QUEUE_WORDS_H

#include "base/buf.h"
#include "spool/queue_look.h"

enum { WORDS_SIZE = 128 };

/* "40 s", "5 min", "3 h", "2 d": rounded down; what is past counts as 0. */
const char *words_span(time_t seconds, char words[WORDS_SIZE]);
const char *words_size(uint64_t bytes, char words[WORDS_SIZE]);	/* "812 B", "2.1 KiB" */

/* Where a message stands. */
enum queue_state {
	STATE_DUE,		/* tried as soon as the runner comes to it */
	STATE_WAITING,		/* for the time of its next try */
	STATE_HELD,
	STATE_SENDING,		/* somebody holds it now */
	STATE_FAILED,
	STATE_DAMAGED,
	STATE_FOREIGN,		/* written by another version */
	STATE_UNREADABLE,	/* the system failed */
};
enum queue_state words_state(const struct queue_look *look, time_t now);
const char *words_state_name(enum queue_state state);	/* for programs: "waiting" */

/* For people: "next try in 5 min, perhaps sent already". */
const char *words_state_text(const struct queue_look *look, time_t now, char words[WORDS_SIZE]);

/*
 * The name of whoever handed it in: as he logged in, or as the user database has it;
 * NULL: nobody knows one. The caller frees.
 */
char *words_user(const struct entry *e);

/*
 * Whether that was somebody else than the user of this process: then it is worth a word.
 */
bool words_is_of_another(const struct queue_look *look);

/* Added without control characters; NULL is nothing. */
void words_add(struct buf *b, const char *text);

#endif
