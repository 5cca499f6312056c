/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way from here to an account's server: from which address, by which proxy, with
 * which TLS.
 */
#ifndef DELIVERY_ROUTE_H
#define DELIVERY_ROUTE_H

#include "base/buf.h"
#include "base/url.h"
#include "config/account.h"
#include "net/endpoint.h"

struct route {
	struct endpoint endpoint;	/* borrows from the account and from what is below */
	struct url url;			/* of the proxy */
	struct proxy proxy;
	struct secret password;		/* likewise */
};

/*
 * What the account says of it. The proxy's password is read here and gone with
 * route_free(): nobody keeps it longer than a connection needs. ERROR_CONFIG, ERROR_IO,
 * ERROR_LATER. Not to be copied; free it also after a failure.
 */
bool route_find(struct route *route, const struct account *account, struct error *err);
void route_free(struct route *route);
#define OWNED_ROUTE	__attribute__((cleanup(route_free))) struct route

/* In one line for people, from here to there; without any secret. */
void route_text(const struct account *account, struct buf *text);

#endif
