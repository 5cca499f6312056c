/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What cannot be read as it was written is not sent: half of a message might go out, or
 * go to others. Its sender is told, as far as the entry still names anybody, and then
 * it is set aside for a person to look at, never removed. Until the report is in the
 * queue it stays where it is.
 */
#include "delivery/damaged.h"

#include "base/log.h"

enum { DAMAGED_PAUSE = 60 };	/* seconds until it is told of again */

/* Those who have it have it. */
static void judge_rest(struct envelope *e, const struct error *why)
{
	struct error reason = *why;

	reason.kind = ERROR_IO;	/* for advice: nothing is wrong with what was sent */
	reason.reply = 0;
	error_context(&reason, "damaged on this machine, and not sent");
	for (size_t i = 0; i < e->count; i++) {
		struct recipient *r = &e->recipients[i];

		if (recipient_waits(r))
			envelope_judge(e, r, VERDICT_REFUSED, &reason);
	}
}

static void fill_gaps(struct job *j)
{
	struct entry *e = &j->item.entry;

	e->account = e->account ? e->account : text_copy("");
	e->config = e->config ? e->config : text_copy("");
	e->arrived = e->arrived ? e->arrived : j->round->now;
}

static bool find_account(struct job *j)
{
	struct error unheard;

	/* Any account can carry a report. */
	if (!j->account && !worker_find_account(j->w, &j->item.entry, &j->account, &unheard))
		j->account = worker_substitute(j->w);
	return j->account != NULL;
}

void job_damaged(struct job *j, const struct error *why)
{
	struct entry *e = &j->item.entry;
	bool can_be_told;

	fill_gaps(j);
	can_be_told = e->envelope.sender && e->envelope.count > 0 && find_account(j);
	if (can_be_told) {
		judge_rest(&e->envelope, why);
		j->is_damaged = true;
	} else {
		log_problem_of(e->id, "damaged, and nobody can be told");
	}
	if (!can_be_told || job_report_failures(j)) {
		(void)spool_set_aside(&j->w->queue->spool, &j->item, why->text);
		return;
	}
	j->w->counts.left++;
	round_wake_at(j->round, j->round->now + DAMAGED_PAUSE);
}
