/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Proton Mail. */
#include "service/service.h"

#include "service/phrases.h"

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } },
};

const struct service service_proton = {
	.name = "proton",
	.what = "Proton Mail",
	.settings = {
		{ "host", "smtp.protonmail.ch" },
		{ "port", "587" },
	},
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = N_("The SMTP token that was made for this address; the usual password is refused."),
	.usual_sender = SENDER_IS_USER,
	.page = "https://account.proton.me/mail/imap-smtp",
};
