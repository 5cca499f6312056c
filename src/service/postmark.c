/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Postmark, by ActiveCampaign. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("the server's API token is user name and password, both; or those of an SMTP token") } },
};

const struct service service_postmark = {
	.name = "postmark",
	.what = "Postmark",
	.settings = {
		{ "host", "smtp.postmarkapp.com" },
		{ "port", "587" },
		{ "max_recipients", "50" },
		{ "max_size", "10485760" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"),
		  N_("The API token of the Postmark server, which is the password, too; or the access\n"
		  "key of an SMTP token.") },
	.from = SERVICE_VERIFIED,
	.secret = N_("The same API token once more; or the secret key of the SMTP token."),
	.refuses_senders = true,
	.page = "https://account.postmarkapp.com/servers",
};
