/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One message that a worker works on, and what is done about it once its recipients have
 * their verdicts: on the disk, in reports, and at its end.
 */
#ifndef DELIVERY_JOB_H
#define DELIVERY_JOB_H

#include "delivery/report.h"
#include "delivery/worker.h"

struct job {
	struct worker *w;
	struct round *round;
	const struct account *account;
	const struct delivery_settings *settings;	/* of the message's own configuration */
	struct delivery_settings daemons;	/* the same, where it is for the daemon */
	struct item item;
	struct entry_start start;	/* of its entry, as it was taken */
	bool is_damaged;		/* what is left of the message cannot be shown to anybody */
};

/*
 * The spool could not be written: logged, and the worker goes on with nothing more; or,
 * where it is full, with what may leave it.
 */
void job_spool_failed(struct job *j, const struct error *err);

/*
 * It waits for longer than its configuration says, or for so long that its sender should
 * know.
 */
bool job_is_expired(const struct job *j);
bool job_wants_warning(const struct job *j);

/* Those of the configuration that its account is of. */
void job_choose_settings(struct job *j);

/*
 * Tries it: by its account, or where that cannot now by those that take its mail. What
 * becomes of it is on the disk afterwards; the account has to wait in the round where all
 * of them have to.
 */
void job_try(struct job *j);

/*
 * It stays as it is; all mail of its account waits until then in this round, 0: this
 * alone.
 */
void job_leave(struct job *j, time_t until);

/*
 * One that cannot be read, for now or at all, stays and is looked at again later; logged.
 */
void job_cannot_read(struct worker *w, struct round *r, const char *id,
		     const struct error *err);

/*
 * It waits for whoever mends the configuration, for so many seconds; that is told once.
 */
enum { JOB_CONFIG_PAUSE = 60 };
void job_wait_for_config(struct job *j, const struct error *err);

/* Puts the entry on the disk. */
bool job_update(struct job *j);

/*
 * The same as the last word on it for now: the worker's to remember until the disk takes
 * it.
 */
void job_settle_disk(struct job *j);

/*
 * What the worker knows and the disk does not; what follows from it is for the next
 * round.
 */
void job_pay(struct job *j);

/*
 * Tells the sender of those who were refused, if that was not done yet, and marks them.
 * False: the spool did not take the report, which has to be tried again.
 */
bool job_report_failures(struct job *j);

/* Every recipient has a last verdict: a report if one is due, and the message leaves. */
void job_conclude(struct job *j);

/* It is too old: nobody is tried any more. */
void job_give_up(struct job *j);

/* It is late: the sender is told, once. What cannot be told now is told another time. */
void job_warn(struct job *j);

#endif
