/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who we are in TLS, as a server or as a client: a certificate, what leads to its root,
 * its key.
 */
#ifndef NET_TLS_IDENTITY_H
#define NET_TLS_IDENTITY_H

#include <time.h>

#include "base/error.h"

struct tls_identity;

/*
 * PEM files: our certificate first, and those that lead to its root; and its key, which
 * nobody else may read (file_is_private). NULL: ERROR_CONFIG, with the name of the file,
 * and whether it is the key's, if `is_key` is not NULL; ERROR_LATER of library_load().
 */
struct tls_identity *tls_identity_load(const char *cert_file, const char *key_file,
				       bool *is_key, struct error *err);
void tls_identity_free(struct tls_identity *identity);	/* NULL is fine */

/* When the certificate begins and ceases to be valid. */
void tls_identity_validity(const struct tls_identity *identity, time_t *begins, time_t *ends);

/* The same of any certificate in PEM; false: ERROR_CONFIG, with the name of the file. */
bool tls_certificate_validity(const char *file, time_t *begins, time_t *ends, struct error *err);

/* A gnutls_certificate_credentials_t, which lives as long as the identity. */
void *tls_identity_credentials(const struct tls_identity *identity);

#endif
