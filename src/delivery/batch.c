/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each batch is a scan of the whole spool that keeps the earliest rows, by time and id,
 * behind where the last batch ended. So a queue of any length needs the memory of one
 * batch, and mail that comes or goes meanwhile does no harm. What is passed over leaves
 * behind when it is due: then the runner looks again.
 */
#include "delivery/batch.h"

#include <stdlib.h>
#include <string.h>

#include "base/sum.h"
#include "delivery/retry.h"

unsigned round_lane(const char *id, unsigned lanes)
{
	return (unsigned)(sum_add(SUM_INIT, id, strlen(id)) >> 32) % lanes;
}

void round_begin(struct round *r, const struct spool *spool, time_t now)
{
	r->spool = spool;
	r->now = now;
	r->blocked_count = r->count = r->waiting = 0;
	r->is_begun = false;
	r->wake = 0;
}

bool round_is_blocked(const struct round *r, uint64_t account)
{
	for (size_t i = 0; i < r->blocked_count; i++)
		if (r->blocked[i].account == account)
			return true;
	return false;
}

static void lower(time_t *limit, time_t other)
{
	if (other && (!*limit || other < *limit))
		*limit = other;
}

void round_know_limits(struct round *r, const struct delivery_settings *settings)
{
	lower(&r->expire, settings->expire * SECONDS_OF_DAY);
	lower(&r->warn_after, settings->warn_after * SECONDS_OF_HOUR);
}

void round_wake_at(struct round *r, time_t when)
{
	if (!r->wake || when < r->wake)
		r->wake = when;
}

void round_block(struct round *r, uint64_t account, time_t until)
{
	round_wake_at(r, until);
	if (r->blocked_count == BLOCKED_MAX || round_is_blocked(r, account))
		return;
	r->blocked[r->blocked_count].account = account;
	r->blocked[r->blocked_count++].until = until;
}

bool round_is_ahead(const struct round *r, const struct entry_start *start)
{
	/*
	 * No pause is so long: the clock was put back since, and it would wait for
	 * years.
	 */
	return start->next > r->now + RETRY_DELAY_MAX;
}

bool round_is_due(const struct round *r, const struct entry_start *start)
{
	return start->next <= r->now || round_is_ahead(r, start);
}

static bool is_expired(const struct round *r, const struct entry_start *start)
{
	return r->expire && start->arrived < r->now - r->expire;
}

static bool wants_warning(const struct round *r, const struct entry_start *start)
{
	return r->warn_after && !start->is_warned && start->arrived < r->now - r->warn_after;
}

static bool is_eligible(const struct round *r, const struct entry_start *start)
{
	/*
	 * What cannot be sent grows old all the same, and has to be given up, or told
	 * of.
	 */
	if (start->is_held || round_is_blocked(r, start->account))
		return is_expired(r, start) || wants_warning(r, start);
	return r->is_flush || round_is_due(r, start) || wants_warning(r, start);
}

static int compare(time_t a_key, const char *a_id, time_t b_key, const char *b_id)
{
	if (a_key != b_key)
		return a_key < b_key ? -1 : 1;
	return strcmp(a_id, b_id);
}

static int compare_rows(const void *a, const void *b)
{
	const struct batch_row *one = a, *other = b;

	return compare(one->key, one->id, other->key, other->id);
}

/*
 * The rows are a heap with the last of them on top, which makes room for an earlier one.
 */
static void sift_down(struct round *r)
{
	size_t at = 0, child;

	for (; (child = 2 * at + 1) < r->count; at = child) {
		struct batch_row row = r->rows[at];

		if (child + 1 < r->count &&
		    compare_rows(&r->rows[child], &r->rows[child + 1]) < 0)
			child++;
		if (compare_rows(&r->rows[at], &r->rows[child]) >= 0)
			return;
		r->rows[at] = r->rows[child];
		r->rows[child] = row;
	}
}

static void sift_up(struct round *r)
{
	size_t at = r->count - 1;

	while (at > 0 && compare_rows(&r->rows[(at - 1) / 2], &r->rows[at]) < 0) {
		struct batch_row row = r->rows[at];

		r->rows[at] = r->rows[(at - 1) / 2];
		at = (at - 1) / 2;
		r->rows[at] = row;
	}
}

void round_note_account(struct round *r, uint64_t account)
{
	for (size_t i = 0; i < r->account_count; i++)
		if (r->accounts[i] == account) {
			r->account_rows[i]++;
			return;
		}
	if (r->account_count == ACCOUNTS_MAX)
		return;
	r->account_rows[r->account_count] = 1;
	r->accounts[r->account_count++] = account;
}

static void offer(struct round *r, const struct batch_row *row)
{
	if (r->is_census) {
		round_note_account(r, entry_start_key(&row->start));
		return;
	}
	if (r->count < BATCH_MAX) {
		r->rows[r->count++] = *row;
		sift_up(r);
	} else if (compare_rows(row, &r->rows[0]) < 0) {
		r->rows[0] = *row;
		sift_down(r);
	}
}

static bool see(void *seer, const char *id, const struct entry_start *start)
{
	struct round *r = seer;
	struct batch_row row = { .start = *start };

	/* What a person holds waits for that person, however old it gets. */
	if ((start->is_held && !start->is_held_by_us) || start->is_foreign ||
	    (r->has_only && entry_start_key(start) != r->only) ||
	    (r->lanes > 1 && round_lane(id, r->lanes) != r->lane))
		return true;
	r->waiting++;
	row.key = r->is_flush ? start->arrived : start->next;
	memcpy(row.id, id, ID_SIZE);
	if (!is_eligible(r, start)) {
		if (!start->is_held && !round_is_blocked(r, start->account))
			round_wake_at(r, start->next);
		return true;
	}
	if (!r->is_begun || compare(r->at_key, r->at_id, row.key, row.id) < 0)
		offer(r, &row);
	return true;
}

bool round_next(struct round *r, struct error *err)
{
	r->count = r->waiting = r->account_count = 0;
	if (!spool_scan(r->spool, SPOOL_QUEUE, see, r, err))
		return false;
	qsort(r->rows, r->count, sizeof(r->rows[0]), compare_rows);
	if (r->count > 0) {
		const struct batch_row *last = &r->rows[r->count - 1];

		r->is_begun = true;
		r->at_key = last->key;
		memcpy(r->at_id, last->id, ID_SIZE);
	}
	return true;
}
