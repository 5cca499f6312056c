/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that a name server answers (RFC 1035 section 4). */
#ifndef NET_DNS_ANSWER_H
#define NET_DNS_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

enum {
	DNS_RECORDS_MAX = 64,	/* of one answer; more are cut */
	DNS_NAME_MAX = 253	/* RFC 1035 section 2.3.4, as text */
};

enum dns_type { DNS_TXT, DNS_CNAME, DNS_MX };

struct dns_answer {
	bool has_name;		/* the name exists, whatever it has */
	size_t count;		/* records of the type */
	/* Printable: a TXT record's strings joined, the name that a CNAME leads to,
	   "10 mx.example" */
	char *texts[DNS_RECORDS_MAX];
};
#define OWNED_ANSWER	__attribute__((cleanup(dns_answer_free))) struct dns_answer

enum { DNS_REPLY_SIZE = 64 * 1024 };

/* The number that DNS has for the type. */
int dns_record_type(enum dns_type type);

/*
 * Appends the records of the type to a zeroed answer. False: the reply makes no sense;
 * what was read before that is in the answer.
 */
bool dns_answer_read(const unsigned char *reply, size_t len, enum dns_type type,
		     struct dns_answer *answer);

void dns_answer_free(struct dns_answer *answer);

#endif
