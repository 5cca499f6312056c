/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes known about a message goes to the disk at once. Where the disk does not
 * take it, it is kept in memory for as long as this process lives: the spool says then
 * that everybody is to be tried, and whoever believed it would send twice. A report is
 * queued before its message ends, as nothing else knows of it any more then.
 */
#include "delivery/job.h"

#include <string.h>

#include "base/log.h"

enum {
	FULL_PAUSE = 60,		/* seconds until a disk that is full is looked at again */
	UNREAD_PAUSE = 60,
	UNREAD_LOGGED = 20,		/* in a round: a disk that is gone is one problem */
	UNWRITTEN_LOGGED = 20,		/* in a round, as it is one problem */
	REPORT_PAUSE = 60,		/* seconds until one is tried again that the spool refused */
	REPORT_PATIENCE = 24 * 3600,	/* over the age of a message that is given up */
};

void job_spool_failed(struct job *j, const struct error *err)
{
	if (j->w->unwritten++ < UNWRITTEN_LOGGED)
		log_problem_of(j->item.entry.id, "%s", err->text);
	if (!error_is_no_room(err))
		j->w->spool_fails = true;
	else
		round_wake_at(j->round, j->round->now + FULL_PAUSE);
}

void job_leave(struct job *j, time_t until)
{
	if (until)
		round_block(j->round, j->start.account, until);
	j->w->counts.left++;
}

/* What kept those who wait from it until now is past. */
static void forget_reasons(struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict != VERDICT_REFUSED)
			envelope_judge(e, &e->recipients[i], e->recipients[i].verdict, NULL);
}

/* One that cannot be read, for now or at all, must not stop the others. */
void job_cannot_read(struct worker *w, struct round *r, const char *id,
		     const struct error *err)
{
	if (w->unread++ < UNREAD_LOGGED)
		log_problem_of(id, "left where it is: %s", err->text);
	w->counts.left++;
	round_wake_at(r, r->now + UNREAD_PAUSE);
}

bool job_is_expired(const struct job *j)
{
	long days = j->settings->expire;

	return days && j->item.entry.arrived < j->round->now - days * SECONDS_OF_DAY;
}

bool job_wants_warning(const struct job *j)
{
	long hours = j->settings->warn_after;

	return hours && !j->item.entry.is_warned &&
	       j->item.entry.arrived < j->round->now - hours * SECONDS_OF_HOUR;
}

/* Whether somebody may have it of whom the disk does not say so. */
static bool may_be_somewhere(const struct item *item)
{
	const struct envelope *e = &item->entry.envelope;

	return envelope_count(e, VERDICT_ACCEPTED) > item->known ||
	       envelope_count(e, VERDICT_UNKNOWN) > 0;
}

/* Where the disk does not learn who has the message, the mark stays: it is in doubt. */
bool job_update(struct job *j)
{
	struct error err;
	bool ok = spool_update(&j->w->queue->spool, &j->item, &err);

	if (ok || !may_be_somewhere(&j->item))
		spool_end_try(&j->w->queue->spool, &j->item);
	if (!ok)
		job_spool_failed(j, &err);
	return ok;
}

void job_wait_for_config(struct job *j, const struct error *err)
{
	struct entry *e = &j->item.entry;

	round_wake_at(j->round, j->round->now + JOB_CONFIG_PAUSE);
	if (!e->why || strcmp(e->why->text, err->text) != 0) {
		log_problem_of(e->id, "waits: %s", err->text);
		entry_keep_reason(e, err);
		forget_reasons(&e->envelope);
		(void)job_update(j);
	}
}

/* The last word on it for now: ours until the disk takes it. */
void job_settle_disk(struct job *j)
{
	if (!job_update(j))
		owed_keep(&j->w->owed, &j->item.entry);
}

static void remove_sent(struct job *j)
{
	struct error err;

	if (spool_remove(&j->w->queue->spool, &j->item, &err)) {
		spool_end_try(&j->w->queue->spool, &j->item);
		return;
	}
	error_context(&err, "sent, but still in the queue");
	job_spool_failed(j, &err);
	owed_keep(&j->w->owed, &j->item.entry);
}

/* --- reports and the end of a message */

static bool is_too_late(const struct job *j)
{
	return j->settings->expire &&
	       j->item.entry.arrived < j->round->now - REPORT_PATIENCE -
				       j->settings->expire * SECONDS_OF_DAY;
}

/* The configuration that has the account, which may be a substitute. The caller frees. */
static char *config_of_account(const struct job *j)
{
	const struct worker *w = j->w;
	const char *own = *j->item.entry.config ? j->item.entry.config : w->config_file;

	return !w->config_path || !strcmp(w->config_path, own ? own : "") ?
	       text_copy(j->item.entry.config) : queue_config_path(w->config_path);
}

/* False: it has to be tried again, for the spool did not take it. */
static bool report(struct job *j, enum report_kind kind)
{
	struct entry *e = &j->item.entry;
	OWNED_TEXT config = config_of_account(j);
	struct reporter reporter = {
		.spool = &j->w->queue->spool,
		.account = j->account,
		.config = config,
		.settings = j->settings,
		.aliases = &j->w->aliases,
		.now = j->round->now,
		.is_damaged = j->is_damaged,
	};
	struct error err;
	bool is_told = false;

	if (!report_queue(&reporter, &j->item, kind, &is_told, &err)) {
		error_context(&err, "no report");
		if (error_is_no_room(&err))
			job_spool_failed(j, &err);
		else
			log_problem_of(e->id, "%s", err.text);
		return err.kind == ERROR_DATA || is_too_late(j);
	}
	if (kind == REPORT_DELAYED)
		return true;
	for (size_t i = 0; i < e->envelope.count; i++)
		if (report_is_about(kind, &e->envelope.recipients[i])) {
			e->envelope.recipients[i].is_untold = !is_told;
			e->envelope.recipients[i].is_reported = true;
		}
	return true;
}

static bool has_failures(const struct entry *e)
{
	return envelope_count(&e->envelope, VERDICT_REFUSED) > 0;
}

static bool has_news(const struct entry *e)
{
	for (size_t i = 0; i < e->envelope.count; i++)
		if (report_is_about(REPORT_FAILED, &e->envelope.recipients[i]))
			return true;
	return false;
}

bool job_report_failures(struct job *j)
{
	return !has_news(&j->item.entry) || report(j, REPORT_FAILED);
}

/* Every recipient has a last verdict: the message leaves the queue. */
static void finish(struct job *j)
{
	struct error err;

	if (!has_failures(&j->item.entry)) {
		j->w->counts.sent++;
		remove_sent(j);
		return;
	}
	j->w->counts.failed++;
	if (!spool_fail(&j->w->queue->spool, &j->item, &err)) {
		job_spool_failed(j, &err);
		owed_keep(&j->w->owed, &j->item.entry);
		return;
	}
	log_problem_of(j->item.entry.id, "given up: kept in %s/failed",
		       j->w->queue->spool.path);
	spool_end_try(&j->w->queue->spool, &j->item);
}

/* What we know and the disk does not; what follows from it is for the next round. */
void job_pay(struct job *j)
{
	size_t unwritten = j->w->unwritten;

	if (envelope_waiting(&j->item.entry.envelope) == 0 && !has_failures(&j->item.entry))
		remove_sent(j);
	else
		job_settle_disk(j);
	if (j->w->unwritten == unwritten)
		round_wake_at(j->round, j->round->now + 1);
}

/* What is left of a message whose last recipient has a verdict. */
void job_conclude(struct job *j)
{
	if (job_report_failures(j)) {
		finish(j);
		return;
	}
	/* It stays until somebody can be told. */
	round_wake_at(j->round, j->round->now + REPORT_PAUSE);
	job_settle_disk(j);
}

static bool may_have_it(const struct entry *e, const struct recipient *r)
{
	return r->verdict == VERDICT_UNKNOWN || (e->is_in_doubt && e->is_held_by_us);
}

void job_give_up(struct job *j)
{
	struct envelope *e = &j->item.entry.envelope;
	long days = j->settings->expire;

	for (size_t i = 0; i < e->count; i++) {
		struct recipient *r = &e->recipients[i];
		struct error why;

		if (!recipient_waits(r))
			continue;
		if (r->why || j->item.entry.why)
			why = r->why ? *r->why : *j->item.entry.why;
		else
			error_set(&why, ERROR_LATER, "it could not be tried");
		if (may_have_it(&j->item.entry, r))
			error_context(&why, "it may have been sent already");
		error_context(&why, "given up after %ld days", days);
		envelope_judge(e, r, VERDICT_REFUSED, &why);
	}
	job_conclude(j);
}

void job_warn(struct job *j)
{
	if (!report(j, REPORT_DELAYED))
		return;
	j->item.entry.is_warned = true;
	(void)job_update(j);
}

/* What the daemon may have already is not given to it again unasked. */
void job_choose_settings(struct job *j)
{
	const struct delivery_settings *settings = &j->w->config.delivery;

	j->settings = settings;
	if (!j->account->daemon)
		return;
	j->daemons = *settings;
	j->daemons.on_lost_reply = LOST_HOLD;
	j->settings = &j->daemons;
}
