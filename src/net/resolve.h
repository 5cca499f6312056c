/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From the name of a host to its addresses, within a time. */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <netinet/in.h>
#include <sys/socket.h>

#include "base/error.h"

enum {
	ADDRESSES_MAX = 16,	/* of one host; more are not tried */
	ADDRESS_TEXT_SIZE = INET6_ADDRSTRLEN + 16
};

struct ip_address {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} socket;
	socklen_t len;
};

struct addresses {
	struct ip_address list[ADDRESSES_MAX];
	size_t count;
	struct ip_address source;	/* to connect from; its len is 0: any */
};

/*
 * Addresses written as such (IPv6 with or without brackets) and "localhost" with what
 * ends in ".localhost" (RFC 6761 section 6.3) are known without asking. Anything else,
 * in ASCII, is asked of the system until clock_ms() is past the deadline.
 * ERROR_NO_HOST: there is no such name, or it has no address; ERROR_NETWORK: no answer
 * now; ERROR_SYSTEM. At least one address on success, in the order of RFC 6724.
 */
bool resolve(const char *host, long port, int64_t deadline, struct addresses *found,
	     struct error *err);

/*
 * Leaves those of a family (AF_UNSPEC: any) that can be reached from `source`, an address
 * of this machine (NULL or "": any). ERROR_NO_HOST: there is none.
 */
bool addresses_narrow(struct addresses *found, int family, const char *source,
		      struct error *err);

/* Whether `host` is an address, and which; the bytes are in network order. */
bool ip_address_parse(const char *host, struct ip_address *address);
const void *ip_address_bytes(const struct ip_address *address, size_t *len);

/* Numeric, without the port. */
void ip_address_text(const struct ip_address *address, char text[ADDRESS_TEXT_SIZE]);

/*
 * "localhost", and what ends in ".localhost" (RFC 6761 section 6.3): any machine for
 * itself.
 */
bool net_is_localhost(const char *name);

#endif
