/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Secrets have pages of their own: they can be locked into memory and kept out of core
 * files, are never moved by realloc(3), and are given back wiped. All have the same
 * size, the largest that there may be.
 */
#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

void wipe(void *bytes, size_t len)
{
	if (bytes)
		explicit_bzero(bytes, len);
}

void secret_make_room(struct secret *secret)
{
	void *memory;

	secret_free(secret);
	memory = mmap(NULL, SECRET_MAX + 1, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		out_of_memory();
	/* Both are best effort: RLIMIT_MEMLOCK may be 0, and the mail must go. */
	(void)mlock(memory, SECRET_MAX + 1);
	(void)madvise(memory, SECRET_MAX + 1, MADV_DONTDUMP);
	secret->bytes = memory;
	secret->len = 0;
}

bool secret_set(struct secret *secret, const char *bytes, size_t len)
{
	if (len > SECRET_MAX)
		return false;
	secret_make_room(secret);
	memcpy(secret->bytes, bytes, len);
	secret->len = len;
	return true;
}

bool secret_is_set(const struct secret *secret)
{
	return secret->bytes != NULL;
}

bool secret_is_same(const struct secret *a, const struct secret *b)
{
	return a->len == b->len && (a->len == 0 || !memcmp(a->bytes, b->bytes, a->len));
}

void secret_free(struct secret *secret)
{
	if (secret->bytes) {
		wipe(secret->bytes, SECRET_MAX + 1);
		munmap(secret->bytes, SECRET_MAX + 1);
	}
	*secret = (struct secret){ 0 };
}

void secret_guard_process(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
