/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Outlook.com: mailboxes of persons, not those of Microsoft 365. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_TOKEN } },
};

const struct service service_outlook = {
	.name = "outlook",
	.what = "Outlook.com",
	.settings = {
		{ "tenant", "consumers" },
		{ "host", "smtp-mail.outlook.com" },
		{ "port", "587" },
		{ "auth", "xoauth2" },
	},
	.person_scope = "https://outlook.office.com/SMTP.Send offline_access",
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.wants_token = true,
	.usual_sender = SENDER_IS_USER,
	.page = "https://account.microsoft.com",
};
