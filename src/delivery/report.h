/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who is told what became of a message in the queue, and who is not. A report is a
 * message of its own in the same spool.
 */
#ifndef DELIVERY_REPORT_H
#define DELIVERY_REPORT_H

#include <time.h>

#include "config/account.h"
#include "mail/aliases.h"
#include "mail/report.h"
#include "spool/spool.h"

struct reporter {
	const struct spool *spool;
	const struct account *account;	/* for the report: the item's, if it is there */
	const char *config;		/* file of -C that has it, "": the usual ones */
	const struct delivery_settings *settings;
	struct aliases *aliases;	/* for an origin without a domain */
	time_t now;
	bool is_damaged;	/* the message itself: nothing of it goes with the report */
};

/*
 * Whether the message waits for so long that its sender should hear of it (warn_after).
 */
bool report_is_due(const struct reporter *r, const struct entry *e);

/*
 * Queues a report about the recipients of the item that were given up and not reported
 * yet (REPORT_FAILED) or that wait (REPORT_DELAYED). True: it is on the disk, or nobody
 * is to be told: *is_told says which, and the log why. The caller then marks them in the
 * item (is_reported, is_untold, is_warned). It goes to report_to, or to the origin of the
 * envelope (to its sender where that is not known), or, where that leads nowhere, to the
 * `from` of the account unless its name says that nobody reads it. Nobody is told about a
 * report, about a message from <>, about an automatic reply (Auto-Submitted), against
 * NOTIFY, or beyond reports_per_hour.
 */
bool report_queue(const struct reporter *r, const struct item *item,
		  enum report_kind kind, bool *is_told, struct error *err);

#endif
