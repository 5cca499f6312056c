/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GnuTLS judges the chain; what is done here is to give it the few roots that can matter
 * (net/roots.c says why) and to say what it found in words that help. A list of all roots
 * has the same verdict: a root whose subject no certificate of the chain names as its
 * issuer is on no path.
 */
#include "net/trust.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/language.h"
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

/* What is pinned is public, so memcmp() may tell by its time how much of it is alike. */
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

enum { DATE_SIZE = 40, SUBJECT_SIZE = 201 };

static void show_date(time_t when, char date[DATE_SIZE])
{
	struct tm t;

	if (!gmtime_r(&when, &t) || !strftime(date, DATE_SIZE, "%Y-%m-%d %H:%M UTC", &t))
		*date = '\0';
}

static void show_subject(gnutls_x509_crt_t certificate, char subject[SUBJECT_SIZE])
{
	gnutls_datum_t name;

	*subject = '\0';
	if (gnutls_x509_crt_get_dn3(certificate, &name, 0) < 0)
		return;
	snprintf(subject, SUBJECT_SIZE, "%s", name.data);
	gnutls_free(name.data);
}

static void say_expired(const struct evidence *e, struct error *err)
{
	char subject[SUBJECT_SIZE], end[DATE_SIZE], now[DATE_SIZE];
	unsigned int i = 0;

	show_date(e->now, now);
	while (i < e->certificates->count &&
	       gnutls_x509_crt_get_expiration_time(e->certificates->list[i]) >= e->now)
		i++;
	if (i == e->certificates->count) {
		error_set(err, ERROR_TLS, "a trusted certificate has expired (this machine's "
			  "clock says %s)", now);
		return;
	}
	show_subject(e->certificates->list[i], subject);
	show_date(gnutls_x509_crt_get_expiration_time(e->certificates->list[i]), end);
	if (i == 0)
		error_set(err, ERROR_TLS, "the server's certificate expired on %s (this "
			  "machine's clock says %s)", end, now);
	else
		error_set(err, ERROR_TLS, "the certificate \"%s\" above the server's expired "
			  "on %s (this machine's clock says %s)", subject, end, now);
}

static void say_not_yet_valid(const struct evidence *e, struct error *err)
{
	char subject[SUBJECT_SIZE], start[DATE_SIZE], now[DATE_SIZE];
	unsigned int i = 0;

	show_date(e->now, now);
	while (i < e->certificates->count &&
	       gnutls_x509_crt_get_activation_time(e->certificates->list[i]) <= e->now)
		i++;
	if (i == e->certificates->count) {
		error_set(err, ERROR_TLS, "a trusted certificate is not valid yet (this "
			  "machine's clock says %s)", now);
		return;
	}
	show_subject(e->certificates->list[i], subject);
	show_date(gnutls_x509_crt_get_activation_time(e->certificates->list[i]), start);
	if (i == 0)
		error_set(err, ERROR_TLS, "the server's certificate is not valid before %s "
			  "(this machine's clock says %s)", start, now);
	else
		error_set(err, ERROR_TLS, "the certificate \"%s\" above the server's is not "
			  "valid before %s (this machine's clock says %s)", subject, start, now);
}

/* Which certificate is for which names: RFC 6125 section 6.4. */
static void say_other_name(const struct evidence *e, struct error *err)
{
	gnutls_x509_crt_t leaf = e->certificates->list[0];
	OWNED_BUF names = BUF_INIT(WORDS_MAX);
	char name[NAME_SIZE + 1];
	unsigned int shown = 0;
	int type = 0;

	for (unsigned int i = 0; type != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE; i++) {
		size_t len = sizeof(name) - 1;

		type = gnutls_x509_crt_get_subject_alt_name(leaf, i, name, &len, NULL);
		if (type != GNUTLS_SAN_DNSNAME)
			continue;
		if (shown++ == NAMES_SHOWN)
			break;
		name[len < NAME_SIZE ? len : NAME_SIZE] = '\0';
		buf_addf(&names, "%s%s", names.len ? ", " : "", name);
	}
	if (shown == 0) {
		size_t len = sizeof(name);

		if (gnutls_x509_crt_get_dn_by_oid(leaf, GNUTLS_OID_X520_COMMON_NAME, 0, 0,
						  name, &len) >= 0)
			buf_add(&names, name);
	}
	if (names.len == 0)
		error_set(err, ERROR_TLS, "the server's certificate is for no name, not for %s",
			  e->endpoint->host);
	else if (shown > NAMES_SHOWN)
		error_set(err, ERROR_TLS, "the server's certificate is for %s and others, not "
			  "for %s", buf_text(&names), e->endpoint->host);
	else
		error_set(err, ERROR_TLS, "the server's certificate is for %s, not for %s",
			  buf_text(&names), e->endpoint->host);
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

static void say_unknown_issuer(const struct evidence *e, struct error *err)
{
	gnutls_datum_t name;
	size_t top = 0;
	bool is_own_issuer = find_top(e->chain, &top);

	if (is_own_issuer && top == 0) {
		error_set(err, ERROR_TLS, "the server's certificate is self-signed, and not in %s",
			  e->store);
		return;
	}
	if (gnutls_x509_crt_get_issuer_dn3(e->certificates->list[top], &name, 0) < 0) {
		error_set(err, ERROR_TLS, "the server's certificate comes from somebody who is "
			  "not in %s", e->store);
		return;
	}
	error_set(err, ERROR_TLS,
		  "the server's certificate comes from \"%.200s\", which is not in %s",
		  name.data, e->store);
	gnutls_free(name.data);
}

static const struct trust_finding {
	unsigned int flag;
	void (*say)(const struct evidence *e, struct error *err);	/* NULL: the text */
	const char *text, *advice;
} findings[] = {
	/* GnuTLS sets several at once, and a person can mend one: the weightiest first. A clock
	   that is wrong makes a good chain expired, so who signed it is asked before that. */
	{ GNUTLS_CERT_SIGNER_NOT_FOUND, say_unknown_issuer, NULL,
	  N_("if you know this server, point `tls_ca_file` at the CA that signed for it, or "
	  "set `tls_fingerprint`; otherwise somebody may be in between") },
	{ GNUTLS_CERT_UNEXPECTED_OWNER, say_other_name, NULL,
	  N_("set `host` to one of the names that the certificate is for") },
	{ GNUTLS_CERT_EXPIRED, say_expired, NULL,
	  N_("check this machine's clock; if it is right, the server's owner must renew it") },
	{ GNUTLS_CERT_NOT_ACTIVATED, say_not_yet_valid, NULL,
	  N_("check this machine's clock") },
	{ GNUTLS_CERT_SIGNATURE_FAILURE, NULL,
	  N_("a signature on the server's certificate, or on one above it, is wrong"), NULL },
	{ GNUTLS_CERT_INSECURE_ALGORITHM, NULL,
	  N_("the server's certificate, or one above it, has a signature or a key that is "
	  "too weak"), N_("the server's owner must renew it") },
	{ GNUTLS_CERT_SIGNER_NOT_CA | GNUTLS_CERT_SIGNER_CONSTRAINTS_FAILURE, NULL,
	  N_("a certificate above the server's may not sign this one"), NULL },
	{ GNUTLS_CERT_PURPOSE_MISMATCH, NULL,
	  N_("the server's certificate is not meant for TLS servers"), NULL },
};

static bool refuse(const struct evidence *e, unsigned int status, struct error *err)
{
	gnutls_datum_t text;

	for (size_t i = 0; i < COUNT_OF(findings); i++) {
		if (!(status & findings[i].flag))
			continue;
		if (findings[i].text)
			error_text(err, ERROR_TLS, findings[i].text);
		else
			findings[i].say(e, err);
		text_make_printable(err->text);
		text_make_printable(err->words);
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

		/*
		 * One that GnuTLS cannot read is nobody's root; the others still count.
		 */
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

	/*
	 * RFC 6125 section 1.7.2: an address is not compared with names, nor with
	 * wildcards.
	 */
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
	/*
	 * Medium is 112 bits, RSA of 2048 that is, whatever the system's policy lets
	 * through.
	 */
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
	unsigned int status = GNUTLS_CERT_INVALID;	/* until somebody says otherwise */
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
	/* A pin says which certificate it is: who signed it then, and for which name and how
	   long, is asked only where somebody has named a CA besides. */
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
