/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/trust.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/resolve.h"

enum {
	PIN_SIZE = 32,		/* SHA-256 */
	NAMES_SHOWN = 8,	/* of those that a certificate is for */
	NAME_SIZE = 254,
	WORDS_MAX = 800		/* bytes of an error's text */
};

struct certificates {
	gnutls_x509_crt_t list[CHAIN_MAX];
	unsigned int count;
};
#define OWNED_CERTIFICATES __attribute__((cleanup(certificates_free))) struct certificates

/* What was looked at, for those who put the verdict into words. */
struct evidence {
	const struct endpoint *endpoint;
	const struct chain *chain;
	const struct certificates *certificates;
	const char *store;	/* file of the trusted certificates */
	time_t now;
};

static void certificates_free(struct certificates *c)
{
	while (c->count > 0)
		gnutls_x509_crt_deinit(c->list[--c->count]);
}

static gnutls_datum_t datum(struct der der)
{
	return (gnutls_datum_t){ (unsigned char *)der.bytes, (unsigned int)der.len };
}

/* NULL: GnuTLS finds no certificate in it. */
static gnutls_x509_crt_t import(struct der der)
{
	gnutls_datum_t bytes = datum(der);
	gnutls_x509_crt_t certificate;

	if (gnutls_x509_crt_init(&certificate) < 0)
		out_of_memory();
	if (gnutls_x509_crt_import(certificate, &bytes, GNUTLS_X509_FMT_DER) >= 0)
		return certificate;
	gnutls_x509_crt_deinit(certificate);
	return NULL;
}

static bool import_chain(const struct chain *chain, struct certificates *c,
			 struct error *err)
{
	for (size_t i = 0; i < chain->count; i++) {
		gnutls_x509_crt_t certificate = import(chain->certificates[i]);

		if (!certificate)
			return error_set(err, ERROR_TLS,
					 "the server sent a broken certificate");
		c->list[c->count++] = certificate;
	}
	return c->count > 0 ||
	       error_set(err, ERROR_TLS, "the server sent no certificate");
}

/* ---- the pin ------------------------------------------------------------- */

static int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Hexadecimal, with or without colons. */
static bool parse_pin(const char *text, unsigned char pin[PIN_SIZE])
{
	for (size_t i = 0; i < PIN_SIZE; i++) {
		if (i > 0 && *text == ':')
			text++;
		if (hex_value(text[0]) < 0 || hex_value(text[1]) < 0)
			return false;
		pin[i] = (unsigned char)(hex_value(text[0]) << 4 | hex_value(text[1]));
		text += 2;
	}
	return !*text;
}

static bool check_pin(const char *fingerprint, struct der leaf, struct error *err)
{
	unsigned char pin[PIN_SIZE], seen[PIN_SIZE];
	OWNED_BUF shown = BUF_INIT(3 * PIN_SIZE);

	if (!parse_pin(fingerprint, pin)) {
		error_set(err, ERROR_CONFIG,
			  "`tls_fingerprint` is no SHA-256 fingerprint");
		return error_advise(err, "write 64 hexadecimal digits, as openssl x509 "
					 "-noout -fingerprint -sha256 prints them");
	}
	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, leaf.bytes, leaf.len, seen) < 0)
		return error_set(err, ERROR_TLS, "cannot compute a fingerprint");
	if (memcmp(pin, seen, PIN_SIZE) == 0)
		return true;
	for (size_t i = 0; i < PIN_SIZE; i++)
		buf_addf(&shown, "%s%02X", i ? ":" : "", seen[i]);
	error_set(err, ERROR_TLS,
		  "the server's certificate is not the pinned one: it has the "
		  "SHA-256 fingerprint %s",
		  buf_text(&shown));
	return error_advise(err, "if its owner says that it was renewed, set "
				 "`tls_fingerprint` to the new one; otherwise somebody "
				 "may be in between");
}

/* ---- the verdict in words ------------------------------------------------ */

static void add_date(struct buf *words, time_t when)
{
	char date[sizeof("2026-11-24 08:53 UTC") + 16];
	struct tm t;

	if (gmtime_r(&when, &t) && strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &t))
		buf_add(words, date);
}

static void add_subject(struct buf *words, const struct evidence *e, unsigned int i)
{
	gnutls_datum_t name;

	if (i == 0) {
		buf_add(words, "the server's certificate");
		return;
	}
	if (gnutls_x509_crt_get_dn3(e->certificates->list[i], &name, 0) < 0)
		return;
	buf_addf(words, "the certificate \"%.200s\" above the server's", name.data);
	gnutls_free(name.data);
}

static void say_expired(const struct evidence *e, struct buf *words)
{
	for (unsigned int i = 0; i < e->certificates->count; i++) {
		gnutls_x509_crt_t one = e->certificates->list[i];
		time_t end = gnutls_x509_crt_get_expiration_time(one);

		if (end >= e->now)
			continue;
		add_subject(words, e, i);
		buf_add(words, " expired on ");
		add_date(words, end);
		break;
	}
	if (words->len == 0)
		buf_add(words, "a trusted certificate has expired");
	buf_add(words, " (this machine's clock says ");
	add_date(words, e->now);
	buf_add(words, ")");
}

static void say_not_yet_valid(const struct evidence *e, struct buf *words)
{
	for (unsigned int i = 0; i < e->certificates->count; i++) {
		gnutls_x509_crt_t one = e->certificates->list[i];
		time_t start = gnutls_x509_crt_get_activation_time(one);

		if (start <= e->now)
			continue;
		add_subject(words, e, i);
		buf_add(words, " is not valid before ");
		add_date(words, start);
		break;
	}
	if (words->len == 0)
		buf_add(words, "a trusted certificate is not valid yet");
	buf_add(words, " (this machine's clock says ");
	add_date(words, e->now);
	buf_add(words, ")");
}

/* Which certificate is for which names: RFC 6125 section 6.4. */
static void say_other_name(const struct evidence *e, struct buf *words)
{
	gnutls_x509_crt_t leaf = e->certificates->list[0];
	char name[NAME_SIZE + 1];
	unsigned int shown = 0;
	int type = 0;

	buf_add(words, "the server's certificate is for ");
	for (unsigned int i = 0; type != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		size_t len = sizeof(name) - 1;

		type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &len, NULL);
		if (type != GNUTLS_SAN_DNSNAME)
			continue;
		if (shown == NAMES_SHOWN) {
			buf_add(words, " and others");
			break;
		}
		name[len < NAME_SIZE ? len : NAME_SIZE] = '\0';
		buf_addf(words, "%s%s", shown++ ? ", " : "", name);
	}
	if (shown == 0) {
		size_t len = sizeof(name);

		if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
						  name, &len) < 0)
			buf_add(words, "no name");
		else
			buf_add(words, name);
	}
	buf_addf(words, ", not for %s", e->endpoint->host);
}

/* Where in the chain the certificate with this subject is; its length: nowhere. */
static size_t find_subject(const struct chain *chain, struct der wanted)
{
	struct der issuer, subject;
	size_t i = 0;

	while (i < chain->count && !(der_names(chain->certificates[i], &issuer, &subject) &&
				     der_equal(subject, wanted)))
		i++;
	return i;
}

/* Follows the issuers as far as the chain goes; whether the last one is its own. */
static bool find_top(const struct chain *chain, size_t *top)
{
	struct der issuer, subject;
	size_t next = 0;

	/* The bound ends a circle. */
	for (size_t steps = 0; steps <= chain->count && next < chain->count; steps++) {
		*top = next;
		if (!der_names(chain->certificates[*top], &issuer, &subject))
			return false;
		if (der_equal(issuer, subject))
			return true;
		next = find_subject(chain, issuer);
	}
	return false;
}

static void say_unknown_issuer(const struct evidence *e, struct buf *words)
{
	gnutls_datum_t name;
	size_t top = 0;
	bool is_own_issuer = find_top(e->chain, &top);

	if (is_own_issuer && top == 0) {
		buf_addf(words, "the server's certificate is self-signed, and not in %s",
			 e->store);
		return;
	}
	if (gnutls_x509_crt_get_issuer_dn3(e->certificates->list[top], &name, 0) < 0)
		return;
	buf_addf(words,
		 "the server's certificate comes from \"%.200s\", which is not in %s",
		 name.data, e->store);
	gnutls_free(name.data);
}

static void say_weak(const struct evidence *e, struct buf *words)
{
	(void)e;
	buf_add(words, "the server's certificate, or one above it, has a signature or "
		       "a key that is too weak");
}

static void say_bad_signature(const struct evidence *e, struct buf *words)
{
	(void)e;
	buf_add(words,
		"a signature on the server's certificate, or on one above it, is wrong");
}

static void say_no_authority(const struct evidence *e, struct buf *words)
{
	(void)e;
	buf_add(words, "a certificate above the server's may not sign this one");
}

static void say_other_purpose(const struct evidence *e, struct buf *words)
{
	(void)e;
	buf_add(words, "the server's certificate is not meant for TLS servers");
}

static const struct finding {
	unsigned int flag;
	void (*say)(const struct evidence *e, struct buf *words);
	const char *advice;
} findings[] = {	/* the weightiest first */
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, say_unknown_issuer,
	  "if you know this server, point `tls_ca_file` at the CA that signed for it, or "
	  "set `tls_fingerprint`; otherwise somebody may be in between" },
	{ GNUTLS_CERT_UNEXPECTED_OWNER, say_other_name,
	  "set `host` to one of the names that the certificate is for" },
	{ GNUTLS_CERT_EXPIRED, say_expired,
	  "check this machine's clock; if it is right, the server's owner must renew it" },
	{ GNUTLS_CERT_NOT_ACTIVATED, say_not_yet_valid, "check this machine's clock" },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, say_bad_signature, NULL },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, say_weak, "the server's owner must renew it" },
	{ GNUTLS_CERT_SIGNER_NOT_CA | GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE,
	  say_no_authority, NULL },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, say_other_purpose, NULL },
};

static bool refuse(const struct evidence *e, unsigned int status, struct error *err)
{
	gnutls_datum_t text;

	for (size_t i = 0; i < COUNT_OF(findings); i++) {
		OWNED_BUF words = BUF_INIT(WORDS_MAX);

		if (!(status & findings[i].flag))
			continue;
		findings[i].say(e, &words);
		error_set(err, ERROR_TLS, "%s", buf_text(&words));
		text_make_printable(err->text);
		return error_advise(err, findings[i].advice);
	}
	if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &text,
							 0) < 0)
		return error_set(err, ERROR_TLS, "the server's certificate is not valid");
	error_set(err, ERROR_TLS, "%.*s", WORDS_MAX, text.data);
	gnutls_free(text.data);
	return false;
}

/* ---- the chain ----------------------------------------------------------- */

static void trust_all(gnutls_x509_trust_list_t list, const struct roots *roots)
{
	for (size_t i = 0; i < roots->count; i++) {
		gnutls_x509_crt_t root = import(roots->found[i]);

		if (root && gnutls_x509_trust_list_add_cas(list, &root, 1, 0) != 1)
			gnutls_x509_crt_deinit(root);
	}
}

/* As GnuTLS judges when it holds all trusted certificates, since no other one matters. */
static int judge(const struct evidence *e, const struct roots *roots,
		 unsigned int *status)
{
	const char *host = e->endpoint->host;
	struct ip_address address;
	gnutls_typed_vdata_st demands[] = {
		{ GNUTLS_DT_DNS_HOSTNAME, (unsigned char *)host, 0 },
		{ GNUTLS_DT_KEY_PURPOSE_OID, (unsigned char *)GNUTLS_KP_TLS_WWW_SERVER, 0 },
	};
	gnutls_x509_crt_t chain[CHAIN_MAX];
	gnutls_x509_trust_list_t list;
	int result;

	if (ip_address_parse(host, &address)) {
		size_t len;

		demands[0].type = GNUTLS_DT_IP_ADDRESS;
		demands[0].data = (unsigned char *)ip_address_bytes(&address, &len);
		demands[0].size = (unsigned int)len;
	}
	if (gnutls_x509_trust_list_init(&list, 0) < 0)
		out_of_memory();
	trust_all(list, roots);
	memcpy(chain, e->certificates->list, sizeof(chain));	/* it may reorder them */
	result = gnutls_x509_trust_list_verify_crt2(
		list, chain, e->certificates->count, demands, COUNT_OF(demands),
		GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM), status, NULL);
	gnutls_x509_trust_list_deinit(list, 1);
	return result;
}

static bool verify_chain(const struct endpoint *endpoint, const struct chain *chain,
			 const struct certificates *certificates, struct error *err)
{
	struct evidence e = {
		.endpoint = endpoint,
		.chain = chain,
		.certificates = certificates,
		.store = endpoint->ca_file[0] ? endpoint->ca_file : roots_system_file(),
		.now = time(NULL),
	};
	OWNED_ROOTS roots = { .count = 0 };
	unsigned int status = GNUTLS_CERT_INVALID;
	int result;

	if (!e.store) {
		error_set(err, ERROR_TLS, "this system has no trusted certificates");
		return error_advise(err, "install the package ca-certificates, or set "
					 "`tls_ca_file`");
	}
	if (!roots_find(e.store, chain, &roots, err))
		return false;
	result = judge(&e, &roots, &status);
	if (result < 0)
		return error_set(err, ERROR_TLS,
				 "cannot verify the server's certificate: %s",
				 gnutls_strerror(result));
	return status == 0 || refuse(&e, status, err);
}

bool trust_verify(const struct endpoint *endpoint, const struct chain *chain,
		  time_t *expires, struct error *err)
{
	OWNED_CERTIFICATES certificates = { .count = 0 };
	bool is_pinned = endpoint->fingerprint[0];

	if (!import_chain(chain, &certificates, err))
		return false;
	if (is_pinned && !check_pin(endpoint->fingerprint, chain->certificates[0], err))
		return false;
	if ((!is_pinned || endpoint->ca_file[0]) &&
	    !verify_chain(endpoint, chain, &certificates, err))
		return false;
	*expires = gnutls_x509_crt_get_expiration_time(certificates.list[0]);
	return true;
}

void trust_issuer(struct der der, char *text, size_t size)
{
	gnutls_x509_crt_t certificate = import(der);
	gnutls_datum_t name;

	text[0] = '\0';
	if (!certificate)
		return;
	if (gnutls_x509_crt_get_issuer_dn3(certificate, &name, 0) >= 0) {
		snprintf(text, size, "%s", (const char *)name.data);
		text_make_printable(text);
		gnutls_free(name.data);
	}
	gnutls_x509_crt_deinit(certificate);
}
