/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which accounts take the mail of another. Asked for when all files are read: a user's
 * account may name one of the system.
 */
#include "config/config.h"

#include <string.h>
#include <strings.h>

#include "base/text.h"

static const struct account *named(const struct config *config, const char *name, size_t len)
{
	for (size_t i = 0; i < config->count; i++)
		if (strlen(config->accounts[i].name) == len &&
		    !strncasecmp(config->accounts[i].name, name, len))
			return &config->accounts[i];
	return NULL;
}

static bool has(const struct account *const *list, size_t count, const struct account *account)
{
	for (size_t i = 0; i < count; i++)
		if (list[i] == account)
			return true;
	return false;
}

size_t config_failover(const struct config *config, const struct account *account,
		       const struct account *list[FAILOVER_MAX])
{
	const struct account *from = account;
	size_t count = 0;

	/*
	 * The list grows while it is walked: behind those that are named those that they
	 * name.
	 */
	for (size_t at = 0;; from = list[at++]) {
		const char *name = from->failover ? from->failover : "";

		for (size_t len; (len = text_item(&name, CONFIG_SEPARATORS)); name += len) {
			const struct account *next = named(config, name, len);

			if (next && next != account && count < FAILOVER_MAX &&
			    !has(list, count, next))
				list[count++] = next;
		}
		if (at == count)
			return count;
	}
}

static bool blame(const struct account *account, struct error *err)
{
	if (account->failover_by)
		error_context(err, "%s: account %s: failover", account->failover_by,
			      account->name);
	else if (account->failover_line)
		error_context(err, "%s, line %u: account %s: failover", account->file,
			      account->failover_line, account->name);
	else
		error_context(err, "%s: account %s: failover", account->file, account->name);
	return false;
}

/* Whether one that takes its mail would give it back. */
static const struct account *find_circle(const struct config *config, const struct account *account)
{
	const struct account *list[FAILOVER_MAX];
	size_t count = config_failover(config, account, list);

	for (size_t i = 0; i < count; i++)
		if (text_list_has(list[i]->failover, CONFIG_SEPARATORS, account->name))
			return list[i];
	return NULL;
}

static bool check_account(const struct config *config, const struct account *account,
			  struct error *err)
{
	const char *name = account->failover;
	const struct account *back;

	for (size_t len; (len = text_item(&name, CONFIG_SEPARATORS)); name += len) {
		OWNED_TEXT one = text_copy_n(name, len);
		char shown[SHOWN_SIZE];

		if (named(config, name, len) == account)
			return error_set(err, ERROR_CONFIG, "\"%s\" is the account itself",
					 text_show(one, shown)), blame(account, err);
		if (!config_account(config, one, err)) {
			if (config->is_closed)
				error_advise(err, "those of the system's file are not this user's to "
					     "read, or to fail over to");
			return blame(account, err);
		}
	}
	back = find_circle(config, account);
	if (!back)
		return true;
	error_set(err, ERROR_CONFIG, "it is a circle: %s leads back to %s", back->name,
		  account->name);
	error_advise(err, "the last one that mail is to go to has no failover");
	return blame(account, err);
}

bool config_check_failover(const struct config *config, struct error *err)
{
	for (size_t i = 0; i < config->count; i++)
		if (*config->accounts[i].failover &&
		    !check_account(config, &config->accounts[i], err))
			return false;
	return true;
}
