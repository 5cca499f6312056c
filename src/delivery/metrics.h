/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What there is to be watched of a queue and its accounts, and the file that it stands in
 * for node_exporter (`metrics_file`). `acsmtp daemon status` shows the same, by the same
 * names.
 */
#ifndef DELIVERY_METRICS_H
#define DELIVERY_METRICS_H

#include "delivery/queue.h"

enum { METRICS_ACCOUNTS_MAX = 200, METRICS_WORDS_MAX = 300, METRICS_TEXT_MAX = 256 * 1024 };

struct metrics_account {
	char name[128], why[METRICS_WORDS_MAX];
	int64_t left_minute, left_hour;	/* -1: there is no limit, and so nothing to tell */
	int64_t paused_until;
};

struct metrics {
	int64_t waiting, due, held, failed, oldest, last_success;
	int64_t clients;	/* of the daemon; -1: it is not asked */
	struct metrics_account accounts[METRICS_ACCOUNTS_MAX];
	size_t count;
};

/* The numbers of a struct metrics, and of a struct metrics_account; NULL: no more. */
struct metric {
	const char *name;	/* "acsmtp_" goes before it */
	size_t place;
	const char *help;
};
const struct metric *metrics_row(size_t i);
const struct metric *metrics_account_row(size_t i);

static inline int64_t metric_value(const struct metric *metric, const void *facts)
{
	return *(const int64_t *)((const char *)facts + metric->place);
}

/*
 * Looks at the whole queue, into a zeroed struct; `clients` is the caller's to fill.
 * False: it cannot be listed, ERROR_IO; what else is known is there.
 */
bool metrics_collect(const struct spool *spool, const struct config *config, time_t now,
		     struct metrics *m, struct error *err);

/* In Prometheus' text format. What is -1 is left out. */
void metrics_print(const struct metrics *m, struct buf *out);

/*
 * Writes the settings' metrics_file, if they have one: renamed into place, for everybody
 * to read. `config`: of -C, or NULL. What fails is logged, once a day.
 */
void metrics_update(const struct queue *q, const char *config);

#endif
