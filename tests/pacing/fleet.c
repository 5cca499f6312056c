/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One machine of a fleet, for tests/pacing/test_pacing.py: a spool of its own and delivery/throttle.h
 * as the queue's runner uses it, on a clock and with a chance that the test gives.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "delivery/quota_store.h"
#include "delivery/throttle.h"

static uint64_t seed;
static time_t present;
static long (*charge)(long now);	/* the store, if there is one: seconds to wait, or 0 */

struct host {
	struct spool spool;
	struct account account;
};

#define FOR_PYTHON __attribute__((visibility("default")))
FOR_PYTHON void fleet_seed(uint64_t n);
FOR_PYTHON struct host *fleet_host(const char *path, long per_minute, long per_hour);
FOR_PYTHON void fleet_store(long (*function)(long now));
FOR_PYTHON time_t fleet_ask(struct host *h, time_t now);
FOR_PYTHON void fleet_accepted(struct host *h, time_t now);
FOR_PYTHON void fleet_refused(struct host *h, time_t now);
FOR_PYTHON void fleet_unreachable(struct host *h, time_t now);

/* In place of the system's: the same chance in every run. */
ssize_t getrandom(void *bytes, size_t len, unsigned int flags)
{
	unsigned char *byte = bytes;

	(void)flags;
	for (size_t i = 0; i < len; i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		byte[i] = (unsigned char)(seed >> 56);
	}
	return (ssize_t)len;
}

void fleet_seed(uint64_t n)
{
	seed = n;
}

struct host *fleet_host(const char *path, long per_minute, long per_hour)
{
	struct host *h = calloc(1, sizeof(*h));

	if (!h)
		abort();
	h->spool.path = strdup(path);
	h->spool.dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	h->account.name = strdup("fleet");
	h->account.host = strdup("host");
	h->account.user = strdup("user");
	h->account.rate_per_minute = per_minute;
	h->account.rate_per_hour = per_hour;
	return h;
}

static struct turn turn_of(struct host *h)
{
	return (struct turn){ .spool = &h->spool, .account = &h->account, .messages = 1 };
}

/* In place of a connection to one. */
void fleet_store(long (*function)(long now))
{
	charge = function;
}

bool quota_store_is_set(const struct account *account)
{
	return account && charge;
}

bool quota_store_charge(const struct account *account, size_t messages, long *wait,
			struct error *err)
{
	(void)account;
	(void)messages;
	(void)err;
	*wait = charge(present);
	return true;
}

bool quota_store_give_back(const struct account *account, size_t messages, struct error *err)
{
	(void)account;
	(void)messages;
	(void)err;
	return true;
}

/* 0: it may send; else when to ask again. */
time_t fleet_ask(struct host *h, time_t now)
{
	const struct turn turn = turn_of(h);
	struct pause pause;

	present = now;
	return throttle_ask(&turn, now, &pause) ? 0 : pause.at;
}

void fleet_accepted(struct host *h, time_t now)
{
	const struct turn turn = turn_of(h);

	(void)throttle_learn(&turn, NULL, true, now);
}

void fleet_refused(struct host *h, time_t now)
{
	const struct turn turn = turn_of(h);
	struct error err;

	error_set(&err, ERROR_QUOTA, "450 4.5.127 Excessive message rate from sender");
	(void)throttle_learn(&turn, &err, true, now);
}

void fleet_unreachable(struct host *h, time_t now)
{
	const struct turn turn = turn_of(h);
	struct error err;

	error_set(&err, ERROR_NETWORK, "no connection");
	(void)throttle_learn(&turn, &err, false, now);
}
