/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns.h"

#include <arpa/nameser.h>
#include <errno.h>
#include <netdb.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/errand.h"

enum { REPLY_SIZE = 64 * 1024, PORT_DNS = 53 };

static const int types[] = {
	[DNS_TXT] = ns_t_txt, [DNS_CNAME] = ns_t_cname, [DNS_MX] = ns_t_mx,
};

struct query {
	struct ip_address server;
	bool has_server;
	char *name;
	enum dns_type type;
	bool is_prepared;		/* there was a resolver to ask */
	int len;			/* of the reply; -1: `problem`, and maybe a reply */
	int problem;			/* h_errno */
	_Alignas(HEADER) unsigned char reply[REPLY_SIZE];
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
	query->len = res_nquery(&state, query->name, ns_c_in, types[query->type],
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

static unsigned number_at(const unsigned char *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void add_strings(struct buf *text, const unsigned char *at, size_t len)
{
	while (len > 0) {
		size_t piece = at[0] < len ? at[0] : len - 1;

		buf_add_bytes(text, at + 1, piece);
		at += 1 + piece;
		len -= 1 + piece;
	}
}

struct record {			/* within a query's reply */
	unsigned type;
	const unsigned char *data;
	size_t len;
};

static bool add_name(struct buf *text, const struct query *query, const unsigned char *at)
{
	char name[NS_MAXDNAME];

	if (dn_expand(query->reply, query->reply + query->len, at, name, sizeof(name)) < 0)
		return false;
	buf_add(text, *name ? name : ".");
	return true;
}

static bool add_record(struct buf *text, const struct query *query, const struct record *r)
{
	switch (r->type) {
	case ns_t_txt:
		add_strings(text, r->data, r->len);
		return true;
	case ns_t_cname:
		return add_name(text, query, r->data);
	default:
		if (r->len <= NS_INT16SZ)
			return false;
		buf_addf(text, "%u ", number_at(r->data));
		return add_name(text, query, r->data + NS_INT16SZ);
	}
}

/* What came from outside: printable, and one text whatever bytes are in it. */
static char *printable(const struct buf *text)
{
	char *copy = text_copy_n(buf_text(text), text->len);

	for (size_t i = 0; i < text->len; i++)
		if (!copy[i])
			copy[i] = '?';
	text_make_printable(copy);
	return copy;
}

/* Moves *at behind a name and `more` bytes; false: the reply ends before. */
static bool skip(const struct query *query, const unsigned char **at, size_t more)
{
	const unsigned char *end = query->reply + query->len;
	int len = dn_skipname(*at, end);

	if (len < 0 || (size_t)(end - *at) < (size_t)len + more)
		return false;
	*at += (size_t)len + more;
	return true;
}

/* RFC 1035 section 4.1.3. */
static bool next_record(const struct query *query, const unsigned char **at,
			struct record *r)
{
	if (!skip(query, at, NS_RRFIXEDSZ))
		return false;
	r->type = number_at(*at - NS_RRFIXEDSZ);
	r->len = number_at(*at - NS_INT16SZ);
	r->data = *at;
	*at += r->len;
	return *at <= query->reply + query->len;
}

/* Others than those of the type are the way there: the CNAME that the name has. */
static bool take_records(const struct query *query, struct dns_answer *answer)
{
	const HEADER *header = (const HEADER *)(const void *)query->reply;
	const unsigned char *at = query->reply + NS_HFIXEDSZ;
	struct record r;

	if (query->len < NS_HFIXEDSZ)
		return false;
	for (unsigned i = 0; i < ntohs(header->qdcount); i++)
		if (!skip(query, &at, NS_QFIXEDSZ))
			return false;
	for (unsigned i = 0; i < ntohs(header->ancount); i++) {
		OWNED_BUF text = BUF_INIT(REPLY_SIZE);

		if (!next_record(query, &at, &r))
			return false;
		if (r.type != (unsigned)types[query->type] ||
		    answer->count == DNS_RECORDS_MAX)
			continue;
		if (!add_record(&text, query, &r))
			return false;
		answer->texts[answer->count++] = printable(&text);
	}
	return true;
}

/*
 * glibc says "try again" for a server that cannot answer as for one that is silent, but its
 * reply still stands where it was read to.
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
		return take_records(query, answer) ||
		       error_set(err, ERROR_REFUSED,
				 "the name server's answer for %s makes no sense", query->name);
	answer->has_name = query->problem == NO_DATA;
	return query->problem == NO_DATA || query->problem == HOST_NOT_FOUND ||
	       no_answer(query, err);
}

/* RFC 1035 section 2.3.4: what libresolv refuses for its form would look like no answer. */
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

void dns_answer_free(struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		free(answer->texts[i]);
	answer->count = 0;
}
