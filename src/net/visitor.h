/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who has connected to a socket of ours, as the kernel knows it. */
#ifndef NET_VISITOR_H
#define NET_VISITOR_H

#include "net/resolve.h"

struct visitor {
	bool is_local;		/* by a unix socket */
	uid_t uid;		/* is_local: as it was when it connected */
	gid_t gid;
	pid_t pid;
	struct ip_address address;	/* not is_local */
	bool is_here;		/* not is_local: both ends are seen to be on this machine */
	bool has_owner;		/* is_here: and whose socket the other end is, is known */
	uid_t owner;
};
/* All but `is_here` and what follows it, which nobody has been asked for yet. */
bool visitor_learn(int fd, struct visitor *visitor, struct error *err);

/*
 * Of whom the kernel can be asked whose a TCP connection of this machine is; sock_diag(7).
 * Its owner is the one file that asks. Begun as {}, it knows nobody.
 */
struct visitor_register {
	bool is_open;
	int fd;
	uint32_t asked;		/* so many questions: the number of the last */
	uid_t nobody;		/* is none's: as all look that our namespace does not know */
};

/* Where the kernel has no such thing it stays closed, which is no error. */
void visitor_register_open(struct visitor_register *r);
void visitor_register_close(struct visitor_register *r);

/* One that another process has opened in the network of its own; the descriptor is taken. */
void visitor_register_adopt(struct visitor_register *r, int fd);

/*
 * Fills in what is known of the other end at this time: not of one that has closed it.
 * Does not wait, and asks nothing of those who come from elsewhere. What cannot be known
 * is left as it is.
 */
void visitor_find_owner(struct visitor_register *r, int fd, struct visitor *visitor);

/*
 * Surely one client: the same user at the unix socket, the same user at the same address
 * of this machine, or the same address elsewhere, all of it. Of visitors whose owner has
 * been asked for; one that is here and has none is the same as nobody, even itself.
 */
bool visitor_is_same(const struct visitor *one, const struct visitor *other);

/*
 * Whether the kernel tells us users apart: in a user namespace of one user all others
 * look the same.
 */
bool visitors_are_known(void);

/* Whether that one is a single user: to us all that a namespace does not know are one. */
bool visitor_is_sure(const struct visitor *who);

#endif
