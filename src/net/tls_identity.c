/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/tls_identity.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdlib.h>

#include "base/file.h"
#include "base/library.h"
#include "base/secret.h"

enum { PEM_MAX = 1024 * 1024 };

struct validity {
	time_t begins, ends;
};

static bool read_certificate(const struct buf *text, const char *file, struct validity *when,
			     struct error *err)
{
	const gnutls_datum_t pem = { (void *)text->text, (unsigned int)text->len };
	gnutls_x509_crt_t *chain = NULL;
	unsigned int count = 0;
	int result = text->len == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND :
		     gnutls_x509_crt_list_import2(&chain, &count, &pem, GNUTLS_X509_FMT_PEM, 0);

	if (result < 0 || count == 0) {
		error_set(err, ERROR_CONFIG, "there is no certificate in PEM in it: %s",
			  gnutls_strerror(result));
		return error_context(err, "%s", file);
	}
	when->begins = gnutls_x509_crt_get_activation_time(chain[0]);
	when->ends = gnutls_x509_crt_get_expiration_time(chain[0]);
	for (unsigned int i = 0; i < count; i++)
		gnutls_x509_crt_deinit(chain[i]);
	gnutls_free(chain);
	return true;
}

bool tls_certificate_validity(const char *file, time_t *begins, time_t *ends, struct error *err)
{
	struct buf text = BUF_INIT(PEM_MAX);
	struct validity when;
	bool ok;

	(void)buf_reserve(&text, PEM_MAX);
	ok = library_load(LIBRARY_GNUTLS, err) && file_read_named(file, false, &text, err) &&
	     read_certificate(&text, file, &when, err);
	wipe(text.text, text.len);	/* its key may stand there too */
	buf_free(&text);
	if (ok) {
		*begins = when.begins;
		*ends = when.ends;
	}
	return ok;
}

struct tls_identity {
	gnutls_certificate_credentials_t credentials;
	struct validity when;
};

static bool read_key(const gnutls_datum_t *pem, const char *file, struct error *err)
{
	gnutls_x509_privkey_t key;
	int result = gnutls_x509_privkey_init(&key);

	if (result >= 0) {
		result = gnutls_x509_privkey_import2(key, pem, GNUTLS_X509_FMT_PEM, NULL, 0);
		gnutls_x509_privkey_deinit(key);
	}
	if (result >= 0)
		return true;
	error_set(err, ERROR_CONFIG, "there is no key in PEM, without a password, in it: %s",
		  gnutls_strerror(result));
	return error_context(err, "%s", file);
}

struct pem_files {
	const char *cert_file, *key_file;
	struct buf cert, key;
};

static gnutls_datum_t pem_of(const struct buf *text)
{
	return (gnutls_datum_t){ (void *)buf_text(text), (unsigned int)text->len };
}

static bool read_both(struct pem_files *files, struct validity *when, bool *is_key,
		      struct error *err)
{
	gnutls_datum_t key;

	if (!file_read_named(files->cert_file, false, &files->cert, err) ||
	    !read_certificate(&files->cert, files->cert_file, when, err))
		return false;
	*is_key = true;
	if (!file_read_named(files->key_file, true, &files->key, err))
		return false;
	key = pem_of(&files->key);
	return read_key(&key, files->key_file, err);
}

static bool load(struct tls_identity *identity, struct pem_files *files, bool *is_key,
		 struct error *err)
{
	gnutls_datum_t cert, key;
	int result;

	if (!read_both(files, &identity->when, is_key, err))
		return false;
	cert = pem_of(&files->cert);
	key = pem_of(&files->key);
	result = gnutls_certificate_set_x509_key_mem2(identity->credentials, &cert, &key,
						      GNUTLS_X509_FMT_PEM, NULL, 0);
	if (result >= 0)
		result = gnutls_certificate_set_known_dh_params(identity->credentials,
								GNUTLS_SEC_PARAM_MEDIUM);
	if (result >= 0)
		return true;
	*is_key = result == GNUTLS_E_CERTIFICATE_KEY_MISMATCH;
	if (*is_key)
		return error_set(err, ERROR_CONFIG, "the key in %s is not that of the certificate "
				 "in %s", files->key_file, files->cert_file);
	error_set(err, ERROR_CONFIG, "cannot use it: %s", gnutls_strerror(result));
	return error_context(err, "%s", files->cert_file);
}

struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
				       bool *is_key, struct error *err)
{
	struct pem_files files = { cert_file, key_file, BUF_INIT(PEM_MAX), BUF_INIT(PEM_MAX) };
	struct tls_identity *identity;
	bool ok, is_keys = false;

	if (!library_load(LIBRARY_GNUTLS, err))
		return NULL;
	identity = xcalloc(1, sizeof(*identity));
	/* Room for all of it at once: a buffer that grows leaves what it held behind. */
	(void)buf_reserve(&files.key, PEM_MAX);
	ok = gnutls_certificate_allocate_credentials(&identity->credentials) >= 0 ?
	     load(identity, &files, &is_keys, err) :
	     error_set(err, ERROR_SYSTEM, "cannot prepare TLS");
	wipe(files.key.text, files.key.len);
	buf_free(&files.key);
	buf_free(&files.cert);
	if (is_key)
		*is_key = is_keys;
	if (ok)
		return identity;
	tls_identity_free(identity);
	return NULL;
}

void tls_identity_free(struct tls_identity *identity)
{
	if (identity && identity->credentials)
		gnutls_certificate_free_credentials(identity->credentials);
	free(identity);
}

void tls_identity_validity(const struct tls_identity *identity, time_t *begins, time_t *ends)
{
	*begins = identity->when.begins;
	*ends = identity->when.ends;
}

void *tls_identity_credentials(const struct tls_identity *identity)
{
	return identity->credentials;
}
