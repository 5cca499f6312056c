/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The questions of `acsmtp check`: records that getaddrinfo(3) does not tell of.
 * libresolv asks, with a state of its own, so that another server can be named; and in
 * an errand, as it waits for as long as resolv.conf says.
 */
#include "net/dns.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "net/dns_answer.h"
#include "net/errand.h"

enum { PORT_DNS = 53 };

struct query {
	struct ip_address server;
	bool has_server;
	char *name;
	enum dns_type type;
	bool is_prepared;		/* there was a resolver to ask */
	int len;			/* of the reply; -1: `problem`, and maybe a reply */
	int problem;			/* h_errno */
	_Alignas(HEADER) unsigned char reply[DNS_REPLY_SIZE];
};

static void query_free(void *work)
{
	struct query *query = work;

	free(query->name);
	free(query);
}

/* --- asking */

/* glibc has no function for it: an address that is no IPv4 one hangs beside the list. */
static void set_server(struct __res_state *state, const struct ip_address *server)
{
	state->nscount = 1;
	if (server->socket.any.sa_family == AF_INET) {
		state->nsaddr_list[0] = server->socket.v4;
		return;
	}
	state->nsaddr_list[0].sin_family = 0;
	if (!state->_u._ext.nsaddrs[0])
		state->_u._ext.nsaddrs[0] = malloc(sizeof(struct sockaddr_in6));
	if (state->_u._ext.nsaddrs[0])	/* res_nclose() frees it */
		*state->_u._ext.nsaddrs[0] = server->socket.v6;
}

static void ask(void *work)
{
	struct query *query = work;
	struct __res_state state = { 0 };

	if (res_ninit(&state) != 0)
		return;
	query->is_prepared = true;
	if (query->has_server)
		set_server(&state, &query->server);
	query->len = res_nquery(&state, query->name, ns_c_in, dns_record_type(query->type),
				query->reply, sizeof(query->reply));
	query->problem = state.res_h_errno;
	res_nclose(&state);
}

static struct query *query_new(const struct ip_address *server, const char *name,
			       enum dns_type type)
{
	struct query *query = xcalloc(1, sizeof(*query));

	if (server)
		query->server = *server;
	query->has_server = server != NULL;
	query->name = text_copy(name);
	query->type = type;
	query->len = -1;
	return query;
}

/* --- what was answered */

/*
 * glibc says "try again" for a server that cannot answer as for one that is silent, but
 * its reply still stands where it was read to.
 */
static bool no_answer(const struct query *query, struct error *err)
{
	const HEADER *header = (const HEADER *)(const void *)query->reply;

	if (header->qr && header->rcode == ns_r_servfail)
		return error_set(err, ERROR_REFUSED,
				 "the name server cannot answer for %s (SERVFAIL)", query->name);
	if (header->qr && header->rcode == ns_r_refused)
		return error_set(err, ERROR_REFUSED,
				 "the name server will not answer for %s (REFUSED)", query->name);
	return error_set(err, ERROR_NETWORK, "cannot look up %s: no name server answers",
			 query->name);
}

static bool judge(const struct query *query, struct dns_answer *answer, struct error *err)
{
	if (!query->is_prepared)
		return error_set(err, ERROR_SYSTEM, "the resolver cannot be prepared");
	answer->has_name = true;
	if (query->len >= 0)
		return dns_answer_read(query->reply, (size_t)query->len, query->type, answer) ||
		       error_set(err, ERROR_REFUSED,
				 "the name server's answer for %s makes no sense", query->name);
	answer->has_name = query->problem == NO_DATA;
	return query->problem == NO_DATA || query->problem == HOST_NOT_FOUND ||
	       no_answer(query, err);
}

/*
 * RFC 1035 section 2.3.4: what libresolv refuses for its form would look like no answer.
 */
static bool is_possible(const char *name)
{
	const char *label = name;

	if (!*name || strlen(name) > DNS_NAME_MAX)
		return false;
	for (; *label; label += strcspn(label, ".")) {
		size_t len;

		label += label != name;
		len = strcspn(label, ".");
		if (len == 0 || len > 63)
			return false;
	}
	return true;
}

bool dns_ask(const struct ip_address *server, const char *name, enum dns_type type,
	     int64_t deadline, struct dns_answer *answer, struct error *err)
{
	struct query *query;
	struct errand errand = { ask, query_free, NULL };
	enum errand_end end;
	char shown[SHOWN_SIZE];
	bool ok;

	if (!is_possible(name))
		return error_set(err, ERROR_CONFIG, "there can be no name %s",
				 text_show(name, shown));
	query = query_new(server, name, type);
	errand.work = query;
	end = errand_run(&errand, deadline, err);
	if (end == ERRAND_LATE)
		return error_set(err, ERROR_NETWORK,
				 "cannot look up %s: no answer in time", name);
	ok = end == ERRAND_DONE && judge(query, answer, err);
	query_free(query);
	return ok;
}

/* --- */

bool dns_server_parse(const char *text, struct ip_address *server, struct error *err)
{
	const char *colon = strrchr(text, ':');
	bool has_port = colon && (colon == strchr(text, ':') || colon[-1] == ']');
	OWNED_TEXT host =
		text_copy_n(text, has_port ? (size_t)(colon - text) : strlen(text));
	char shown[SHOWN_SIZE];
	long port = PORT_DNS;

	if (!ip_address_parse(host, server) ||
	    (has_port && !text_to_number(colon + 1, 1, 65535, &port)))
		return error_set(err, ERROR_USAGE,
				 "\"%s\" is no address of a name server, such as 192.0.2.1, "
				 "192.0.2.1:5353 or [2001:db8::1]:53", text_show(text, shown));
	/* The port stands at the same place in both. */
	server->socket.v4.sin_port = htons((uint16_t)port);
	return true;
}
