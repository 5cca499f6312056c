/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections put into a file of settings, whose other lines stay as they are. */
#ifndef CONFIG_WRITE_H
#define CONFIG_WRITE_H

#include "base/buf.h"
#include "config/account.h"
#include "config/draft.h"
#include "config/lint.h"

enum write_mode {
	WRITE_NEW,	/* an account that is there already is an error */
	WRITE_REPLACE,	/* its settings go, the draft's take their place */
	WRITE_UPDATE,	/* its settings stay but for those of the draft */
};

struct write_job {
	const char *path;
	struct draft *drafts;
	size_t count;
	/* [defaults] and [delivery] are updated by all of them, but WRITE_NEW changes
	   nothing that is said there already. */
	enum write_mode mode;
	const char *advice;	/* how to replace an account that is there, for the error */
	/* With WRITE_NEW: gets the names of what the file says otherwise in [defaults]
	   and [delivery], which stays. Or NULL. */
	struct buf *kept;
	/* A new or replaced account takes nothing of the [defaults] that are in the file:
	   what it leaves out is hidden there. */
	bool same_everywhere;
};

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

/*
 * The text that the file has afterwards, from what it has (`old`, which `ini` was read
 * from; both may be empty).
 */
bool settings_merge(struct ini_text *out, const struct write_job *job,
		    const struct ini *ini, const struct ini_text *old, struct error *err);

#endif
