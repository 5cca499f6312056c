/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The queue as this user's settings have it: where it is, what comes in, who runs it. */
#ifndef DELIVERY_QUEUE_H
#define DELIVERY_QUEUE_H

#include "config/account.h"
#include "delivery/prepare.h"
#include "delivery/queue_place.h"
#include "spool/spool.h"

struct queue_operations;

/* To the daemon, who has the queue of all users; delivery/queue_line.h. */
struct queue_line {
	int fd;			/* -1: it is not open now */
	const struct daemon_settings *settings;
	char *path;		/* of the daemon's socket */
	char *name;		/* of all that is asked about, for people */
};

struct queue {
	const struct queue_operations *does;	/* what people ask of it; NULL: they cannot */
	const struct delivery_settings *settings;
	const struct config *config;	/* whose accounts people mean; NULL: of none */
	struct spool spool;
	bool is_on;
	struct error why_off;	/* where it should be on and cannot */
	struct queue_line *line;	/* or NULL: there is nobody else to ask */
	/*
	 * Where messages go instead of the spool, as spool_add(): others send them, and
	 * this process nothing. NULL: into the spool.
	 */
	bool (*add)(void *taker, struct entry *e, const struct message *m, struct error *err);
	void *taker;
};
#define OWNED_QUEUE	__attribute__((cleanup(queue_close))) struct queue
#define QUEUE_CLOSED	{ .spool = SPOOL_CLOSED }

/*
 * Opens the spool if `queue` is not off. False only with `queue = on`, and then the
 * reason is ERROR_CREATE; with `auto` it is off and why_off tells.
 */
bool queue_open(struct queue *q, const struct delivery_settings *settings,
		struct error *err);

/*
 * The same to look at it, whatever `queue` says: where there is no spool none is made,
 * and the queue is off. ERROR_CREATE: it is a link, not this user's alone, or cannot be
 * had.
 */
bool queue_open_existing(struct queue *q, const struct delivery_settings *settings,
			 struct error *err);
void queue_close(struct queue *q);

/* Whether there is one, and the reason if not. */
bool queue_can_be_run(const struct queue *q, struct error *err);

/* Who handed in what the queue has; borrows from the entry. */
struct caller queue_caller(const struct entry *e);

/* How an entry keeps the file of -C (NULL or "": none). The caller frees. */
char *queue_config_path(const char *file);

/*
 * How an entry keeps where its account logs in, whatever it is called. The caller frees.
 */
char *queue_login(const struct account *account);

/* What the spool is told about a message besides message and envelope. */
struct intake_facts {
	const char *id;
	const struct account *account;
	const struct preparation *prepared;
	const char *config;	/* of -C, or NULL */
	const char *by, *by_why;	/* the account that has it in hand instead, or NULL */
	const struct error *why;	/* for which it waits, or NULL */
	bool had_session;	/* an attempt came as far as a transaction */
	time_t account_until;	/* after one: as struct settlement has it */
	time_t not_before;	/* there was no attempt: until when its account waits; 0: it
				   does not */
	bool is_held;		/* it is not tried before somebody releases it */
	bool keeps_refused;	/* those who were refused are ours too, to be reported */
	time_t now;
};

/*
 * Takes a message in for those recipients that still have to be tried, at least one (or
 * with keeps_refused for somebody who was refused); those who have it stay known. Signals
 * wait meanwhile, and the fate is FATE_QUEUED afterwards. The envelope keeps its
 * verdicts. *next says when it will be tried.
 */
bool queue_add(const struct queue *q, const struct intake_facts *facts,
	       struct envelope *e, const struct message *m, time_t *next, struct error *err);

/*
 * The same for all recipients of a message that goes on being sent by us: it is in the
 * spool and held there as `item`, whose entry shares the envelope; queue_let_go() ends
 * that. No word of fate.
 */
bool queue_keep(const struct queue *q, const struct intake_facts *facts, struct envelope *e,
		const struct message *m, struct item *item, struct error *err);
void queue_let_go(struct item *item);

/*
 * What the account has to say of a message of the queue, before it is sent or shown; the
 * entry gets the sender. The errors of prepare(). What an older version has left is as it
 * was.
 */
bool queue_prepare(const struct account *account, struct aliases *aliases, struct entry *e,
		   struct message *m, struct error *err);

/* When it is tried again, as the facts have it. */
void queue_schedule(const struct queue *q, const struct intake_facts *facts,
		    struct entry *e);

/* The moment of that for people: no sooner than its account may. */
time_t queue_next(const struct intake_facts *facts, const struct entry *e);

/*
 * Sees to it that somebody runs the queue: wakes the runner, for the new message `id`,
 * for all that waits, due or not (SPOOL_FLUSH), or (NULL) for whatever may have changed;
 * or starts one in the background if `background` is on. Its descriptors are none of
 * ours. False: nobody does; it is logged, and the message waits for `sendmail -q`, a
 * timer, or the next call.
 */
bool queue_see_to_it(const struct queue *q, const char *config, const char *id,
		     struct error *err);

/*
 * The same for what others have left: one look where nothing waits. `reaches`: a server
 * was reached just now, so a runner that reaches none is not the right one.
 */
bool queue_look_after(const struct queue *q, const char *config, bool reaches,
		      struct error *err);

/* The log line of what a person has done to a message: "removed" and the like. */
void queue_log_change(const struct entry *e, const char *what, uid_t uid);

#endif
