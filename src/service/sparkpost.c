/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SparkPost, by Bird. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_sparkpost = {
	.name = "sparkpost",
	.what = "SparkPost",
	.settings = {
		{ "port", "587" },
		{ "user", "SMTP_Injection" },
	},
	.regions = {
		{ "us", "smtp.sparkpostmail.com" },
		{ "eu", "smtp.eu.sparkpostmail.com" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://app.sparkpost.com/account/api-keys",
};
