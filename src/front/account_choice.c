/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/account_choice.h"

#include "base/language.h"
#include "service/service.h"

const struct flag account_flags[] = {
	{ "config", FLAG_TEXT, offsetof(struct account_flags, config_file), "FILE",
	  N_("read the accounts from this file alone") },
	{ .name = NULL },
};

const struct account *account_choose(const struct command_call *call, const char *file,
				     struct config *config, struct error *err)
{
	if (!config_load(config, file, service_setting, err))
		return NULL;
	return call->count > 0 ? config_account(config, call->arguments[0], err)
			       : config_default(config, err);
}
