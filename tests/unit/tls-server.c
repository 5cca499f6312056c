/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's side of TLS against our own client, and what its files may be. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/net.h"
#include "net/tls_server.h"
#include "unit/pki.h"

enum { PATIENCE = 10, BIG = 300000 };

static struct identity *root, *middle, *leaf, *other;
static const char *ca_file, *cert_file, *key_file, *other_key;

static void write_key(const char *path, const struct identity *identity)
{
	gnutls_datum_t pem;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(gnutls_x509_privkey_export2(identity->key, GNUTLS_X509_FMT_PEM, &pem), 0);
	assert_int_equal(fwrite(pem.data, 1, pem.size, f), pem.size);
	gnutls_free(pem.data);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0600), 0);
}

static int set_up(void **state)
{
	static const struct recipe authority = { .name = "root", .is_authority = true };
	static const struct recipe between = { .name = "between", .is_authority = true };
	static const struct recipe server = { .name = "mx", .hosts = "127.0.0.1" };

	(void)state;
	root = certify(&authority, NULL, NULL);
	middle = certify(&between, root, NULL);
	leaf = certify(&server, middle, NULL);
	other = certify(&server, root, NULL);
	write_pem(ca_file = scratch("ca.pem"), root);
	write_pems(cert_file = scratch("cert.pem"),
		   (const struct identity *const[]){ leaf, middle, NULL });
	write_key(key_file = scratch("key.pem"), leaf);
	write_key(other_key = scratch("other-key.pem"), other);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

/* --- a server in a process of its own */

struct place {
	int listener;
	long port;
	pid_t pid;
};

static void serve_one(int listener, bool (*play)(struct transport *t))
{
	struct error err;
	struct tls_identity *identity = tls_identity_load(cert_file, key_file, NULL, &err);
	struct transport *t = net_serve(accept(listener, NULL, NULL), identity, "test");
	bool ok = identity && (t->deadline = clock_after(PATIENCE), play(t));

	t->close(t);
	tls_identity_free(identity);
	_exit(ok ? 0 : 1);
}

static struct place start(bool (*play)(struct transport *t))
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t len = sizeof(address);
	struct place p = { .listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(p.listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(p.listener, 5), 0);
	assert_int_equal(getsockname(p.listener, (struct sockaddr *)&address, &len), 0);
	p.port = ntohs(address.sin_port);
	p.pid = fork();
	assert_true(p.pid >= 0);
	if (p.pid == 0)
		serve_one(p.listener, play);
	close(p.listener);
	return p;
}

static bool went_well(const struct place *p)
{
	int status;

	assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct transport *call(const struct place *p)
{
	struct endpoint e = { .host = "127.0.0.1", .port = p->port, .timeout = PATIENCE,
			      .ca_file = ca_file, .fingerprint = "" };
	struct error err;
	struct transport *t = net_open(&e, &err);

	assert_non_null(t);
	return t;
}

static bool hear(struct transport *t, const char *text)
{
	char got[64];
	size_t len = strlen(text), at = 0;
	struct error err;

	while (at < len) {
		ssize_t n = t->read(t, got + at, len - at, &err);

		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return !memcmp(got, text, len);
}

static bool say(struct transport *t, const char *text)
{
	struct error err;

	return t->write(t, text, strlen(text), &err);
}

/* --- plays */

static bool play_talk(struct transport *t)
{
	char bytes[4096];
	size_t sum = 0;
	struct error err;
	ssize_t n;

	if (!hear(t, "STARTTLS") || !say(t, "220") || !t->start_tls(t, &err) || !t->is_secret ||
	    !t->tls || strncmp(t->tls, "TLS1.", 5) != 0)
		return false;
	while (sum < BIG && (n = t->read(t, bytes, sizeof(bytes), &err)) > 0)
		sum += (size_t)n;
	return sum == BIG && say(t, "done") && t->read(t, bytes, 1, &err) == 0;
}

static void test_talk(void **state)
{
	struct place p = start(play_talk);
	struct transport *t = call(&p);
	char *big = calloc(1, BIG);
	struct error err;

	(void)state;
	assert_true(say(t, "STARTTLS") && hear(t, "220"));
	assert_true(t->start_tls(t, &err));
	assert_true(t->write(t, big, BIG, &err));
	assert_true(hear(t, "done"));
	t->close(t);
	free(big);
	assert_true(went_well(&p));
}

/* Both in one packet, so that the second is there when TLS begins. */
static bool play_ahead(struct transport *t)
{
	struct error err;

	return hear(t, "STARTTLS") && !t->start_tls(t, &err) && err.kind == ERROR_TLS &&
	       !t->is_secret;
}

static void test_ahead(void **state)
{
	struct place p = start(play_ahead);
	struct transport *t = call(&p);

	(void)state;
	assert_true(say(t, "STARTTLSMAIL"));
	assert_true(went_well(&p));
	t->close(t);
}

static bool play_nonsense(struct transport *t)
{
	struct error err;

	return !t->start_tls(t, &err) && !t->is_secret;
}

static void test_no_handshake(void **state)
{
	struct place p = start(play_nonsense), q;
	struct transport *t = call(&p);

	(void)state;
	assert_true(say(t, "EHLO me\r\n"));
	assert_true(went_well(&p));
	t->close(t);
	q = start(play_nonsense);
	t = call(&q);
	t->close(t);
	assert_true(went_well(&q));
}

static bool play_silence(struct transport *t)
{
	struct error err;
	char byte;

	t->deadline = clock_ms() + 100;
	return t->read(t, &byte, 1, &err) == -1 && err.kind == ERROR_NETWORK &&
	       !strcmp(err.text, "the client said nothing in time");
}

static void test_silence(void **state)
{
	struct place p = start(play_silence);
	struct transport *t = call(&p);

	(void)state;
	assert_true(went_well(&p));
	t->close(t);
}

/* --- the files */

static void expect_refusal(const char *cert, const char *key, const char *words)
{
	struct error err;

	assert_null(tls_identity_load(cert, key, NULL, &err));
	assert_int_equal(err.kind, ERROR_CONFIG);
	if (!strstr(err.text, words))
		print_error("%s\n", err.text);
	assert_non_null(strstr(err.text, words));
}

static void test_files(void **state)
{
	char words[512];

	(void)state;
	expect_refusal("/nowhere/cert", key_file, "/nowhere/cert: cannot read: No such file");
	expect_refusal(cert_file, "/nowhere/key", "/nowhere/key: cannot read: No such file");
	expect_refusal("/dev/null", key_file, "/dev/null: it is no file");
	expect_refusal(key_file, key_file, "there is no certificate in PEM in it");
	expect_refusal(cert_file, scratch_directory(), "it is no file");
	snprintf(words, sizeof(words), "the key in %s is not that of the certificate in %s",
		 other_key, cert_file);
	expect_refusal(cert_file, other_key, words);
	assert_int_equal(chmod(key_file, 0644), 0);
	expect_refusal(cert_file, key_file, "it holds a secret and others can read it");
	assert_int_equal(chmod(key_file, 0600), 0);
}

static void test_validity(void **state)
{
	static const struct recipe old = { .name = "old", .hosts = "mx", .starts = -3 * DAY,
					   .ends = -2 * DAY };
	static struct identity *expired;	/* lives as long as the others */
	struct tls_identity *identity;
	struct error err;
	time_t begins, ends;

	(void)state;
	expired = certify(&old, root, NULL);
	write_pem(scratch("old.pem"), expired);
	write_key(scratch("old-key.pem"), expired);
	identity = tls_identity_load(scratch("old.pem"), scratch("old-key.pem"), NULL, &err);
	assert_non_null(identity);
	tls_identity_validity(identity, &begins, &ends);
	assert_true(begins < ends && ends < time(NULL) && ends > time(NULL) - 3 * DAY);
	tls_identity_free(identity);
	tls_identity_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_no_handshake),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_validity),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
