/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `acsmtp queue retry|hold|release|move|remove`: messages are changed, and each is named.
 */
#include "queue/flags.h"

#include <stdio.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/language.h"
#include "talk/say.h"
#include "queue/commands.h"

enum {
	PROGRESS_MS = 200,
	PROGRESS_LEAST = 20,	/* messages that are worth a progress line */
};

struct queue_changing {
	enum queue_change_kind kind;
	struct json json;
	bool has_progress;
	int64_t progress_at;
	size_t changed, count;
	int status;
};

static const struct {
	const char *done;	/* for people */
	bool wakes;		/* there may be something to send now */
} kinds[] = {
	[QUEUE_RETRY] = { N_("to be tried now"), true },
	[QUEUE_HOLD] = { N_("held"), false },
	[QUEUE_RELEASE] = { N_("released"), true },
	[QUEUE_MOVE] = { N_("moved"), true },
	[QUEUE_REMOVE] = { N_("removed"), false },
};

static const struct {
	const char *name;	/* for programs */
	int status;
} outcomes[] = {
	[QUEUE_CHANGED] = { NULL, EX_OK },	/* what was done */
	[QUEUE_UNCHANGED] = { "unchanged", EX_OK },
	[QUEUE_IN_USE] = { "in use", EX_TEMPFAIL },
	[QUEUE_GONE] = { "gone", EX_UNAVAILABLE },
	[QUEUE_DAMAGED] = { "damaged", EX_DATAERR },
	[QUEUE_FOREIGN] = { "foreign", EX_UNAVAILABLE },
	[QUEUE_FAILED] = { "error", EX_IOERR },
	[QUEUE_NOT_ALLOWED] = { "not allowed", EX_NOPERM },
};

/* --- what became of one */

static void tell_program(struct queue_changing *c, const struct queue_told *told)
{
	bool is_changed = told->outcome == QUEUE_CHANGED;

	json_object(&c->json, NULL);
	json_text(&c->json, "id", told->entry->id);
	json_text(&c->json, "result", is_changed ? queue_change_name(c->kind) :
		  outcomes[told->outcome].name);
	if (!is_changed)
		json_text(&c->json, "reason", error_words(told->why));
	else
		json_bool(&c->json, "in_doubt", told->entry->is_in_doubt);
	json_end(&c->json);
}

static void erase_progress(struct queue_changing *c)
{
	if (c->progress_at)
		fputs("\r\033[K", stderr);
	c->progress_at = 0;
}

static void show_progress(struct queue_changing *c)
{
	int64_t now = clock_ms();

	if (!c->has_progress || (c->progress_at && now - c->progress_at < PROGRESS_MS))
		return;
	putc('\r', stderr);
	fprintf(stderr, _("%s %zu of %zu"), tr(kinds[c->kind].done), c->changed, c->count);
	c->progress_at = now ? now : 1;
}

static void complain(struct queue_changing *c, const struct queue_told *told)
{
	erase_progress(c);
	say_aside(_("%s: not %s: %s"), told->entry->id, tr(kinds[c->kind].done),
		  error_words(told->why));
}

static void tell_person(const struct queue_changing *c, const struct entry *e)
{
	const struct envelope *envelope = &e->envelope;

	printf("%s: %s", e->id, tr(kinds[c->kind].done));
	if (envelope->sender && envelope->count > 0) {	/* else it is damaged */
		fputs(": ", stdout);
		say_text(*envelope->sender ? envelope->sender : "<>");
		fputs(" -> ", stdout);
		say_text(envelope->recipients[0].mailbox);
	}
	if (envelope->count > 1)
		printf(_(" and %zu more"), envelope->count - 1);
	putchar('\n');
}

/* Whoever lets it go again should know, and still can hold it back or ask who had it. */
static bool may_come_twice(const struct queue_changing *c, const struct queue_told *told)
{
	return told->outcome == QUEUE_CHANGED && kinds[c->kind].wakes && told->entry->is_in_doubt;
}

static void warn_of_doubt(struct queue_changing *c, const struct entry *e)
{
	erase_progress(c);
	say_aside(_("%s: it may have been sent already, as the answer to it was lost: whoever has "
		    "it may get it twice"), e->id);
}

static void tell(void *listener, const struct queue_told *told)
{
	struct queue_changing *c = listener;

	c->changed += told->outcome == QUEUE_CHANGED;
	if (c->status == EX_OK)
		c->status = outcomes[told->outcome].status;
	if (c->json.out)
		tell_program(c, told);
	else if (told->outcome == QUEUE_CHANGED)
		tell_person(c, told->entry);
	else
		complain(c, told);
	if (!c->json.out && may_come_twice(c, told))
		warn_of_doubt(c, told->entry);
	show_progress(c);
}

/* --- all of them */

static bool find_target(const struct queue_flags *flags, const struct queue_view *view,
			struct queue_change *change, struct error *err)
{
	if (change->kind != QUEUE_MOVE)
		return true;
	if (!flags->target) {
		error_set(err, ERROR_USAGE, "queue %s: it must be said where to", "move");
		return error_advise(err, "--account names the account");
	}
	change->account = config_account(&view->config, flags->target, err);
	change->config = flags->config;
	return change->account != NULL;
}

/* What was said must be out before a runner is started: they share nothing. */
static int attend(struct queue_changing *c, const struct queue *queue, const char *config)
{
	int status = say_finish();
	enum queue_need need = kinds[c->kind].wakes ? QUEUE_SEND_DUE : QUEUE_LOOK_ANEW;
	struct error err;

	if (c->changed && !queue->does->attend(queue, config, need, &err))
		(void)say_error(&err);
	return status ? status : c->status;
}

static void change_and_tell(struct queue_changing *c, const struct queue_view *view,
			    const struct queue_rows *rows, const struct queue_change *change)
{
	const struct queue_listener listener = { tell, c };

	c->count = rows->count;
	c->has_progress = rows->count >= PROGRESS_LEAST && isatty(STDERR_FILENO) &&
			  !isatty(STDOUT_FILENO);
	json_object(&c->json, NULL);
	json_array(&c->json, "messages");
	if (rows->count == 0 && !c->json.out && c->status == EX_OK)
		puts(_("no messages are there"));
	(void)view->queue.does->change(&view->queue, change, rows, &listener);
	erase_progress(c);
	json_end(&c->json);
	json_number(&c->json, "changed", (int64_t)c->changed);
	json_end(&c->json);
}

static int change_messages(struct command_call *call, enum queue_change_kind kind)
{
	struct queue_flags flags = { .must_pick = true };
	struct queue_changing c = { .kind = kind };
	struct queue_change change = { .kind = kind, .by = getuid() };
	OWNED_VIEW view = QUEUE_VIEW_NONE;
	OWNED_ROWS rows = { 0 };
	struct error err;

	if (!queue_begin(call, &flags, &view, &rows, &c.status))
		return c.status;
	if (!find_target(&flags, &view, &change, &err))
		return say_error(&err);
	c.json.out = flags.json ? stdout : NULL;
	if (flags.json)
		language_leave();
	change_and_tell(&c, &view, &rows, &change);
	return attend(&c, &view.queue, flags.config);
}

/* --- the commands */

static int run_retry(struct command_call *call)
{
	return change_messages(call, QUEUE_RETRY);
}

static int run_hold(struct command_call *call)
{
	return change_messages(call, QUEUE_HOLD);
}

static int run_release(struct command_call *call)
{
	return change_messages(call, QUEUE_RELEASE);
}

static int run_move(struct command_call *call)
{
	return change_messages(call, QUEUE_MOVE);
}

static int run_remove(struct command_call *call)
{
	return change_messages(call, QUEUE_REMOVE);
}

static const struct flag change_flags[] = {
	{ "all", FLAG_SWITCH, QUEUE_FLAG_IN(pick.all), NULL, N_("all of them") },
	QUEUE_FLAGS_FILTERS,
	QUEUE_FLAGS_COMMON,
	{ .name = NULL },
};

static const struct flag move_flags[] = {
	{ "account", FLAG_TEXT, QUEUE_FLAG_IN(target), "ACCOUNT", N_("whose they are from now on") },
	{ "all", FLAG_SWITCH, QUEUE_FLAG_IN(pick.all), NULL, N_("all of them") },
	{ "from-account", FLAG_TEXT, QUEUE_FLAG_IN(pick.account), "ACCOUNT",
	  N_("only messages that go through this account") },
	QUEUE_FLAGS_OTHER_FILTERS,
	QUEUE_FLAGS_COMMON,
	{ .name = NULL },
};

#define CHANGE_COMMAND(name, words) { \
	.word = "queue", .sub = #name, .arguments = "[ID|PATTERN...]", .most = ARGUMENTS_ANY, \
	.help = (words), .flags = change_flags, .run = run_##name }
const struct command queue_retry_command =
	CHANGE_COMMAND(retry, N_("try messages now, also those that have failed"));
const struct command queue_hold_command =
	CHANGE_COMMAND(hold, N_("do not try messages until they are released"));
const struct command queue_release_command =
	CHANGE_COMMAND(release, N_("let held messages go"));
const struct command queue_move_command = {
	.word = "queue", .sub = "move", .arguments = "[ID|PATTERN...]", .most = ARGUMENTS_ANY,
	.help = N_("give messages to another account, and try them now"),
	.flags = move_flags, .run = run_move,
};
const struct command queue_remove_command =
	CHANGE_COMMAND(remove, N_("remove messages: nobody is told"));
