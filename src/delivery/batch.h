/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which messages of the spool are to be worked on next: so many, the oldest due first, in
 * the memory of so many however long the queue is. A round goes through the queue batch
 * by batch and meets each message once at most.
 */
#ifndef DELIVERY_BATCH_H
#define DELIVERY_BATCH_H

#include "config/account.h"
#include "spool/spool.h"

enum {
	BATCH_MAX = 512,	/* messages */
	ACCOUNTS_MAX = 256,	/* that a census names at once */
	BLOCKED_MAX = 64,	/* accounts that have to wait */
};

struct batch_row {
	char id[ID_SIZE];
	struct entry_start start;
	time_t key;		/* order: this, then the id */
	bool is_done;
};

struct round {
	const struct spool *spool;
	bool is_flush;		/* also what is not due yet */
	bool is_asked_for;	/* by somebody: pauses of accounts end for one try */
	time_t now;
	time_t expire, warn_after;	/* seconds of age; 0: never; the least of all messages' */
	struct { uint64_t account; time_t until; } blocked[BLOCKED_MAX];
	size_t blocked_count;
	struct batch_row rows[BATCH_MAX];
	size_t count;
	bool has_only;		/* nothing but the mail of `only`, an entry_start_key(), is there */
	uint64_t only;
	unsigned lane, lanes;	/* of so many parts this one is there; lanes 0: all of it */
	bool is_census;		/* no rows: the accounts that have something to do */
	uint64_t accounts[ACCOUNTS_MAX];
	size_t account_rows[ACCOUNTS_MAX];	/* and how much */
	size_t account_count;
	bool is_begun;		/* the cursor stands: what is not behind it was met */
	time_t at_key;
	char at_id[ID_SIZE];
	size_t waiting;		/* messages that are not held, as of the last batch */
	time_t wake;		/* when the first of those that were left will be due; 0: none */
};

/* In which of so many parts a message is, always. */
unsigned round_lane(const char *id, unsigned lanes);

/* It is one of those that a census names. */
void round_note_account(struct round *r, uint64_t account);

void round_begin(struct round *r, const struct spool *spool, time_t now);

/* Fills the rows with the next messages; none: the round is over. ERROR_IO. */
bool round_next(struct round *r, struct error *err);

/*
 * A message has limits of its own, by its configuration: the least of all those counts.
 */
void round_know_limits(struct round *r, const struct delivery_settings *settings);

/* All mail of the account waits until then, but what is too old is still met. */
void round_block(struct round *r, uint64_t account, time_t until);
bool round_is_blocked(const struct round *r, uint64_t account);

/* There is something to do then, or before. */
void round_wake_at(struct round *r, time_t when);

/* Further ahead than any schedule goes: the clock was put back since. So it is due. */
bool round_is_ahead(const struct round *r, const struct entry_start *start);
bool round_is_due(const struct round *r, const struct entry_start *start);

#endif
