/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Zoho Mail, whose servers have TLS from the first byte on. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } },
};

const struct service service_zoho = {
	.name = "zoho",
	.what = "Zoho Mail",
	.settings = {
		{ "port", "465" },
		{ "tls", "implicit" },
	},
	.regions = {
		{ "com", "smtp.zoho.com" },
		{ "eu", "smtp.zoho.eu" },
		{ "in", "smtp.zoho.in" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://accounts.zoho.com/home#security",
};
