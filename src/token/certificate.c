/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PS256 and x5t#S256, as Entra wants them: RSA-PSS with SHA-256, and the SHA-256 of the
 * certificate that tells which of the application's certificates has to verify it.
 */
#include "token/certificate.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/x509.h>

#include "base/buf.h"
#include "base/digest.h"
#include "base/file.h"
#include "base/language.h"
#include "base/text.h"
#include "token/encode.h"

enum {
	FILE_LIMIT = 256 * 1024,
	ASSERTION_SECONDS = 600,
	SIGNATURE_MAX = 1024, /* bytes: of RSA keys up to 8192 bits */
	KEY_ID_MAX = 64,
	DER_MAX = 16 * 1024,
};

struct signer {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
	char print[ENCODED_SIZE(DIGEST_SIZE)];
};

static bool fail(const struct assertion *assertion, struct token_failure *failure,
		 const char *what, const char *advice)
{
	token_fail(failure, TOKEN_CONFIG, "application: certificate_file %s: %s: %s",
		   assertion->file, what, advice);
	return token_fail_words(failure, "application: certificate_file %s: %s: %s",
				assertion->file, tr(what), tr(advice));
}

/* --- the file */

static bool load_certificate(struct signer *signer, const struct assertion *assertion,
			     const gnutls_datum_t *pem, struct token_failure *failure)
{
	unsigned char der[DER_MAX], digest[DIGEST_SIZE];
	size_t len = sizeof(der);

	if (gnutls_x509_crt_import(signer->certificate, pem, GNUTLS_X509_FMT_PEM) < 0)
		return fail(assertion, failure, N_("there is no certificate in it"),
			    N_("put the certificate and its key into it, both as PEM"));
	if (gnutls_x509_crt_export(signer->certificate, GNUTLS_X509_FMT_DER, der, &len) <
		    0 ||
	    !digest_of(der, len, digest))
		return fail(assertion, failure, N_("the certificate cannot be used"),
			    N_("make another one"));
	(void)encode_base64url(digest, sizeof(digest), signer->print);
	if (gnutls_x509_crt_get_expiration_time(signer->certificate) < time(NULL))
		return fail(assertion, failure, N_("the certificate has expired"),
			    N_("make a new one, or set the clock of this machine"));
	return true;
}

/* The passphrase ends with a NUL here, in memory that is wiped. */
static int import_key(struct signer *signer, const struct assertion *assertion,
		      const gnutls_datum_t *pem)
{
	const struct secret *given = assertion->passphrase;
	bool has_one = secret_is_set(given) && given->len > 0;

	if (has_one)
		given->bytes[given->len] = '\0';
	return gnutls_x509_privkey_import2(signer->key, pem, GNUTLS_X509_FMT_PEM,
					   has_one ? given->bytes : NULL,
					   has_one ? 0 : GNUTLS_PKCS_PLAIN);
}

static bool load_key(struct signer *signer, const struct assertion *assertion,
		     const gnutls_datum_t *pem, struct token_failure *failure)
{
	unsigned char of_certificate[KEY_ID_MAX], of_key[KEY_ID_MAX];
	size_t len = sizeof(of_certificate), key_len = sizeof(of_key);
	int got = import_key(signer, assertion, pem);

	if (got < 0 && strstr((const char *)pem->data, "ENCRYPTED"))
		return fail(assertion, failure, N_("its key has a passphrase that is not known"),
			    N_("take it off with `openssl pkey`: the file is private anyway"));
	if (got < 0)
		return fail(assertion, failure, N_("the certificate's key is not in it"),
			    N_("put the key into it, as PEM"));
	if (gnutls_x509_privkey_get_pk_algorithm(signer->key) != GNUTLS_PK_RSA)
		return fail(assertion, failure, N_("its key is not of RSA"),
			    N_("make one of RSA, with 2048 bits or more"));
	if (gnutls_x509_crt_get_key_id(signer->certificate, GNUTLS_KEYID_USE_SHA256,
				       of_certificate, &len) < 0 ||
	    gnutls_x509_privkey_get_key_id(signer->key, GNUTLS_KEYID_USE_SHA256, of_key,
					   &key_len) < 0 ||
	    len != key_len || memcmp(of_certificate, of_key, len) != 0)
		return fail(assertion, failure,
			    N_("certificate and key in it do not belong together"),
			    N_("put the certificate's own key into it"));
	return true;
}

static bool load(struct signer *signer, const struct assertion *assertion,
		 struct token_failure *failure)
{
	struct buf text = BUF_INIT(FILE_LIMIT);
	struct error err;
	gnutls_datum_t pem;
	bool ok;

	if (file_read_named(assertion->file, true, &text, &err)) {
		pem.data = (unsigned char *)text.text;
		pem.size = (unsigned)text.len;
		ok = load_certificate(signer, assertion, &pem, failure) &&
		     load_key(signer, assertion, &pem, failure);
	} else {
		const char *between = err.advice ? "; " : "";
		const char *advice = err.advice ? err.advice : "";

		token_fail(failure, TOKEN_CONFIG, "application: certificate_file: %s%s%s",
			   err.text, between, advice);
		ok = token_fail_words(failure, "application: certificate_file: %s%s%s",
				      error_words(&err), between, tr(advice));
	}
	wipe(text.text, text.len);
	buf_free(&text);
	return ok;
}

/* --- the token */

static bool add_part(struct secret *token, const void *bytes, size_t len)
{
	if (token->len + 1 + ENCODED_SIZE(len) > SECRET_MAX)
		return false;
	if (token->len > 0)
		token->bytes[token->len++] = '.';
	token->len += encode_base64url(bytes, len, token->bytes + token->len);
	return true;
}

/* What is named is of settings that were checked: nothing in it has to be escaped. */
static bool add_claims(struct secret *token, const struct signer *signer,
		       const struct assertion *assertion)
{
	OWNED_BUF header = BUF_INIT(SECRET_MAX), claims = BUF_INIT(SECRET_MAX);
	char id[ENCODED_CHANCE_SIZE];
	long long now = time(NULL);

	encode_chance(id);
	buf_addf(&header, "{\"alg\":\"PS256\",\"typ\":\"JWT\",\"x5t#S256\":\"%s\"}",
		 signer->print);
	buf_addf(&claims,
		 "{\"aud\":\"%s\",\"iss\":\"%s\",\"sub\":\"%s\",\"jti\":\"%s\",\"nbf\":%lld,\"exp\":%lld}",
		 assertion->audience, assertion->client_id, assertion->client_id, id, now,
		 now + ASSERTION_SECONDS);
	return !buf_is_full(&header) && !buf_is_full(&claims) &&
	       add_part(token, header.text, header.len) &&
	       add_part(token, claims.text, claims.len);
}

static bool sign(struct secret *token, const struct signer *signer)
{
	gnutls_datum_t data = { (unsigned char *)token->bytes, (unsigned)token->len };
	gnutls_datum_t signature = { NULL, 0 };
	gnutls_privkey_t key;
	bool ok;

	if (gnutls_privkey_init(&key) < 0)
		out_of_memory();
	ok = gnutls_privkey_import_x509(key, signer->key, 0) >= 0 &&
	     gnutls_privkey_sign_data2(key, GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 0, &data,
				       &signature) >= 0 &&
	     signature.size <= SIGNATURE_MAX &&
	     add_part(token, signature.data, signature.size);
	gnutls_free(signature.data);
	gnutls_privkey_deinit(key);
	return ok;
}

bool certificate_assert(const struct assertion *assertion, struct secret *token,
			struct token_failure *failure)
{
	struct signer signer;
	bool ok;

	if (!assertion->file || !*assertion->file)
		return token_fail(failure, TOKEN_CONFIG,
				  "application: certificate_file is missing: set it");
	if (gnutls_x509_crt_init(&signer.certificate) < 0 ||
	    gnutls_x509_privkey_init(&signer.key) < 0)
		out_of_memory();
	secret_make_room(token);
	ok = load(&signer, assertion, failure);
	if (ok && !(add_claims(token, &signer, assertion) && sign(token, &signer)))
		ok = fail(assertion, failure, N_("its key cannot sign as PS256"),
			  N_("use a key of RSA with 2048 to 8192 bits"));
	gnutls_x509_crt_deinit(signer.certificate);
	gnutls_x509_privkey_deinit(signer.key);
	return ok;
}
