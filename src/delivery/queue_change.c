/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a person changes about messages of the queue, each under its lock: what stands
 * against it is found out first, then many of them go to the disk together. Those that
 * somebody else holds are asked for again for a moment, and left alone if that was in
 * vain.
 */
#include "delivery/queue_ops.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/log.h"

enum {
	PATIENCE_MS = 2000,	/* for all that is held by others together */
	PAUSE_US = 50 * 1000,
	OTHER_FILES = 24,	/* descriptors for all else, the caller's among them */
};

struct changing {
	const struct queue *queue;
	const struct queue_change *change;
	const struct queue_listener *listener;
	struct queue_row *busy;	/* held by others */
	size_t busy_count, changed;
	bool *has_resumed;	/* for each account of the configuration */
	char *resumed_elsewhere;	/* the last one of another file: "FILE ACCOUNT" */
	struct log_place logged;	/* the one that is open */
};

const char *queue_change_name(enum queue_change_kind kind)
{
	static const char *const names[] = {
		[QUEUE_RETRY] = "retried",
		[QUEUE_HOLD] = "held",
		[QUEUE_RELEASE] = "released",
		[QUEUE_MOVE] = "moved",
		[QUEUE_REMOVE] = "removed",
	};

	return names[kind];
}

static void tell(const struct changing *c, const struct entry *e, enum queue_outcome outcome,
		 const struct error *why)
{
	c->listener->tell(c->listener->listener, &(struct queue_told){ e, outcome, why });
}

static void tell_of_row(const struct changing *c, const struct queue_row *row,
			enum queue_outcome outcome, const struct error *why)
{
	struct entry known = { 0 };	/* its id, where there is no more */

	memcpy(known.id, row->id, ID_SIZE);
	tell(c, &known, outcome, why);
}

/* --- it was changed */

/* In the log of the account that it goes through, or the system's. */
static void log_change(struct changing *c, const struct entry *e,
		       const struct account *account)
{
	struct log_place log = account ? account_log(account) :
			       (struct log_place){ "syslog", LOG_AS_TEXT };

	if (!c->logged.where || !log_place_is_same(c->logged, log))
		log_open(log, "acsmtp");
	c->logged = log;
	queue_log_change(e, queue_change_name(c->change->kind), c->change->by);
}

/* --- who may */

/* Whoever works for all, root say, holds what is another's: that one cannot let it go. */
static void hold_for(struct entry *e, const struct queue_change *change)
{
	const struct passwd *user = getpwuid(change->by);
	char number[32];

	snprintf(number, sizeof(number), "%ld", (long)change->by);
	e->held_by = text_copy(user ? user->pw_name : number);
}

static void forget_holder(struct entry *e)
{
	free(e->held_by);
	e->held_by = NULL;
}

static bool is_of_another(const struct entry *e, const struct queue_change *change)
{
	return !change->is_modest && (e->uid != change->by || e->host);
}

/* As with Postfix nothing can be done about what is held but by who holds it. */
static bool may_change(const struct queue_change *change, const struct entry *e,
		       struct error *why)
{
	if (!change->is_modest || !e->is_held || !e->held_by)
		return true;
	return error_set(why, ERROR_AUTH, "%s holds it, and alone can let it go", e->held_by);
}

static void encourage(const struct changing *c, const struct account *account)
{
	if (c->change->is_modest)
		throttle_nudge(&c->queue->spool, account, false);
	else
		throttle_resume(&c->queue->spool, account);
}

/* The account that it goes through is that of the file which it came with. */
static void resume_elsewhere(struct changing *c, const struct entry *e)
{
	OWNED_BUF which = BUF_INIT(8192);
	struct config config = { 0 };
	const struct account *account = NULL;
	struct error unheard;

	buf_addf(&which, "%s %s", e->config, e->account);
	if (c->resumed_elsewhere && !strcmp(c->resumed_elsewhere, buf_text(&which)))
		return;
	free(c->resumed_elsewhere);
	c->resumed_elsewhere = buf_take(&which);
	if (config_load(&config, e->config, &unheard))
		account = config_account(&config, e->account, &unheard);
	if (account)
		encourage(c, account);
	config_free(&config);
}

/* Who asks for another try means now, whatever kept the account from it. */
static void resume(struct changing *c, const struct entry *e, const struct account *account)
{
	size_t number = account ? (size_t)(account - c->queue->config->accounts) : 0;

	if (e->account && e->config && *e->config) {
		resume_elsewhere(c, e);
	} else if (account && !c->has_resumed[number]) {
		encourage(c, account);
		c->has_resumed[number] = true;
	}
}

static void note_change(struct changing *c, const struct entry *e)
{
	const struct config *config = c->queue->config;
	struct error unheard;
	const struct account *account =
		config && e->account ? config_account(config, e->account, &unheard) : NULL;

	c->changed++;
	if (config)
		log_change(c, e, account);
	if (config && c->change->kind == QUEUE_RETRY)
		resume(c, e, account);
	tell(c, e, QUEUE_CHANGED, NULL);
}

/* --- what stands against it, and what is to be done */

/* As if it had come now: what was given up after days has all of them again. */
static void begin_anew(struct entry *e)
{
	e->arrived = e->next = time(NULL);
	e->attempts = 0;
	e->is_warned = e->is_held = e->is_held_by_us = false;
	forget_holder(e);
	entry_keep_reason(e, NULL);
	for (size_t i = 0; i < e->envelope.count; i++) {
		struct recipient *r = &e->envelope.recipients[i];

		if (r->verdict != VERDICT_REFUSED)
			continue;
		envelope_judge(&e->envelope, r, VERDICT_NONE, NULL);
		r->is_reported = r->is_untold = false;
	}
}

/* What is damaged comes back if its message is not. */
static bool is_sound(const struct item *item, struct error *err)
{
	OWNED_MESSAGE m;

	message_init(&m);
	return item->place != SPOOL_DAMAGED || item_message(item, &m, err);
}

/*
 * False: `why`, ERROR_UNAVAILABLE where nothing is wrong but it cannot be, or is so
 * already.
 */
static bool against(struct error *why, const char *words)
{
	return error_text(why, ERROR_UNAVAILABLE, words);
}

static bool decide_retry(struct item *item, struct spool_change *todo)
{
	if (!is_sound(item, &todo->err))
		return false;
	if (item->place != SPOOL_QUEUE) {
		begin_anew(&item->entry);
		todo->what = SPOOL_BRING_BACK;
		return true;
	}
	if (item->entry.is_held)
		return against(&todo->err, N_("it is held; `acsmtp queue release` lets it go"));
	item->entry.next = time(NULL);
	return true;
}

static bool decide_hold(struct item *item, const struct queue_change *change,
			struct error *why)
{
	struct entry *e = &item->entry;
	bool is_held = change->kind == QUEUE_HOLD;
	bool is_new = is_held && !e->held_by && is_of_another(e, change);

	if (item->place == SPOOL_DAMAGED)
		return against(why, N_("it was damaged; `acsmtp queue retry` brings it back"));
	if (item->place == SPOOL_FAILED)
		return against(why, N_("it has failed and is tried no more; `acsmtp queue retry` "
				       "brings it back"));
	if (e->is_held == is_held && !(is_held && e->is_held_by_us) && !is_new)
		return against(why, is_held ? N_("it is held already") : N_("it is not held"));
	e->is_held = is_held;
	e->is_held_by_us = false;
	if (!is_held)
		forget_holder(e);
	else if (is_new)
		hold_for(e, change);
	return true;
}

/*
 * The sender policy of the new account does the rest. In an older version's message that
 * of the old one is done: its sender is what was given, as far as we know.
 */
static void give_to(struct entry *e, const struct queue_change *change)
{
	free(e->account);
	e->account = text_copy(change->account->name);
	free(e->login);
	e->login = queue_login(change->account);
	free(e->config);
	e->config = queue_config_path(change->config);
	e->is_default = false;
	free(e->by);
	free(e->by_why);
	e->by = e->by_why = NULL;
	if (e->is_original)
		return;
	e->is_original = true;
	e->given = text_copy(e->envelope.sender);
}

static bool decide_move(const struct queue_change *change, struct item *item,
			struct spool_change *todo)
{
	struct entry *e = &item->entry;
	OWNED_TEXT config = queue_config_path(change->config);

	if (!strcmp(e->account, change->account->name) && !strcmp(e->config, config))
		return against(&todo->err, N_("it goes through that account already"));
	if (!is_sound(item, &todo->err))
		return false;
	give_to(e, change);
	if (item->place != SPOOL_QUEUE) {
		begin_anew(e);
		todo->what = SPOOL_BRING_BACK;
		return true;
	}
	e->next = time(NULL);
	entry_keep_reason(e, NULL);
	return true;
}

static bool decide(const struct queue_change *change, struct item *item,
		   struct spool_change *todo)
{
	*todo = (struct spool_change){ .item = item, .what = SPOOL_UPDATE };
	if (!may_change(change, &item->entry, &todo->err))
		return false;
	switch (change->kind) {
	case QUEUE_RETRY:
		return decide_retry(item, todo);
	case QUEUE_HOLD:
	case QUEUE_RELEASE:
		return decide_hold(item, change, &todo->err);
	case QUEUE_MOVE:
		return decide_move(change, item, todo);
	case QUEUE_REMOVE:
		todo->what = SPOOL_REMOVE;
	}
	return true;
}

static enum queue_outcome outcome_of(const struct error *why)
{
	return why->kind == ERROR_UNAVAILABLE ? QUEUE_UNCHANGED :
	       why->kind == ERROR_AUTH ? QUEUE_NOT_ALLOWED :
	       why->kind == ERROR_DATA ? QUEUE_DAMAGED : QUEUE_FAILED;
}

/* --- some of them together */

/* What is damaged is set aside; what another version has written is left to it. */
static void tell_of_stranger(const struct changing *c, const struct item *item,
			     enum taken taken, struct error *err)
{
	if (taken == TAKEN_BROKEN && item->place != SPOOL_DAMAGED &&
	    spool_set_aside(&c->queue->spool, item, err->text))
		error_context(err, "it was set aside in damaged/");
	tell(c, &item->entry, taken == TAKEN_BROKEN ? QUEUE_DAMAGED : QUEUE_FOREIGN, err);
}

/* Neither damaged nor foreign mail needs an entry that can be read to be taken away. */
static bool can_be_changed(const struct changing *c, const struct item *item, enum taken taken)
{
	if (taken == TAKEN)
		return true;
	return c->change->kind == QUEUE_REMOVE &&
	       (taken == TAKEN_FOREIGN || item->place == SPOOL_DAMAGED);
}

/* True: it is locked for us, and `todo` is to be done about it. Else all is said. */
static bool take(struct changing *c, const struct queue_row *row, struct item *item,
		 struct spool_change *todo)
{
	struct error err;
	enum taken taken = spool_take(&c->queue->spool, row->id, row->place, item, &err);

	if (taken == TAKEN_BUSY) {
		c->busy[c->busy_count++] = *row;
	} else if (taken == TAKEN_GONE) {
		error_text(&err, ERROR_UNAVAILABLE, N_("it has gone meanwhile, sent or removed"));
		tell_of_row(c, row, QUEUE_GONE, &err);
	} else if (taken == TAKEN_ERROR) {
		tell_of_row(c, row, QUEUE_FAILED, &err);
	} else if (!can_be_changed(c, item, taken)) {
		tell_of_stranger(c, item, taken, &err);
	} else if (decide(c->change, item, todo)) {
		return true;
	} else {
		tell(c, &item->entry, outcome_of(&todo->err), &todo->err);
	}
	return false;
}

static void change_some(struct changing *c, const struct queue_row *rows, size_t count)
{
	struct item items[SPOOL_TOGETHER_MAX];
	struct spool_change *todo = xcalloc(count, sizeof(*todo));
	size_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		items[taken] = (struct item)ITEM_NONE;
		if (take(c, &rows[i], &items[taken], &todo[taken]))
			taken++;
		else
			item_release(&items[taken]);
	}
	spool_change_together(&c->queue->spool, todo, taken);
	for (size_t i = 0; i < taken; i++) {
		if (todo[i].ok)
			note_change(c, &items[i].entry);
		else
			tell(c, &items[i].entry, outcome_of(&todo[i].err), &todo[i].err);
		item_release(&items[i]);
	}
	free(todo);
}

/* Whoever may open few files changes fewer of them together, and one in any case. */
static size_t most_together(void)
{
	struct rlimit files;
	rlim_t most = SPOOL_TOGETHER_MAX;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < 2 * most + OTHER_FILES)
		most = files.rlim_cur < OTHER_FILES + 2 ? 1 : (files.rlim_cur - OTHER_FILES) / 2;
	return (size_t)most;
}

static void change_rows(struct changing *c, const struct queue_row *rows, size_t count)
{
	const size_t most = most_together();

	for (size_t done = 0, some; done < count; done += some) {
		some = count - done < most ? count - done : most;
		change_some(c, rows + done, some);
	}
}

/* --- all of them */

/*
 * The rows that are left are copied: those that are in use still come behind them anew.
 */
static void change_busy(struct changing *c)
{
	size_t count = c->busy_count;
	struct queue_row *rows = xcalloc(count, sizeof(*rows));

	memcpy(rows, c->busy, count * sizeof(*rows));
	c->busy_count = 0;
	change_rows(c, rows, count);
	free(rows);
}

size_t queue_change_here(const struct queue *q, const struct queue_change *change,
			 const struct queue_rows *rows, const struct queue_listener *listener)
{
	struct changing c = { .queue = q, .change = change, .listener = listener };
	int64_t deadline = clock_ms() + PATIENCE_MS;
	struct error err;

	c.busy = xcalloc(rows->count + 1, sizeof(*c.busy));
	c.has_resumed = xcalloc((q->config ? q->config->count : 0) + 1, sizeof(bool));
	change_rows(&c, rows->items, rows->count);
	/* The first pass may have taken longer than the patience for what is in use. */
	for (bool is_last = false; c.busy_count > 0 && !is_last;) {
		is_last = clock_ms() >= deadline;
		usleep(PAUSE_US);
		change_busy(&c);
	}
	error_text(&err, ERROR_LATER, N_("it is being sent; try again when that is over"));
	for (size_t i = 0; i < c.busy_count; i++)
		tell_of_row(&c, &c.busy[i], QUEUE_IN_USE, &err);
	free(c.busy);
	free(c.has_resumed);
	free(c.resumed_elsewhere);
	if (c.logged.where)
		log_close();
	return c.changed;
}
