/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has connected to a socket of ours, as the kernel knows it. */
#ifndef NET_VISITOR_H
#define NET_VISITOR_H

#include "net/resolve.h"

struct visitor {
	bool is_local;
	uid_t uid;		/* is_local: as it was when it connected */
	gid_t gid;
	pid_t pid;
	struct ip_address address;	/* not is_local */
};
bool visitor_learn(int fd, struct visitor *visitor, struct error *err);

/*
 * Whether the kernel tells us users apart: in a user namespace of one user all others
 * look the same.
 */
bool visitors_are_known(void);

/* Whether that one is a single user: to us all that a namespace does not know are one. */
bool visitor_is_sure(const struct visitor *who);

#endif
