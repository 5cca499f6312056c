/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit/pki.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/crypto.h>

#include "base/base.h"

enum { OPEN_FILES = 8, FINGERPRINT_SIZE = 32, PATHS_MAX = 64 };

static char directory[] = "/tmp/acsmtp-unit.XXXXXX";
static bool has_directory;
static char *paths[PATHS_MAX];
static size_t path_count;

static void must(int result, const char *what)
{
	if (result >= 0)
		return;
	print_error("%s: %s\n", what, gnutls_strerror(result));
	fail();
}
#define MUST(call) must(call, #call)

static gnutls_x509_privkey_t new_key(unsigned int rsa_bits)
{
	gnutls_x509_privkey_t key;

	MUST(gnutls_x509_privkey_init(&key));
	if (rsa_bits)
		MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_RSA, rsa_bits, 0));
	else
		MUST(gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
						  GNUTLS_CURVE_TO_BITS(
							  GNUTLS_ECC_CURVE_SECP256R1),
						  0));
	return key;
}

static void add_host(gnutls_x509_crt_t certificate, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1)
		MUST(gnutls_x509_crt_set_subject_alt_name(certificate,
							  GNUTLS_SAN_IPADDRESS, address,
							  sizeof(struct in_addr),
							  GNUTLS_FSAN_APPEND));
	else
		MUST(gnutls_x509_crt_set_subject_alt_name(certificate, GNUTLS_SAN_DNSNAME,
							  host,
							  (unsigned int)strlen(host),
							  GNUTLS_FSAN_APPEND));
}

static void add_hosts(gnutls_x509_crt_t certificate, const char *hosts)
{
	OWNED_TEXT copy = text_copy(hosts);
	char *rest = copy, *host;

	while ((host = strsep(&rest, " ")))
		add_host(certificate, host);
}

static void fill(gnutls_x509_crt_t certificate, const struct recipe *r)
{
	static unsigned char serial[4] = { 1 };
	time_t now = time(NULL);

	for (size_t i = sizeof(serial); i-- > 1 && ++serial[i] == 0;)
		;
	MUST(gnutls_x509_crt_set_version(certificate, 3));
	MUST(gnutls_x509_crt_set_serial(certificate, serial, sizeof(serial)));
	MUST(gnutls_x509_crt_set_dn_by_oid(certificate, GNUTLS_OID_X520_COMMON_NAME, 0,
					   r->name, (unsigned int)strlen(r->name)));
	MUST(gnutls_x509_crt_set_activation_time(certificate,
						 r->ends ? now + r->starts : now - DAY));
	MUST(gnutls_x509_crt_set_expiration_time(certificate, r->ends ? now + r->ends
								      : now + 30 * DAY));
	MUST(gnutls_x509_crt_set_basic_constraints(certificate, r->is_authority, -1));
	if (r->is_authority)
		MUST(gnutls_x509_crt_set_key_usage(certificate, GNUTLS_KEY_KEY_CERT_SIGN |
							GNUTLS_KEY_CRL_SIGN));
	else
		MUST(gnutls_x509_crt_set_key_purpose_oid(
			certificate, r->is_for_clients ? GNUTLS_KP_TLS_WWW_CLIENT :
							 GNUTLS_KP_TLS_WWW_SERVER, 0));
	if (r->hosts)
		add_hosts(certificate, r->hosts);
}

struct identity *certify(const struct recipe *recipe, const struct identity *issuer,
			 const struct identity *twin)
{
	struct identity *made = xcalloc(1, sizeof(*made));
	gnutls_datum_t der;

	made->key = twin ? twin->key : new_key(recipe->rsa_bits);
	MUST(gnutls_x509_crt_init(&made->certificate));
	fill(made->certificate, recipe);
	MUST(gnutls_x509_crt_set_key(made->certificate, made->key));
	if (!issuer)
		issuer = made;
	MUST(gnutls_x509_crt_sign2(made->certificate, issuer->certificate, issuer->key,
				   GNUTLS_DIG_SHA256, 0));
	MUST(gnutls_x509_crt_export2(made->certificate, GNUTLS_X509_FMT_DER, &der));
	made->der = (struct der){ der.data, der.size };
	/* GnuTLS verifies only what it has parsed, not what it has made. */
	gnutls_x509_crt_deinit(made->certificate);
	MUST(gnutls_x509_crt_init(&made->certificate));
	MUST(gnutls_x509_crt_import(made->certificate, &der, GNUTLS_X509_FMT_DER));
	return made;
}

void write_pem(const char *path, const struct identity *identity)
{
	FILE *f = fopen(path, "a");
	gnutls_datum_t pem;

	assert_non_null(f);
	MUST(gnutls_x509_crt_export2(identity->certificate, GNUTLS_X509_FMT_PEM, &pem));
	assert_int_equal(fwrite(pem.data, 1, pem.size, f), pem.size);
	assert_int_equal(fclose(f), 0);
	gnutls_free(pem.data);
}

void write_pems(const char *path, const struct identity *const *list)
{
	unlink(path);
	for (; *list; list++)
		write_pem(path, *list);
}

const char *fingerprint_of(const struct identity *identity)
{
	static char text[3 * FINGERPRINT_SIZE + 1];
	unsigned char digest[FINGERPRINT_SIZE];

	MUST(gnutls_hash_fast(GNUTLS_DIG_SHA256, identity->der.bytes, identity->der.len,
			      digest));
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(text + 3 * i, 4, "%02X:", digest[i]);
	text[3 * FINGERPRINT_SIZE - 1] = '\0';
	return text;
}

const char *scratch_directory(void)
{
	if (!has_directory)
		assert_non_null(mkdtemp(directory));
	has_directory = true;
	return directory;
}

const char *scratch(const char *name)
{
	char *path = xmalloc(sizeof(directory) + strlen(name) + 1);

	snprintf(path, sizeof(directory) + strlen(name) + 1, "%s/%s", scratch_directory(),
		 name);
	for (size_t i = 0; i < path_count; i++)
		if (!strcmp(paths[i], path)) {
			free(path);
			return paths[i];
		}
	assert_in_range(path_count, 0, PATHS_MAX - 1);
	return paths[path_count++] = path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

void scratch_remove(void)
{
	if (has_directory)
		nftw(directory, remove_one, OPEN_FILES, FTW_DEPTH | FTW_PHYS);
	has_directory = false;
}
