/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * They are looked up by the names that the linker would have noted, and bound at once, as
 * it would have done.
 */
#include "base/library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/fate.h"

/* The file that lacks may be one that the library itself needs. */
static const char *package_of(const char *complaint)
{
	static const struct {
		const char *file, *advice;
	} packages[] = {
		{ "libgnutls.", N_("install GnuTLS: Debian's package libgnutls30 or libgnutls30t64, "
				   "Fedora's gnutls") },
		{ "libunistring.", N_("install libunistring: Debian's package libunistring2 or "
				      "libunistring5, Fedora's libunistring") },
	};

	for (size_t i = 0; i < COUNT_OF(packages); i++)
		if (!strncmp(complaint, packages[i].file, strlen(packages[i].file)))
			return packages[i].advice;
	return N_("install the package that brings this file");
}

/*
 * The library is there, but this process has nothing to open it with, which says nothing of
 * others. The linker keeps no errno, but says its words. 0: it is none of these.
 */
static int lack_in(const char *complaint)
{
	static const int lacks[] = { EMFILE, ENFILE, ENOMEM };

	for (size_t i = 0; i < COUNT_OF(lacks); i++)
		if (strstr(complaint, strerror(lacks[i])))
			return lacks[i];
	return 0;
}

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

bool library_load(enum library library, struct error *err)
{
	const char *complaint;

	if (load(library))
		return true;
	complaint = dlerror();
	error_set(err, ERROR_LATER, "a library cannot be loaded: %s", complaint);
	err->number = lack_in(complaint);
	return err->number ? false : error_advise(err, package_of(complaint));
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
