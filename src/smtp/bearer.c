/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The reason of a refusal comes as JSON in a challenge, and the refusal only after an
 * answer to that. Not all servers take that way round; some just refuse.
 */
#include "smtp/bearer.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json_read.h"
#include "smtp/hide.h"

enum { FACT_SIZE = 160 };

static void add_token(const struct smtp_options *o, struct buf *raw)
{
	buf_add(raw, "auth=Bearer ");
	buf_add_bytes(raw, o->secret->bytes, o->secret->len);
	buf_add(raw, "\001\001");
}

void bearer_xoauth2(const struct smtp_options *o, struct buf *raw)
{
	buf_add(raw, "user=");
	buf_add(raw, o->user);
	buf_add(raw, "\001");
	add_token(o, raw);
}

/* RFC 5801 section 4: a comma would end the name. */
static void add_name(const char *user, struct buf *raw)
{
	for (; *user; user++) {
		if (*user == ',')
			buf_add(raw, "=2C");
		else if (*user == '=')
			buf_add(raw, "=3D");
		else
			buf_add_char(raw, *user);
	}
}

void bearer_oauthbearer(const struct smtp_options *o, struct buf *raw)
{
	buf_add(raw, "n,a=");
	add_name(o->user, raw);
	buf_addf(raw, ",\001host=%s\001port=%ld\001", o->host, o->port);
	add_token(o, raw);
}

void bearer_reason(const struct smtp_options *o, const char *challenge, struct buf *reason)
{
	static const char *const facts[] = { "status", "schemes", "scope",
					     "openid-configuration" };
	size_t len = strlen(challenge), count;
	struct buf json = { .text = xcalloc(1, len + 1), .room = len + 1, .limit = len };
	char fact[FACT_SIZE];

	if (base64_decode(challenge, len, "+/", json.text, &count)) {
		json.len = count;
		json.text[count] = '\0';
		hide_secret(&json, o->secret);
		for (size_t i = 0; i < COUNT_OF(facts); i++)
			if (json_read_text(json.text, json.len, facts[i], fact, sizeof(fact)) &&
			    *fact)
				buf_addf(reason, "%s%s %s", reason->len ? ", " : "", facts[i], fact);
	}
	buf_free(&json);
}
