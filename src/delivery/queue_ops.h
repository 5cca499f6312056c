/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What people ask of a queue, and who answers. Commands know the operations alone: what
 * goes in and what comes out are values, which can stand on a wire as well, so that the
 * answers may come from a process that holds the spool for users who cannot read it.
 * Those see and change what is theirs; whoever answers sees to that.
 */
#ifndef DELIVERY_QUEUE_OPS_H
#define DELIVERY_QUEUE_OPS_H

#include "delivery/queue.h"
#include "delivery/runner.h"
#include "delivery/throttle.h"
#include "spool/queue_look.h"

/* Which one it is, for people: where it lies, or who has it. */
static inline const char *queue_name(const struct queue *q)
{
	return q->line ? q->line->name : q->spool.path;
}

/* Mail may lie both here and with the daemon: then of each message it is worth a word. */
static inline bool queue_has_two_places(const struct queue *q)
{
	return q->line && q->spool.dir >= 0;
}

/*
 * Why nobody stays for it here, in English words: the daemon has all of it, and works on it
 * always. NULL: one may.
 */
static inline const char *queue_why_not_stay(const struct queue *q)
{
	return q->line && q->spool.dir < 0 ?
	       "the daemon works on what waits: there is nothing to stay for here" : NULL;
}

/* --- list and look */

struct queue_row {
	time_t arrived;		/* 0: its entry cannot be read */
	time_t next;
	char id[ID_SIZE];
	enum spool_place place;
	bool is_held, is_foreign;
	bool is_afar;		/* the daemon has it */
};

struct queue_rows {
	struct queue_row *items;
	size_t count, room;
	size_t found[SPOOL_DAMAGED + 1];	/* in each place, whatever was picked then */
	struct error trouble;	/* failed/ or damaged/ could not be listed; kind NONE: all is well */
	time_t due_since;	/* when the first was due of those that wait; 0: none does */
	bool has_runner;	/* who can be relied on */
};
void queue_rows_sort(struct queue_rows *rows);	/* the oldest first */
void queue_rows_free(struct queue_rows *rows);
#define OWNED_ROWS	__attribute__((cleanup(queue_rows_free))) struct queue_rows

/*
 * Whether nobody works on mail that waits. With `background` off somebody else comes now
 * and then: who should have come by now if mail has been due for so many seconds; 0: that
 * is for others to know.
 */
bool queue_is_unattended(const struct queue *q, const struct queue_rows *rows, long patience);

/* Takes some of a message's bytes; false: no more are wanted. */
typedef bool queue_taker_fn(void *taker, const char *bytes, size_t len);

enum queue_part {
	PART_HEADER,		/* as it would be sent now, if its account takes it */
	PART_MESSAGE,
	PART_REMAINS,		/* what there is of a damaged one */
};

/* --- change */

enum queue_change_kind { QUEUE_RETRY, QUEUE_HOLD, QUEUE_RELEASE, QUEUE_MOVE, QUEUE_REMOVE };

struct queue_change {
	enum queue_change_kind kind;
	const struct account *account;	/* QUEUE_MOVE: whose they are from now on, */
	const char *config;		/* and the file of --config that it stands in, or NULL */
	uid_t by;			/* for the log */
	bool is_modest;			/* whoever it is may have his account tried, but not say
					   that all is well with it */
};

enum queue_outcome {
	QUEUE_CHANGED,
	QUEUE_UNCHANGED,	/* it is so already, or cannot be: says `why` */
	QUEUE_IN_USE,		/* somebody else holds it */
	QUEUE_GONE,
	QUEUE_DAMAGED,
	QUEUE_FOREIGN,		/* of another version, and left to that */
	QUEUE_FAILED,		/* the system failed */
	QUEUE_NOT_ALLOWED,	/* it is not for who asks to say */
};

struct queue_told {
	const struct entry *entry;	/* its id alone, where there is no more of it */
	enum queue_outcome outcome;
	const struct error *why;	/* unless it was changed */
};

/* Told of each message, in no order. */
struct queue_listener {
	void (*tell)(void *listener, const struct queue_told *told);
	void *listener;
};

/* For the log and for programs: "held". */
const char *queue_change_name(enum queue_change_kind kind);

/* --- who works on it */

enum queue_need {
	QUEUE_LOOK_ANEW,	/* whoever works on it may have nothing to wait for any more */
	QUEUE_SEND_DUE,		/* somebody has to work on it */
	QUEUE_SEND_ALL,		/* the same, whether it is due or not */
};

/* What is left to others when a round is over. */
static inline enum queue_need queue_need_after(const struct run *run)
{
	if (run->is_elsewhere && run->is_flush)
		return QUEUE_SEND_ALL;
	return run->waiting > 0 || run->is_elsewhere ? QUEUE_SEND_DUE : QUEUE_LOOK_ANEW;
}

struct queue_operations {
	/*
	 * Every message, those in failed/ only if `failed`: the oldest first. ERROR_IO.
	 */
	bool (*list)(const struct queue *q, bool failed, struct queue_rows *rows,
		     struct error *err);

	/* One of them as it is now; for queue_look_free(). */
	void (*look)(const struct queue *q, const struct queue_row *row,
		     struct queue_look *look);

	/*
	 * Its bytes. ERROR_DATA: it is damaged; ERROR_IO, and what else keeps it from
	 * being read.
	 */
	bool (*read)(const struct queue *q, const struct queue_look *look, enum queue_part part,
		     queue_taker_fn *take, void *taker, struct error *err);

	/*
	 * Changes each of the messages, under its lock, and durably when the listener is
	 * told so. Those that somebody else holds are asked for again for a moment.
	 * Returns how many were changed.
	 */
	size_t (*change)(const struct queue *q, const struct queue_change *change,
			 const struct queue_rows *rows, const struct queue_listener *listener);

	/*
	 * A round now, as runner_once(). Who answers from elsewhere asks run->selects
	 * with what `look` gives, and says which these are; there it is a round of the
	 * asker's mail alone, and nothing is seen of the dialogues.
	 */
	bool (*run)(const struct queue *q, struct run *run, struct error *err);

	/*
	 * Sees to it that somebody works on it; as queue_see_to_it(). `config`: of -C, or
	 * NULL.
	 */
	bool (*attend)(const struct queue *q, const char *config, enum queue_need need,
		       struct error *err);

	/* Whether it can be worked on, and has room. False: ERROR_CREATE, ERROR_IO. */
	bool (*probe)(const struct queue *q, struct error *err);

	/*
	 * How much of its quota an account uses, and whether it pauses; and ends that
	 * pause.
	 */
	void (*look_at_account)(const struct queue *q, const struct account *account, time_t now,
				struct throttle_view *view);
	void (*resume_account)(const struct queue *q, const struct account *account);
};

/*
 * Of a spool that this process may read itself; and of one that the daemon has, beside
 * it.
 */
extern const struct queue_operations queue_local, queue_afar;

/* A part of it: delivery/queue_change.c. */
size_t queue_change_here(const struct queue *q, const struct queue_change *change,
			 const struct queue_rows *rows, const struct queue_listener *listener);

#endif
