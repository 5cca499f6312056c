/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where others connect to us: TCP, or a unix socket, where the kernel tells which user it
 * is. Both are opened here, or handed over by systemd.
 */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include <sys/un.h>

#include "net/resolve.h"

enum { LISTENERS_MAX = ADDRESSES_MAX + 8 };

struct listener {
	int fd;			/* close-on-exec, non-blocking */
	bool is_local;		/* a unix socket */
	bool is_inherited;	/* its manager keeps it */
	char name[sizeof(((struct sockaddr_un *)NULL)->sun_path) + 1];	/* path, ADDRESS:PORT */
	dev_t dev;		/* of the path, where we made it: ours is removed at the end */
	ino_t ino;
};

struct listeners {		/* zeroed: none */
	struct listener list[LISTENERS_MAX];
	size_t count;
};

/*
 * "127.0.0.1:25 [::1]:25", with blanks or commas between; the port stands in the
 * addresses. ERROR_CONFIG.
 */
bool listen_parse(const char *text, struct addresses *addresses, struct error *err);

/* The one at that address, or NULL; and whether one of them is this descriptor. */
const struct listener *listen_find(const struct listeners *l, const struct ip_address *address);
bool listeners_have(const struct listeners *l, int fd);

/*
 * Adds a TCP listener; ERROR_CONFIG with what to do where the address is in use or not
 * ours. `is_beside`: those of this user's that listeners_share() tells of may have a part
 * of the address, as 127.0.0.1:25 is one of 0.0.0.0:25.
 */
bool listen_network(struct listeners *l, const struct ip_address *address, bool is_beside,
		    struct error *err);
void listeners_share(const struct listeners *l, bool shares);

/*
 * Adds a unix socket with that mode; its directory is made if it is missing. A socket of
 * ours that nobody listens at any more gives way; anything else at the path, or somebody
 * who answers there, is ERROR_CONFIG.
 */
bool listen_local(struct listeners *l, const char *path, mode_t mode, struct error *err);

/*
 * Adds what systemd hands over (sd_listen_fds(3)), and takes its variables out of the
 * environment. Descriptors that are called "socket" must be unix sockets, those called
 * "listen" TCP; others are what they are. ERROR_CONFIG.
 */
bool listen_inherit(struct listeners *l, struct error *err);

/* Adds one of those, whoever has opened it; `called` as there. ERROR_CONFIG. */
bool listen_adopt(struct listeners *l, int fd, const char *called, struct error *err);

/* Closes all, and removes the paths that we made, if they are ours still. */
void listeners_close(struct listeners *l);

/* Closes those that are not among the others; paths stay. */
void listeners_close_rest(const struct listeners *l, const struct listeners *others);

#endif
