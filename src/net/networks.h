/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Networks as people write them: 10.0.0.0/8, fd00::/8, or one address. */
#ifndef NET_NETWORKS_H
#define NET_NETWORKS_H

#include "net/resolve.h"

enum { NETWORKS_MAX = 64 };

/*
 * IPv4 is kept as IPv6 sees it (RFC 4291 section 2.5.5.2), so that either way in is the
 * same.
 */
struct network {
	unsigned char bytes[16];
	unsigned bits;
};

struct networks {
	struct network list[NETWORKS_MAX];
	size_t count;
};

/*
 * Blanks or commas between. ERROR_CONFIG: what is none, or has bits beyond its length,
 * which is another network than was meant.
 */
bool networks_parse(const char *text, struct networks *networks, struct error *err);

bool networks_contain(const struct networks *networks, const struct ip_address *address);

/* Whether it is an address of this machine that no other reaches. */
bool ip_address_is_loopback(const struct ip_address *address);

#endif
