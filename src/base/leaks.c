/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/leaks.h"

#ifdef __SANITIZE_ADDRESS__

#include <sanitizer/lsan_interface.h>
#include <stdlib.h>

bool leaks_are_sought(void)
{
	const char *options = getenv("LSAN_OPTIONS");

	return options && *options;
}

void leaks_look(void)
{
	if (leaks_are_sought())
		(void)__lsan_do_recoverable_leak_check();
}

#else

bool leaks_are_sought(void)
{
	return false;
}

void leaks_look(void)
{
}

#endif
