/* SPDX-License-Identifier: GPL-3.0-or-later */
/* High Volume Email of Exchange Online: from machines to people of the same tenant. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 501, NULL, "5.5.127", { ERROR_AUTH,
	  N_("the token is about to expire: fetch a new one ten minutes before its end") } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("the password is wrong; or the token is, or its application is not on the list of the "
	  "account (Add-HVEAppAccess)") } },
};

const struct service service_hve = {
	.name = "hve",
	.what = N_("High Volume Email of Microsoft 365, inside one's own tenant"),
	.settings = {
		{ "host", "smtp-hve.office365.com" },
		{ "port", "587" },
		{ "max_recipients", "50" },
		{ "max_size", "10485760" },
	},
	.scope = "https://outlook.office365.com/.default",
	.person_scope = "https://outlook.office.com/SMTP.Send offline_access",
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"),
		  N_("The address of the account that was made for High Volume Email.") },
	.from = SERVICE_ANY_SENDER,
	.usual_sender = SENDER_IS_USER,
	.refuses_senders = true,
	.page = "https://admin.exchange.microsoft.com",
};
