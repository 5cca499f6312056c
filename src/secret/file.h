/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets in files that nobody else can read. */
#ifndef SECRET_FILE_H
#define SECRET_FILE_H

#include "base/error.h"
#include "base/secret.h"

/*
 * Keeps the first line of the `len` bytes, up to SECRET_MAX + 1, that were written into
 * the secret, without its end; the rest is wiped. False: it is longer than SECRET_MAX.
 */
bool secret_keep_first_line(struct secret *secret, size_t len);

/*
 * The first line of a file, which may be an empty one. ERROR_CONFIG when it cannot be
 * read, is longer than SECRET_MAX, or when others can read or change the file.
 */
bool secret_read_file(const char *path, struct secret *secret, struct error *err);

/*
 * The first line of standard input, which may not be empty. ERROR_IO; ERROR_DATA for what
 * is empty or too long.
 */
bool secret_read_input(int fd, struct secret *secret, struct error *err);

/*
 * Makes a file of mode 0600 with the secret as its only line, on the disk when it returns
 * true. ERROR_CREATE, also when something is there already; ERROR_IO.
 */
bool secret_write_file(const char *path, const struct secret *secret, struct error *err);

/*
 * The same in place of a file that is there, which keeps its owner, group and mode;
 * whoever reads meanwhile, or after the power failed, has the old one or the new one. One
 * that is missing is made.
 */
bool secret_replace_file(const char *path, const struct secret *secret, struct error *err);

/*
 * The first that is there of $CREDENTIALS_DIRECTORY/acsmtp.ACCOUNT and .../acsmtp, which
 * systemd's LoadCredential= makes; the caller frees it. NULL: neither.
 */
char *secret_credential_path(const char *account);

#endif
