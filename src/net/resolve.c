/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names become addresses. What needs no resolver is known here; the rest is asked in an
 * errand that can be left behind, as getaddrinfo(3) takes no deadline.
 */
#include "net/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/background.h"
#include "base/language.h"
#include "base/text.h"
#include "net/errand.h"

struct lookup {
	char *host;
	char port[8];
	struct addrinfo *list;
	int result;		/* of getaddrinfo() */
	int reason;		/* errno, for EAI_SYSTEM */
};

bool ip_address_parse(const char *host, struct ip_address *address)
{
	struct ip_address a = { 0 };
	char inner[INET6_ADDRSTRLEN];
	size_t len = strlen(host);

	if (len > 2 && len < sizeof(inner) && host[0] == '[' && host[len - 1] == ']') {
		memcpy(inner, host + 1, len - 2);
		inner[len - 2] = '\0';
		host = inner;
	}
	if (inet_pton(AF_INET, host, &a.socket.v4.sin_addr) == 1) {
		a.socket.v4.sin_family = AF_INET;
		a.len = sizeof(a.socket.v4);
	} else if (inet_pton(AF_INET6, host, &a.socket.v6.sin6_addr) == 1) {
		a.socket.v6.sin6_family = AF_INET6;
		a.len = sizeof(a.socket.v6);
	} else {
		return false;
	}
	*address = a;
	return true;
}

const void *ip_address_bytes(const struct ip_address *address, size_t *len)
{
	if (address->socket.any.sa_family == AF_INET) {
		*len = sizeof(address->socket.v4.sin_addr);
		return &address->socket.v4.sin_addr;
	}
	*len = sizeof(address->socket.v6.sin6_addr);
	return &address->socket.v6.sin6_addr;
}

void ip_address_text(const struct ip_address *address, char text[ADDRESS_TEXT_SIZE])
{
	if (getnameinfo(&address->socket.any, address->len, text, ADDRESS_TEXT_SIZE, NULL,
			0, NI_NUMERICHOST) != 0)
		snprintf(text, ADDRESS_TEXT_SIZE, "?");
}

static void set_port(struct ip_address *address, long port)
{
	/* The port stands at the same place in both. */
	address->socket.v4.sin_port = htons((uint16_t)port);
}

bool net_is_localhost(const char *host)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(host);

	return text_is(host, "localhost") ||
	       (len > sizeof(suffix) - 1 &&
		text_is(host + len - (sizeof(suffix) - 1), suffix));
}

/* RFC 6761 section 6.3: localhost is this machine, and no resolver is asked who it is. */
static bool known(const char *host, struct addresses *found)
{
	if (ip_address_parse(host, &found->list[0])) {
		found->count = 1;
		return true;
	}
	if (!net_is_localhost(host))
		return false;
	/* IPv4 first: what listens on this machine listens there. */
	ip_address_parse("127.0.0.1", &found->list[0]);
	ip_address_parse("::1", &found->list[1]);
	found->count = 2;
	return true;
}

bool addresses_narrow(struct addresses *found, int family, const char *source,
		      struct error *err)
{
	size_t kept = 0;

	if (source && *source && ip_address_parse(source, &found->source))
		family = found->source.socket.any.sa_family;
	if (family == AF_UNSPEC)
		return true;
	for (size_t i = 0; i < found->count; i++)
		if (found->list[i].socket.any.sa_family == family)
			found->list[kept++] = found->list[i];
	found->count = kept;
	if (kept > 0)
		return true;
	error_text(err, ERROR_NO_HOST, family == AF_INET ? N_("the host has no IPv4 address") :
							   N_("the host has no IPv6 address"));
	return error_advise(err, "`address_family` or `source_address` of the account asks for one");
}

static void lookup_free(void *work)
{
	struct lookup *lookup = work;

	if (lookup->list)
		freeaddrinfo(lookup->list);
	free(lookup->host);
	free(lookup);
}

static void ask(void *work)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct lookup *lookup = work;

	lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
	lookup->reason = errno;
}

static struct lookup *lookup_new(const char *host, long port)
{
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));

	lookup->host = text_copy(host);
	snprintf(lookup->port, sizeof(lookup->port), "%ld", port);
	return lookup;
}

static void take_answer(const struct lookup *lookup, struct addresses *found)
{
	found->count = 0;
	for (const struct addrinfo *a = lookup->list; a; a = a->ai_next) {
		struct ip_address *next = &found->list[found->count];

		if (found->count == ADDRESSES_MAX ||
		    a->ai_addrlen > sizeof(next->socket) ||
		    (a->ai_family != AF_INET && a->ai_family != AF_INET6))
			continue;
		memcpy(&next->socket, a->ai_addr, a->ai_addrlen);
		next->len = a->ai_addrlen;
		found->count++;
	}
}

/*
 * Whoever may open no file finds no name either, and getaddrinfo(3) does not say why. As
 * many are enough for it.
 */
enum { LOOKUP_DESCRIPTORS = 3 };

static bool no_answer(const struct lookup *lookup, struct error *err)
{
	if (!descriptors_suffice(LOOKUP_DESCRIPTORS))
		return error_errno(err, ERROR_NETWORK, "cannot look up %s", lookup->host);
	switch (lookup->result) {
	case EAI_NONAME:
		error_set(err, ERROR_NO_HOST, "there is no host named %s", lookup->host);
		return error_advise(err, "check the account's `host`");
	case EAI_NODATA:
	case 0:
		error_set(err, ERROR_NO_HOST, "the name %s has no address", lookup->host);
		return error_advise(err, "check the account's `host`");
	case EAI_SYSTEM:
		errno = lookup->reason;
		return error_errno(err, ERROR_NETWORK, "cannot look up %s", lookup->host);
	case EAI_AGAIN:
		return error_set(err, ERROR_NETWORK,
				 "cannot look up %s: no name server answers",
				 lookup->host);
	default:
		return error_set(err, ERROR_NETWORK, "cannot look up %s: %s", lookup->host,
				 gai_strerror(lookup->result));
	}
}

/* getaddrinfo() waits as long as resolv.conf says, which may be minutes. */
static bool look_up(const char *host, long port, int64_t deadline,
		    struct addresses *found, struct error *err)
{
	struct lookup *lookup = lookup_new(host, port);
	struct errand errand = { ask, lookup_free, lookup };
	enum errand_end end = errand_run(&errand, deadline, err);
	bool ok = false;

	if (end == ERRAND_LATE)
		return error_set(err, ERROR_NETWORK, "cannot look up %s: no answer in time",
				 host);
	if (end == ERRAND_DONE) {
		take_answer(lookup, found);
		ok = found->count > 0 || no_answer(lookup, err);
	}
	lookup_free(lookup);
	return ok;
}

bool resolve(const char *host, long port, int64_t deadline, struct addresses *found,
	     struct error *err)
{
	found->source.len = 0;
	if (!known(host, found) && !look_up(host, port, deadline, found, err))
		return false;
	for (size_t i = 0; i < found->count; i++)
		set_port(&found->list[i], port);
	return true;
}
