/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who has connected, says the kernel: of a unix socket the user as whom connect(2) was
 * called, which nobody can feign and which a process cannot change afterwards. Of a TCP
 * connection within this machine it tells whose the socket at the other end is, by netlink.
 */
#include "net/visitor.h"

#include <errno.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/networks.h"

enum { ANSWERS_MOST = 64 };	/* that are looked at for one question: none wants more */

/* --- a user */

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

/*
 * The user as whom all come that our namespace does not know. Where it knows all, he is one
 * of them, and no number that a user can have is returned.
 */
static uid_t unknown_user(void)
{
	unsigned nobody = 65534;
	FILE *file;

	if (known_users() >= UINT32_MAX)
		return UINT32_MAX;
	file = fopen("/proc/sys/kernel/overflowuid", "re");
	if (file && fscanf(file, "%u", &nobody) != 1)
		nobody = 65534;
	if (file)
		fclose(file);
	return nobody;
}

bool visitor_is_sure(const struct visitor *who)
{
	return who->is_local && who->uid != unknown_user();
}

/* --- the owner of a connection */

void visitor_register_adopt(struct visitor_register *r, int fd)
{
	*r = (struct visitor_register){ .is_open = fd >= 0, .fd = fd, .nobody = unknown_user() };
}

void visitor_register_open(struct visitor_register *r)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

	visitor_register_adopt(r, fd);
	/* Connected it hears the kernel alone. */
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0)
		visitor_register_close(r);
}

void visitor_register_close(struct visitor_register *r)
{
	if (r->is_open)
		close(r->fd);
	r->is_open = false;
}

/* The two ends of a connection, as one of them sees it. */
struct ends {
	struct ip_address own, other;
};

/* IPv4 in disguise becomes what it is. */
static void unmask(struct ip_address *address)
{
	const struct sockaddr_in6 masked = address->socket.v6;

	if (masked.sin6_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&masked.sin6_addr))
		return;
	address->socket.v4 = (struct sockaddr_in){ .sin_family = AF_INET,
						   .sin_port = masked.sin6_port };
	memcpy(&address->socket.v4.sin_addr, &masked.sin6_addr.s6_addr[12], 4);
	address->len = sizeof(address->socket.v4);
}

static bool are_equal(const struct ip_address *one, const struct ip_address *other)
{
	size_t len, other_len;
	const void *bytes = ip_address_bytes(one, &len);
	const void *other_bytes = ip_address_bytes(other, &other_len);

	return len == other_len && memcmp(bytes, other_bytes, len) == 0 &&
	       (len == 4 || one->socket.v6.sin6_scope_id == other->socket.v6.sin6_scope_id);
}

static struct inet_diag_sockid id_of(const struct ends *e)
{
	struct inet_diag_sockid id = {
		/* They stand at one place in both kinds of address. */
		.idiag_sport = e->own.socket.v4.sin_port,
		.idiag_dport = e->other.socket.v4.sin_port,
		.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE },
	};
	size_t len;
	const void *bytes = ip_address_bytes(&e->own, &len);

	memcpy(id.idiag_src, bytes, len);
	bytes = ip_address_bytes(&e->other, &len);
	memcpy(id.idiag_dst, bytes, len);
	/* An address of one link is one together with it. */
	if (len != 4)
		id.idiag_if = e->own.socket.v6.sin6_scope_id;
	return id;
}

static bool send_question(struct visitor_register *r, const struct ends *e)
{
	struct {
		struct nlmsghdr head;
		struct inet_diag_req_v2 body;
	} question = {
		.head = { .nlmsg_len = sizeof(question), .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			  .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = ++r->asked },
		.body = { .sdiag_family = (unsigned char)e->own.socket.any.sa_family,
			  .sdiag_protocol = IPPROTO_TCP, .idiag_states = UINT32_MAX,
			  .id = id_of(e) },
	};

	return send(r->fd, &question, sizeof(question), MSG_DONTWAIT | MSG_NOSIGNAL) ==
	       sizeof(question);
}

/* What the kernel answers, as far as it is of interest. */
struct netlink_answer {
	struct nlmsghdr head;
	union {
		struct inet_diag_msg found;
		int refusal;		/* -ENOENT, and so on */
	} body;
};

/*
 * It is there when the question has been asked; what is left of an earlier one is passed
 * over.
 */
static bool read_answer(const struct visitor_register *r, struct netlink_answer *a)
{
	for (int i = 0; i < ANSWERS_MOST; i++) {
		struct sockaddr_nl from = { .nl_pid = 1 };
		socklen_t len = sizeof(from);
		ssize_t got = recvfrom(r->fd, a, sizeof(*a), MSG_DONTWAIT,
				       (struct sockaddr *)&from, &len);

		if (got < 0)
			return false;
		if ((size_t)got >= sizeof(a->head) + sizeof(a->body.refusal) &&
		    len == sizeof(from) && from.nl_pid == 0 && a->head.nlmsg_seq == r->asked)
			return a->head.nlmsg_type == NLMSG_ERROR || (size_t)got == sizeof(*a);
	}
	return false;
}

/*
 * Where there is no such connection one is found that listens at its address; a socket of
 * IPv6 that speaks IPv4 says both in disguise.
 */
static bool is_that(const struct inet_diag_msg *found, const struct ends *e)
{
	const struct inet_diag_sockid id = id_of(e);
	size_t len, skipped = 0;

	(void)ip_address_bytes(&e->own, &len);
	if (len == 4 && found->idiag_family == AF_INET6)
		skipped = 3;
	return found->id.idiag_sport == id.idiag_sport &&
	       found->id.idiag_dport == id.idiag_dport &&
	       memcmp(found->id.idiag_src + skipped, id.idiag_src, len) == 0 &&
	       memcmp(found->id.idiag_dst + skipped, id.idiag_dst, len) == 0;
}

/* Without an inode it is nobody's any more, and the kernel says root's. */
static bool has_true_owner(const struct inet_diag_msg *found)
{
	return found->idiag_inode != 0 && (found->idiag_state == TCP_ESTABLISHED ||
					   found->idiag_state == TCP_CLOSE_WAIT);
}

enum sight { UNSEEN, ABSENT, FOUND };

static enum sight look_up(struct visitor_register *r, const struct ends *e,
			  struct inet_diag_msg *found)
{
	struct netlink_answer answer;

	if (!send_question(r, e) || !read_answer(r, &answer))
		return UNSEEN;
	if (answer.head.nlmsg_type == NLMSG_ERROR)
		return answer.body.refusal == -ENOENT ? ABSENT : UNSEEN;
	if (answer.head.nlmsg_type != SOCK_DIAG_BY_FAMILY || !is_that(&answer.body.found, e))
		return UNSEEN;
	*found = answer.body.found;
	return FOUND;
}

static bool learn_ends(int fd, struct ends *theirs)
{
	struct ip_address *own = &theirs->own, *other = &theirs->other;

	*theirs = (struct ends){ { .len = sizeof(own->socket) }, { .len = sizeof(own->socket) } };
	if (getpeername(fd, &own->socket.any, &own->len) < 0 ||
	    getsockname(fd, &other->socket.any, &other->len) < 0)
		return false;
	unmask(own);
	unmask(other);
	return true;
}

/*
 * A kernel that does not even see our end has no such register, or that of another network
 * than ours; it would look for a module of its each time. An end that is gone is no proof.
 */
static bool knows_us(struct visitor_register *r, int fd, const struct ends *theirs)
{
	const struct ends ours = { theirs->other, theirs->own };
	struct inet_diag_msg found;
	struct ends still;

	return look_up(r, &ours, &found) != ABSENT || !learn_ends(fd, &still);
}

void visitor_find_owner(struct visitor_register *r, int fd, struct visitor *v)
{
	struct ends theirs, still;
	struct inet_diag_msg found;
	enum sight sight;

	if (v->is_local || !learn_ends(fd, &theirs))
		return;
	v->is_here = ip_address_is_loopback(&theirs.own) || are_equal(&theirs.own, &theirs.other);
	if (!v->is_here || !r->is_open)
		return;
	sight = look_up(r, &theirs, &found);
	if (sight == ABSENT && !knows_us(r, fd, &theirs))
		visitor_register_close(r);
	/*
	 * If ours has ended meanwhile another may have begun from the same port, and it
	 * was that one's owner.
	 */
	if (sight != FOUND || !has_true_owner(&found) || found.idiag_uid == r->nobody ||
	    !learn_ends(fd, &still))
		return;
	v->has_owner = true;
	v->owner = found.idiag_uid;
}

/* --- one and another */

bool visitor_is_same(const struct visitor *one, const struct visitor *other)
{
	struct ip_address address = one->address, other_address = other->address;

	if (one->is_local != other->is_local)
		return false;
	if (one->is_local)
		return one->uid == other->uid && visitor_is_sure(one);
	unmask(&address);
	unmask(&other_address);
	if (!are_equal(&address, &other_address) || one->is_here != other->is_here)
		return false;
	if (one->is_here || ip_address_is_loopback(&address))
		return one->has_owner && other->has_owner && one->owner == other->owner;
	return true;
}
