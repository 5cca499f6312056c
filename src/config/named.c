/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which account a name, or none, means; and where is logged what concerns none. */
#include "config/account.h"

#include <string.h>

#include "base/text.h"

static const struct account *find_account(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->count; i++)
		if (text_is(config->accounts[i].name, name))
			return &config->accounts[i];
	return NULL;
}

static void add_names(const struct config *config, struct buf *names)
{
	for (size_t i = 0; i < config->count; i++)
		buf_addf(names, "%s%s", i > 0 ? ", " : "", config->accounts[i].name);
}

enum { NAMES_MAX = 600 };	/* bytes of a list of accounts */

const struct account *config_account(const struct config *config, const char *name,
				     struct error *err)
{
	const struct account *account = find_account(config, name);
	OWNED_BUF names = BUF_INIT(NAMES_MAX);
	char shown[SHOWN_SIZE];

	if (account)
		return account;
	text_show(name, shown);
	add_names(config, &names);
	if (config->count == 1)
		error_set(err, ERROR_CONFIG, "there is no account \"%s\"; there is %s",
			  shown, buf_text(&names));
	else if (!buf_is_full(&names))
		error_set(err, ERROR_CONFIG, "there is no account \"%s\"; there are %s",
			  shown, buf_text(&names));
	else
		error_set(err, ERROR_CONFIG,
			  "there is no account \"%s\"; there are %s, and more", shown,
			  buf_text(&names));
	return NULL;
}

const struct account *config_default(const struct config *config, struct error *err)
{
	const struct account *account;
	OWNED_BUF names = BUF_INIT(NAMES_MAX);

	if (config->default_account && *config->default_account) {
		account = config_account(config, config->default_account, err);
		if (!account)
			error_context(err, "default_account");
		return account;
	}
	if (config->count == 1)
		return &config->accounts[0];
	account = find_account(config, "default");
	if (account)
		return account;
	add_names(config, &names);
	if (buf_is_full(&names))
		error_set(err, ERROR_CONFIG, "which account? there are %s, and more",
			  buf_text(&names));
	else
		error_set(err, ERROR_CONFIG, "which account? there are %s", buf_text(&names));
	error_advise(err, "name one with -a NAME, or in [defaults] as default_account");
	return NULL;
}

/* --- its log */

struct log_place account_log(const struct account *account)
{
	return (struct log_place){ account->log, (enum log_format)account->log_format };
}

struct log_place config_log(const struct config *config)
{
	struct error unheard;
	const struct account *account = config_default(config, &unheard);

	if (!account && config->count > 0)
		account = &config->accounts[0];
	return account ? account_log(account) : (struct log_place){ "syslog", LOG_AS_TEXT };
}
