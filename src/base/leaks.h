/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For processes that end without clearing up: a build with AddressSanitizer can be told to
 * look for memory that nobody points to any more. All others know nothing of it.
 */
#ifndef BASE_LEAKS_H
#define BASE_LEAKS_H

#include "base/base.h"

/*
 * Whether this process shall be looked into, which LSAN_OPTIONS says: behind walls it could
 * not be.
 */
bool leaks_are_sought(void);

/* Reports those that there are, where the sanitizer is told to. */
void leaks_look(void);

#endif
