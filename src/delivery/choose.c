/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which account a message goes through. What was named goes first; then what the
 * addresses tell, the envelope's before the header's, as it is the one that the server
 * judges; the default only where nothing tells.
 */
#include "delivery/choose.h"

#include "base/language.h"
#include "delivery/by_daemon.h"
#include "mail/address.h"

const char choose_by_default[] = N_("the default account");

bool choose_allows(const struct account *account, const char *mailbox)
{
	return address_is_listed(mailbox, account->from) ||
	       address_is_listed(mailbox, account->allowed_senders);
}

static const struct account *account_of(const struct config *config, const char *mailbox)
{
	if (!mailbox || !*mailbox)
		return NULL;
	for (size_t i = 0; i < config->count; i++)
		if (choose_allows(&config->accounts[i], mailbox))
			return &config->accounts[i];
	return NULL;
}

const struct account *choose_account(const struct config *config, const char *name,
				     const char *sender, const char *author,
				     const char **why, struct error *err)
{
	const struct account *account;

	if (config->by_daemon) {
		*why = by_daemon_why(config);
		return config->by_daemon;
	}
	*why = N_("named on the command line");
	if (name)
		return config_account(config, name, err);
	*why = N_("its from or allowed_senders has the envelope sender");
	if ((account = account_of(config, sender)))
		return account;
	*why = N_("its from or allowed_senders has the author");
	if ((account = account_of(config, author)))
		return account;
	*why = choose_by_default;
	return config_default(config, err);
}
