/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mailchimp Transactional, once Mandrill. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_mandrill = {
	.name = "mandrill",
	.what = "Mailchimp Transactional",
	.settings = {
		{ "host", "smtp.mandrillapp.com" },
		{ "port", "587" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"), N_("Any name will do; the key is what counts.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://mandrillapp.com/settings",
};
