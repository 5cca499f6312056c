/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lines of a file of settings that may hold secrets. */
#ifndef CONFIG_INI_TEXT_H
#define CONFIG_INI_TEXT_H

#include "base/base.h"

enum { INI_MAX_BYTES = 1024 * 1024 };	/* of a file of settings */

/* The text of a file of settings in the making, up to the 1 MiB that is read; wiped. */
struct ini_text {
	char *at;		/* NUL-terminated when not NULL */
	size_t len;
	size_t limit;		/* 0: that of a file */
	bool full;		/* sticky: something did not fit */
};
#define OWNED_INI_TEXT	__attribute__((cleanup(ini_text_free))) struct ini_text

void ini_text_add(struct ini_text *t, const char *text);
void ini_text_add_bytes(struct ini_text *t, const char *bytes, size_t len);
void ini_text_cut(struct ini_text *t, size_t len);	/* wipes what is beyond */
void ini_text_free(struct ini_text *t);

#endif
