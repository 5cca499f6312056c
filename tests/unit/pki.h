/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Certificates made while a test runs. Whatever fails ends the test. */
#ifndef TESTS_PKI_H
#define TESTS_PKI_H

#include <gnutls/x509.h>
#include <stdbool.h>
#include <stddef.h>

#include "net/roots.h"

enum { DAY = 24 * 3600 };

struct recipe {
	const char *name;	/* common name of the subject */
	const char *hosts;	/* DNS names and addresses, blanks between; NULL: none */
	long starts, ends;	/* seconds from now; both 0: yesterday to next month */
	bool is_authority;
	bool is_for_clients;	/* and not for servers */
	unsigned int rsa_bits;	/* 0: P-256 */
};

struct identity {
	gnutls_x509_crt_t certificate;
	gnutls_x509_privkey_t key;
	struct der der;
};

/*
 * A certificate by `issuer` (NULL: by itself), for the key of `twin` (NULL: a new one).
 * Everything lives until the program ends.
 */
struct identity *certify(const struct recipe *recipe, const struct identity *issuer,
			 const struct identity *twin);

/* Appends it to a file in PEM form; a NULL ends the list in the second. */
void write_pem(const char *path, const struct identity *identity);
void write_pems(const char *path, const struct identity *const *list);

/* SHA-256 of the certificate, "AB:CD:..."; good until the next call. */
const char *fingerprint_of(const struct identity *identity);

/* A new private directory, and a path in it; both good until the program ends. */
const char *scratch_directory(void);
const char *scratch(const char *name);
void scratch_remove(void);

#endif
