/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * acsmtp check: does it work, and if not, why. Steps are rows of one table in
 * check/check.c; each looks at one thing and reports a finding.
 */
#ifndef CHECK_CHECK_H
#define CHECK_CHECK_H

#include "base/buf.h"
#include "base/json.h"
#include "config/account.h"
#include "delivery/connection.h"
#include "delivery/queue.h"
#include "talk/command.h"
#include "net/dns.h"

enum state {
	STATE_OK,
	STATE_WARNING,		/* works, but somebody should look at it */
	STATE_FAILED,
	STATE_SKIPPED,		/* not tried, or does not apply; the text says why */
};

enum { FINDING_MAX = 16 * 1024 };	/* bytes of its text, and of its advice */

struct finding {
	enum state state;
	enum error_kind kind;	/* of FAILED: decides the exit status */
	struct buf text;	/* one line */
	struct buf advice;	/* what to do, a line for each thing */
};
#define FINDING_INIT	{ .text = BUF_INIT(FINDING_MAX), .advice = BUF_INIT(FINDING_MAX) }

struct check_flags {
	const char *config, *nameserver, *send, *timeout;	/* NULL: not given */
	bool json;
};

struct check {
	struct check_flags flags;
	const char *wanted;		/* name of the account, or NULL */
	struct config config;
	struct account account;		/* borrows from the configuration */
	struct ip_address nameserver;
	bool has_nameserver;
	bool names_are_silent;		/* no name server answers: not the next time either */
	struct addresses addresses;	/* of the server */
	struct connection connection;
	struct queue queue;
	char *domain;			/* of `from`, in ASCII; NULL: no records to see */
	struct json json;		/* for figures: the step's object is open */
};

/* State and text of a finding; the advice grows by a line. Both translate the format. */
void find(struct finding *f, enum state state, const char *fmt, ...) PRINTF(3, 4);
void advise(struct finding *f, const char *fmt, ...) PRINTF(2, 3);
void find_error(struct finding *f, const struct error *err);	/* FAILED */

/* Until when one question may take: not as long as a dialogue. */
int64_t check_deadline(const struct check *c);

/* The steps. */
typedef void check_step_fn(struct check *c, struct finding *f);
check_step_fn check_configuration, check_secret, check_addresses, check_connections;
check_step_fn check_greeting, check_tls, check_extensions, check_login, check_sender;
check_step_fn check_sending, check_quota, check_spool, check_log;
check_step_fn check_domain, check_spf, check_dkim_1, check_dkim_2, check_dmarc, check_mx;

/* Why a login was refused (535): a line of advice for each cause, in order. */
void check_login_causes(const struct check *c, struct finding *f);

/* All steps for the account that is named; EX_OK when mail can be sent. */
extern const struct command check_command;

#endif
