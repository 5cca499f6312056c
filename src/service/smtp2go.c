/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SMTP2GO. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_smtp2go = {
	.name = "smtp2go",
	.what = "SMTP2GO",
	.settings = {
		{ "port", "587" },
	},
	.regions = {
		{ "any", "mail.smtp2go.com" },
		{ "us", "mail-us.smtp2go.com" },
		{ "eu", "mail-eu.smtp2go.com" },
		{ "au", "mail-au.smtp2go.com" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_SMTP_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_SMTP_PASSWORD,
	.refuses_senders = true,
	.page = "https://app.smtp2go.com/sending/smtp_users",
};
