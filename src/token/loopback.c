/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Browsers open connections in advance and say nothing on them, and ask for icons:
 * several are served at once, and one that is silent holds up nobody.
 */
#include "token/loopback.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/hex.h"
#include "base/io.h"
#include "base/language.h"

enum { BACKLOG = 16, PAGE_MAX = 2048, ANSWER_MS = 2000, TRIES = 20 };

/* --- opening */

static int listen_at(const struct sockaddr *address, socklen_t len)
{
	OWNED_FD fd =
		socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;

	if (fd < 0 ||
	    (address->sa_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, address, len) < 0 || listen(fd, BACKLOG) < 0)
		return -1;
	return fd_take(&fd);
}

/*
 * "localhost" may be either: both have the same port, or else somebody else would get it.
 */
static bool listen_at_both(struct loopback *loopback)
{
	struct sockaddr_in four = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
				    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	socklen_t len = sizeof(four);

	loopback->listeners[0] = listen_at((struct sockaddr *)&four, sizeof(four));
	if (loopback->listeners[0] < 0 ||
	    getsockname(loopback->listeners[0], (struct sockaddr *)&four, &len) < 0)
		return false;
	loopback->port = ntohs(four.sin_port);
	six.sin6_port = four.sin_port;
	loopback->listeners[1] = listen_at((struct sockaddr *)&six, sizeof(six));
	if (loopback->listeners[1] >= 0 || errno != EADDRINUSE)
		return true;
	close(loopback->listeners[0]);
	loopback->listeners[0] = -1;
	return false;
}

bool loopback_open(struct loopback *loopback, struct token_failure *failure)
{
	*loopback = (struct loopback){ .listeners = { -1, -1 } };
	for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
		loopback->clients[i].fd = -1;
	for (int i = 0; i < TRIES; i++)
		if (listen_at_both(loopback))
			return true;
	return token_fail(
		failure, TOKEN_FAILED,
		"endpoint: no port of this machine can be had for the browser's answer "
		"(%s): log in with --device",
		strerror(errno));
}

static void drop(struct loopback_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	wipe(client->request, client->request ? LOOPBACK_REQUEST_MAX : 0);
	free(client->request);
	*client = (struct loopback_client){ .fd = -1 };
}

void loopback_close(struct loopback *loopback)
{
	for (size_t i = 0; i < COUNT_OF(loopback->listeners); i++)
		fd_cleanup(&loopback->listeners[i]);
	for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
		drop(&loopback->clients[i]);
}

/* --- requests */

/*
 * The oldest silent one makes room: their number has an end, and the answer may be the
 * last.
 */
static void welcome(struct loopback *loopback, int listener)
{
	/* cppcheck-suppress nullPointer ; anybody here may ask */
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct loopback_client *last = &loopback->clients[LOOPBACK_CLIENTS - 1];

	if (fd < 0)
		return;
	drop(last);
	memmove(&loopback->clients[1], &loopback->clients[0],
		(LOOPBACK_CLIENTS - 1) * sizeof(*last));
	loopback->clients[0] = (struct loopback_client){
		.fd = fd,
		.request = xcalloc(1, LOOPBACK_REQUEST_MAX),
	};
}

/*
 * The target of the request, when the whole head is there; NULL: it is not, or it is
 * none.
 */
static const char *target_of(struct loopback_client *client)
{
	char *end;

	if (!strstr(client->request, "\r\n\r\n") && !strstr(client->request, "\n\n"))
		return NULL;
	end = strstr(client->request, " HTTP/1.");
	if (strncmp(client->request, "GET /", 5) != 0 || !end) {
		loopback_answer(client, "400 Bad Request",
				N_("This is no request for acsmtp."));
		return NULL;
	}
	*end = '\0';
	return client->request + strlen("GET ");
}

static const char *listen_to(struct loopback_client *client)
{
	ssize_t n = read_some(client->fd, client->request + client->len,
			      LOOPBACK_REQUEST_MAX - 1 - client->len);

	if (n < 0 && errno == EAGAIN)
		return NULL;
	/* It left, or says more than a request has, or what none has. */
	if (n <= 0 || memchr(client->request + client->len, '\0', (size_t)n)) {
		drop(client);
		return NULL;
	}
	client->len += (size_t)n;
	client->request[client->len] = '\0';
	return target_of(client);
}

static const char *hear(struct loopback *loopback, const struct pollfd *polled,
			struct loopback_client **client)
{
	const char *target = NULL;

	for (size_t i = 0; i < LOOPBACK_CLIENTS && !target; i++) {
		*client = &loopback->clients[i];
		if ((*client)->fd >= 0 && polled[2 + i].revents)
			target = listen_to(*client);
	}
	return target;
}

const char *loopback_wait(struct loopback *loopback, int64_t deadline,
			  struct loopback_client **client)
{
	struct pollfd polled[2 + LOOPBACK_CLIENTS];
	const char *target = NULL;

	while (!target && clock_left(deadline) > 0) {
		for (size_t i = 0; i < 2; i++)
			polled[i] = (struct pollfd){ loopback->listeners[i], POLLIN, 0 };
		for (size_t i = 0; i < LOOPBACK_CLIENTS; i++)
			polled[2 + i] =
				(struct pollfd){ loopback->clients[i].fd, POLLIN, 0 };
		if (poll(polled, COUNT_OF(polled), clock_left(deadline)) <= 0)
			continue;
		target = hear(loopback, polled, client);
		for (size_t i = 0; i < 2 && !target; i++)
			if (polled[i].revents)
				welcome(loopback, loopback->listeners[i]);
	}
	return target;
}

/* Translators: the code of the language that you translate into. */
#define PAGE_LANGUAGE N_("en")

/* Nothing that came with a request stands in the page. */
void loopback_answer(struct loopback_client *client, const char *status, const char *text)
{
	OWNED_BUF page = BUF_INIT(PAGE_MAX), answer = BUF_INIT(2 * PAGE_MAX);

	buf_addf(&page,
		 "<!DOCTYPE html><html lang=\"%s\"><meta charset=\"utf-8\">"
		 "<title>acsmtp</title><p>%s</p></html>\n",
		 tr(PAGE_LANGUAGE), tr(text));
	buf_addf(&answer,
		 "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\n"
		 "Content-Length: %zu\r\nConnection: close\r\nCache-Control: no-store\r\n"
		 "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'none'\r\n"
		 "\r\n%s",
		 status, page.len, buf_text(&page));
	(void)write_patiently(client->fd, answer.text, answer.len, ANSWER_MS);
	(void)shutdown(client->fd, SHUT_WR);
	drop(client);
}

/* --- what a target says */

static bool decode(const char *text, size_t len, char *value, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '+')
			c = ' ';
		if (c == '%') {
			int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
			int low = len - i > 2 ? hex_value(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		value[n++] = c;
	}
	value[n] = '\0';
	return n > 0;
}

bool loopback_value(const char *target, const char *name, char *value, size_t size)
{
	const char *at = strchr(target, '?');
	size_t name_len = strlen(name);

	while (at) {
		size_t len = strcspn(++at, "&#");

		if (len > name_len && !strncmp(at, name, name_len) && at[name_len] == '=')
			return decode(at + name_len + 1, len - name_len - 1, value, size);
		at = at[len] == '&' ? at + len : NULL;
	}
	return false;
}
