/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Amazon Simple Email Service, which has a server in each region. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_TO_MAIL, 454, NULL, "throttling failure", { ERROR_QUOTA,
	  N_("more than the account may send a second or a day: wait, and ask for more in "
	  "the console") } },
	{ REPLY_TO_MAIL, 554, NULL, "is not verified", { ERROR_SENDER,
	  N_("the sender (in the sandbox a recipient, too) is not verified in this region; set "
	  "`from` to one that is, or `region` to where it is") } },
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("the user name and password are SMTP credentials of this region, which are not the "
	  "access key and secret of AWS") } },
};

const struct service service_ses = {
	.name = "ses",
	.what = "Amazon SES",
	.settings = {
		{ "port", "587" },
		{ "max_recipients", "50" },
		{ "max_size", "41943040" },
	},
	.host_of_region = "email-smtp.*.amazonaws.com",
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("SMTP username"),
		  N_("In the SES console: SMTP settings > Create SMTP credentials. It is no access\n"
		  "key of IAM.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://console.aws.amazon.com/ses/home#/smtp",
};
