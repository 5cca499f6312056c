/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Mail of cron and its like is for root at this machine, a mailbox that no server
 * elsewhere has: it goes where the aliases say. But a machine may bear the very domain
 * that an account sends from, and then those are people with mailboxes elsewhere.
 */
#include "delivery/local.h"

#include <string.h>

#include "base/text.h"
#include "net/net.h"
#include "net/resolve.h"

static bool is_localhost(const char *domain)
{
	static const char *const names[] = {
		"localhost", "localhost.localdomain", "[IPv6:::1]", "[::1]",
		"localhost6", "localhost6.localdomain6", "ip6-localhost", "ip6-loopback",
	};
	static const char loopback[] = "[127.";		/* all of 127.0.0.0/8 */

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (text_is(domain, names[i]))
			return true;
	return text_after(domain, loopback) != NULL;
}

/* Whether one of the addresses, or "@domain" entries, has it. */
static bool has_domain(const char *addresses, const char *domain)
{
	for (size_t len; (len = text_item(&addresses, ", \t\r\n")); addresses += len) {
		const char *at = memrchr(addresses, '@', len);

		if (at && text_is_n(at + 1, len - (size_t)(at + 1 - addresses), domain))
			return true;
	}
	return false;
}

static bool is_sent_from(const struct config *config, const char *domain)
{
	for (size_t i = 0; i < config->count; i++)
		if (has_domain(config->accounts[i].from, domain) ||
		    has_domain(config->accounts[i].allowed_senders, domain))
			return true;
	return false;
}

static bool is_local(const void *config, const char *domain)
{
	return is_localhost(domain) ||
	       ((net_is_localhost(domain) || net_is_this_host(domain)) &&
		!is_sent_from(config, domain));
}

void local_init(struct aliases *a, const struct config *config)
{
	aliases_init(a, config->delivery.aliases, config->delivery.local_recipients);
	a->is_local = is_local;
	a->local = config;
}

bool local_is_no_mailbox(const char *name)
{
	name += strspn(name, " \"");
	return *name == '|' || *name == '/' || text_after(name, ":include:");
}

bool local_refuse_no_mailbox(const char *name, struct error *err)
{
	char shown[SHOWN_SIZE];

	error_set(err, ERROR_DATA, "recipient \"%s\" is a file, a program or a list",
		  text_show(name, shown));
	return error_advise(err, "only addresses can be sent to");
}

bool local_resolve(struct aliases *aliases, const char *mailbox, struct address_list *list,
		   struct error *err)
{
	OWNED_TEXT copy = text_copy(mailbox);

	aliases_localize(aliases, copy);
	if (!address_domain(copy) && local_is_no_mailbox(copy))
		return local_refuse_no_mailbox(copy, err);
	if (!address_domain(copy) && !aliases->leaves_names)
		return aliases_resolve(aliases, copy, list, err);
	grow((void **)&list->items, &list->room, list->count, sizeof(*list->items));
	list->items[list->count++] = (struct address){ .mailbox = text_take(&copy) };
	return true;
}
