/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * getaddrinfo() waits as long as resolv.conf says, which may be minutes. It therefore
 * runs in a thread that is left behind when the time is up; whoever of the two comes
 * last frees what they share.
 */
#include "net/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

struct lookup {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over, is_abandoned;
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

static bool is_local(const char *host)
{
	static const char suffix[] = ".localhost";
	size_t len = strlen(host);

	return text_is(host, "localhost") ||
	       (len > sizeof(suffix) - 1 &&
		text_is(host + len - (sizeof(suffix) - 1), suffix));
}

static bool known(const char *host, struct addresses *found)
{
	if (ip_address_parse(host, &found->list[0])) {
		found->count = 1;
		return true;
	}
	if (!is_local(host))
		return false;
	/* IPv4 first: what listens on this machine listens there. */
	ip_address_parse("127.0.0.1", &found->list[0]);
	ip_address_parse("::1", &found->list[1]);
	found->count = 2;
	return true;
}

static void lookup_free(struct lookup *lookup)
{
	if (lookup->list)
		freeaddrinfo(lookup->list);
	pthread_cond_destroy(&lookup->over);
	pthread_mutex_destroy(&lookup->lock);
	free(lookup->host);
	free(lookup);
}

static void *ask(void *argument)
{
	static const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV,
	};
	struct lookup *lookup = argument;
	bool is_abandoned;

	lookup->result = getaddrinfo(lookup->host, lookup->port, &hints, &lookup->list);
	lookup->reason = errno;
	pthread_mutex_lock(&lookup->lock);
	lookup->is_over = true;
	is_abandoned = lookup->is_abandoned;
	pthread_cond_signal(&lookup->over);
	pthread_mutex_unlock(&lookup->lock);
	if (is_abandoned)
		lookup_free(lookup);
	return NULL;
}

static struct lookup *lookup_new(const char *host, long port)
{
	struct lookup *lookup = xcalloc(1, sizeof(*lookup));
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&lookup->over, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&lookup->lock, NULL);
	lookup->host = text_copy(host);
	snprintf(lookup->port, sizeof(lookup->port), "%ld", port);
	return lookup;
}

static bool start(struct lookup *lookup, struct error *err)
{
	sigset_t all, old;
	pthread_t thread;
	int problem;

	/* Signals are for those who wait for them, not for this thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	problem = pthread_create(&thread, NULL, ask, lookup);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (problem) {
		errno = problem;
		return error_errno(err, ERROR_SYSTEM, "no thread for looking up a name");
	}
	pthread_detach(thread);
	return true;
}

/* False: no answer in time, and `lookup` belongs to the thread. */
static bool wait_for(struct lookup *lookup, int64_t deadline)
{
	struct timespec until = {
		.tv_sec = deadline / 1000,
		.tv_nsec = deadline % 1000 * 1000000,
	};
	bool is_over;

	pthread_mutex_lock(&lookup->lock);
	while (!lookup->is_over &&
	       pthread_cond_timedwait(&lookup->over, &lookup->lock, &until) != ETIMEDOUT)
		;
	is_over = lookup->is_over;
	lookup->is_abandoned = !is_over;
	pthread_mutex_unlock(&lookup->lock);
	return is_over;
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

static bool no_answer(const struct lookup *lookup, struct error *err)
{
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

bool resolve(const char *host, long port, int64_t deadline, struct addresses *found,
	     struct error *err)
{
	struct lookup *lookup;
	bool ok;

	if (!known(host, found)) {
		lookup = lookup_new(host, port);
		if (!start(lookup, err)) {
			lookup_free(lookup);
			return false;
		}
		if (!wait_for(lookup, deadline))
			return error_set(err, ERROR_NETWORK,
					 "cannot look up %s: no answer in time", host);
		take_answer(lookup, found);
		ok = found->count > 0 || no_answer(lookup, err);
		lookup_free(lookup);
		if (!ok)
			return false;
	}
	for (size_t i = 0; i < found->count; i++)
		set_port(&found->list[i], port);
	return true;
}
