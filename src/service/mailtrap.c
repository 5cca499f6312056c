/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mailtrap: its transactional stream, and as a region the one for bulk mail. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_mailtrap = {
	.name = "mailtrap",
	.what = "Mailtrap",
	.settings = {
		{ "port", "587" },
		{ "user", "api" },
	},
	.regions = {
		{ "live", "live.smtp.mailtrap.io" },
		{ "bulk", "bulk.smtp.mailtrap.io" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://mailtrap.io/sending/domains",
};
