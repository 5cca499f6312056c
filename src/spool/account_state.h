/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The file accounts/NAME of the spool, which holds the pace of an account for all
 * processes of this machine; acsmtp-spool(5) describes it. It is never fsynced and may be
 * lost at any time: what cannot be read counts as nothing known, and never stops mail.
 * Its name is what the server knows of us: whatever an account is called here, and in
 * whichever configuration it stands, it has this quota.
 */
#ifndef SPOOL_ACCOUNT_STATE_H
#define SPOOL_ACCOUNT_STATE_H

#include "base/buf.h"
#include "spool/pace.h"
#include "spool/spool.h"
#include "spool/state_name.h"

enum {
	STATE_TEXT_MAX = 4096,
	STATE_PATIENCE = 5000,	/* ms that the lock is waited for */
};

struct account_state {
	struct pace pace;	/* as read, or of an account of which nothing is known */
	int fd;			/* locked; -1: it cannot be written */
};
#define ACCOUNT_STATE_NONE	{ .fd = -1 }

/*
 * Opens, locks and reads; makes the file if `make`. False: there is none, or it cannot be
 * had (logged when that is no matter of course): the pace is a fresh one all the same.
 */
bool account_state_open(const struct spool *s, const struct state_place *place, bool make,
			struct account_state *state);

/* Writes the pace; logged when that fails. */
void account_state_save(const struct account_state *state, const struct state_place *place);

void account_state_close(struct account_state *state);
#define OWNED_ACCOUNT_STATE \
	__attribute__((cleanup(account_state_close))) struct account_state

/* The text of such a file; and back, false: damaged, cut short, of another version. */
void account_state_write(const struct pace *p, struct buf *text);
bool account_state_read(struct pace *p, const char *text, size_t len);

/*
 * Removes files that were made by accounts' names and that nobody has taken over since.
 */
void account_state_sweep(const struct spool *s, time_t now);

#endif
