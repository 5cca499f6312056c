/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ZeptoMail, by Zoho. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_TO_MAIL, 553, NULL, "not allowed to relay", { ERROR_SENDER, SERVICE_UNVERIFIED } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_zeptomail = {
	.name = "zeptomail",
	.what = "ZeptoMail",
	.settings = {
		{ "port", "587" },
		{ "user", "emailapikey" },
		{ "max_recipients", "500" },
		{ "max_size", "15728640" },
	},
	.regions = {
		{ "com", "smtp.zeptomail.com" },
		{ "eu", "smtp.zeptomail.eu" },
		{ "in", "smtp.zeptomail.in" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://zeptomail.zoho.com",
};
