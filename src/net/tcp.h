/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TCP connection to whichever address of a host answers first (RFC 8305). */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "net/resolve.h"

/*
 * Tries the addresses with the families in turn, the next one 250 ms after the last
 * or as soon as one fails, all in parallel; the first to answer wins. The descriptor
 * (the caller closes it) is non-blocking, close-on-exec and has TCP_NODELAY; *winner
 * is its address. -1: ERROR_NETWORK with each address and its reason.
 */
int tcp_connect(const struct addresses *addresses, int64_t deadline,
		const struct ip_address **winner, struct error *err);

#endif
