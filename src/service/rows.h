/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the tables of services are written with. A new service is one row in one of them;
 * a line in the list of `service` in doc/acsmtp.ini.5 goes with it.
 */
#ifndef SERVICE_ROWS_H
#define SERVICE_ROWS_H

#include "base/language.h"
#include "service/service.h"

struct service_table {
	const struct service *rows;
	size_t count;
};

/* In the order in which people see them, between the first one and any other. */
extern const struct service_table service_providers, service_mailboxes;

/* Its file is its own: there is much to know of it. */
extern const struct service service_acs;

/* The rules of a row: { struct reply_rule }, ... */
#define SERVICE_RULES(...) \
	.rules = (const struct reply_rule[]){ __VA_ARGS__ }, \
	.rule_count = COUNT_OF(((const struct reply_rule[]){ __VA_ARGS__ }))

/* --- what setup and hints say alike of services that are alike */

/* Questions of struct service: user, ... */
#define SERVICE_ONE_USER { N_("User name"), \
	N_("It is the same for all who use the service, and proposed.") }
#define SERVICE_MAILBOX { N_("User name"), N_("The address of the mailbox that sends.") }
#define SERVICE_SMTP_USER { N_("User name"), N_("That of an SMTP user of the account.") }

/* ... from, ... */
#define SERVICE_VERIFIED { N_("Sender"), \
	N_("An address of a domain that is verified at the service.") }
#define SERVICE_ANY_SENDER { N_("Sender"), N_("The address to send as.") }

/* ... and secret. */
#define SERVICE_KEY \
	N_("A key of the service that may send mail: an API key, or an SMTP key or token.")
#define SERVICE_SMTP_PASSWORD N_("The password of that SMTP user; no API key.")
#define SERVICE_PROGRAM_PASSWORD \
	N_("A password for one program, which is made in the security settings of the mailbox;\n" \
	   "the usual one is refused.")

/* Hints for a 535, and for a sender. */
#define SERVICE_WRONG_KEY \
	N_("the user name or the key is wrong, or the key is revoked or may not send mail")
#define SERVICE_WRONG_PASSWORD \
	N_("the server wants a password that was made for one program: it refuses the mailbox's " \
	   "usual one")
#define SERVICE_WRONG_TOKEN \
	N_("the token is wrong, expired or for another scope than " \
	   "https://outlook.office.com/SMTP.Send, or SMTP AUTH is off for the mailbox")
#define SERVICE_UNVERIFIED \
	N_("the sender is not verified at the service; set `from` to an address that is")

#endif
