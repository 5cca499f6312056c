/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { PATIENCE = 5000 /* ms */, TRIES = 3, CHAIN_SENT_MAX = 4 };

static bool flush(struct peer *peer)
{
	size_t len = peer->held;

	peer->held = 0;
	return send(peer->fd, peer->behind, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static ssize_t pull(gnutls_transport_ptr_t pointer, void *bytes, size_t size)
{
	struct peer *peer = pointer;

	if (peer->start == peer->end) {
		ssize_t n;

		if (peer->held && !flush(peer))
			return -1;
		n = recv(peer->fd, peer->ahead, sizeof(peer->ahead), 0);
		if (n <= 0)
			return n;
		peer->start = 0;
		peer->end = (size_t)n;
	}
	if (size > peer->end - peer->start)
		size = peer->end - peer->start;
	memcpy(bytes, peer->ahead + peer->start, size);
	peer->start += size;
	return (ssize_t)size;
}

/* The flights of a handshake in one piece, as other servers send them. */
static ssize_t push(gnutls_transport_ptr_t pointer, const void *bytes, size_t len)
{
	struct peer *peer = pointer;

	if (peer->is_shaken || len > sizeof(peer->behind) - peer->held)
		return send(peer->fd, bytes, len, MSG_NOSIGNAL);
	memcpy(peer->behind + peer->held, bytes, len);
	peer->held += len;
	return (ssize_t)len;
}

bool peer_say(struct peer *peer, const char *text)
{
	size_t len = strlen(text);

	if (!peer->tls)
		return send(peer->fd, text, len, MSG_NOSIGNAL) == (ssize_t)len;
	return gnutls_record_send(peer->tls, text, len) == (ssize_t)len;
}

static ssize_t hear(struct peer *peer, void *bytes, size_t size)
{
	ssize_t n = GNUTLS_E_AGAIN;

	if (!peer->tls)
		return recv(peer->fd, bytes, size, 0);
	for (int i = 0; i < TRIES && n < 0 && !gnutls_error_is_fatal((int)n); i++)
		n = gnutls_record_recv(peer->tls, bytes, size);
	return n;
}

bool peer_hears(struct peer *peer, const char *text)
{
	while (*text) {
		char bytes[256];
		size_t len = strlen(text);
		ssize_t n = hear(peer, bytes, len < sizeof(bytes) ? len : sizeof(bytes));

		if (n <= 0 || memcmp(bytes, text, (size_t)n) != 0)
			return false;
		text += n;
	}
	return true;
}

bool peer_hears_bytes(struct peer *peer, size_t count)
{
	char bytes[16384];

	while (count > 0) {
		ssize_t n =
			hear(peer, bytes, count < sizeof(bytes) ? count : sizeof(bytes));

		if (n <= 0)
			return false;
		count -= (size_t)n;
	}
	return true;
}

bool peer_sees_end(struct peer *peer)
{
	char byte;

	return hear(peer, &byte, 1) == 0;
}

static gnutls_certificate_credentials_t credentials_of(const struct setting *setting)
{
	gnutls_certificate_credentials_t credentials;
	gnutls_x509_crt_t list[CHAIN_SENT_MAX];
	int count = 0;

	if (gnutls_certificate_allocate_credentials(&credentials) < 0)
		return NULL;
	while (count < CHAIN_SENT_MAX && setting->chain[count]) {
		list[count] = setting->chain[count]->certificate;
		count++;
	}
	if (gnutls_certificate_set_x509_key(credentials, list, count,
					    setting->chain[0]->key) < 0)
		return NULL;
	return credentials;
}

bool peer_start_tls(struct peer *peer)
{
	const struct setting *setting = peer->setting;
	gnutls_session_t tls;
	int result;

	peer->credentials = credentials_of(setting);
	if (!peer->credentials ||
	    gnutls_init(&tls, GNUTLS_SERVER |
				      (setting->ticket_key ? 0 : GNUTLS_NO_TICKETS)) < 0)
		return false;
	if (setting->priorities)
		result = gnutls_priority_set_direct(tls, setting->priorities, NULL);
	else
		result = gnutls_set_default_priority(tls);
	peer->tls = tls;
	if (result < 0 ||
	    gnutls_credentials_set(tls, GNUTLS_CRD_CERTIFICATE, peer->credentials) < 0 ||
	    (setting->ticket_key &&
	     gnutls_session_ticket_enable_server(tls, setting->ticket_key) < 0))
		return false;
	gnutls_transport_set_ptr(tls, peer);
	gnutls_transport_set_pull_function(tls, pull);
	gnutls_transport_set_push_function(tls, push);
	do
		result = gnutls_handshake(tls);
	while (result < 0 && !gnutls_error_is_fatal(result) && result != GNUTLS_E_AGAIN);
	if (result < 0)
		gnutls_alert_send_appropriate(tls, result);
	peer->is_shaken = true;
	return (!peer->held || flush(peer)) && result >= 0;
}

static void *serve(void *argument)
{
	struct server *server = argument;
	struct peer peer = { .setting = server->setting };
	struct pollfd ready = { .fd = server->listener, .events = POLLIN };
	struct timeval patience = { .tv_sec = PATIENCE / 1000 };

	if (poll(&ready, 1, PATIENCE) != 1)
		return NULL;
	peer.fd = accept(server->listener, NULL, NULL);
	setsockopt(peer.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(peer.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
	server->went_well = server->setting->play(&peer);
	if (peer.tls)
		gnutls_deinit(peer.tls);
	if (peer.credentials)
		gnutls_certificate_free_credentials(peer.credentials);
	close(peer.fd);
	return NULL;
}

void server_start(struct server *server, const struct setting *setting, long port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	*server = (struct server){ .setting = setting };
	server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(server->listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	assert_return_code(bind(server->listener, (struct sockaddr *)&address, len), 0);
	assert_return_code(listen(server->listener, 1), 0);
	assert_return_code(getsockname(server->listener, (struct sockaddr *)&address,
				       &len),
			   0);
	server->port = ntohs(address.sin_port);
	assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
}

bool server_stop(struct server *server)
{
	pthread_join(server->thread, NULL);
	close(server->listener);
	return server->went_well;
}
