/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One file of settings, from the disk to its values. iniparser is behind this only. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include "config/lint.h"


#define OWNED_INI	__attribute__((cleanup(ini_free))) struct ini

/* Like open(2): a descriptor, or -1 with errno. Never waits, for a pipe's writer say. */
int ini_open(const char *path);

/*
 * Reads an opened file into an `ini` that is zeroed but for `keeps_secrets`; `path` is
 * borrowed for errors. The bytes of the file are wiped, and iniparser never sees a
 * secret. ERROR_CONFIG for what ini_lint() finds, for what is no regular file or over 1
 * MiB, for a file that belongs to somebody else, that others can write, or that holds a
 * secret and others can read; ERROR_IO, ERROR_SYSTEM. The values are not checked yet.
 */
bool ini_read(struct ini *ini, int fd, const char *path, struct error *err);

/* The same for who wants no values but the secrets: ini_value() knows none. */
bool ini_look(struct ini *ini, int fd, const char *path, struct error *err);

/*
 * The text that a setting has in a section, NULL where it does not stand there. Secrets
 * are in the section's `password`.
 */
const char *ini_value(const struct ini *ini, const struct ini_section *section,
		      const struct setting *row);

bool ini_has_secret(const struct ini *ini);	/* kept or not */

void ini_free(struct ini *ini);

#endif
