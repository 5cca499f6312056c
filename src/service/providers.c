/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Services that send the mail of companies and their programs: a row each. */
#include "service/rows.h"

static const struct service rows[] = {
/* High Volume Email of Exchange Online: from machines to people of the same tenant. */
{
	.name = "hve",
	.what = N_("High Volume Email of Microsoft 365, inside one's own tenant"),
	.settings = {
		{ "host", "smtp-hve.office365.com" }, { "port", "587" },
		{ "max_recipients", "50" }, { "max_size", "10485760" }
	},
	.scope = "https://outlook.office365.com/.default",
	.person_scope = "https://outlook.office.com/SMTP.Send offline_access",
	SERVICE_RULES(
		{ REPLY_ANY, 501, NULL, "5.5.127", { ERROR_AUTH,
		  N_("the token is about to expire: fetch a new one ten minutes before its end") } },
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("the password is wrong; or the token is, or its application is not on the list of the "
		  "account (Add-HVEAppAccess)") } }),
	.user = { N_("User name"),
		  N_("The address of the account that was made for High Volume Email.") },
	.from = SERVICE_ANY_SENDER,
	.usual_sender = SENDER_IS_USER,
	.refuses_senders = true,
	.page = "https://admin.exchange.microsoft.com",
},

/* Exchange Online, as mailboxes submit to it. */
{
	.name = "office365",
	.what = N_("a mailbox of Microsoft 365"),
	.settings = {
		{ "host", "smtp.office365.com" }, { "port", "587" }, { "auth", "xoauth2" },
		{ "max_recipients", "500" }, { "max_size", "157286400" },
		{ "rate_per_minute", "30" }
	},
	.scope = "https://outlook.office365.com/.default",
	.person_scope = "https://outlook.office.com/SMTP.Send offline_access",
	SERVICE_RULES(
		{ REPLY_ANY, 535, NULL, "5.7.139", { ERROR_AUTH,
		  N_("passwords are switched off for SMTP there: use `auth = xoauth2`, "
		  "with `token = refresh` and `acsmtp login`, or with another `token`") } },
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_TOKEN } },
		{ REPLY_TO_MAIL, REPLY_ANY, NULL, "5.7.60", { ERROR_SENDER,
		  N_("the mailbox may not send as this sender; set `from` to its own address") } }),
	.user = SERVICE_MAILBOX,
	.from = SERVICE_ANY_SENDER,
	.wants_token = true,
	.usual_sender = SENDER_IS_USER,
	.page = "https://admin.microsoft.com",
	/* For new tenants from 2027 on; when it is over for all is to be told in 2027. */
	.end = { 2026, 12, 31, .is_of_passwords = true, .advice =
		 N_("after that an administrator has to switch them on again, for a while: use "
		 "`auth = xoauth2`, or hve for recipients of one's own tenant") },
},

/* SendGrid, by Twilio. */
{
	.name = "sendgrid",
	.what = "SendGrid",
	.settings = {
		{ "port", "587" }, { "user", "apikey" }, { "max_recipients", "1000" },
		{ "max_size", "31457280" }
	},
	.regions = { { "us", "smtp.sendgrid.net" }, { "eu", "smtp.eu.sendgrid.net" } },
	SERVICE_RULES(
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("the user name is the word apikey, and the password an API key that may send mail") } },
		{ REPLY_TO_MAIL, 550, NULL, "sender identity", { ERROR_SENDER,
		  N_("the sender is no verified identity of the SendGrid account; set `from` to one") } }),
	.user = { N_("User name"), N_("SendGrid has one for all: the word apikey.") },
	.from = { N_("Sender"), N_("An address that is verified at SendGrid.") },
	.page = "https://app.sendgrid.com/settings/api_keys",
},

/* Amazon Simple Email Service, which has a server in each region. */
{
	.name = "ses",
	.what = "Amazon SES",
	.settings = {
		{ "port", "587" }, { "max_recipients", "50" }, { "max_size", "41943040" }
	},
	.host_of_region = "email-smtp.*.amazonaws.com",
	SERVICE_RULES(
		{ REPLY_TO_MAIL, 454, NULL, "throttling failure", { ERROR_QUOTA,
		  N_("more than the account may send a second or a day: wait, and ask for more in "
		  "the console") } },
		{ REPLY_TO_MAIL, 554, NULL, "is not verified", { ERROR_SENDER,
		  N_("the sender (in the sandbox a recipient, too) is not verified in this region; set "
		  "`from` to one that is, or `region` to where it is") } },
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("the user name and password are SMTP credentials of this region, which are not the "
		  "access key and secret of AWS") } }),
	.user = { N_("SMTP username"),
		  N_("In the SES console: SMTP settings > Create SMTP credentials. It is no access\n"
		  "key of IAM.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://console.aws.amazon.com/ses/home#/smtp",
},

/* Mailgun, by Sinch. */
{
	.name = "mailgun",
	.what = "Mailgun",
	.settings = {
		{ "port", "587" }, { "max_recipients", "1000" }, { "max_size", "26214400" }
	},
	.regions = { { "us", "smtp.mailgun.org" }, { "eu", "smtp.eu.mailgun.org" } },
	SERVICE_RULES(
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("the password is that of the SMTP user of the domain, and no API key; a domain of the "
		  "EU wants `region = eu`") } }),
	.user = { N_("User name"),
		  N_("The SMTP user of the sending domain, such as postmaster@mg.example.org.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_SMTP_PASSWORD,
	.refuses_senders = true,
	.page = "https://app.mailgun.com/mg/sending/domains",
},

/* Postmark, by ActiveCampaign. */
{
	.name = "postmark",
	.what = "Postmark",
	.settings = {
		{ "host", "smtp.postmarkapp.com" }, { "port", "587" },
		{ "max_recipients", "50" }, { "max_size", "10485760" }
	},
	SERVICE_RULES(
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("the server's API token is user name and password, both; or those of an SMTP token") } }),
	.user = { N_("User name"),
		  N_("The API token of the Postmark server, which is the password, too; or the access\n"
		  "key of an SMTP token.") },
	.from = SERVICE_VERIFIED,
	.secret = N_("The same API token once more; or the secret key of the SMTP token."),
	.refuses_senders = true,
	.page = "https://account.postmarkapp.com/servers",
},

/* Brevo, once Sendinblue. */
{
	.name = "brevo",
	.what = "Brevo",
	.settings = { { "host", "smtp-relay.brevo.com" }, { "port", "587" } },
	SERVICE_RULES(
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
		  N_("the password is an SMTP key and no API key, and the user name is the login that stands "
		  "beside it") } }),
	.user = { N_("User name"),
		  N_("The login that is shown where the SMTP keys are.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://app.brevo.com/settings/keys/smtp",
},

/* Mailjet, by Sinch. */
{
	.name = "mailjet",
	.what = "Mailjet",
	.settings = {
		{ "host", "in-v3.mailjet.com" }, { "port", "587" }, { "max_recipients", "50" },
		{ "max_size", "15728640" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = { N_("User name"), N_("The API key.") },
	.from = SERVICE_VERIFIED,
	.secret = N_("The secret key that belongs to the API key."),
	.refuses_senders = true,
	.page = "https://app.mailjet.com/account/apikeys",
},

/* SMTP2GO. */
{
	.name = "smtp2go",
	.what = "SMTP2GO",
	.settings = { { "port", "587" } },
	.regions = {
		{ "any", "mail.smtp2go.com" }, { "us", "mail-us.smtp2go.com" },
		{ "eu", "mail-eu.smtp2go.com" }, { "au", "mail-au.smtp2go.com" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_SMTP_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_SMTP_PASSWORD,
	.refuses_senders = true,
	.page = "https://app.smtp2go.com/sending/smtp_users",
},

/* SparkPost, by Bird. */
{
	.name = "sparkpost",
	.what = "SparkPost",
	.settings = { { "port", "587" }, { "user", "SMTP_Injection" } },
	.regions = {
		{ "us", "smtp.sparkpostmail.com" }, { "eu", "smtp.eu.sparkpostmail.com" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://app.sparkpost.com/account/api-keys",
},

/* Resend. */
{
	.name = "resend",
	.what = "Resend",
	.settings = {
		{ "host", "smtp.resend.com" }, { "port", "587" }, { "user", "resend" },
		{ "max_recipients", "50" }, { "max_size", "41943040" }
	},
	SERVICE_RULES(
		{ REPLY_TO_MAIL, REPLY_ANY, NULL, "not verified", { ERROR_SENDER, SERVICE_UNVERIFIED } },
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://resend.com/api-keys",
},

/* ZeptoMail, by Zoho. */
{
	.name = "zeptomail",
	.what = "ZeptoMail",
	.settings = {
		{ "port", "587" }, { "user", "emailapikey" }, { "max_recipients", "500" },
		{ "max_size", "15728640" }
	},
	.regions = {
		{ "com", "smtp.zeptomail.com" }, { "eu", "smtp.zeptomail.eu" },
		{ "in", "smtp.zeptomail.in" }
	},
	SERVICE_RULES(
		{ REPLY_TO_MAIL, 553, NULL, "not allowed to relay", { ERROR_SENDER, SERVICE_UNVERIFIED } },
		{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://zeptomail.zoho.com",
},

/* MailerSend. */
{
	.name = "mailersend",
	.what = "MailerSend",
	.settings = { { "host", "smtp.mailersend.net" }, { "port", "587" } },
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_SMTP_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_SMTP_PASSWORD,
	.refuses_senders = true,
	.page = "https://app.mailersend.com/domains",
},

/* Mailtrap: its transactional stream, and as a region the one for bulk mail. */
{
	.name = "mailtrap",
	.what = "Mailtrap",
	.settings = { { "port", "587" }, { "user", "api" } },
	.regions = {
		{ "live", "live.smtp.mailtrap.io" }, { "bulk", "bulk.smtp.mailtrap.io" }
	},
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = SERVICE_ONE_USER,
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://mailtrap.io/sending/domains",
},

/* Mailchimp Transactional, once Mandrill. */
{
	.name = "mandrill",
	.what = "Mailchimp Transactional",
	.settings = { { "host", "smtp.mandrillapp.com" }, { "port", "587" } },
	SERVICE_RULES({ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH, SERVICE_WRONG_KEY } }),
	.user = { N_("User name"), N_("Any name will do; the key is what counts.") },
	.from = SERVICE_VERIFIED,
	.secret = SERVICE_KEY,
	.refuses_senders = true,
	.page = "https://mandrillapp.com/settings",
},
};

const struct service_table service_providers = { rows, COUNT_OF(rows) };
