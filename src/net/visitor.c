/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has connected, says the kernel: of a unix socket the user as whom connect(2) was
 * called, which nobody can feign and which a process cannot change afterwards.
 */
#include "net/visitor.h"

#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

bool visitor_learn(int fd, struct visitor *visitor, struct error *err)
{
	struct visitor v = { .address = { .len = sizeof(v.address.socket) } };
	struct ucred user;
	socklen_t len = sizeof(user);
	sa_family_t family;

	if (getpeername(fd, &v.address.socket.any, &v.address.len) < 0)
		return error_errno(err, ERROR_NETWORK, "cannot know who has connected");
	family = v.address.socket.any.sa_family;
	v.is_local = family == AF_UNIX;
	if (v.is_local) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len) < 0)
			return error_errno(err, ERROR_SYSTEM, "cannot know who has connected");
		v.uid = user.uid;
		v.gid = user.gid;
		v.pid = user.pid;
	} else if (family != AF_INET && family != AF_INET6) {
		return error_set(err, ERROR_SYSTEM, "cannot know who has connected");
	}
	*visitor = v;
	return true;
}

/* How many users our namespace knows; all, where that cannot be asked. */
static unsigned long known_users(void)
{
	FILE *map = fopen("/proc/self/uid_map", "re");
	unsigned long inside, outside, count, sum = 0;

	if (!map)
		return UINT32_MAX;
	while (fscanf(map, "%lu %lu %lu", &inside, &outside, &count) == 3)
		sum += count;
	fclose(map);
	return sum;
}

/*
 * With one user mapped all others come as nobody, and nobody can be told from
 * another.
 */
bool visitors_are_known(void)
{
	return known_users() != 1;
}

bool visitor_is_sure(const struct visitor *who)
{
	FILE *file = fopen("/proc/sys/kernel/overflowuid", "re");
	unsigned long nobody = 65534;

	if (file && fscanf(file, "%lu", &nobody) != 1)
		nobody = 65534;
	if (file)
		fclose(file);
	return who->is_local && (who->uid != nobody || known_users() >= UINT32_MAX);
}
