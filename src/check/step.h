/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The steps of acsmtp check. Each looks at one thing, reports a finding, and leaves in
 * the check what later steps need. Their order, and which needs which, is the table in
 * check/check.c.
 */
#ifndef CHECK_STEP_H
#define CHECK_STEP_H

#include "base/json.h"
#include "config/account.h"
#include "net/dns.h"
#include "delivery/connection.h"
#include "delivery/queue.h"
#include "check/finding.h"

struct check_flags {
	const char *config, *nameserver, *send, *timeout;	/* NULL: not given */
	bool json;
};

struct check {
	struct check_flags flags;
	const char *wanted;		/* name of the account, or NULL */
	struct config config;
	struct account account;		/* borrows from the configuration */
	bool has_account;		/* false: that is the daemon alone, whose accounts are not known */
	struct ip_address nameserver;
	bool has_nameserver;
	bool names_are_silent;		/* no name server answers: not the next time either */
	struct addresses addresses;	/* of the server, or of its proxy */
	long first_port;		/* there */
	struct connection connection;
	struct queue queue;
	char *domain;			/* of `from`, in ASCII; NULL: no records to see */
	struct json json;		/* for figures: the step's object is open */
};

/* Until when one question may take: not as long as a dialogue. */
int64_t check_deadline(const struct check *c);

/* The steps. */
typedef void check_step_fn(struct check *c, struct finding *f);
check_step_fn check_configuration, check_service, check_secret, check_addresses;
check_step_fn check_connections, check_proxy, check_greeting, check_tls, check_extensions;
check_step_fn check_login, check_sender, check_sending, check_quota, check_failover;
check_step_fn check_spool, check_log, check_daemon, check_handing_over;
check_step_fn check_domain, check_spf, check_dkim_1, check_dkim_2, check_dmarc, check_mx;

/* A mailbox in ASCII; the caller frees. NULL: ERROR_DATA, it is none. */
char *check_mailbox(const char *text, struct error *err);

/* The message of --send, without From; ERROR_DATA, ERROR_IO. */
bool check_write_message(struct message *m, const char *to, struct error *err);

/* Why a login was refused (535): a line of advice for each cause, in order. */
void check_login_causes(const struct check *c, struct finding *f);

/* The same of servers of which no more is known than what a token says of itself. */
void check_token_causes(const struct check *c, struct finding *f);

#endif
