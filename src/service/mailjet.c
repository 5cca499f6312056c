/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mailjet, by Sinch. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_mailjet = {
	.name = "mailjet",
	.what = "Mailjet",
	.settings = {
		{ "host", "in-v3.mailjet.com" },
		{ "port", "587" },
		{ "max_recipients", "50" },
		{ "max_size", "15728640" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"), N_("The API key.") },
	.from = SERVICE_VERIFIED,
	.secret = N_("The secret key that belongs to the API key."),
	.refuses_senders = true,
	.page = "https://app.mailjet.com/account/apikeys",
};
