/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "front/account_choice.h"

#include "service/service.h"

const struct account *account_choose(const struct command_call *call, const char *file,
				     struct config *config, struct error *err)
{
	if (!config_load(config, file, service_setting, err))
		return NULL;
	return call->count > 0 ? config_account(config, call->arguments[0], err)
			       : config_default(config, err);
}
