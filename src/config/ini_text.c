/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text on its way into a file, passwords and all. */
#include "config/ini_text.h"

#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void ini_text_add_bytes(struct ini_text *t, const char *bytes, size_t len)
{
	/* One piece of memory that never moves: no copy of a secret stays behind. */
	if (!t->limit)
		t->limit = INI_MAX_BYTES;
	if (!t->at)
		t->at = xcalloc(1, t->limit + 1);
	if (t->full || len > t->limit - t->len) {
		t->full = true;
		return;
	}
	if (len > 0)
		memcpy(t->at + t->len, bytes, len);
	t->len += len;
	t->at[t->len] = '\0';
}

void ini_text_add(struct ini_text *t, const char *text)
{
	ini_text_add_bytes(t, text, strlen(text));
}

void ini_text_cut(struct ini_text *t, size_t len)
{
	if (t->at)
		wipe(t->at + len, t->len - len);
	t->len = len;
}

void ini_text_free(struct ini_text *t)
{
	wipe(t->at, t->len);
	free(t->at);
	*t = (struct ini_text){ 0 };
}
