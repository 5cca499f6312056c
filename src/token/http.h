/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One question over HTTP; http.c alone knows libcurl. */
#ifndef TOKEN_HTTP_H
#define TOKEN_HTTP_H

#include "base/base.h"
#include "token/token.h"

enum {
	HTTP_BODY_MAX = 64 * 1024,
	HTTP_TEXT_MAX = 1024,
	HTTP_HEADERS_MAX = 3,
};

struct http_request {
	const char *url;
	const char *form; /* what to POST, borrowed; NULL: it is a GET */
	const char *headers[HTTP_HEADERS_MAX]; /* "Name: value" */
	const char *ca_file;		       /* "" or NULL: the system's */
	/*
	 * An endpoint of this machine: plain HTTP is good enough, and no proxy may see
	 * it.
	 */
	bool is_local;
	int64_t deadline; /* clock_ms() */
};

struct http_reply {
	long status;
	char *body; /* ends with a NUL that `len` does not count */
	size_t len;
	char challenge[HTTP_TEXT_MAX]; /* WWW-Authenticate */
	int64_t date; /* when it was sent, by the server's clock; 0: not said */
};
#define OWNED_REPLY_OF_HTTP __attribute__((cleanup(http_reply_free))) struct http_reply

/*
 * The answer, whatever it says. No redirection is followed. False: there is none that can
 * be had or believed; TOKEN_LATER, TOKEN_UNTRUSTED, TOKEN_CONFIG.
 */
bool http_ask(const struct http_request *request, struct http_reply *reply,
	      struct token_failure *failure);

/* Wipes and releases; a zeroed one is fine. */
void http_reply_free(struct http_reply *reply);

/* The host of an address, for people; "" if it has none. */
enum { HTTP_HOST_SIZE = 128 };
const char *http_host(const char *url, char host[HTTP_HOST_SIZE]);

#endif
