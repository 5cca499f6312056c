/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * They are looked up by the names that the linker would have noted, and bound at once, as
 * it would have done.
 */
#include "base/library.h"

#include <dlfcn.h>
#include <stdio.h>

#include "base/fate.h"

static void *load(enum library library)
{
	static const char *const names[] = {
		[LIBRARY_GNUTLS] = GNUTLS_SONAME,
#ifdef UNISTRING_SONAME
		[LIBRARY_UNISTRING] = UNISTRING_SONAME,
#endif
	};
	static void *loaded[sizeof(names) / sizeof(*names)];

	if (!loaded[library])
		loaded[library] = dlopen(names[library], RTLD_NOW | RTLD_LOCAL);
	return loaded[library];
}

void *library_symbol(enum library library, const char *name)
{
	void *from = load(library);
	void *symbol = from ? dlsym(from, name) : NULL;
	char why[400];

	if (symbol)
		return symbol;
	snprintf(why, sizeof(why), "a library cannot be loaded: %s", dlerror());
	fate_end(why);
}
