/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Works on one message of the spool after the other: over one connection as long as they
 * go through one account. What becomes of each is on the disk when it is done.
 */
#ifndef DELIVERY_WORKER_H
#define DELIVERY_WORKER_H

#include "base/log.h"
#include "delivery/batch.h"
#include "delivery/connection.h"
#include "delivery/owed.h"
#include "delivery/queue.h"
#include "mail/aliases.h"

struct work_counts {
	size_t sent, deferred, failed, left;	/* messages */
	size_t reached, unreached;	/* attempts that had a server, and that had none */
};

struct worker {
	const struct queue *queue;
	const char *config_file;	/* of our own -C, for messages that say nothing else */
	struct log_place log;		/* of what concerns no account; of NULL: as it is */
	struct trace *trace;		/* NULL: none */
	const struct asker *asker;	/* as in struct run */
	bool (*selects)(const void *selector, const struct entry *e);	/* NULL: all */
	const void *selector;
	struct work_counts counts;
	/*
	 * The configuration of the last message, and the connection of the last account.
	 */
	struct config config;
	char *config_path;		/* NULL: none is loaded */
	time_t loaded;			/* when it was */
	struct aliases aliases;
	struct connection connection;
	char *logged;			/* whose log is open; NULL: none of ours */
	enum log_format logged_format;
	bool is_used;			/* a message went over it already */
	unsigned lost;			/* dialogues in a row */
	uint64_t nudged;		/* the account whose pause may have been ended in this round */
	struct owed owed;
	bool remembers;			/* it stays, and with it what the disk did not take */
	bool spool_fails;		/* it could not be written: no use to go on now */
	size_t unwritten;		/* what could not be written, in this round */
	size_t unread;			/* messages that could not be read, in this round */
};

void worker_init(struct worker *w, const struct queue *queue);
void worker_free(struct worker *w);

/* Opens worker.log, after the log of an account perhaps. */
void worker_open_log(struct worker *w);

/* Reads the configuration anew with the next message. */
void worker_forget_config(struct worker *w);

/*
 * The account that a message goes through, of the configuration that it names, and opens
 * its log. Where one of its name is gone, it is the one that took its place. ERROR_CONFIG
 * and what config_load() says.
 */
bool worker_find_account(struct worker *w, const struct entry *e,
			 const struct account **account, struct error *err);

/*
 * Where that is gone: the one that reports can go through, of the same configuration, or
 * if that is gone too of ours or the usual one (config_path says which); or NULL.
 */
const struct account *worker_substitute(struct worker *w);

/* Closes the connection. */
void worker_hang_up(struct worker *w);

/* One message of the round; blocks its account in the round where that has to wait. */
void worker_do(struct worker *w, struct round *r, const struct batch_row *row);

#endif
