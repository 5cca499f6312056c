/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Managed identities: what a machine of Azure's, or one that Arc looks after, is given.
 */
#ifndef TOKEN_IDENTITY_H
#define TOKEN_IDENTITY_H

#include "token/token.h"

/*
 * A token of the machine's identity (of the setting `identity`, or the system-assigned
 * one) for that resource.
 */
bool identity_fetch(const struct token_wish *wish, const char *resource,
		    struct token_grant *grant, struct token_failure *failure);

/*
 * Whether a challenge of Arc names a file that may be read and sent to whoever listens
 * there: directly in `directory`, *.key, not longer than 4096 bytes. Reads it.
 */
bool identity_challenge(const char *challenge, const char *directory, struct secret *key,
			struct token_failure *failure);

#endif
