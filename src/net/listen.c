/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sockets at addresses, at paths, and those that systemd hands over. A path is taken
 * only from a socket at which nobody answers any more, and a socket gets its path only
 * when it listens: whoever finds it can connect.
 */
#include "net/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/path.h"
#include "base/self.h"
#include "base/text.h"

enum { BACKLOG = 1024 };	/* the system's limit is often lower, and cuts it */

static struct listener *add(struct listeners *l, int fd, bool is_local, struct error *err)
{
	struct listener *new = &l->list[l->count];

	if (l->count == LISTENERS_MAX) {
		close(fd);
		error_set(err, ERROR_CONFIG, "more than %d sockets to listen at", LISTENERS_MAX);
		return NULL;
	}
	*new = (struct listener){ .fd = fd, .is_local = is_local };
	l->count++;
	return new;
}

/* --- TCP */

static void set_port(struct ip_address *address, long port)
{
	if (address->socket.any.sa_family == AF_INET)
		address->socket.v4.sin_port = htons((uint16_t)port);
	else
		address->socket.v6.sin6_port = htons((uint16_t)port);
}

static unsigned port_of(const struct ip_address *address)
{
	return ntohs(address->socket.any.sa_family == AF_INET ? address->socket.v4.sin_port :
		     address->socket.v6.sin6_port);
}

static void name_it(const struct ip_address *address, char *name, size_t size)
{
	bool is_v4 = address->socket.any.sa_family == AF_INET;
	char text[ADDRESS_TEXT_SIZE];

	ip_address_text(address, text);
	snprintf(name, size, is_v4 ? "%s:%u" : "[%s]:%u", text, port_of(address));
}

static bool parse_one(char *text, struct ip_address *address, struct error *err)
{
	char *colon = strrchr(text, ':');
	long port;

	if (!colon || !text_to_number(colon + 1, 1, 65535, &port))
		return error_set(err, ERROR_CONFIG, "\"%s\" does not end in a port, as "
				 "127.0.0.1:25 or [::1]:25 do", text);
	*colon = '\0';
	/* "::1:25" could be either. */
	if (!ip_address_parse(text, address) || (*text != '[' && strchr(text, ':')))
		return error_set(err, ERROR_CONFIG, "\"%s\" is no address, such as 127.0.0.1 or "
				 "[::1]", text);
	set_port(address, port);
	return true;
}

bool listen_parse(const char *text, struct addresses *addresses, struct error *err)
{
	struct addresses found = { .count = 0 };

	for (size_t len; (len = text_item(&text, ", \t")); text += len) {
		OWNED_TEXT one = text_copy_n(text, len);

		if (found.count == ADDRESSES_MAX)
			return error_set(err, ERROR_CONFIG, "more than %d addresses",
					 ADDRESSES_MAX);
		if (!parse_one(one, &found.list[found.count++], err))
			return false;
	}
	*addresses = found;
	return true;
}

/* Errno of bind(2) or listen(2). */
static bool explain(const char *name, unsigned port, struct error *err)
{
	error_errno(err, ERROR_CONFIG, "cannot listen at %s", name);
	if (err->number == EADDRINUSE)
		return error_advise(err, "another program listens there already: end it, or choose "
				    "another port");
	if (err->number == EADDRNOTAVAIL)
		return error_advise(err, "this machine does not have that address");
	if (err->number == EACCES && port < 1024)
		return error_advise(err, "ports below 1024 are for root: start it as root, let "
				    "systemd listen, or choose another port");
	return false;
}

const struct listener *listen_find(const struct listeners *l, const struct ip_address *address)
{
	char name[sizeof(l->list->name)];

	name_it(address, name, sizeof(name));
	for (size_t i = 0; i < l->count; i++)
		if (!l->list[i].is_local && !strcmp(l->list[i].name, name))
			return &l->list[i];
	return NULL;
}

bool listeners_have(const struct listeners *l, int fd)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].fd == fd)
			return true;
	return false;
}

static void share(const struct listener *one, bool shares)
{
	if (!one->is_local)
		setsockopt(one->fd, SOL_SOCKET, SO_REUSEPORT, &(int){ shares }, sizeof(int));
}

void listeners_share(const struct listeners *l, bool shares)
{
	for (size_t i = 0; i < l->count; i++)
		share(&l->list[i], shares);
}

bool listen_network(struct listeners *l, const struct ip_address *address, bool is_beside,
		    struct error *err)
{
	int family = address->socket.any.sa_family;
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct listener *new;

	if (fd < 0)
		return error_errno(err, ERROR_SYSTEM, "cannot listen");
	new = add(l, fd, false, err);
	if (!new)
		return false;
	name_it(address, new->name, sizeof(new->name));
	/*
	 * Connections that end take a while: whoever starts anew need not wait for them.
	 */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int));
	/* What is meant by [::] is what is written: 0.0.0.0 is another address. */
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){ 1 }, sizeof(int));
	share(new, is_beside);
	if (bind(fd, &address->socket.any, address->len) == 0 && listen(fd, BACKLOG) == 0) {
		share(new, false);
		return true;
	}
	explain(new->name, port_of(address), err);
	close(fd);
	l->count--;
	return false;
}

/* --- unix sockets */

static bool put_path(struct sockaddr_un *address, const char *path, struct error *err)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* One byte less for each of ".new", which stands behind it for a moment. */
	if (strlen(path) + 4 >= sizeof(address->sun_path))
		return error_set(err, ERROR_CONFIG, "the path of a socket has %zu bytes at most: %s",
				 sizeof(address->sun_path) - 5, path);
	memcpy(address->sun_path, path, strlen(path) + 1);
	return true;
}

/* Errno of what failed at the path; mostly its directory is not there, or not for us. */
static bool explain_path(const char *path, struct error *err)
{
	OWNED_TEXT directory = path_directory(path);
	struct stat st;

	error_errno(err, ERROR_CONFIG, "cannot listen at %s", path);
	if (stat(directory, &st) < 0 && errno == ENOENT && mkdir(directory, 0700) < 0) {
		error_errno(err, ERROR_CONFIG, "cannot make the directory %s", directory);
		return error_advise(err, "who runs this must be able to write there; in a container a "
				    "volume is mounted there for that");
	}
	if (access(directory, W_OK | X_OK) == 0 || errno != EACCES || stat(directory, &st) < 0 ||
	    self_owns(&st))
		return false;
	error_set(err, ERROR_CONFIG, "cannot listen at %s: the directory belongs to another user "
		  "(uid %ld)", path, (long)st.st_uid);
	return error_advise(err, "run this as that user, as the last time; or give the directory "
			    "and the queue to this one (`chown -R`)");
}

/* Whether somebody answers there, or may: only a refusal says that nobody does. */
static bool is_alive(const struct sockaddr_un *address)
{
	OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd < 0 || connect(fd, (const struct sockaddr *)address, sizeof(*address)) == 0 ||
	       (errno != ECONNREFUSED && errno != ENOENT);
}

/* What stands at the path now may give way to ours. */
static bool may_replace(const struct sockaddr_un *address, struct error *err)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || explain_path(path, err);
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERROR_CONFIG, "cannot listen at %s: something else has that "
				 "name", path);
	if (is_alive(address)) {
		error_set(err, ERROR_CONFIG, "cannot listen at %s: somebody does already", path);
		return error_advise(err, "`acsmtp daemon status` asks who; `acsmtp daemon stop` ends "
				    "it");
	}
	return self_owns(&st) || self_is_root() ||
	       error_set(err, ERROR_CONFIG, "cannot listen at %s: another user has left it", path);
}

/*
 * Two that start at one moment take turns, so that neither takes the other's for a dead
 * one. A lock that does not come is no reason to stay away: anybody may hold it who can
 * read the directory.
 */
static int lock_directory(const char *path, mode_t mode)
{
	OWNED_TEXT directory = path_directory(path);
	int64_t deadline = clock_after(2);
	int fd;

	/* Whoever may connect has to come as far as there. */
	if (mkdir(directory, 0700) == 0 && (mode & 077))
		(void)chmod(directory, 0755);
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && clock_left(deadline) > 0)
		usleep(20 * 1000);
	return fd;
}

/* Complete before it has its name: whoever sees it can connect. */
static bool appear(struct listener *new, const struct sockaddr_un *address, mode_t mode)
{
	struct sockaddr_un fresh = *address;
	struct stat st;
	bool ok;

	memcpy(fresh.sun_path + strlen(fresh.sun_path), ".new", sizeof(".new"));
	(void)unlink(fresh.sun_path);
	ok = bind(new->fd, (struct sockaddr *)&fresh, sizeof(fresh)) == 0;
	if (ok) {
		ok = chmod(fresh.sun_path, mode) == 0 && listen(new->fd, BACKLOG) == 0 &&
		     lstat(fresh.sun_path, &st) == 0 &&
		     rename(fresh.sun_path, address->sun_path) == 0;
		if (!ok)
			(void)unlink(fresh.sun_path);
	}
	if (ok) {
		new->dev = st.st_dev;
		new->ino = st.st_ino;
	}
	return ok;
}

static bool appear_alone(struct listener *new, const char *path, mode_t mode, struct error *err)
{
	struct sockaddr_un address;
	OWNED_FD lock = -1;

	if (!put_path(&address, path, err))
		return false;
	/* NOLINTNEXTLINE(clang-analyzer-deadcode.DeadStores): it is held to the end */
	lock = lock_directory(path, mode);
	return may_replace(&address, err) &&
	       (appear(new, &address, mode) || explain_path(path, err));
}

bool listen_local(struct listeners *l, const char *path, mode_t mode, struct error *err)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct listener *new;

	if (fd < 0)
		return error_errno(err, ERROR_SYSTEM, "cannot listen");
	new = add(l, fd, true, err);
	if (!new)
		return false;
	snprintf(new->name, sizeof(new->name), "%s", path);
	if (appear_alone(new, path, mode, err))
		return true;
	close(fd);
	l->count--;
	return false;
}

void listeners_close(struct listeners *l)
{
	for (size_t i = 0; i < l->count; i++) {
		struct listener *one = &l->list[i];
		struct stat st;

		/*
		 * Only if it is still ours: another may have taken the place meanwhile.
		 */
		if (one->ino && lstat(one->name, &st) == 0 && st.st_ino == one->ino &&
		    st.st_dev == one->dev)
			(void)unlink(one->name);
		close(one->fd);
	}
	l->count = 0;
}

void listeners_close_rest(const struct listeners *l, const struct listeners *others)
{
	for (size_t i = 0; i < l->count; i++)
		if (!listeners_have(others, l->list[i].fd))
			close(l->list[i].fd);
}

/* --- systemd's */

enum { FIRST_FD = 3 };

static bool learn_name(struct listener *one, const char *called, struct error *err)
{
	struct ip_address address = { .len = sizeof(address.socket) };
	struct sockaddr_un local = { 0 };
	socklen_t local_len = sizeof(local), len = sizeof(int);
	int type = 0, listens = 0;

	/*
	 * A unit may hand over anything: one of datagrams, or a connection
	 * (Accept=yes).
	 */
	if (getsockopt(one->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 || type != SOCK_STREAM ||
	    getsockopt(one->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens)
		return error_set(err, ERROR_CONFIG, "\"%s\" of systemd is no socket to listen at",
				 called);
	if (getsockname(one->fd, (struct sockaddr *)&local, &local_len) == 0 &&
	    local.sun_family == AF_UNIX) {
		one->is_local = true;
		snprintf(one->name, sizeof(one->name), "%.*s",
			 (int)(sizeof(local.sun_path) - 1), local.sun_path);
	} else if (getsockname(one->fd, &address.socket.any, &address.len) == 0) {
		name_it(&address, one->name, sizeof(one->name));
	}
	if (one->is_local ? !strcmp(called, "listen") : !strcmp(called, "socket"))
		return error_set(err, ERROR_CONFIG, "\"%s\" of systemd is the other kind of socket: "
				 "%s", called, one->name);
	return true;
}

bool listen_adopt(struct listeners *l, int fd, const char *called, struct error *err)
{
	int flags = fcntl(fd, F_GETFL);
	struct listener *new;

	if (flags < 0)
		return error_errno(err, ERROR_CONFIG, "\"%s\" of systemd", called);
	(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
	(void)fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	new = add(l, fd, false, err);
	if (!new)
		return false;
	new->is_inherited = true;
	return learn_name(new, called, err);
}

static bool inherit(struct listeners *l, long count, const char *names, struct error *err)
{
	for (int i = 0; i < count; i++) {
		size_t len = strcspn(names, ":");
		OWNED_TEXT called = text_copy_n(names, len);

		if (!listen_adopt(l, FIRST_FD + i, called, err))
			return false;
		names += len + (names[len] == ':');
	}
	return true;
}

bool listen_inherit(struct listeners *l, struct error *err)
{
	const char *pid = getenv("LISTEN_PID"), *fds = getenv("LISTEN_FDS");
	const char *said = getenv("LISTEN_FDNAMES");
	OWNED_TEXT names = text_copy(said ? said : "");
	long number, count = 0;
	/* sd_listen_fds(3): with another number they were meant for a parent of ours. */
	bool are_ours = pid && fds && text_to_number(pid, 1, INT32_MAX, &number) &&
			number == (long)getpid() &&
			text_to_number(fds, 1, LISTENERS_MAX, &count);

	/* What we start would look for them too. */
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return !are_ours || inherit(l, count, names, err);
}
