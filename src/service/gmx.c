/* SPDX-License-Identifier: GPL-3.0-or-later */
/* GMX. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("check `user` and the password, and whether the mailbox's settings let programs send") } },
};

const struct service service_gmx = {
	.name = "gmx",
	.what = "GMX",
	.settings = {
		{ "port", "587" },
	},
	.regions = {
		{ "com", "mail.gmx.com" },
		{ "net", "mail.gmx.net" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.usual_sender = SENDER_IS_USER,
};
