/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Gmail and Google Workspace, as mailboxes submit to them. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_TO_MAIL, REPLY_ANY, NULL, "5.4.5", { ERROR_QUOTA,
	  N_("the mailbox has sent to as many as it may in 24 hours: it frees itself bit by bit") } },
	{ REPLY_ANY, 534, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } },
};

const struct service service_gmail = {
	.name = "gmail",
	.what = "Gmail",
	.settings = {
		{ "host", "smtp.gmail.com" },
		{ "port", "587" },
		{ "max_recipients", "100" },
		{ "max_size", "26214400" },
		{ "token_endpoint", "https://oauth2.googleapis.com/token" },
		{ "authorization_endpoint", "https://accounts.google.com/o/oauth2/v2/auth" },
		{ "device_authorization_endpoint", "https://oauth2.googleapis.com/device/code" },
	},
	.person_scope = "https://mail.google.com/",
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://myaccount.google.com/apppasswords",
};
