/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One process renews a token for all. Whoever finds one that is old but lasts takes it if
 * somebody else is at it, or if a new one is not to be had soon: only who has none waits.
 */
#include "token/keep.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static struct token_purpose purpose_of(const struct token_wish *wish)
{
	return (struct token_purpose){
		.source = wish->source,
		.settings = &wish->settings,
		.secret = &wish->secret,
	};
}

static int64_t now_in_microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Keeps it; a new refresh token is what the next renewal is made with. */
static void keep(const struct token_wish *wish, struct token_grant *grant,
		 struct token *token)
{
	const struct token_purpose purpose = purpose_of(wish);

	*token = (struct token){
		.access = grant->access,
		.stamp = now_in_microseconds(),
		.renews = token_renewal(time(NULL), grant->expires),
		.expires = grant->expires,
	};
	grant->access = (struct secret){ 0 };
	token_cache_save(&purpose,
			 secret_is_set(&grant->refresh) ? &grant->refresh : NULL, token);
}

/* Those who come in the next moments do not each wait for what just failed. */
static void put_off(const struct token_wish *wish, struct token *token)
{
	const struct token_purpose purpose = purpose_of(wish);

	token->renews = time(NULL) + TOKEN_PAUSE_SECONDS;
	token_cache_save(&purpose, NULL, token);
}

/* Another one, which is kept. The refresh token that came with it is handed out. */
static bool fetch(const struct token_wish *wish, struct token *token,
		  struct secret *refresh, struct token_failure *failure)
{
	OWNED_GRANT grant = { 0 };

	if (!token_obtain(wish, &grant, failure))
		return false;
	keep(wish, &grant, token);
	if (secret_is_set(&grant.refresh) &&
	    !secret_is_same(&grant.refresh, &wish->secret)) {
		*refresh = grant.refresh;
		grant.refresh = (struct secret){ 0 };
	}
	return true;
}

/* The old one is good until it is proved that it can be replaced. */
static bool freshen(const struct token_wish *wish, struct token *token,
		    struct secret *refresh)
{
	struct token_wish now = *wish;
	struct token_failure unheard;
	OWNED_TOKEN fresh = { { 0 }, 0, 0, 0 };

	if (now.seconds > TOKEN_LATE_SECONDS)
		now.deadline = clock_after(TOKEN_LATE_SECONDS);
	if (!fetch(&now, &fresh, refresh, &unheard)) {
		put_off(wish, token);
		return true;
	}
	token_free(token);
	*token = fresh;
	fresh = (struct token){ 0 };
	return true;
}

static bool is_busy(struct token_failure *failure)
{
	return token_fail(
		failure, TOKEN_LATER,
		"endpoint: another process has been renewing the token all the time: try "
		"again later");
}

bool token_get(const struct token_wish *wish, struct token *token, struct secret *refresh,
	       struct token_failure *failure)
{
	const struct token_purpose purpose = purpose_of(wish);
	enum token_age age = token_cache_load(&purpose, token);
	OWNED_FD lock = -1;

	if (age == TOKEN_IS_FRESH)
		return true;
	if (!token_cache_lock(&purpose, age == TOKEN_IS_OLD ? clock_ms() : wish->deadline,
			      &lock))
		return age == TOKEN_IS_OLD || is_busy(failure);
	/* Somebody may have renewed it between our look and our turn. */
	if (age == TOKEN_IS_OLD)
		token_free(token);
	age = token_cache_load(&purpose, token);
	if (age == TOKEN_IS_FRESH)
		return true;
	return age == TOKEN_IS_OLD ? freshen(wish, token, refresh)
				   : fetch(wish, token, refresh, failure);
}

bool token_renew(const struct token_wish *wish, struct token *token,
		 struct secret *refresh, struct token_failure *failure)
{
	const struct token_purpose purpose = purpose_of(wish);
	OWNED_FD lock = -1;

	if (!token_cache_lock(&purpose, wish->deadline, &lock))
		return is_busy(failure);
	if (token_cache_load(&purpose, token) != TOKEN_IS_ABSENT) {
		if (wish->stamp && token->stamp != wish->stamp)
			return true;
		token_free(token);
	}
	return fetch(wish, token, refresh, failure);
}

bool token_enter(const struct token_wish *wish, struct secret *refresh,
		 struct token_failure *failure)
{
	struct token_wish later = *wish;
	OWNED_GRANT grant = { 0 };
	OWNED_TOKEN token = { { 0 }, 0, 0, 0 };

	if (!token_login(wish, &grant, failure))
		return false;
	later.source = "refresh";
	later.secret = grant.refresh;
	keep(&later, &grant, &token);
	*refresh = grant.refresh;
	grant.refresh = (struct secret){ 0 };
	return true;
}
