/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Brevo, once Sendinblue. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("the password is an SMTP key and no API key, and the user name is the login that stands "
	  "beside it") } },
};

const struct service service_brevo = {
	.name = "brevo",
	.what = "Brevo",
	.settings = {
		{ "host", "smtp-relay.brevo.com" },
		{ "port", "587" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("User name"),
		  N_("The login that is shown where the SMTP keys are.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://app.brevo.com/settings/keys/smtp",
};
