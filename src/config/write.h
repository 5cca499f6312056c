/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections put into a file of settings, whose other lines stay as they are. */
#ifndef CONFIG_WRITE_H
#define CONFIG_WRITE_H

#include "config/account.h"
#include "config/merge.h"

/*
 * Puts the drafts into the file, in the order that they have, and makes it with mode
 * 0600 if it is not there. Comments, order and all other sections stay. The new file is
 * written beside the old one, fsynced, read back with our own reader, compared with the
 * drafts, and only then renamed; it has the old one's mode and group, or 0600 where the
 * first secret comes into it. ERROR_CONFIG: the old file is not understood, an account
 * is there already, what would come out is not understood; ERROR_CREATE, ERROR_IO;
 * ERROR_LATER: somebody else is writing there. The old file is as it was unless true is
 * returned.
 */
bool settings_write(const struct write_job *job, struct error *err);


#endif
