/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Addresses with a scheme, as settings name servers:
 * SCHEME://[USER[:PASSWORD]@]HOST[:PORT][/REST] (RFC 3986). A password in one is a
 * secret: it is cut out before anything else sees the text.
 */
#ifndef BASE_URL_H
#define BASE_URL_H

#include "base/error.h"
#include "base/secret.h"

struct url {
	char *scheme;		/* in lower case */
	char *user;		/* decoded; "": none */
	char *host;		/* a name or an address, that of IPv6 without its brackets */
	long port;		/* 0: not said */
	char *rest;		/* behind the "/"; "" without one */
};
#define OWNED_URL	__attribute__((cleanup(url_free))) struct url

/*
 * Parts of a text without a password. ERROR_CONFIG says what is wrong with it, and shows
 * no more of it than scheme and port: who forgot to encode a "/" or an "@" has his
 * password anywhere.
 */
bool url_parse(const char *text, struct url *url, struct error *err);
void url_free(struct url *url);

/*
 * Where in the `len` bytes a password stands: *at, *size of them, without the ":" before
 * and the "@" behind it. All up to the last "@" counts, so that nothing of one with an
 * "@" remains. False: there is none.
 */
bool url_find_password(const char *text, size_t len, size_t *at, size_t *size);

/*
 * "%41" and the like become what they stand for, in a secret; ERROR_CONFIG, without its
 * text.
 */
bool url_decode_secret(const char *text, size_t len, struct secret *secret, struct error *err);

#endif
