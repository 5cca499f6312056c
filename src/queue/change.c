/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "queue/change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/log.h"
#include "base/text.h"
#include "delivery/throttle.h"
#include "queue/flags.h"
#include "talk/queue_words.h"

enum {
	PATIENCE_MS = 2000,	/* for all that is held by others together */
	PAUSE_US = 50 * 1000,
	PROGRESS_MS = 200,
	PROGRESS_LEAST = 20,	/* messages that are worth a progress line */
};

enum outcome { CHANGED, UNCHANGED, IN_USE, GONE, DAMAGED, FAILED };

struct changing {
	const struct command_call *call;
	const struct change *change;
	const struct queue_flags *flags;
	struct queue_view view;
	struct json json;
	bool has_progress;
	int64_t progress_at;
	size_t changed, count;
	bool *has_resumed;	/* for each account of the configuration */
	char *resumed_elsewhere;	/* the last one of another file: "FILE ACCOUNT" */
	struct log_place logged;	/* the one that is open */
	int status;
};

/* --- what became of one */

/* In the log of the account that it goes through, or the system's. */
static void log_change(struct changing *c, const struct entry *e,
		       const struct account *account)
{
	struct log_place log = account ? account_log(account) :
			       (struct log_place){ "syslog", LOG_AS_TEXT };

	if (!c->logged.where || !log_place_is_same(c->logged, log))
		log_open(log, "acsmtp");
	c->logged = log;
	queue_log_change(e, c->change->result, getuid());
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
		throttle_resume(&c->view.queue.spool, account);
	config_free(&config);
}

static void note_change(struct changing *c, const struct entry *e)
{
	const struct config *config = &c->view.config;
	struct error unheard;
	const struct account *account =
		e->account ? config_account(config, e->account, &unheard) : NULL;

	c->changed++;
	log_change(c, e, account);
	if (c->change->resumes && e->account && e->config && *e->config) {
		resume_elsewhere(c, e);
	} else if (c->change->resumes && account && !c->has_resumed[account - config->accounts]) {
		throttle_resume(&c->view.queue.spool, account);
		c->has_resumed[account - config->accounts] = true;
	}
}

static const char *const outcomes[] = {
	[CHANGED] = NULL,	/* what was done */
	[UNCHANGED] = "unchanged",
	[IN_USE] = "in use",
	[GONE] = "gone",
	[DAMAGED] = "damaged",
	[FAILED] = "error",
};

static void tell_program(struct changing *c, const char *id, enum outcome outcome,
			 const char *why)
{
	json_object(&c->json, NULL);
	json_text(&c->json, "id", id);
	json_text(&c->json, "result",
		  outcome == CHANGED ? c->change->result : outcomes[outcome]);
	if (why)
		json_text(&c->json, "reason", why);
	json_end(&c->json);
}

static void erase_progress(struct changing *c)
{
	if (c->progress_at)
		fputs("\r\033[K", stderr);
	c->progress_at = 0;
}

static void show_progress(struct changing *c)
{
	int64_t now = clock_ms();

	if (!c->has_progress || (c->progress_at && now - c->progress_at < PROGRESS_MS))
		return;
	putc('\r', stderr);
	fprintf(stderr, _("%s %zu of %zu"), tr(c->change->done), c->changed, c->count);
	c->progress_at = now ? now : 1;
}

static void tell_person(struct changing *c, const struct entry *e, enum outcome outcome,
			const char *why)
{
	const struct envelope *envelope = &e->envelope;

	if (outcome != CHANGED) {
		OWNED_TEXT words = text_copy(why);

		erase_progress(c);
		fflush(stdout);
		text_make_printable(words);
		fprintf(stderr, _("%s: %s: not %s: %s\n"), c->call->program->name, e->id,
			tr(c->change->done), words);
		return;
	}
	printf("%s: %s", e->id, tr(c->change->done));
	if (envelope->sender && envelope->count > 0) {	/* else it is damaged */
		fputs(": ", stdout);
		words_print(*envelope->sender ? envelope->sender : "<>");
		fputs(" -> ", stdout);
		words_print(envelope->recipients[0].mailbox);
	}
	if (envelope->count > 1)
		printf(_(" and %zu more"), envelope->count - 1);
	putchar('\n');
}

static void tell(struct changing *c, const struct entry *e, enum outcome outcome,
		 const char *why)
{
	static const int statuses[] = {
		[CHANGED] = EX_OK,
		[UNCHANGED] = EX_OK,
		[IN_USE] = EX_TEMPFAIL,
		[GONE] = EX_UNAVAILABLE,
		[DAMAGED] = EX_DATAERR,
		[FAILED] = EX_IOERR,
	};

	if (c->status == EX_OK)
		c->status = statuses[outcome];
	if (c->json.out)
		tell_program(c, e->id, outcome, why);
	else
		tell_person(c, e, outcome, why);
}

/* --- all of them */

static void apply(struct changing *c, struct item *item)
{
	const char *why = NULL;
	struct error err;

	if (!c->change->apply(c->change, &c->view.queue.spool, item, &why, &err)) {
		tell(c, &item->entry, err.kind == ERROR_DATA ? DAMAGED : FAILED,
		     error_words(&err));
		return;
	}
	if (!why)
		note_change(c, &item->entry);
	tell(c, &item->entry, why ? UNCHANGED : CHANGED, why ? tr(why) : NULL);
}

/* What is damaged or of another version can be taken away, if it is meant by itself. */
static void change_stranger(struct changing *c, struct item *item, enum taken taken,
			    struct error *err)
{
	bool is_damaged = taken == TAKEN_BROKEN && item->place != SPOOL_DAMAGED;

	if (!is_damaged && c->change->takes_all) {
		apply(c, item);
		return;
	}
	if (is_damaged && spool_set_aside(&c->view.queue.spool, item, err->text))
		error_context(err, "it was set aside in damaged/");
	tell(c, &item->entry, taken == TAKEN_BROKEN ? DAMAGED : UNCHANGED, error_words(err));
}

/* False: somebody else holds it, and nothing was said yet. */
static bool change_row(struct changing *c, const struct queue_row *row)
{
	const struct spool *spool = &c->view.queue.spool;
	struct entry known = { 0 };	/* its id, where there is no more */
	OWNED_ITEM item = ITEM_NONE;
	struct error err;
	enum taken taken;

	memcpy(known.id, row->id, ID_SIZE);
	taken = spool_take(spool, row->id, row->place, &item, &err);
	switch (taken) {
	case TAKEN:
		apply(c, &item);
		return true;
	case TAKEN_BUSY:
		return false;
	case TAKEN_GONE:
		tell(c, &known, GONE, _("it has gone meanwhile, sent or removed"));
		return true;
	case TAKEN_BROKEN:
	case TAKEN_FOREIGN:
		change_stranger(c, &item, taken, &err);
		return true;
	case TAKEN_ERROR:
		tell(c, &known, FAILED, error_words(&err));
		return true;
	}
	return true;
}

/* Those that are held by others stay in the rows. */
static void change_rows(struct changing *c, struct queue_rows *rows)
{
	size_t left = 0;

	for (size_t i = 0; i < rows->count; i++) {
		if (!change_row(c, &rows->items[i]))
			rows->items[left++] = rows->items[i];
		show_progress(c);
	}
	rows->count = left;
}

static void name_those_in_use(struct changing *c, const struct queue_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++) {
		struct entry known = { 0 };

		memcpy(known.id, rows->items[i].id, ID_SIZE);
		tell(c, &known, IN_USE, _("it is being sent; try again when that is over"));
	}
}

static void change_all(struct changing *c, struct queue_rows *rows)
{
	int64_t deadline = clock_ms() + PATIENCE_MS;

	change_rows(c, rows);
	/* The first pass may have taken longer than the patience for what is in use. */
	for (bool is_last = false; rows->count > 0 && !is_last;) {
		is_last = clock_ms() >= deadline;
		usleep(PAUSE_US);
		change_rows(c, rows);
	}
	name_those_in_use(c, rows);
	erase_progress(c);
}

static bool find_target(const struct changing *c, struct change *change, struct error *err)
{
	const char *name = c->flags->target;

	if (!change->moves)
		return true;
	if (!name) {
		error_set(err, ERROR_USAGE, "queue %s: it must be said where to",
			  c->call->command->sub);
		return error_advise(err, "--account names the account");
	}
	change->account = config_account(&c->view.config, name, err);
	change->config = c->flags->config;
	return change->account != NULL;
}

int queue_change(struct command_call *call, const struct change *kind)
{
	struct queue_flags flags = { .must_pick = true };
	struct change change = *kind;
	struct changing c = {
		.call = call, .change = &change, .flags = &flags, .view = QUEUE_VIEW_NONE,
	};
	OWNED_ROWS rows = { 0 };
	struct error err;
	int status;

	if (!queue_begin(call, &flags, &c.view, &rows, &c.status)) {
		queue_view_close(&c.view);
		return c.status;
	}
	if (!find_target(&c, &change, &err)) {
		queue_view_close(&c.view);
		return command_fail(call, &err);
	}
	c.count = rows.count;
	c.has_resumed = xcalloc(c.view.config.count + 1, sizeof(bool));
	c.json.out = flags.json ? stdout : NULL;
	if (flags.json)
		language_leave();
	c.has_progress = rows.count >= PROGRESS_LEAST && isatty(STDERR_FILENO) &&
			 !isatty(STDOUT_FILENO);
	json_object(&c.json, NULL);
	json_array(&c.json, "messages");
	if (rows.count == 0 && !flags.json && c.status == EX_OK)
		puts(_("no messages are there"));
	change_all(&c, &rows);
	json_end(&c.json);
	json_number(&c.json, "changed", (int64_t)c.changed);
	json_end(&c.json);
	/* What was said must be out before the runner is: they share nothing. */
	status = command_finish(call);
	if (change.wakes && c.changed && !queue_see_to_it(&c.view.queue, flags.config, NULL, &err))
		(void)command_fail(call, &err);
	else if (!change.wakes && c.changed)	/* a runner may have nothing to wait for any more */
		spool_wake_runner(&c.view.queue.spool);
	queue_view_close(&c.view);
	free(c.has_resumed);
	free(c.resumed_elsewhere);
	log_close();
	return status ? status : c.status;
}
