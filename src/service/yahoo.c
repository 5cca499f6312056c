/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Yahoo Mail, whose server has TLS from the first byte on. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } },
};

const struct service service_yahoo = {
	.name = "yahoo",
	.what = "Yahoo Mail",
	.settings = {
		{ "host", "smtp.mail.yahoo.com" },
		{ "port", "465" },
		{ "tls", "implicit" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://login.yahoo.com/account/security",
};
