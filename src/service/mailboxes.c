/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mailboxes, mostly of persons, whose servers take what their owners send: a row each. */
#include "service/rows.h"

static const struct service rows[] = {
/* Gmail and Google Workspace, as mailboxes submit to them. */
{
	.name = "gmail",
	.what = "Gmail",
	.settings = {
		{ "host", "smtp.gmail.com" }, { "port", "587" }, { "max_recipients", "100" },
		{ "max_size", "26214400" },
		{ "token_endpoint", "https://oauth2.googleapis.com/token" },
		{ "authorization_endpoint", "https://accounts.google.com/o/oauth2/v2/auth" },
		{ "device_authorization_endpoint", "https://oauth2.googleapis.com/device/code" }
	},
	.person_scope = "https://mail.google.com/",
	SERVICE_RULES(
		{ REPLY_TO_MAIL, REPLY_ANY, NULL, "5.4.5", { ERROR_QUOTA,
		  N_("the mailbox has sent to as many as it may in 24 hours: it frees itself bit by bit") } },
		{ REPLY_ANY, 534, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } },
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://myaccount.google.com/apppasswords",
},

/* Fastmail, whose server has TLS from the first byte on. */
{
	.name = "fastmail",
	.what = "Fastmail",
	.settings = {
		{ "host", "smtp.fastmail.com" }, { "port", "465" }, { "tls", "implicit" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://app.fastmail.com/settings/security",
},

/* iCloud Mail, by Apple. */
{
	.name = "icloud",
	.what = "iCloud Mail",
	.settings = { { "host", "smtp.mail.me.com" }, { "port", "587" } },
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://account.apple.com",
},

/* Yahoo Mail, whose server has TLS from the first byte on. */
{
	.name = "yahoo",
	.what = "Yahoo Mail",
	.settings = {
		{ "host", "smtp.mail.yahoo.com" }, { "port", "465" }, { "tls", "implicit" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://login.yahoo.com/account/security",
},

/* Outlook.com: mailboxes of persons, not those of Microsoft 365. */
{
	.name = "outlook",
	.what = "Outlook.com",
	.settings = {
		{ "tenant", "consumers" }, { "host", "smtp-mail.outlook.com" },
		{ "port", "587" }, { "auth", "xoauth2" }
	},
	.person_scope = "https://outlook.office.com/SMTP.Send offline_access",
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_TOKEN } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.wants_token = true,
	.usual_sender = SENDER_IS_USER,
	.page = "https://account.microsoft.com",
},

/* Zoho Mail, whose servers have TLS from the first byte on. */
{
	.name = "zoho",
	.what = "Zoho Mail",
	.settings = { { "port", "465" }, { "tls", "implicit" } },
	.regions = {
		{ "com", "smtp.zoho.com" }, { "eu", "smtp.zoho.eu" }, { "in", "smtp.zoho.in" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://accounts.zoho.com/home#security",
},

/* Proton Mail. */
{
	.name = "proton",
	.what = "Proton Mail",
	.settings = { { "host", "smtp.protonmail.ch" }, { "port", "587" } },
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = N_("The SMTP token that was made for this address; the usual password is refused."),
	.usual_sender = SENDER_IS_USER,
	.page = "https://account.proton.me/mail/imap-smtp",
},

/* GMX. */
{
	.name = "gmx",
	.what = "GMX",
	.settings = { { "port", "587" } },
	.regions = { { "com", "mail.gmx.com" }, { "net", "mail.gmx.net" } },
	SERVICE_RULES(
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("check `user` and the password, and whether the mailbox's settings let programs send") } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.usual_sender = SENDER_IS_USER,
},

/* Infomaniak, of Switzerland. */
{
	.name = "infomaniak",
	.what = "Infomaniak",
	.settings = { { "host", "mail.infomaniak.com" }, { "port", "587" } },
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_PASSWORD } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.secret = SERVICE_PROGRAM_PASSWORD,
	.usual_sender = SENDER_IS_USER,
	.page = "https://manager.infomaniak.com",
},
};

const struct service_table service_mailboxes = { rows, COUNT_OF(rows) };
