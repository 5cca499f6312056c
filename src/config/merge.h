/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sections of settings and the text of a file become the text of the file afterwards. */
#ifndef CONFIG_MERGE_H
#define CONFIG_MERGE_H

#include "base/buf.h"
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
 * The text that the file has afterwards, from what it has (`old`, which `ini` was read
 * from; both may be empty).
 */
bool settings_merge(struct ini_text *out, const struct write_job *job,
		    const struct ini *ini, const struct ini_text *old, struct error *err);

#endif
