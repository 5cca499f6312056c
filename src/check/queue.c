/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What this machine knows of the account's quota, and what waits in its queue. */
#include "check/step.h"

#include <pwd.h>
#include <time.h>

#include "base/as_user.h"
#include "base/clock.h"
#include "base/language.h"
#include "base/log.h"
#include "base/self.h"
#include "delivery/by_daemon.h"
#include "delivery/failover.h"
#include "delivery/queue_ops.h"
#include "delivery/quota_store.h"

enum { WORDS_MAX = 500, DAY = 24 * 3600, OVERDUE = 3600 };

/* --- quota */

static void add_shares(struct buf *text, const struct throttle_view *view)
{
	if (view->share_minute > 0)
		buf_addf(text, _("%ld of %ld messages this minute"), view->used_minute,
			 view->share_minute);
	if (view->share_minute > 0 && view->share_hour > 0)
		buf_add(text, ", ");
	if (view->share_hour > 0)
		buf_addf(text, _("%ld of %ld messages this hour"), view->used_hour,
			 view->share_hour);
}

static void tell_pause(const struct throttle_view *view, struct finding *f)
{
	char until[CLOCK_DATE_SIZE];

	clock_stamp(view->paused_until, until);
	f->state = FINDING_WARNING;
	buf_addf(&f->text, _("; paused until %s: %s"), until, tr(view->why));
	finding_advise(
		f,
		"mail of the account waits in the queue until then; `acsmtp check --send ADDRESS` "
		"tries at once, and ends the pause if it works");
}

/* Mail goes without it too. */
static void try_store(struct check *c, struct finding *f)
{
	struct error err;
	bool ok = quota_store_greet(&c->account, &err);

	json_bool(&c->json, "store_answers", ok);
	if (ok) {
		buf_addf(&f->text, _("; shared in %s, which answers"), c->account.quota_store);
		return;
	}
	f->state = FINDING_WARNING;
	buf_addf(&f->text, "; %s", error_words(&err));
	finding_advise(f, "until it answers this machine counts for itself");
}

void check_quota(struct check *c, struct finding *f)
{
	OWNED_BUF text = BUF_INIT(WORDS_MAX);
	time_t now = time(NULL);
	struct throttle_view view;

	if (!c->queue.is_on) {
		finding_set(f, FINDING_SKIPPED,
			    "not known: there is no queue to count in");
		return;
	}
	c->queue.does->look_at_account(&c->queue, &c->account, now, &view);
	json_number(&c->json, "used_minute", view.used_minute);
	json_number(&c->json, "share_minute", view.share_minute);
	json_number(&c->json, "used_hour", view.used_hour);
	json_number(&c->json, "share_hour", view.share_hour);
	json_number(&c->json, "paused_until", view.paused_until);
	json_number(&c->json, "last_success", view.last_success);
	add_shares(&text, &view);
	finding_set(f, FINDING_OK, "%s",
		    text.len ? buf_text(&text) : _("no limit is set"));
	if (quota_store_is_set(&c->account))
		try_store(c, f);
	if (view.paused_until > now)
		tell_pause(&view, f);
}

/* --- failover */

static void look_at_all(const struct check *c, const struct failover *all, time_t now,
			struct throttle_view views[FAILOVER_MAX + 1])
{
	for (size_t i = 0; c->queue.is_on && i < all->count; i++)
		c->queue.does->look_at_account(&c->queue, all->list[i], now, &views[i]);
}

static void list_accounts(struct check *c, const struct failover *all, struct buf *text)
{
	json_array(&c->json, "accounts");
	for (size_t i = 1; i < all->count; i++) {
		OWNED_TEXT server = account_server(all->list[i]);

		json_text(&c->json, NULL, all->list[i]->name);
		buf_addf(text, "%s%s (%s)", i > 1 ? ", " : "", all->list[i]->name, server);
	}
	json_end(&c->json);
}

/* Who sends now is what matters, and then who would. */
void check_failover(struct check *c, struct finding *f)
{
	struct throttle_view views[FAILOVER_MAX + 1] = { { .kind = ERROR_NONE } };
	OWNED_BUF names = BUF_INIT(WORDS_MAX);
	time_t now = time(NULL);
	const struct account *sends;
	struct failover all;
	struct error why;

	failover_begin(&all, &c->config, &c->account);
	look_at_all(c, &all, now, views);
	sends = failover_now(&all, c->queue.is_on ? views : NULL, now, &why);
	list_accounts(c, &all, &names);
	json_text(&c->json, "sends", sends->name);
	finding_set(f, FINDING_OK, "mail that it cannot send goes by %s", buf_text(&names));
	if (sends == &c->account)
		return;
	finding_set(f, FINDING_WARNING, "%s sends its mail for now: %s", sends->name, why.text);
	finding_advise(f, "the account is asked again when its pause is over; those that take its "
			  "mail: %s", buf_text(&names));
}

/* --- spool */

struct queue_census {
	time_t now, oldest; /* 0: there is none */
	size_t count, held, due, foreign, damaged;
	size_t untold; /* of failed/: of which nobody was told */
};

static bool is_untold(const struct queue *queue, const struct queue_row *row)
{
	OWNED_LOOK look = { 0 };

	queue->does->look(queue, row, &look);
	return queue_look_is_whole(&look) && entry_is_untold(&look.entry);
}

static void count_one(const struct queue *queue, const struct queue_row *row,
		      struct queue_census *all)
{
	if (row->is_foreign) {
		all->foreign++;
		return;
	}
	if (!row->arrived) { /* not to be read, and not set aside yet */
		all->damaged++;
		return;
	}
	all->count++;
	all->untold += row->place == SPOOL_FAILED && is_untold(queue, row);
	all->held += row->is_held;
	all->due += !row->is_held && row->next <= all->now;
	if (!all->oldest || row->arrived < all->oldest)
		all->oldest = row->arrived;
}

/* Of every place; in damaged/ whatever is there is that. */
static bool count_all(const struct queue *queue, struct queue_rows *rows, struct queue_census all[],
		      struct error *err)
{
	if (!queue->does->list(queue, true, rows, err))
		return false;
	if (rows->trouble.kind) {
		*err = rows->trouble;
		return false;
	}
	for (size_t i = 0; i < rows->count; i++)
		count_one(queue, &rows->items[i], &all[rows->items[i].place]);
	all[SPOOL_QUEUE].damaged += rows->found[SPOOL_DAMAGED];
	return true;
}

/* What nobody but a person does anything about. */
static void tell_strangers(struct check *c, const struct queue_census *waiting,
			   struct finding *f)
{
	json_number(&c->json, "damaged", (int64_t)waiting->damaged);
	json_number(&c->json, "foreign", (int64_t)waiting->foreign);
	if (waiting->damaged || waiting->foreign)
		f->state = FINDING_WARNING;
	if (waiting->damaged) {
		buf_addf(&f->text, _("; %zu damaged"), waiting->damaged);
		finding_advise(
			f,
			"`acsmtp queue list --damaged` names what a fault of the disk has "
			"changed; `acsmtp queue show` shows what is left of it, and "
			"`remove` takes it away");
	}
	if (waiting->foreign) {
		buf_addf(&f->text, _("; %zu of another version"), waiting->foreign);
		finding_advise(
			f,
			"mail that another version of acsmtp has queued waits for that version");
	}
}

static void tell_census(struct check *c, const struct queue_rows *rows,
			const struct queue_census all[], struct finding *f)
{
	const struct queue_census *waiting = &all[SPOOL_QUEUE], *failed = &all[SPOOL_FAILED];
	bool is_unattended = queue_is_unattended(&c->queue, rows, OVERDUE);
	size_t count = failed->count + failed->foreign + failed->damaged;

	json_text(&c->json, "path", queue_name(&c->queue));
	json_number(&c->json, "waiting", (int64_t)waiting->count);
	json_number(&c->json, "due", (int64_t)waiting->due);
	json_number(&c->json, "held", (int64_t)waiting->held);
	json_number(&c->json, "failed", (int64_t)count);
	finding_set(f, count ? FINDING_WARNING : FINDING_OK,
		    "%s: %zu wait, %zu of them due and %zu held; %zu failed",
		    queue_name(&c->queue), waiting->count, waiting->due, waiting->held,
		    count);
	json_number(&c->json, "untold", (int64_t)failed->untold);
	if (failed->untold)
		buf_addf(&f->text, _("; %zu of which nobody was told"), failed->untold);
	tell_strangers(c, waiting, f);
	if (count)
		finding_advise(
			f, "`acsmtp queue list --failed` shows them, with the reasons");
	if (failed->untold)
		finding_advise(
			f,
			"set report_to in [delivery] to an address that somebody reads");
	if (waiting->count && waiting->now - waiting->oldest > DAY) {
		f->state = FINDING_WARNING;
		finding_advise(
			f,
			"the oldest has waited for %ld hours: `acsmtp queue list` tells why",
			(long)(waiting->now - waiting->oldest) / 3600);
	}
	json_bool(&c->json, "unattended", is_unattended);
	if (is_unattended) {
		f->state = FINDING_WARNING;
		finding_advise(
			f,
			"nobody works on what waits: `acsmtp queue run --background` does, "
			"and the timer acsmtp-queue.timer of systemd looks after it");
	}
}

/* `auto` goes without a queue where there can be none; `on` sends nothing then. */
static void tell_why_off(const struct check *c, struct finding *f)
{
	const struct delivery_settings *settings = &c->config.delivery;

	if (settings->queue == QUEUE_OFF) {
		finding_set(f, FINDING_OK,
			    "off: what cannot be sent at once is given back to the caller");
		return;
	}
	finding_fail(f, &c->queue.why_off);
	if (settings->queue == QUEUE_ON) {
		finding_advise(f, "`queue = on` sends nothing without it");
		return;
	}
	f->state = FINDING_WARNING;
	/* What cannot be handed over may still wait in a queue that is made for it. */
	if (c->config.by_daemon)
		return;
	finding_advise(
		f,
		"without a queue, what cannot be sent at once is given back to the caller");
}

void check_spool(struct check *c, struct finding *f)
{
	struct queue_census all[SPOOL_DAMAGED + 1] = { { .now = time(NULL) } };
	OWNED_ROWS rows = { 0 };
	struct error err;

	if (c->queue.is_on)
		c->queue.is_on = c->queue.does->probe(&c->queue, &c->queue.why_off);
	if (!c->queue.is_on)
		tell_why_off(c, f);
	else if (count_all(&c->queue, &rows, all, &err))
		tell_census(c, &rows, all, f);
	else
		finding_fail(f, &err);
}

/* --- log */

/* The keeper's user, if that is not us and logs what becomes of mail; else 0. */
static uid_t whose_log(const struct check *c)
{
	const struct passwd *keeper = getpwnam(c->config.daemon.user);

	return self_is_root() && keeper &&
	       (c->config.by_daemon || by_daemon_has_queue(&c->config)) ? keeper->pw_uid : 0;
}

void check_log(struct check *c, struct finding *f)
{
	const char *where = c->account.log;
	uid_t user = whose_log(c);
	struct error err;

	json_text(&c->json, "log", where);
	if (!log_try(where, &err)) {
		finding_fail(f, &err);
		f->state = FINDING_WARNING;
		finding_advise(f, "mail is sent all the same, and leaves no line behind: set `log` "
			       "to a file that this user may write, or to `syslog`");
	} else if (user != 0 && log_is_file(where) && !as_user_try(user, log_try, where, &err)) {
		error_context(&err, "the daemon's user, %s, cannot write the log",
			      c->config.daemon.user);
		finding_fail(f, &err);
		f->state = FINDING_WARNING;
		finding_advise(f, "what becomes of mail leaves no line behind: give the file to "
			       "that user (`chown`), and then `acsmtp daemon reload`, which also "
			       "makes one that is missing");
	} else {
		finding_set(f, FINDING_OK, "%s", *where ? where : "off");
	}
}
