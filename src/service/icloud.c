/* SPDX-License-Identifier: GPL-3.0-or-later */
/* iCloud Mail, by Apple. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } },
};

const struct service service_icloud = {
	.name = "icloud",
	.what = "iCloud Mail",
	.settings = {
		{ "host", "smtp.mail.me.com" },
		{ "port", "587" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://account.apple.com",
};
