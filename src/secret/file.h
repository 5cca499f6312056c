/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets in files that nobody else can read. */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include "base/error.h"
#include "base/secret.h"

/*
 * Keeps the first line of `len` bytes that were written into the secret, without its end;
 * the rest is wiped.
 */
void secret_keep_first_line(struct secret *secret, size_t len);

/*
 * The first line of a file, which may be an empty one. ERROR_CONFIG when it cannot be read,
 * is longer than SECRET_MAX, or when others can read or change the file.
 */
bool secret_read_file(const char *path, struct secret *secret, struct error *err);

/*
 * The first that is there of $CREDENTIALS_DIRECTORY/acsmtp.ACCOUNT and .../acsmtp, which
 * systemd's LoadCredential= makes; the caller frees it. NULL: neither.
 */
char *credential_path(const char *account);

#endif
