/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes that a name server answers (RFC 1035 section 4). For net/dns.c alone. */
#ifndef NET_DNS_ANSWER_H
#define NET_DNS_ANSWER_H

#include "net/dns.h"

enum { DNS_REPLY_SIZE = 64 * 1024 };

/* The number that DNS has for the type. */
int dns_record_type(enum dns_type type);

/*
 * Appends the records of the type to a zeroed answer. False: the reply makes no sense; what
 * was read before that is in the answer.
 */
bool dns_answer_read(const unsigned char *reply, size_t len, enum dns_type type,
		     struct dns_answer *answer);

#endif
