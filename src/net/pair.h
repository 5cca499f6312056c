/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A transport over two descriptors, such as standard input and output. */
#ifndef NET_PAIR_H
#define NET_PAIR_H

#include "net/transport.h"

/*
 * Reads from one and writes to the other, which stay the caller's and keep their modes.
 * No TLS. The caller ends it with its close().
 */
struct transport *pair_open(int in, int out);

#endif
