/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * FNV-1a of 64 bits: against accidents, and not against anybody who wants two texts to
 * have one sum.
 */
#include "base/sum.h"

uint64_t sum_add(uint64_t sum, const void *bytes, size_t len)
{
	for (const unsigned char *byte = bytes; len > 0; byte++, len--)
		sum = (sum ^ *byte) * UINT64_C(1099511628211);
	return sum;
}
