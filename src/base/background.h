/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A process that lives on without its caller: nothing that the caller has open, no
 * terminal, none of the limits it was given, and no file system that it could keep from
 * being unmounted.
 */
#ifndef BASE_BACKGROUND_H
#define BASE_BACKGROUND_H

#include "base/error.h"

/*
 * Starts this program anew, as a process of its own: argv[0] is its name, NULL ends.
 * False: ERROR_SYSTEM, nobody was started. True: the program has begun. /proc is not
 * needed, nor /dev/null.
 */
bool background_start(const char *const *argv, struct error *err);

/* This process goes on in the background, and its caller sees it end with success. */
bool background_enter(struct error *err);

/* Leaves the caller's directory and standard descriptors, as all of these do. */
void background_detach(void);

/* Closes what a caller has left open from that descriptor on. */
void descriptors_close(int least);

/*
 * A descriptor of nothing, to stand where nobody shall read or write; -1: none can be
 * had.
 */
int descriptor_of_nothing(int flags);

/*
 * Takes back what a caller has limited for itself, as far as the system lets us: how many
 * descriptors, how large a file, how much time and memory.
 */
void limits_raise(void);

/*
 * What ps(1) and others show of this process, where there is room for it: that of the
 * command line, whose words are gone then.
 */
void background_set_title(const char *title);

/* Whether so many more descriptors can be had. */
bool descriptors_suffice(int count);

#endif
