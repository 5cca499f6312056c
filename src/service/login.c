/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mistakes in a login that can be seen before it is tried: ids in the wrong place, a
 * secret's id for its value, a blank or a quote that came along when it was copied. The
 * words say what is wrong and never repeat the secret.
 */
#include "service/login.h"

#include <string.h>
#include <strings.h>

#include "base/base64.h"
#include "base/hex.h"
#include "base/json_read.h"
#include "base/language.h"
#include "base/secret.h"
#include "base/text.h"

enum { GUID_LEN = 36, GUID_LIKE_LEN = 30, PARTS_MAX = 4 };

bool login_is_guid(const char *bytes, size_t len)
{
	if (len != GUID_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (is_dash ? bytes[i] != '-' : hex_value(bytes[i]) < 0)
			return false;
	}
	return true;
}

bool login_is_managed_domain(const char *domain)
{
	return strlen(domain) > GUID_LEN && login_is_guid(domain, GUID_LEN) &&
	       text_is(domain + GUID_LEN, ".azurecomm.net");
}

/* A GUID, or one that lost or won some characters on its way here. */
static bool looks_like_guid(const char *bytes, size_t len)
{
	size_t alike = 0;

	for (size_t i = 0; i < len; i++)
		alike += hex_value(bytes[i]) >= 0 || bytes[i] == '-';
	return len >= GUID_LIKE_LEN && alike == len;
}

struct parts {
	const char *at[PARTS_MAX];
	size_t len[PARTS_MAX];
	size_t count; /* may be more than there is room for */
	bool has_guid;
};

static void split(const char *user, char delimiter, struct parts *parts)
{
	const char set[] = { delimiter, '\0' };

	for (;; user++) {
		size_t len = strcspn(user, set);

		if (parts->count < PARTS_MAX) {
			parts->at[parts->count] = user;
			parts->len[parts->count] = len;
		}
		parts->count++;
		parts->has_guid = parts->has_guid || looks_like_guid(user, len);
		user += len;
		if (!*user)
			return;
	}
}

static const char *composite_fault(const struct parts *p)
{
	if (p->count == 1)
		return N_("it is an id alone: an SMTP username has a name of its own, and the old form "
		       "is RESOURCE.APPLICATION-ID.TENANT-ID");
	if (p->count < 3)
		return N_("it has fewer than the three parts of the old form "
		       "RESOURCE.APPLICATION-ID.TENANT-ID");
	if (p->count > 3)
		return N_("it has more than the three parts of the old form "
		       "RESOURCE.APPLICATION-ID.TENANT-ID");
	if (p->len[0] == 0 || login_is_guid(p->at[0], p->len[0]))
		return N_("its first part is not the name of a Communication Services resource");
	if (!login_is_guid(p->at[1], p->len[1]))
		return N_("its second part is no application (client) id, which is a GUID");
	if (!login_is_guid(p->at[2], p->len[2]))
		return N_("its third part is no directory (tenant) id, which is a GUID");
	if (!memcmp(p->at[1], p->at[2], GUID_LEN))
		return N_("it has the same id for the application and for the tenant");
	return NULL;
}

/*
 * The old form is written with "|" or with "." between its parts; but a name of the new
 * form may have dots too, so only an id among the parts tells that the old one was meant.
 */
enum user_form login_user_form(const char *user, const char **fault)
{
	bool has_bar = strchr(user, '|') != NULL;
	struct parts parts = { .count = 0 };

	*fault = NULL;
	split(user, has_bar ? '|' : '.', &parts);
	if (!has_bar && !parts.has_guid)
		return strchr(user, '@') ? USER_ADDRESS : USER_FREE;
	*fault = composite_fault(&parts);
	return *fault ? USER_BROKEN : USER_COMPOSITE;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

const char *login_secret_fault(const char *bytes, size_t len)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf",
			  no_break_space[] = "\xc2\xa0";
	const char *end = bytes + len;

	if (login_is_guid(bytes, len))
		return N_("it looks like the secret's id and not like its value");
	if (len >= 3 && !memcmp(bytes, byte_order_mark, 3))
		return N_("it begins with a byte-order mark, which editors put before text");
	if (len > 0 && (is_space(bytes[0]) || is_space(end[-1])))
		return is_space(bytes[0]) ? N_("it begins with a blank")
					  : N_("it ends with a blank");
	if (len >= 2 &&
	    (!memcmp(bytes, no_break_space, 2) || !memcmp(end - 2, no_break_space, 2)))
		return N_("it has a no-break space at an end");
	if (len >= 2 && (bytes[0] == '"' || bytes[0] == '\'') && end[-1] == bytes[0])
		return N_("it stands in quotes, which are then a part of it");
	return NULL;
}

/* --- tokens */

/*
 * The middle of three parts (RFC 7519 section 3). It is a secret of which some facts are
 * wanted: the copy stays on the stack and is wiped.
 */
bool login_token_facts(const char *bytes, size_t len, struct token_facts *facts)
{
	const char *first = len ? memchr(bytes, '.', len) : NULL;
	const char *last = first ? memchr(first + 1, '.', len - (size_t)(first + 1 - bytes)) :
			   NULL;
	char claims[SECRET_MAX + 1];
	size_t count;

	memset(facts, 0, sizeof(*facts));
	if (!last || len > SECRET_MAX)
		return false;
	if (base64_decode(first + 1, (size_t)(last - first - 1), "-_", claims, &count)) {
		(void)json_read_text(claims, count, "aud", facts->audience,
				     sizeof(facts->audience));
		/* Of a token of version 1, or 2. */
		(void)(json_read_text(claims, count, "appid", facts->application,
				      sizeof(facts->application)) ||
		       json_read_text(claims, count, "azp", facts->application,
				      sizeof(facts->application)));
		(void)json_read_text(claims, count, "tid", facts->tenant,
				     sizeof(facts->tenant));
		(void)json_read_number(claims, count, "exp", &facts->expires);
	}
	wipe(claims, sizeof(claims));
	return facts->audience[0] || facts->application[0] || facts->expires;
}

/* The server's name in an address; where it is none the length is 0. */
static const char *host_in(const char *address, size_t *len)
{
	const char *host = text_after(address, "https://");

	*len = host ? strcspn(host, "/ :") : 0;
	return host;
}

/*
 * outlook.office.com and outlook.office365.com are one; and what is no address is an id.
 */
bool login_is_for_another(const char *audience, const char *scope)
{
	static const char outlook[] = "outlook.office";
	size_t is_len, wanted_len;
	const char *is = host_in(audience, &is_len), *wanted = host_in(scope, &wanted_len);

	if (!is_len || !wanted_len ||
	    (is_len == wanted_len && !strncasecmp(is, wanted, is_len)))
		return false;
	return strncasecmp(is, outlook, strlen(outlook)) != 0 ||
	       strncasecmp(wanted, outlook, strlen(outlook)) != 0;
}

/* Names of tenants and applications are compared by who gives tokens; ids can be here. */
static bool is_another_id(const char *is, const char *wanted)
{
	return wanted && login_is_guid(is, strlen(is)) &&
	       login_is_guid(wanted, strlen(wanted)) && strcasecmp(is, wanted) != 0;
}

const char *login_token_fault(const struct token_facts *facts,
			      const struct login_wish *wish)
{
	if (facts->expires && facts->expires <= wish->now)
		return N_("the token has expired: get a new one, and see whether the clock is right");
	if (wish->scope && login_is_for_another(facts->audience, wish->scope))
		return N_("the token is for another service: see token_scope");
	if (is_another_id(facts->application, wish->application))
		return N_("the token is of another application than client_id says");
	if (is_another_id(facts->tenant, wish->tenant))
		return N_("the token is of another tenant than the account's");
	return NULL;
}
