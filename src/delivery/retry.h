/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is done about a failure: who has to wait for it, the message or all mail of its
 * account, and for how long. One table of kinds, replies, scopes and schedules.
 */
#ifndef DELIVERY_RETRY_H
#define DELIVERY_RETRY_H

#include "base/error.h"

enum retry_scope {
	RETRY_NEVER,		/* it will fail again: error_is_worth_retrying() */
	RETRY_MESSAGE,		/* this message waits, the others go on */
	RETRY_ACCOUNT,		/* all mail of the account waits */
};

/*
 * `in_transaction`: the session was open, and something had been said of this message. A
 * connection that is lost then is the message's misfortune, so that one that brings the
 * server down cannot stop the others; lost before, it is the account's.
 */
enum retry_scope retry_scope(const struct error *err, bool in_transaction);

/*
 * Seconds until the next try after `failures_before` failures of this class in a row:
 * what the schedule says and up to a quarter more, as `random` wills, so that a fleet
 * does not come back at one moment.
 */
long retry_delay(const struct error *err, unsigned failures_before, uint32_t random);

enum { RETRY_DELAY_MAX = 3600 + 3600 / 4 };	/* the longest that retry_delay() says */

/* A word for the class: two failures of different classes are not "in a row". */
const char *retry_class(const struct error *err);

/* What is known of a class. */
struct retry_facts {
	enum error_kind kind;	/* of such failures, more or less */
	bool counts;		/* a try before its time costs something: the server counts it */
	bool is_unheard;	/* no server had been reached: a try costs nobody anything */
	bool outlasts_config;	/* nothing that is changed here can mend it */
};
struct retry_facts retry_class_facts(const char *class);

#endif
