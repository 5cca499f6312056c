/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mailgun, by Sinch. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("the password is that of the SMTP user of the domain, and no API key; a domain of the "
	  "EU wants `region = eu`") } },
};

const struct service service_mailgun = {
	.name = "mailgun",
	.what = "Mailgun",
	.settings = {
		{ "port", "587" },
		{ "max_recipients", "1000" },
		{ "max_size", "26214400" },
	},
	.regions = {
		{ "us", "smtp.mailgun.org" },
		{ "eu", "smtp.eu.mailgun.org" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"),
		  N_("The SMTP user of the sending domain, such as postmaster@mg.example.org.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_SMTP_PASSWORD,
	.refuses_senders = true,
	.page = "https://app.mailgun.com/mg/sending/domains",
};
