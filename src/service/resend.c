/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Resend. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_TO_MAIL, REPLY_ANY, NULL, "not verified", { ERROR_SENDER, SERVICE_UNVERIFIED } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_resend = {
	.name = "resend",
	.what = "Resend",
	.settings = {
		{ "host", "smtp.resend.com" },
		{ "port", "587" },
		{ "user", "resend" },
		{ "max_recipients", "50" },
		{ "max_size", "41943040" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://resend.com/api-keys",
};
