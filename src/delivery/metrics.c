/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whoever works on the queue writes the file: a direct send that goes well has no part in
 * it. It is no mail's matter, so whatever fails here stops nothing; and it is not synced,
 * as the next one comes soon.
 */
#include "delivery/metrics.h"

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/daily.h"
#include "base/file.h"
#include "base/log.h"
#include "base/path.h"
#include "base/text.h"
#include "delivery/throttle.h"
#include "spool/entry.h"

#define NUMBER(field)	offsetof(struct metrics, field)
static const struct metric rows[] = {
	{ "waiting", NUMBER(waiting), "Messages that wait in the queue." },
	{ "due", NUMBER(due), "Messages that could be tried now." },
	{ "held", NUMBER(held), "Messages that somebody holds." },
	{ "failed", NUMBER(failed), "Messages that failed and are kept." },
	{ "oldest", NUMBER(oldest), "When the oldest message that waits came, in seconds since 1970; 0 none." },
	{ "last_success", NUMBER(last_success), "When a message was accepted last; 0 never." },
	{ "clients", NUMBER(clients), "Clients that are connected." },
};

#define ACCOUNT(field)	offsetof(struct metrics_account, field)
static const struct metric account_rows[] = {
	{ "left_minute", ACCOUNT(left_minute), "Messages of the account that may begin in this minute." },
	{ "left_hour", ACCOUNT(left_hour), "The same of this hour." },
	{ "paused_until", ACCOUNT(paused_until),
	  "Until when the account waits, in seconds since 1970; 0 it does not." },
};

const struct metric *metrics_row(size_t i)
{
	return i < COUNT_OF(rows) ? &rows[i] : NULL;
}

const struct metric *metrics_account_row(size_t i)
{
	return i < COUNT_OF(account_rows) ? &account_rows[i] : NULL;
}

/* --- found out */

struct counting {
	struct metrics *m;
	time_t now;
	uint64_t file;		/* of -C, as entries name it; 0: none */
	/* Accounts that pause, and no other takes their mail. */
	uint64_t waiting[METRICS_ACCOUNTS_MAX];
	size_t waiting_count;
};

/* Mail of another file of settings is about that one's accounts. */
static bool waits_for_account(const struct counting *c, const struct entry_start *start)
{
	for (size_t i = 0; start->file == c->file && i < c->waiting_count; i++)
		if (c->waiting[i] == start->account)
			return true;
	return false;
}

static bool count_waiting(void *seer, const char *id, const struct entry_start *start)
{
	struct counting *c = seer;

	(void)id;
	if (start->is_held) {
		c->m->held++;
		return true;
	}
	c->m->waiting++;
	c->m->due += start->next <= c->now && !waits_for_account(c, start);
	if (!c->m->oldest || start->arrived < c->m->oldest)
		c->m->oldest = start->arrived;
	return true;
}

static bool count_failed(void *seer, const char *id, const struct entry_start *start)
{
	(void)id;
	(void)start;
	((struct counting *)seer)->m->failed++;
	return true;
}

static long left(long limit, long share, long used)
{
	long most = share > 0 && share < limit ? share : limit;

	return limit == 0 ? -1 : most > used ? most - used : 0;
}

static void look_at_account(const struct spool *spool, const struct account *account, time_t now,
			    struct metrics *m)
{
	struct metrics_account *a = &m->accounts[m->count++];
	struct throttle_view view;

	throttle_look(spool, account, now, &view);
	snprintf(a->name, sizeof(a->name), "%s", account->name);
	a->left_minute = left(account->rate_per_minute, view.share_minute, view.used_minute);
	a->left_hour = left(account->rate_per_hour, view.share_hour, view.used_hour);
	a->paused_until = view.paused_until > now ? view.paused_until : 0;
	snprintf(a->why, sizeof(a->why), "%s", a->paused_until ? view.why : "");
	text_make_printable(a->why);
	if (view.last_success > m->last_success)
		m->last_success = view.last_success;
}

bool metrics_collect(const struct spool *spool, const struct config *config, time_t now,
		     struct metrics *m, struct error *err)
{
	struct counting c = { .m = m, .now = now,
			      .file = config->is_usual ? 0 : entry_sum_of(config->files) };
	const struct account *others[FAILOVER_MAX];
	struct error unheard;

	for (size_t i = 0; i < config->count && m->count < METRICS_ACCOUNTS_MAX; i++) {
		const struct account *account = &config->accounts[i];

		look_at_account(spool, account, now, m);
		if (m->accounts[i].paused_until && config_failover(config, account, others) == 0)
			c.waiting[c.waiting_count++] = entry_sum_of(account->name);
	}
	(void)spool_scan(spool, SPOOL_FAILED, count_failed, &c, &unheard);
	return spool_scan(spool, SPOOL_QUEUE, count_waiting, &c, err);
}

/* --- written */

static void print_kind(const struct metric *row, struct buf *out)
{
	buf_addf(out, "# HELP acsmtp_%s %s\n# TYPE acsmtp_%s gauge\n", row->name, row->help,
		 row->name);
}

/* Names of accounts have no quotes and no backslashes (config/lint.c). */
static void print_accounts(const struct metrics *m, const struct metric *row, struct buf *out)
{
	print_kind(row, out);
	for (size_t i = 0; i < m->count; i++)
		if (metric_value(row, &m->accounts[i]) >= 0)
			buf_addf(out, "acsmtp_%s{account=\"%s\"} %" PRId64 "\n", row->name,
				 m->accounts[i].name, metric_value(row, &m->accounts[i]));
}

void metrics_print(const struct metrics *m, struct buf *out)
{
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		if (metric_value(&rows[i], m) < 0)
			continue;
		print_kind(&rows[i], out);
		buf_addf(out, "acsmtp_%s %" PRId64 "\n", rows[i].name, metric_value(&rows[i], m));
	}
	for (size_t i = 0; i < COUNT_OF(account_rows); i++)
		print_accounts(m, &account_rows[i], out);
}

/* The file may be read by all, and is whole at any time. */
static bool put_file(const char *path, const struct buf *text, struct error *err)
{
	const char *name = path_name(path);
	OWNED_TEXT directory = path_directory(path);
	OWNED_FD dir = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	OWNED_FD fd = -1;
	char temp[NAME_MAX + 1];

	if (dir < 0)
		return error_errno(err, ERROR_CREATE, "%s", directory);
	if (snprintf(temp, sizeof(temp), ".%s.%ld", name, (long)getpid()) >= (int)sizeof(temp))
		return error_set(err, ERROR_CREATE, "its name is too long");
	fd = file_create_anew(dir, temp);
	if (fd >= 0 && fchmod(fd, 0644) == 0 && write_all(fd, text->text, text->len) &&
	    renameat(dir, temp, dir, name) == 0)
		return true;
	error_reason(err, ERROR_IO);
	unlinkat(dir, temp, 0);
	return false;
}

void metrics_update(const struct queue *q, const char *file)
{
	const char *path = q->settings->metrics_file;
	OWNED_CONFIG config = { 0 };
	OWNED_BUF text = BUF_INIT(METRICS_TEXT_MAX);
	struct metrics *m;
	struct error err;

	if (!path || !*path || !q->is_on)
		return;
	m = xcalloc(1, sizeof(*m));
	m->clients = -1;
	/*
	 * Where the accounts cannot be read the queue is worth being watched all the
	 * same.
	 */
	(void)config_load_any(&config, file, &err);
	if (metrics_collect(&q->spool, &config, time(NULL), m, &err))
		metrics_print(m, &text);
	free(m);
	if (text.len > 0 && put_file(path, &text, &err))
		return;
	error_context(&err, "metrics_file %s", path);
	if (daily_say(err.text) == DAILY_FIRST)
		log_problem("%s", err.text);
}
