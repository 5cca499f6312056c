/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A quota that many machines share, in a Redis or Valkey server: both windows are looked
 * at and charged there in one script, by the server's own clock. Keys hold the limits, so
 * that a changed setting begins anew, and whose quota it is as a digest; they expire by
 * themselves in two hours.
 */
#ifndef DELIVERY_QUOTA_STORE_H
#define DELIVERY_QUOTA_STORE_H

#include "config/account.h"

bool quota_store_is_set(const struct account *account);

/*
 * Whether `messages` may begin now; then they are charged. *wait: 0: they may; else the
 * seconds after which it is worth asking again. More than the quota ever lets through
 * wait until nothing is charged. False: the store could not be asked, within a second:
 * ERROR_NETWORK, ERROR_TLS, ERROR_AUTH, ERROR_PROTOCOL, ERROR_CONFIG; the error names the
 * setting and no password.
 */
bool quota_store_charge(const struct account *account, size_t messages, long *wait,
			struct error *err);

/* Those that no server heard of: they do not count after all. */
bool quota_store_give_back(const struct account *account, size_t messages, struct error *err);

/* Whether it answers and lets us in; nothing is charged. */
bool quota_store_greet(const struct account *account, struct error *err);

#endif
