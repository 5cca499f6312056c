/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens that are kept, and renewed by one process for all. */
#ifndef TOKEN_KEEP_H
#define TOKEN_KEEP_H

#include "token/token.h"

/*
 * The kept one, or a new one if there is none or it is due. *refresh is set if another
 * refresh token came with it.
 */
bool token_get(const struct token_wish *wish, struct token *token, struct secret *refresh,
	       struct token_failure *failure);

/* A new one, unless somebody has replaced the one of the wish's stamp already. */
bool token_renew(const struct token_wish *wish, struct token *token,
		 struct secret *refresh, struct token_failure *failure);

/* A login; the access token that comes with it is kept for the source "refresh". */
bool token_enter(const struct token_wish *wish, struct secret *refresh,
		 struct token_failure *failure);

#endif
