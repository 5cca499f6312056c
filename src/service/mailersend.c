/* SPDX-License-Identifier: GPL-3.0-or-later */
/* MailerSend. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_mailersend = {
	.name = "mailersend",
	.what = "MailerSend",
	.settings = {
		{ "host", "smtp.mailersend.net" },
		{ "port", "587" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_SMTP_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_SMTP_PASSWORD,
	.refuses_senders = true,
	.page = "https://app.mailersend.com/domains",
};
