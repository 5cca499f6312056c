/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `acsmtp queue retry|hold|release|move|remove`. */
#include "queue/change.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/language.h"
#include "base/text.h"
#include "delivery/queue.h"
#include "queue/commands.h"
#include "queue/flags.h"

static void try_again(struct entry *e)
{
	time_t now = time(NULL);

	/* As if it had come now: what was given up after days has all of them again. */
	e->arrived = now;
	e->next = now;
	e->attempts = 0;
	e->is_warned = false;
	free(e->why);
	e->why = NULL;
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

static bool bring_back(const struct spool *s, struct item *item, struct error *err)
{
	item->entry.is_held = item->entry.is_held_by_us = false;
	try_again(&item->entry);
	return spool_bring_back(s, item, err);
}

static bool retry(const struct change *change, const struct spool *s, struct item *item,
		  const char **why, struct error *err)
{
	(void)change;
	if (!is_sound(item, err))
		return false;
	if (item->place != SPOOL_QUEUE)
		return bring_back(s, item, err);
	if (item->entry.is_held) {
		*why = N_("it is held; `acsmtp queue release` lets it go");
		return true;
	}
	item->entry.next = time(NULL);
	return spool_update(s, item, err);
}

static bool set_held(const struct spool *s, struct item *item, bool is_held,
		     const char **why, struct error *err)
{
	if (item->place == SPOOL_DAMAGED)
		*why = N_("it was damaged; `acsmtp queue retry` brings it back");
	else if (item->place == SPOOL_FAILED)
		*why = N_("it has failed and is tried no more; `acsmtp queue retry` brings it "
			  "back");
	else if (item->entry.is_held == is_held && !(is_held && item->entry.is_held_by_us))
		*why = is_held ? N_("it is held already") : N_("it is not held");
	if (*why)
		return true;
	item->entry.is_held = is_held;
	item->entry.is_held_by_us = false;
	return spool_update(s, item, err);
}

static bool hold(const struct change *change, const struct spool *s, struct item *item,
		 const char **why, struct error *err)
{
	(void)change;
	return set_held(s, item, true, why, err);
}

static bool release(const struct change *change, const struct spool *s, struct item *item,
		    const char **why, struct error *err)
{
	(void)change;
	return set_held(s, item, false, why, err);
}

static bool remove_item(const struct change *change, const struct spool *s, struct item *item,
			const char **why, struct error *err)
{
	(void)change;
	(void)why;
	return spool_remove(s, item, err);
}

/*
 * The sender policy of the new account does the rest. In an older version's message that of
 * the old one is done: its sender is what was given, as far as we know.
 */
static void give_to(struct entry *e, const struct change *change)
{
	free(e->account);
	e->account = text_copy(change->account->name);
	free(e->login);
	e->login = queue_login(change->account);
	free(e->config);
	e->config = queue_config_path(change->config);
	e->is_default = false;
	if (e->is_original)
		return;
	e->is_original = true;
	e->given = text_copy(e->envelope.sender);
}

static bool move(const struct change *change, const struct spool *s, struct item *item,
		 const char **why, struct error *err)
{
	struct entry *e = &item->entry;
	OWNED_TEXT config = queue_config_path(change->config);

	if (!strcmp(e->account, change->account->name) && !strcmp(e->config, config)) {
		*why = N_("it goes through that account already");
		return true;
	}
	if (!is_sound(item, err))
		return false;
	give_to(e, change);
	if (item->place != SPOOL_QUEUE)
		return bring_back(s, item, err);
	e->next = time(NULL);
	entry_keep_reason(e, NULL);
	return spool_update(s, item, err);
}

/* --- the commands */

static int run_retry(struct command_call *call)
{
	static const struct change change = {
		.done = N_("to be tried now"), .result = "retried", .apply = retry,
		.wakes = true, .resumes = true,
	};

	return queue_change(call, &change);
}

static int run_hold(struct command_call *call)
{
	static const struct change change = {
		.done = N_("held"), .result = "held", .apply = hold,
	};

	return queue_change(call, &change);
}

static int run_release(struct command_call *call)
{
	static const struct change change = {
		.done = N_("released"), .result = "released", .apply = release, .wakes = true,
	};

	return queue_change(call, &change);
}

static int run_move(struct command_call *call)
{
	static const struct change change = {
		.done = N_("moved"), .result = "moved", .apply = move, .moves = true,
		.wakes = true,
	};

	return queue_change(call, &change);
}

static int run_remove(struct command_call *call)
{
	static const struct change change = {
		.done = N_("removed"), .result = "removed", .apply = remove_item,
		.takes_all = true,
	};

	return queue_change(call, &change);
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
