/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret/token_helper.h"

static const struct {
	const char *key;
	size_t place;
} keys[] = {
	{ "tenant", offsetof(struct token_settings, tenant) },
	{ "client_id", offsetof(struct token_settings, client_id) },
	{ "identity", offsetof(struct token_settings, identity) },
	{ "certificate_file", offsetof(struct token_settings, certificate_file) },
	{ "scope", offsetof(struct token_settings, scope) },
	{ "authority", offsetof(struct token_settings, authority) },
	{ "ca_file", offsetof(struct token_settings, ca_file) },
	{ "user", offsetof(struct token_settings, user) },
	{ "token_url", offsetof(struct token_settings, token_url) },
	{ "authorize_url", offsetof(struct token_settings, authorize_url) },
	{ "device_url", offsetof(struct token_settings, device_url) },
};

const char *token_setting_key(size_t i)
{
	return i < COUNT_OF(keys) ? keys[i].key : NULL;
}

const char **token_setting(struct token_settings *settings, size_t i)
{
	return (const char **)(void *)((char *)settings + keys[i].place);
}
