/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of an aliases file. For mail/aliases_walk.c alone. */
#ifndef MAIL_ALIASES_FILE_H
#define MAIL_ALIASES_FILE_H

#include "mail/aliases.h"

/*
 * Fills the items from the file at a->path, sorted by name and line. A line that makes no
 * sense is told to `report` (NULL: nobody) and passed over with those that continue
 * it. False: the file cannot be used; see aliases_resolve().
 */
bool aliases_read(struct aliases *a, alias_fault_fn *report, void *taker,
		  struct error *err);

/* Puts file and line before the error; returns false. */
bool aliases_blame(const struct aliases *a, unsigned line, struct error *err);

#endif
