/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A checksum against accidents (FNV-1a, 64 bits); no protection from people. */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include "base/base.h"

#define SUM_INIT	UINT64_C(14695981039346656037)

/* The sum of what `sum` is of and these bytes after it. */
uint64_t sum_add(uint64_t sum, const void *bytes, size_t len);

#endif
