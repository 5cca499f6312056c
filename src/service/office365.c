/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exchange Online, as mailboxes submit to it. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, "5.7.139", { ERROR_AUTH,
	  N_("passwords are switched off for SMTP there: use `auth = xoauth2`, "
	  "with `token = refresh` and `acsmtp login`, or with another `token`") } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_TOKEN } },
	{ REPLY_TO_MAIL, REPLY_ANY, NULL, "5.7.60", { ERROR_SENDER,
	  N_("the mailbox may not send as this sender; set `from` to its own address") } },
};

const struct service service_office365 = {
	.name = "office365",
	.what = N_("a mailbox of Microsoft 365"),
	.settings = {
		{ "host", "smtp.office365.com" },
		{ "port", "587" },
		{ "auth", "xoauth2" },
		{ "max_recipients", "500" },
		{ "max_size", "157286400" },
		{ "rate_per_minute", "30" },
	},
	.scope = "https://outlook.office365.com/.default",
	.person_scope = "https://outlook.office.com/SMTP.Send offline_access",
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.wants_token = true,
	.usual_sender = SENDER_IS_USER,
	.page = "https://admin.microsoft.com",
	/* For new tenants from 2027 on; when it is over for all is to be told in 2027. */
	.end = { 2026, 12, 31, .is_of_passwords = true, .advice =
		 N_("after that an administrator has to switch them on again, for a while: use "
		 "`auth = xoauth2`, or hve for recipients of one's own tenant") },
};
