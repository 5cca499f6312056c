/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings that name a server by an address with a scheme, and that are no host of mail.
 */
#ifndef CONFIG_URLS_H
#define CONFIG_URLS_H

#include "base/error.h"

/* Whether a value makes sense, its password taken out; ERROR_CONFIG shows none of it. */
bool urls_check_proxy(const char *value, struct error *err);

bool urls_check_store(const char *value, struct error *err);

/* An address of this machine, IPv4 or IPv6. */
bool urls_check_source(const char *value, struct error *err);

/* The family of an address, AF_INET or AF_INET6; AF_UNSPEC: it is none. */
int urls_family(const char *address);

#endif
