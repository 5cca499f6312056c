/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Nothing of what a proxy says is shown but numbers: it may repeat what it was told, and
 * that was a password. What is said to it is wiped when it is said.
 */
#include "net/proxy.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/resolve.h"

/* --- bytes to and from the proxy */

static bool say(struct wire *wire, const void *bytes, size_t len, struct error *err)
{
	struct iovec rest = { (void *)bytes, len };

	while (rest.iov_len > 0) {
		ssize_t n = wire_push(wire, &rest, 1);

		if (n < 0 && errno != EAGAIN)
			return error_errno(err, ERROR_NETWORK, "the connection was lost");
		if (n < 0 && !wire_wait(wire, POLLOUT))
			return error_set(err, ERROR_NETWORK, "it did not take what was said "
					 "in time");
		if (n < 0)
			continue;
		rest.iov_base = (char *)rest.iov_base + n;
		rest.iov_len -= (size_t)n;
	}
	return true;
}

static bool hear(struct wire *wire, void *bytes, size_t len, struct error *err)
{
	for (size_t count = 0; count < len;) {
		ssize_t n = wire_pull(wire, (char *)bytes + count, len - count);

		if (n > 0) {
			count += (size_t)n;
			continue;
		}
		if (n == 0)
			return error_set(err, ERROR_NETWORK, "it closed the connection before "
					 "its answer was complete");
		if (errno == ETIMEDOUT || (errno == EAGAIN && !wire_wait(wire, POLLIN)))
			return error_set(err, ERROR_NETWORK, "it did not answer in time");
		if (errno != EAGAIN)
			return error_errno(err, ERROR_NETWORK, "the connection was lost");
	}
	return true;
}

static bool is_no_proxy(struct error *err)
{
	error_set(err, ERROR_PROTOCOL, "what answers there is no such proxy");
	return error_advise(err, "check kind, host and port in the account's `proxy`");
}

static bool wants_login(struct error *err)
{
	error_set(err, ERROR_AUTH, "it wants a login");
	return error_advise(err, "put the user into `proxy`, as in socks5://USER@HOST:PORT, and the "
			    "password into the file that `proxy_password_file` names");
}

static bool refuses_login(struct error *err)
{
	error_set(err, ERROR_AUTH, "it does not accept user and password");
	return error_advise(err, "check the user in `proxy`, and the password there or in "
			    "`proxy_password_file`");
}

/* --- SOCKS5 */

enum { SOCKS_VERSION = 5, SOCKS_NO_LOGIN = 0, SOCKS_PASSWORD = 2, SOCKS_NONE = 0xff };
enum { SOCKS_LOGIN_VERSION = 1, SOCKS_CONNECT = 1, SOCKS_PART_MAX = 255 };
enum { SOCKS_IPV4 = 1, SOCKS_NAME = 3, SOCKS_IPV6 = 4 };

static bool socks_log_in(struct wire *wire, const struct proxy *proxy, struct error *err)
{
	size_t user_len = strlen(proxy->user), len = 0;
	unsigned char said[3 + 2 * SOCKS_PART_MAX], answer[2];
	bool ok;

	if (user_len > SOCKS_PART_MAX || proxy->password->len > SOCKS_PART_MAX)
		return error_set(err, ERROR_CONFIG, "user and password may have %d bytes each "
				 "in SOCKS5", SOCKS_PART_MAX);
	said[len++] = SOCKS_LOGIN_VERSION;
	said[len++] = (unsigned char)user_len;
	memcpy(said + len, proxy->user, user_len);
	len += user_len;
	said[len++] = (unsigned char)proxy->password->len;
	if (proxy->password->len > 0)
		memcpy(said + len, proxy->password->bytes, proxy->password->len);
	len += proxy->password->len;
	ok = say(wire, said, len, err);
	wipe(said, sizeof(said));
	if (!ok || !hear(wire, answer, sizeof(answer), err))
		return false;
	if (answer[0] != SOCKS_LOGIN_VERSION && answer[0] != SOCKS_VERSION)
		return is_no_proxy(err);
	return answer[1] == 0 || refuses_login(err);
}

/* RFC 1928 section 3 */
static bool socks_begin(struct wire *wire, const struct proxy *proxy, struct error *err)
{
	bool has_login = proxy->user[0] != '\0';
	const unsigned char offer[] = { SOCKS_VERSION, has_login ? 2 : 1, SOCKS_NO_LOGIN,
					SOCKS_PASSWORD };
	unsigned char answer[2];

	if (!say(wire, offer, has_login ? sizeof(offer) : sizeof(offer) - 1, err) ||
	    !hear(wire, answer, sizeof(answer), err))
		return false;
	if (answer[0] != SOCKS_VERSION)
		return is_no_proxy(err);
	if (answer[1] == SOCKS_NO_LOGIN)
		return true;
	if (answer[1] == SOCKS_PASSWORD && has_login)
		return socks_log_in(wire, proxy, err);
	if (!has_login)
		return answer[1] == SOCKS_NONE ? wants_login(err) : is_no_proxy(err);
	return answer[1] == SOCKS_NONE ?
	       error_set(err, ERROR_AUTH, "it takes no user and password") : is_no_proxy(err);
}

/* RFC 1928 section 6 */
static bool socks_refused(unsigned char reply, struct error *err)
{
	static const char *const reasons[] = {
		NULL,
		N_("it failed, and does not say why"),
		N_("its rules do not allow this connection"),
		N_("it has no way to the network of the server"),
		N_("it cannot reach the server, or knows no host of that name"),
		N_("the server refused the connection"),
		N_("the server did not answer it in time"),
		N_("it makes no connections"),
		N_("it does not know this kind of address"),
	};

	if (reply < COUNT_OF(reasons) && reasons[reply])
		return error_text(err, ERROR_NETWORK, reasons[reply]);
	return error_set(err, ERROR_NETWORK, "it refused the connection with number %u",
			 (unsigned)reply);
}

/* The request of RFC 1928 section 4: the name goes to the proxy as it is. */
static size_t socks_request(const char *host, long port, unsigned char request[])
{
	struct ip_address address;
	size_t size, len = 0;
	const void *bytes;

	request[len++] = SOCKS_VERSION;
	request[len++] = SOCKS_CONNECT;
	request[len++] = 0;
	if (ip_address_parse(host, &address)) {
		bytes = ip_address_bytes(&address, &size);
		request[len++] = address.socket.any.sa_family == AF_INET ? SOCKS_IPV4 :
									    SOCKS_IPV6;
	} else {
		bytes = host;
		size = strlen(host);	/* canonical_name() has seen that it fits */
		request[len++] = SOCKS_NAME;
		request[len++] = (unsigned char)size;
	}
	memcpy(request + len, bytes, size);
	len += size;
	request[len++] = (unsigned char)(port >> 8);
	request[len++] = (unsigned char)port;
	return len;
}

/*
 * Where it connects from follows, and must be read away: the server's words come behind
 * it.
 */
static bool socks_hear_address(struct wire *wire, unsigned char kind, struct error *err)
{
	unsigned char unheard[SOCKS_PART_MAX + 2], len;

	if (kind == SOCKS_IPV4)
		return hear(wire, unheard, 4 + 2, err);
	if (kind == SOCKS_IPV6)
		return hear(wire, unheard, 16 + 2, err);
	if (kind != SOCKS_NAME)
		return is_no_proxy(err);
	return hear(wire, &len, 1, err) && hear(wire, unheard, (size_t)len + 2, err);
}

static bool socks_ask(struct wire *wire, const struct proxy *proxy, const char *host, long port,
		      struct error *err)
{
	unsigned char request[4 + 1 + SOCKS_PART_MAX + 2], answer[4];
	size_t length = socks_request(host, port, request);

	if (!socks_begin(wire, proxy, err) || !say(wire, request, length, err) ||
	    !hear(wire, answer, sizeof(answer), err))
		return false;
	if (answer[0] != SOCKS_VERSION)
		return is_no_proxy(err);
	if (answer[1] != 0)
		return socks_refused(answer[1], err);
	return socks_hear_address(wire, answer[3], err);
}

/* --- HTTP CONNECT */

enum { HTTP_LINE_MAX = 2048, HTTP_HEADER_MAX = 32 * 1024 };

static bool http_add_login(struct buf *request, const struct proxy *proxy, struct error *err)
{
	OWNED_SECRET room = { 0 };
	struct buf pair = { .limit = SECRET_MAX, .room = SECRET_MAX + 1 };

	/* RFC 7617 section 2: the first colon parts them. */
	if (strchr(proxy->user, ':'))
		return error_set(err, ERROR_CONFIG, "a user of an HTTP proxy cannot have a "
				 "colon");
	secret_make_room(&room);
	pair.text = room.bytes;
	buf_add(&pair, proxy->user);
	buf_add_char(&pair, ':');
	if (proxy->password->len > 0)
		buf_add_bytes(&pair, proxy->password->bytes, proxy->password->len);
	buf_add(request, "Proxy-Authorization: Basic ");
	buf_add_base64(request, pair.text, pair.len);
	buf_add(request, "\r\n");
	return !buf_is_full(&pair) ||
	       error_set(err, ERROR_CONFIG, "user and password are too long");
}

static bool http_request(struct wire *wire, const struct proxy *proxy, const char *host,
			 long port, struct error *err)
{
	OWNED_SECRET room = { 0 };
	struct buf request = { .limit = SECRET_MAX, .room = SECRET_MAX + 1 };
	bool has_colons = strchr(host, ':') && host[0] != '[';

	secret_make_room(&room);
	request.text = room.bytes;
	for (int i = 0; i < 2; i++)
		buf_addf(&request, "%s%s%s%s:%ld%s\r\n", i == 0 ? "CONNECT " : "Host: ",
			 has_colons ? "[" : "", host, has_colons ? "]" : "", port,
			 i == 0 ? " HTTP/1.1" : "");
	if (proxy->user[0] && !http_add_login(&request, proxy, err))
		return false;
	buf_add(&request, "\r\n");
	if (buf_is_full(&request))
		return error_set(err, ERROR_CONFIG, "user and password are too long");
	return say(wire, request.text, request.len, err);
}

/* One line without its end; what is longer than there is room is read, but not kept. */
static bool http_hear_line(struct wire *wire, char line[HTTP_LINE_MAX], size_t *left,
			   struct error *err)
{
	size_t len = 0;
	char c;

	for (;;) {
		if ((*left)-- == 0) {
			*left = 0;
			return is_no_proxy(err);
		}
		if (!hear(wire, &c, 1, err))
			return false;
		if (c == '\n')
			break;
		if (len + 1 < HTTP_LINE_MAX)
			line[len++] = c;
	}
	if (len > 0 && line[len - 1] == '\r')
		len--;
	line[len] = '\0';
	return true;
}

/* "HTTP/1.1 200 and words", RFC 9112 section 4; 0: it is none. */
static long http_code(const char *line)
{
	const char *rest = text_after(line, "HTTP/1.");
	char digits[4] = "";
	long code;

	if (!rest || !*rest || rest[1] != ' ')
		return 0;
	snprintf(digits, sizeof(digits), "%.3s", rest + 2);
	return (rest[2 + strlen(digits)] == ' ' || !rest[2 + strlen(digits)]) &&
	       text_to_number(digits, 100, 599, &code) ? code : 0;
}

static bool http_refused(long code, const struct proxy *proxy, struct error *err)
{
	/* 401 is a server's word (RFC 9110 section 15.5.2), but tinyproxy's too. */
	if (code == 407 || code == 401)
		return proxy->user[0] ? refuses_login(err) : wants_login(err);
	if (code == 403 || code == 405)
		return error_set(err, ERROR_NETWORK, "its rules do not allow this connection "
				 "(%ld)", code);
	if (code >= 500)
		return error_set(err, ERROR_NETWORK, "it cannot reach the server (%ld)", code);
	return error_set(err, ERROR_NETWORK, "it answered %ld instead of connecting", code);
}

static bool http_ask(struct wire *wire, const struct proxy *proxy, const char *host, long port,
		     struct error *err)
{
	char line[HTTP_LINE_MAX];
	size_t left = HTTP_HEADER_MAX;
	long code;

	if (!http_request(wire, proxy, host, port, err) ||
	    !http_hear_line(wire, line, &left, err))
		return false;
	code = http_code(line);
	if (code == 0)
		return is_no_proxy(err);
	if (code < 200 || code > 299)
		return http_refused(code, proxy, err);
	do {
		if (!http_hear_line(wire, line, &left, err))
			return false;
	} while (line[0]);
	return true;
}

/* --- either */

bool proxy_ask(struct wire *wire, const struct proxy *proxy, const char *host, long port,
	       struct error *err)
{
	bool ok = proxy->kind == PROXY_SOCKS5 ? socks_ask(wire, proxy, host, port, err) :
						http_ask(wire, proxy, host, port, err);

	/* What it repeats of its login stays in nobody's memory. */
	wipe(wire->in, wire->start);
	return ok;
}
