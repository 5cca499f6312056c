/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is let in at the door, and how often. */
#ifndef DAEMON_ADMISSION_H
#define DAEMON_ADMISSION_H

#include <sys/types.h>
#include <time.h>

#include "base/error.h"
#include "net/visitor.h"

enum { ALLOWED_MAX = 256 };

struct allowed_users {		/* allow_users */
	bool is_all;
	size_t uid_count, gid_count;
	uid_t uids[ALLOWED_MAX];
	gid_t gids[ALLOWED_MAX];
};

/* "name, @group, 1000 *"; ERROR_CONFIG: nobody is called so. */
bool allowed_users_parse(const char *text, struct allowed_users *users, struct error *err);

/* Root always is. */
bool allowed_users_have(const struct allowed_users *users, const struct visitor *who);

/*
 * A visitor as one number, by which both clients and mail are counted: of a user of this
 * machine, whichever way he comes, or of an address.
 */
uint64_t admission_whose(const struct visitor *who);

/* How much mail came of whom, in memory that all sessions share. */
struct admission_counts;

/*
 * A file in memory of the right size, for the counts of one door after another; -1: there
 * is none. Who makes it never reads it: clients' processes can write it.
 */
int admission_counts_file(void);

/*
 * Those in that file, or new ones where `fd` is something else, such as -1. The descriptor
 * stays the caller's. NULL: there is no memory, and nobody is counted.
 */
struct admission_counts *admission_counts_new(int fd);

/* Whether that one may give one more message this hour, which is counted then. */
bool admission_counts_take(struct admission_counts *counts, uint64_t whose, long most, time_t now);

#endif
