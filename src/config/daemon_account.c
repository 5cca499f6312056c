/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The daemon as an account, so that sending by it is sending. */
#include "config/config.h"

#include <stdlib.h>

#include "base/text.h"
#include "config/types.h"

static void set_text(char **place, const char *text)
{
	free(*place);
	*place = text_copy(text);
}

void config_set_daemon(struct config *config, const char *socket)
{
	struct account *a = config->by_daemon ? config->by_daemon : xcalloc(1, sizeof(*a));

	account_free(a);
	settings_init(SECTION_ACCOUNT, a);
	a->name = text_copy("daemon");
	a->file = text_copy("");
	a->daemon = &config->daemon;
	set_text(&a->service, service_daemon.name);
	set_text(&a->host, socket);
	a->port = 0;
	a->tls = TLS_OFF;
	a->auth = AUTH_OFF;
	a->keyring = false;
	a->sender_policy = SENDER_KEEP;
	a->max_size = a->rate_per_minute = a->rate_per_hour = 0;
	a->max_recipients = INT32_MAX;	/* as many as it says itself */
	config->by_daemon = a;
}

char *account_server(const struct account *account)
{
	return account->daemon ? text_copy(account->host) :
				 text_server(account->host, account->port);
}
