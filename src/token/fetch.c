/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The words of the setting `token`, and what each does. */
#include "token/token.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "token/application.h"
#include "token/identity.h"

enum { RESOURCE_MAX = 512 };

/* Endpoints that take a resource want the scope without its end. */
static void resource_of(const char *scope, char resource[RESOURCE_MAX])
{
	static const char end[] = "/.default";
	size_t len = scope ? strlen(scope) : 0;

	if (len > sizeof(end) - 1 && !strcmp(scope + len - (sizeof(end) - 1), end))
		len -= sizeof(end) - 1;
	snprintf(resource, RESOURCE_MAX, "%.*s", (int)len, scope ? scope : "");
}

/*
 * The machine's own token; or, where an application is named, that application's, to
 * which the machine's token is what a password is to others.
 */
static bool by_identity(const struct token_wish *wish, struct token_grant *grant,
			struct token_failure *failure)
{
	const char *client_id = wish->settings.client_id;
	OWNED_GRANT of_machine = { 0 };
	char resource[RESOURCE_MAX];

	if (client_id && *client_id)
		return identity_fetch(wish, application_exchange(wish), &of_machine,
				      failure) &&
		       application_by_assertion(wish, &of_machine.access, grant, failure);
	resource_of(wish->settings.scope, resource);
	return identity_fetch(wish, resource, grant, failure);
}

static const struct {
	const char *name;
	bool (*fetch)(const struct token_wish *wish, struct token_grant *grant,
		      struct token_failure *failure);
} sources[] = {
	{ "managed-identity", by_identity },
	{ "workload-identity", application_by_workload },
	{ "client-secret", application_by_secret },
	{ "client-certificate", application_by_certificate },
	{ "refresh", application_by_refresh },
};

bool token_obtain(const struct token_wish *wish, struct token_grant *grant,
		  struct token_failure *failure)
{
	const char *scope = wish->settings.scope;

	if (!scope || !*scope)
		return token_fail(failure, TOKEN_CONFIG,
				  "scope: token_scope is missing: what is the token for?");
	for (size_t i = 0; i < COUNT_OF(sources); i++)
		if (!strcmp(sources[i].name, wish->source))
			return sources[i].fetch(wish, grant, failure);
	return token_fail(failure, TOKEN_USAGE, "%s is no source of tokens",
			  wish->source);
}
