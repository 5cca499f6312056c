/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Azure Communication Services. Its texts are those of Exchange's transport. */
#include "service/rows.h"

static const char over_quota[] =
	N_("the account is over its quota of messages a minute or an hour, and each attempt "
	"counts: wait, up to an hour, and ask Azure support for a higher quota");

static const struct reply_rule rules[] = {
	{ REPLY_ANY, 535, NULL, NULL, { ERROR_AUTH,
	  N_("one text stands for six causes: the user name names the wrong resource, "
	  "application or tenant; the password is wrong, expired, or the secret's id and not "
	  "its value; the application lacks the role \"Communication and Email Service "
	  "Owner\", or got it minutes ago; the SMTP username is not \"Ready to use\" yet; "
	  "the token is for another scope than https://communication.azure.com/.default; or "
	  "it is of another application") } },
	{ REPLY_ANY, 504, NULL, "5.7.4", { ERROR_NONE,
	  N_("the service takes AUTH LOGIN for a password and XOAUTH2 for a token, nothing else") } },
	{ REPLY_TO(AT_AUTH), 504, NULL, NULL, { ERROR_NONE,
	  N_("the service takes AUTH LOGIN for a password and XOAUTH2 for a token, nothing else") } },
	{ REPLY_ANY, 530, NULL, "5.7.57", { ERROR_AUTH,
	  N_("nobody was logged in: set `user` and a password, and not `auth = off`") } },
	{ REPLY_TO_MAIL, REPLY_ANY, NULL, "5.3.5", { ERROR_SENDER,
	  N_("the sender must be a MailFrom address of a domain that is verified and linked to "
	  "the resource (DoNotReply@ is the only one until others are added); set `from` "
	  "to one, and `sender_policy = rewrite`") } },
	{ REPLY_TO_MAIL, REPLY_ANY, NULL, "sender's username is invalid", { ERROR_SENDER,
	  N_("the sender must be a MailFrom address of a domain that is verified and linked to "
	  "the resource; set `from` to one") } },
	{ REPLY_ANY, REPLY_ANY, NULL, "4.5.127", { ERROR_QUOTA, over_quota } },
	{ REPLY_ANY, REPLY_ANY, NULL, "excessive message rate", { ERROR_QUOTA, over_quota } },
};

const struct service service_acs = {
	.name = "acs",
	.what = "Azure Communication Services",
	/* The quota is that of a new subscription; support raises it. */
	.settings = {
		{ "host", "smtp.azurecomm.net" },
		{ "port", "587" },
		{ "max_recipients", "50" },
		{ "max_size", "10485760" },
		{ "null_sender", "account" },
		{ "rate_per_minute", "30" },
		{ "rate_per_hour", "100" },
	},
	.scope = "https://communication.azure.com/.default",
	.person_scope = "https://communication.azure.com/.default offline_access",
	.rules = rules,
	.rule_count = COUNT_OF(rules),
	.user = { N_("SMTP username"),
		  N_("In the Azure portal: your Communication Services resource > Email > SMTP credentials.\n"
		  "It is the SMTP username there; its status must be \"Ready to use\".") },
	.from = { N_("Sender"),
		  N_("A MailFrom address of a domain that is verified and linked to the resource, such as\n"
		  "DoNotReply@mail.example.org. A domain alone stands for DoNotReply at that domain.") },
	.secret = N_("The value of the client secret, and not its id. In the Azure portal: Entra ID >\n"
		     "App registrations > your application > Certificates & secrets. The value is shown\n"
		     "only once; if it is gone, make a new secret. What you type is not shown."),
	.usual_sender = SENDER_IS_DONOTREPLY,
	.is_azure = true,
	.refuses_senders = true,
	.spf = "include:spf.protection.outlook.com",
	.dkim_selectors = { "selector1-azurecomm-prod-net", "selector2-azurecomm-prod-net" },
	.dkim_target = ".azurecomm.net",
	.sent = N_("taken is not delivered: what became of it is in Azure Monitor, by this "
		   "Message-ID"),
	.page = "https://portal.azure.com",
	.end = { 2028, 9, 30, .advice =
		 N_("the ways out: `acsmtp help services` lists others (Exchange Online and hve are "
		 "Microsoft's, hve for recipients of one's own tenant alone); `acsmtp setup "
		 "--service NAME` makes an account, and `failover = NAME` in this one lets it "
		 "take over") },
};
