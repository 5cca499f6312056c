/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SendGrid, by Twilio. */
#include "service/service.h"

#include "base/language.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("the user name is the word apikey, and the password an API key that may send mail") } },
	{ REPLY_TO_MAIL, 550, NULL, "sender identity", { ERROR_SENDER,
	  N_("the sender is no verified identity of the SendGrid account; set `from` to one") } },
};

const struct service service_sendgrid = {
	.name = "sendgrid",
	.what = "SendGrid",
	.settings = {
		{ "port", "587" },
		{ "user", "apikey" },
		{ "max_recipients", "1000" },
		{ "max_size", "31457280" },
	},
	.regions = {
		{ "us", "smtp.sendgrid.net" },
		{ "eu", "smtp.eu.sendgrid.net" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"), N_("SendGrid has one for all: the word apikey.") },
	.from = { N_("Sender"), N_("An address that is verified at SendGrid.") },
	.page = "https://app.sendgrid.com/settings/api_keys",
};
