/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands that change the queue share: their messages, locks and words. */
#ifndef QUEUE_CHANGE_H
#define QUEUE_CHANGE_H

#include "config/account.h"
#include "talk/command.h"
#include "spool/spool.h"

struct change {
	const char *done;	/* "held": for people */
	const char *result;	/* for programs, and the log */
	/* *why: what stands against it, nothing was changed. ERROR_CREATE, ERROR_IO;
	   ERROR_DATA: the message is damaged. */
	bool (*apply)(const struct change *change, const struct spool *s, struct item *item,
		      const char **why, struct error *err);
	bool wakes;		/* there may be something to send now */
	bool resumes;		/* a pause of its account ends */
	bool takes_all;		/* `apply` needs no entry: what is damaged too */
	bool moves;		/* --account says where to; filled by queue_change(): */
	const struct account *account;
	const char *config;	/* the file that it stands in, of --config, or NULL */
};

/*
 * Changes the messages that the call means, each under its lock, and says so. Those that
 * somebody else holds are asked for again for a moment, and named if that was in vain.
 * Returns the exit status.
 */
int queue_change(struct command_call *call, const struct change *kind);

#endif
