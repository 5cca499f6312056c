/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the commands about one account begin and end with. */
#include "account/choice.h"

#include "base/language.h"
#include "delivery/queue_view.h"
#include "talk/say.h"

const struct flag account_flags[] = {
	{ "config", FLAG_TEXT, offsetof(struct account_flags, config_file), "FILE",
	  N_("read the accounts from this file alone") },
	{ .name = NULL },
};

const struct account *account_choose(const struct command_call *call, const char *file,
				     struct config *config, struct error *err)
{
	bool ok = config_load(config, file, err);

	say_warning(config->passed_over);
	if (!ok)
		return NULL;
	return call->count > 0 ? config_account(config, call->arguments[0], err)
			       : config_default(config, err);
}

int account_run(struct command_call *call, account_fn *work)
{
	struct account_flags given = { 0 };
	OWNED_CONFIG config = { 0 };
	const struct account *account;
	struct error err;
	int status;

	if (!command_parse(call, &given, &status))
		return status;
	account = account_choose(call, given.config_file, &config, &err);
	if (!account)
		return say_error(&err);
	if (work(&config, account, &err))
		return say_finish();
	error_context(&err, "account %s", account->name);
	return say_error(&err);
}

void account_end_pause(const struct config *config, const struct account *account)
{
	OWNED_QUEUE queue = QUEUE_CLOSED;
	struct error unheard;

	if (config->delivery.queue == QUEUE_OFF ||
	    !queue_reach(&queue, config, false, &unheard) || !queue.is_on)
		return;
	queue.does->resume_account(&queue, account);
	(void)queue.does->attend(&queue, NULL, QUEUE_LOOK_ANEW, &unheard);
}
