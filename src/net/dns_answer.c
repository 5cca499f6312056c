/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A reply is from whoever was quicker than the server. So each length is held against
 * the end of the reply before it is followed, names are expanded by libresolv, which
 * knows of loops, and what a record says is made printable as it is taken out.
 */
#include "net/dns_answer.h"

#include <arpa/nameser.h>
#include <resolv.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/text.h"

struct dns_reply {
	const unsigned char *start, *end;
};

struct dns_record { /* within a reply */
	unsigned type;
	const unsigned char *data;
	size_t len;
};

int dns_record_type(enum dns_type type)
{
	static const int types[] = {
		[DNS_TXT] = ns_t_txt, [DNS_CNAME] = ns_t_cname, [DNS_MX] = ns_t_mx,
	};

	return types[type];
}

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

static bool add_name(struct buf *text, const struct dns_reply *reply,
		     const unsigned char *at)
{
	char name[NS_MAXDNAME];

	if (dn_expand(reply->start, reply->end, at, name, sizeof(name)) < 0)
		return false;
	buf_add(text, *name ? name : ".");
	return true;
}

static bool add_record(struct buf *text, const struct dns_reply *reply,
		       const struct dns_record *r)
{
	switch (r->type) {
	case ns_t_txt:
		add_strings(text, r->data, r->len);
		return true;
	case ns_t_cname:
		return add_name(text, reply, r->data);
	default:
		if (r->len <= NS_INT16SZ)
			return false;
		buf_addf(text, "%u ", number_at(r->data));
		return add_name(text, reply, r->data + NS_INT16SZ);
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
static bool skip(const struct dns_reply *reply, const unsigned char **at, size_t more)
{
	int len = dn_skipname(*at, reply->end);

	if (len < 0 || (size_t)(reply->end - *at) < (size_t)len + more)
		return false;
	*at += (size_t)len + more;
	return true;
}

/* RFC 1035 section 4.1.3. */
static bool next_record(const struct dns_reply *reply, const unsigned char **at,
			struct dns_record *r)
{
	if (!skip(reply, at, NS_RRFIXEDSZ))
		return false;
	r->type = number_at(*at - NS_RRFIXEDSZ);
	r->len = number_at(*at - NS_INT16SZ);
	r->data = *at;
	if (r->len > (size_t)(reply->end - *at))
		return false;
	*at += r->len;
	return true;
}

/* Others than those of the type are the way there: the CNAME that the name has. */
bool dns_answer_read(const unsigned char *reply, size_t len, enum dns_type type,
		     struct dns_answer *answer)
{
	const struct dns_reply all = { reply, reply + len };
	const unsigned char *at = reply + NS_HFIXEDSZ;
	unsigned questions, answers;
	struct dns_record r;

	if (len < NS_HFIXEDSZ)
		return false;
	questions = number_at(reply + 4);
	answers = number_at(reply + 6);
	while (questions-- > 0)
		if (!skip(&all, &at, NS_QFIXEDSZ))
			return false;
	while (answers-- > 0) {
		OWNED_BUF text = BUF_INIT(DNS_REPLY_SIZE);

		if (!next_record(&all, &at, &r))
			return false;
		if (r.type != (unsigned)dns_record_type(type) ||
		    answer->count == DNS_RECORDS_MAX)
			continue;
		if (!add_record(&text, &all, &r))
			return false;
		answer->texts[answer->count++] = printable(&text);
	}
	return true;
}

void dns_answer_free(struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		free(answer->texts[i]);
	answer->count = 0;
}
