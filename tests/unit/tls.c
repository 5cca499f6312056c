/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Connections to a real server that does what it should, or what it should not. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/net.h"
#include "unit/server.h"

#define TLS12	"NORMAL:-VERS-ALL:+VERS-TLS1.2"
#define TLS13	"NORMAL:-VERS-ALL:+VERS-TLS1.3"

enum { BIG = 6 * 1024 * 1024, SHORT = 400 /* ms */ };

static struct identity *root, *leaf, *other_root, *foreign_leaf, *impostor, *idna_leaf;
static const char *ca_file, *other_ca_file;
static gnutls_datum_t ticket_key, other_ticket_key;

/* The packets that this process's client sent, as libc's sendmsg() sees them. */
static unsigned int packets;

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	packets++;
	return syscall(SYS_sendmsg, fd, message, flags);
}

/* ---- plays ---------------------------------------------------------------- */

static bool greet(struct peer *peer)
{
	return peer_say(peer, "220 ready\r\n") && peer_hears(peer, "STARTTLS\r\n") &&
	       peer_say(peer, "220 go\r\n");
}

static bool play_starttls(struct peer *peer)
{
	return greet(peer) && peer_start_tls(peer) && peer_hears(peer, "EHLO\r\n") &&
	       peer_say(peer, "250 hello\r\n") && peer_hears(peer, "QUIT\r\n") &&
	       peer_sees_end(peer);
}

static bool play_implicit(struct peer *peer)
{
	return peer_start_tls(peer) && peer_say(peer, "220 ready\r\n") &&
	       peer_hears(peer, "QUIT\r\n") && peer_sees_end(peer);
}

static bool play_refused(struct peer *peer)
{
	return !peer_start_tls(peer);
}

static bool play_plain(struct peer *peer)
{
	return peer_say(peer, "220 mx.example ESMTP\r\n");
}

static bool play_injection(struct peer *peer)
{
	return peer_say(peer, "220 ready\r\n") && peer_hears(peer, "STARTTLS\r\n") &&
	       peer_say(peer, "220 go\r\n250 AUTH PLAIN\r\n") && !peer_start_tls(peer);
}

static bool play_silence(struct peer *peer)
{
	char byte;

	while (recv(peer->fd, &byte, 1, 0) > 0)
		;
	return true;
}

/* A record that announces much and comes a byte at a time. */
static bool play_drip(struct peer *peer)
{
	static const char header[] = "\x16\x03\x03\x3f\xff\x02\x00\x3f\xf0";

	if (send(peer->fd, header, sizeof(header) - 1, MSG_NOSIGNAL) < 0)
		return false;
	for (int i = 0; i < 1000 && send(peer->fd, "", 1, MSG_NOSIGNAL) == 1; i++)
		usleep(5000);
	return true;
}

static bool play_cut_off(struct peer *peer)
{
	return peer_start_tls(peer) && peer_say(peer, "220 rea");
}

static bool play_clean_end(struct peer *peer)
{
	return peer_start_tls(peer) && peer_say(peer, "220 rea") &&
	       gnutls_bye(peer->tls, GNUTLS_SHUT_WR) == 0;
}

static bool play_cut_in_handshake(struct peer *peer)
{
	char bytes[64];

	return recv(peer->fd, bytes, sizeof(bytes), 0) > 0;
}

static bool play_refusal_in_body(struct peer *peer)
{
	return peer_start_tls(peer) && peer_hears_bytes(peer, 100000) &&
	       peer_say(peer, "554 enough\r\n");
}

static atomic_bool client_has_heard;

static bool play_stops_reading(struct peer *peer)
{
	bool ok = peer_start_tls(peer) && peer_hears_bytes(peer, 10) &&
		  peer_say(peer, "554 enough\r\n");

	/* Until the client has given up, however long its machine takes for that. */
	for (int i = 0; ok && !atomic_load(&client_has_heard) && i < 100; i++)
		usleep(SHORT * 1000 / 2);
	return ok;
}

/* Takes BIG bytes of a known pattern, one prime long, and gives them back. */
static bool play_big(struct peer *peer)
{
	unsigned char *all = malloc(BIG);
	size_t at = 0;
	bool ok = peer_start_tls(peer);

	while (ok && at < BIG) {
		ssize_t n = gnutls_record_recv(peer->tls, all + at, BIG - at);

		ok = n > 0;
		at += ok ? (size_t)n : 0;
	}
	for (at = 0; ok && at < BIG; at++)
		ok = all[at] == at % 251;
	for (at = 0; ok && at < BIG;) {
		ssize_t n = gnutls_record_send(peer->tls, all + at, BIG - at);

		ok = n > 0;
		at += ok ? (size_t)n : 0;
	}
	free(all);
	return ok && peer_sees_end(peer);
}

/* TLS 1.2: asks for another handshake, and is told that there will be none. */
static bool play_rehandshake(struct peer *peer)
{
	char bytes[16];
	ssize_t n;

	if (!peer_start_tls(peer) || gnutls_rehandshake(peer->tls) < 0 ||
	    !peer_say(peer, "220 ready\r\n"))
		return false;
	n = gnutls_record_recv(peer->tls, bytes, sizeof(bytes));
	return n == GNUTLS_E_WARNING_ALERT_RECEIVED &&
	       gnutls_alert_get(peer->tls) == GNUTLS_A_NO_RENEGOTIATION &&
	       peer_hears(peer, "QUIT\r\n") && peer_sees_end(peer);
}

/* TLS 1.2: asks for it without end; there is always something to read, but no data. */
static bool play_flood(struct peer *peer)
{
	if (!peer_start_tls(peer))
		return false;
	while (gnutls_rehandshake(peer->tls) >= 0)
		;
	return true;
}

/* TLS 1.3: new keys, for both directions, in the middle of a reply. */
static bool play_key_update(struct peer *peer)
{
	return peer_start_tls(peer) && peer_say(peer, "220 rea") &&
	       gnutls_session_key_update(peer->tls, GNUTLS_KU_PEER) == 0 &&
	       peer_say(peer, "dy\r\n") && peer_hears(peer, "QUIT\r\n") &&
	       peer_sees_end(peer);
}

/* ---- the client's part ------------------------------------------------------ */

static struct endpoint to(const struct server *server, bool implicit)
{
	return (struct endpoint){
		.host = "localhost",
		.port = server->port,
		.implicit_tls = implicit,
		.timeout = 5,
		.ca_file = ca_file,
		.fingerprint = "",
	};
}

static void say(struct transport *t, const char *text)
{
	struct error err;

	t->deadline = clock_after(5);
	if (t->write(t, text, strlen(text), &err))
		return;
	print_error("write: %s\n", err.text);
	fail();
}

static void hear(struct transport *t, const char *text)
{
	struct error err = { .text = "end" };
	char bytes[256];
	size_t len = 0;

	t->deadline = clock_after(5);
	while (len < strlen(text)) {
		ssize_t n = t->read(t, bytes + len, strlen(text) - len, &err);

		if (n <= 0) {
			print_error("read: %s\n", err.text);
			fail();
		}
		len += (size_t)n;
	}
	assert_memory_equal(bytes, text, len);
}

static struct transport *open_to(const struct server *server, bool implicit)
{
	struct endpoint endpoint = to(server, implicit);
	struct error err;
	struct transport *t = net_open(&endpoint, &err);

	if (!t) {
		print_error("open: %s\n", err.text);
		fail();
	}
	return t;
}

static void begin_tls(struct transport *t)
{
	struct error err;

	hear(t, "220 ready\r\n");
	say(t, "STARTTLS\r\n");
	hear(t, "220 go\r\n");
	assert_null(t->tls);
	assert_false(t->is_secret);
	t->deadline = clock_after(5);
	if (t->start_tls(t, &err))
		return;
	print_error("STARTTLS: %s\n", err.text);
	fail();
}

static struct setting server_like(bool (*play)(struct peer *), const char *priorities)
{
	return (struct setting){ .play = play,
				 .chain = { leaf },
				 .priorities = priorities };
}

/* Opens to a server that plays this with implicit TLS, which must not succeed. */
static void must_fail(const struct setting *setting, const struct endpoint *change,
		      enum error_kind kind, const char *says)
{
	struct server server;
	struct endpoint endpoint;
	struct error err = { .text = "" };
	struct transport *t;

	server_start(&server, setting, 0);
	endpoint = to(&server, true);
	if (change) {
		endpoint = *change;
		endpoint.port = server.port;
	}
	t = net_open(&endpoint, &err);
	assert_null(t);
	assert_true(server_stop(&server));
	if (err.kind == kind && strstr(err.text, says))
		return;
	print_error("kind %d: %s\n", err.kind, err.text);
	fail();
}

/* ---- tests ------------------------------------------------------------------ */

static void test_starttls(void **state)
{
	static const char *const versions[] = { TLS13, TLS12 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct setting setting = server_like(play_starttls, versions[i]);
		struct server server;
		struct transport *t;

		server_start(&server, &setting, 0);
		t = open_to(&server, false);
		assert_string_equal(t->peer, "127.0.0.1");
		begin_tls(t);
		assert_true(t->is_secret);
		assert_false(t->tls_is_resumed);
		assert_string_equal(t->tls, i ? "TLS1.2" : "TLS1.3");
		say(t, "EHLO\r\n");
		hear(t, "250 hello\r\n");
		say(t, "QUIT\r\n");
		t->close(t);
		assert_true(server_stop(&server));
	}
}

static void test_implicit(void **state)
{
	struct setting setting = server_like(play_implicit, NULL);
	struct server server;
	struct transport *t;

	(void)state;
	server_start(&server, &setting, 0);
	t = open_to(&server, true);
	assert_true(t->is_secret);
	hear(t, "220 ready\r\n");
	say(t, "QUIT\r\n");
	t->close(t);
	assert_true(server_stop(&server));
}

/* Each flight is one packet; the end of the handshake rides with the first line. */
static void test_flights(void **state)
{
	struct setting setting = server_like(play_starttls, TLS13);
	struct server server;
	struct transport *t;

	(void)state;
	server_start(&server, &setting, 0);
	t = open_to(&server, false);
	packets = 0;
	begin_tls(t);
	say(t, "EHLO\r\n");
	assert_int_equal(packets, 3);	/* STARTTLS, ClientHello, Finished with EHLO */
	hear(t, "250 hello\r\n");
	say(t, "QUIT\r\n");
	t->close(t);
	assert_true(server_stop(&server));
}

static void test_refused_certificates(void **state)
{
	struct setting setting = server_like(play_refused, NULL);
	struct server nowhere = { .port = 0 };
	struct endpoint endpoint = to(&nowhere, true);

	(void)state;
	setting.priorities = TLS12;
	endpoint.ca_file = other_ca_file;
	must_fail(&setting, &endpoint, ERROR_TLS, "\"CN=Root\", which is not in ");
	endpoint.ca_file = ca_file;
	endpoint.host = "other.localhost";
	must_fail(&setting, &endpoint, ERROR_TLS,
		  "is for localhost, not for other.localhost");
	endpoint.host = "127.0.0.1";
	must_fail(&setting, &endpoint, ERROR_TLS, "not for 127.0.0.1");
}

static bool play_any_handshake(struct peer *peer)
{
	(void)peer_start_tls(peer);
	return true;
}

static void test_idna(void **state)
{
	struct setting setting = server_like(play_implicit, NULL);
	struct server server;
	struct endpoint endpoint;
	struct transport *t;
	struct error err;

	(void)state;
	setting.chain[0] = idna_leaf;
	server_start(&server, &setting, 0);
	endpoint = to(&server, true);
	endpoint.host = "M\xc3\xbcnchen.localhost.";
	t = net_open(&endpoint, &err);
	assert_non_null(t);
	say(t, "QUIT\r\n");
	t->close(t);
	assert_true(server_stop(&server));
}

static void test_no_host_name(void **state)
{
	static const char *const names[] = { "l\xc3.localhost", "", "." };
	struct server nowhere = { .port = 1 };
	struct endpoint endpoint = to(&nowhere, true);
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		endpoint.host = names[i];
		assert_null(net_open(&endpoint, &err));
		assert_int_equal(err.kind, ERROR_CONFIG);
	}
}

static void test_not_tls(void **state)
{
	struct setting plain = server_like(play_plain, NULL);
	struct setting injection = server_like(play_injection, NULL);
	struct server server;
	struct transport *t;
	struct error err;

	(void)state;
	must_fail(&plain, NULL, ERROR_TLS,
		  "does not speak TLS here, it says \"220 mx.example");
	/* Text that was sent along with the answer to STARTTLS. */
	server_start(&server, &injection, 0);
	t = open_to(&server, false);
	hear(t, "220 ready\r\n");
	say(t, "STARTTLS\r\n");
	hear(t, "220 go\r\n");
	assert_false(t->start_tls(t, &err));
	assert_int_equal(err.kind, ERROR_TLS);
	assert_false(t->is_secret);
	t->close(t);
	assert_true(server_stop(&server));
}

static void test_old_versions(void **state)
{
	struct setting setting =
		server_like(play_refused, "NORMAL:-VERS-ALL:+VERS-TLS1.1");

	(void)state;
	must_fail(&setting, NULL, ERROR_TLS, "neither TLS 1.2 nor TLS 1.3");
	setting.priorities = "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA";
	must_fail(&setting, NULL, ERROR_TLS, "no cipher that is safe enough");
}

static void test_lost_connections(void **state)
{
	struct setting cut = server_like(play_cut_in_handshake, NULL);
	struct server server;
	struct transport *t;
	struct error err;
	char bytes[64];

	(void)state;
	must_fail(&cut, NULL, ERROR_NETWORK, "TLS handshake: the connection was lost");
	for (int clean = 0; clean < 2; clean++) {
		struct setting setting =
			server_like(clean ? play_clean_end : play_cut_off, NULL);

		server_start(&server, &setting, 0);
		t = open_to(&server, true);
		hear(t, "220 rea");
		assert_int_equal(t->read(t, bytes, sizeof(bytes), &err), clean ? 0 : -1);
		t->close(t);
		assert_true(server_stop(&server));
		if (clean)
			continue;
		assert_int_equal(err.kind, ERROR_NETWORK);
		assert_non_null(strstr(err.text, "the connection was lost"));
	}
}

static void test_bounded_time(void **state)
{
	static bool (*const plays[])(struct peer *) = { play_silence, play_drip };
	struct server server;
	struct transport *t;
	struct error err;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(plays); i++) {
		struct setting setting = server_like(plays[i], NULL);
		int64_t start;

		server_start(&server, &setting, 0);
		t = open_to(&server, false);
		start = clock_ms();
		t->deadline = start + SHORT;
		assert_false(t->start_tls(t, &err));
		assert_in_range(clock_ms() - start, SHORT - 50, 3 * SHORT);
		assert_int_equal(err.kind, ERROR_NETWORK);
		t->close(t);
		assert_true(server_stop(&server));
	}
}

static void test_flood(void **state)
{
	struct setting setting = server_like(play_flood, TLS12);
	struct server server;
	struct transport *t;
	struct error err;
	int64_t start;
	char byte;

	(void)state;
	server_start(&server, &setting, 0);
	t = open_to(&server, true);
	usleep(SHORT * 1000);		/* the buffers are full: no read has to wait */
	start = clock_ms();
	t->deadline = start + SHORT;
	assert_int_equal(t->read(t, &byte, 1, &err), -1);
	assert_in_range(clock_ms() - start, SHORT - 50, 3 * SHORT);
	assert_int_equal(err.kind, ERROR_NETWORK);
	t->close(t);
	assert_true(server_stop(&server));
}

static void test_silent_plain_server(void **state)
{
	struct setting setting = server_like(play_silence, NULL);
	struct server server;
	struct transport *t;
	struct error err;
	char byte;

	(void)state;
	server_start(&server, &setting, 0);
	t = open_to(&server, false);
	t->deadline = clock_ms() + SHORT / 2;
	assert_int_equal(t->read(t, &byte, 1, &err), -1);
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_non_null(strstr(err.advice, "tls = implicit"));
	t->close(t);
	assert_true(server_stop(&server));
}

/* Writes until it fails, then hears why. */
static void write_into(bool (*play)(struct peer *), const char *says)
{
	static const char bytes[64 * 1024];
	struct setting setting = server_like(play, NULL);
	struct server server;
	struct transport *t;
	struct error err;
	size_t written = 0;

	atomic_store(&client_has_heard, false);
	server_start(&server, &setting, 0);
	t = open_to(&server, true);
	do {
		t->deadline = clock_ms() + SHORT;
		written += sizeof(bytes);
	} while (t->write(t, bytes, sizeof(bytes), &err) && written < 64 * BIG);
	assert_int_equal(err.kind, ERROR_NETWORK);
	assert_non_null(strstr(err.text, says));
	hear(t, "554 enough\r\n");
	atomic_store(&client_has_heard, true);
	t->close(t);
	assert_true(server_stop(&server));
}

static void test_refused_in_body(void **state)
{
	(void)state;
	write_into(play_refusal_in_body, "the connection was lost");
}

static void test_server_stops_reading(void **state)
{
	(void)state;
	write_into(play_stops_reading, "the server stopped reading");
}

static void test_big(void **state)
{
	static const char *const versions[] = { TLS13, TLS12 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct setting setting = server_like(play_big, versions[i]);
		unsigned char *all = xmalloc(BIG);
		struct server server;
		struct transport *t;
		struct error err;
		size_t at;

		for (at = 0; at < BIG; at++)
			all[at] = (unsigned char)(at % 251);
		server_start(&server, &setting, 0);
		t = open_to(&server, true);
		packets = 0;
		assert_true(t->write(t, all, BIG, &err));
		assert_in_range(packets, BIG / 16384, 2 * BIG / 16384);
		memset(all, 0, BIG);
		for (at = 0; at < BIG;) {
			ssize_t n = t->read(t, all + at, BIG - at, &err);

			assert_true(n > 0);
			at += (size_t)n;
		}
		for (at = 0; at < BIG; at++)
			if (all[at] != at % 251)
				fail();
		t->close(t);
		assert_true(server_stop(&server));
		free(all);
	}
}

static void test_in_the_middle(void **state)
{
	static const struct {
		bool (*play)(struct peer *peer);
		const char *priorities;
	} cases[] = { { play_rehandshake, TLS12 }, { play_key_update, TLS13 } };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct setting setting = server_like(cases[i].play, cases[i].priorities);
		struct server server;
		struct transport *t;

		server_start(&server, &setting, 0);
		t = open_to(&server, true);
		hear(t, "220 ready\r\n");
		say(t, "QUIT\r\n");
		t->close(t);
		assert_true(server_stop(&server));
	}
}

/* ---- sessions ---------------------------------------------------------------- */

/* One connection; NULL: as it should be, else the error that it must end with. */
static bool visit(const struct setting *setting, struct endpoint *endpoint,
		  const char *error)
{
	struct server server;
	struct transport *t;
	struct error err = { .text = "" };
	bool is_resumed;

	server_start(&server, setting, endpoint->port);
	endpoint->port = server.port;
	t = net_open(endpoint, &err);
	if (error) {
		assert_null(t);
		assert_non_null(strstr(err.text, error));
		server_stop(&server);
		return false;
	}
	if (!t)
		print_error("open: %s\n", err.text);
	assert_non_null(t);
	hear(t, "220 ready\r\n");
	is_resumed = t->tls_is_resumed;
	say(t, "QUIT\r\n");
	t->close(t);
	assert_true(server_stop(&server));
	return is_resumed;
}

static void test_resumption(void **state)
{
	static const char *const versions[] = { TLS13, TLS12 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct setting setting = server_like(play_implicit, versions[i]);
		struct server nowhere = { .port = 0 };
		struct endpoint endpoint = to(&nowhere, true);
		struct endpoint other;

		setting.ticket_key = &ticket_key;
		endpoint.cache_name = i ? "twelve" : "thirteen";
		assert_false(visit(&setting, &endpoint, NULL));
		assert_true(visit(&setting, &endpoint, NULL));
		assert_true(visit(&setting, &endpoint, NULL));
		/* Another account, no cache, another pin: no. */
		other = endpoint;
		other.cache_name = "other";
		assert_false(visit(&setting, &other, NULL));
		other.cache_name = NULL;
		assert_false(visit(&setting, &other, NULL));
		other = endpoint;
		other.fingerprint = fingerprint_of(leaf);
		assert_false(visit(&setting, &other, NULL));
		assert_true(visit(&setting, &other, NULL));
		/* And the first one again, whose file that was. */
		assert_false(visit(&setting, &endpoint, NULL));
		assert_true(visit(&setting, &endpoint, NULL));
	}
}

/* A session is worth nothing when the CA file is not the same any more. */
static void test_resumption_with_changed_trust(void **state)
{
	struct setting setting = server_like(play_implicit, NULL);
	const struct identity *const both[] = { root, other_root, NULL };
	const struct identity *const other[] = { other_root, NULL };
	const char *path = scratch("changing.pem");
	struct server nowhere = { .port = 0 };
	struct endpoint endpoint = to(&nowhere, true);

	(void)state;
	setting.ticket_key = &ticket_key;
	endpoint.cache_name = "changing";
	endpoint.ca_file = path;
	write_pems(path, both);
	assert_false(visit(&setting, &endpoint, NULL));
	assert_true(visit(&setting, &endpoint, NULL));
	write_pems(path, other);
	setting.play = play_any_handshake;
	visit(&setting, &endpoint, "which is not in ");
}

/* Whoever cannot resume the session must show certificates, and they are looked at. */
static void test_resumption_refused(void **state)
{
	static const char *const versions[] = { TLS13, TLS12 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct setting setting = server_like(play_implicit, versions[i]);
		struct server nowhere = { .port = 0 };
		struct endpoint endpoint = to(&nowhere, true);

		setting.ticket_key = &ticket_key;
		endpoint.cache_name = i ? "refused twelve" : "refused thirteen";
		assert_false(visit(&setting, &endpoint, NULL));
		setting.ticket_key = &other_ticket_key;
		assert_false(visit(&setting, &endpoint, NULL));
		assert_true(visit(&setting, &endpoint, NULL));
		setting.ticket_key = &ticket_key;
		setting.chain[0] = impostor;
		setting.play = play_any_handshake;
		visit(&setting, &endpoint, "which is not in ");
		/* Nothing of that was kept: its session would not be asked for. */
		visit(&setting, &endpoint, "which is not in ");
		setting.chain[0] = foreign_leaf;
		visit(&setting, &endpoint, "not for localhost");
	}
}

static void test_server_without_tickets(void **state)
{
	static const char *const versions[] = { TLS13, TLS12 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(versions); i++) {
		struct setting setting = server_like(play_implicit, versions[i]);
		struct server nowhere = { .port = 0 };
		struct endpoint endpoint = to(&nowhere, true);

		endpoint.cache_name = "none";
		for (int round = 0; round < 3; round++)
			assert_false(visit(&setting, &endpoint, NULL));
	}
}

static int set_up(void **state)
{
	static const struct recipe root_recipe = { .name = "Root", .is_authority = true };
	static const struct recipe other_recipe = { .name = "Other Root",
						    .is_authority = true };
	static const struct recipe here = { .name = "here", .hosts = "localhost" };
	static const struct recipe idna = { .name = "x",
					    .hosts = "xn--mnchen-3ya.localhost" };
	static const struct recipe elsewhere = { .name = "elsewhere",
						 .hosts = "elsewhere.example" };

	(void)state;
	root = certify(&root_recipe, NULL, NULL);
	other_root = certify(&other_recipe, NULL, NULL);
	leaf = certify(&here, root, NULL);
	idna_leaf = certify(&idna, root, NULL);
	foreign_leaf = certify(&elsewhere, root, NULL);
	impostor = certify(&here, other_root, NULL);
	ca_file = scratch("ca.pem");
	other_ca_file = scratch("other-ca.pem");
	write_pem(ca_file, root);
	write_pem(other_ca_file, other_root);
	assert_return_code(setenv("XDG_CACHE_HOME", scratch_directory(), 1), 0);
	return gnutls_session_ticket_key_generate(&ticket_key) < 0 ||
	       gnutls_session_ticket_key_generate(&other_ticket_key) < 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starttls),
		cmocka_unit_test(test_implicit),
		cmocka_unit_test(test_flights),
		cmocka_unit_test(test_refused_certificates),
		cmocka_unit_test(test_idna),
		cmocka_unit_test(test_no_host_name),
		cmocka_unit_test(test_not_tls),
		cmocka_unit_test(test_old_versions),
		cmocka_unit_test(test_lost_connections),
		cmocka_unit_test(test_bounded_time),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_silent_plain_server),
		cmocka_unit_test(test_refused_in_body),
		cmocka_unit_test(test_server_stops_reading),
		cmocka_unit_test(test_big),
		cmocka_unit_test(test_in_the_middle),
		cmocka_unit_test(test_resumption),
		cmocka_unit_test(test_resumption_with_changed_trust),
		cmocka_unit_test(test_resumption_refused),
		cmocka_unit_test(test_server_without_tickets),
	};

	return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}
