/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A user who may not read the system's settings must find its daemon all the same, so
 * that the places follow from the user alone. Mail is given to nobody else than the
 * daemon: a socket at such a place may be anybody's where its directory is, so the kernel
 * is asked who listens.
 */
#include "delivery/daemon_socket.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"
#include "base/path.h"
#include "base/self.h"
#include "base/text.h"
#include "net/dial.h"

enum { PATH_BYTES = 4096 };

const char daemon_system_directory[] = "/run/acsmtp";

static const char *name_of(enum daemon_end end)
{
	return end == DAEMON_DOOR ? "socket" : "keeper";
}

char *daemon_socket_in(const struct daemon_settings *settings, const char *directory,
		       enum daemon_end end)
{
	OWNED_BUF path = BUF_INIT(PATH_BYTES);

	if (strchr(settings->socket, '/'))
		return end == DAEMON_DOOR ? text_copy(settings->socket) :
					    path_beside(settings->socket, name_of(end));
	if (!directory)
		return NULL;
	buf_add(&path, directory);
	buf_addf(&path, "/%s", name_of(end));
	return buf_take(&path);
}

char *daemon_socket_own_directory(void)
{
	const char *runtime = home_xdg("XDG_RUNTIME_DIR");
	OWNED_BUF path = BUF_INIT(PATH_BYTES);

	if (!runtime)
		return NULL;
	buf_addf(&path, "%s/acsmtp", runtime);
	return buf_take(&path);
}

char *daemon_socket_path(const struct daemon_settings *settings, enum daemon_end end, size_t i)
{
	OWNED_TEXT own = self_is_root() ? NULL : daemon_socket_own_directory();
	bool is_named = strchr(settings->socket, '/') != NULL;

	/* One that listens elsewhere alone still has a keeper. */
	if ((!strcmp(settings->socket, "off") && end == DAEMON_DOOR) ||
	    i > (!is_named && own ? 1 : 0))
		return NULL;
	return daemon_socket_in(settings, own && i == 0 ? own : daemon_system_directory, end);
}

char *daemon_socket_find(const struct daemon_settings *settings, enum daemon_end end)
{
	char *last = NULL, *next;

	for (size_t i = 0; (next = daemon_socket_path(settings, end, i)); i++) {
		free(last);
		last = next;
		if (access(last, F_OK) == 0)
			break;
	}
	return last;
}

char *daemon_socket_beside(const struct daemon_settings *settings, const char *keeper)
{
	OWNED_TEXT directory = path_directory(keeper);

	return strcmp(settings->socket, "off") ?
	       daemon_socket_in(settings, directory, DAEMON_DOOR) : NULL;
}

static bool is_user(const char *name, uid_t uid)
{
	const struct passwd *user = name && *name ? getpwnam(name) : NULL;

	return user && user->pw_uid == uid;
}

static bool is_daemons(const struct daemon_settings *settings, uid_t owner)
{
	return owner == 0 || owner == self_user() || is_user(settings->user, owner) ||
	       is_user(settings->door_user, owner);
}

const char daemon_socket_not_for_user[] =
	N_("this user may not go there: ask whoever looks after this machine");

static const char *what_to_do(const char *path, int number)
{
	bool is_systems = text_after(path, daemon_system_directory) != NULL;

	/* Those who listen there have more to do than they can. */
	if (number == EAGAIN)
		return N_("it has more clients than it can hear: try again later");
	if (number == EACCES || number == EPERM)
		return daemon_socket_not_for_user;
	if (number == ECONNREFUSED)
		return is_systems ?
		       N_("nobody listens there any more; start it, as root: `systemctl restart "
			  "acsmtp.socket acsmtp`, or `acsmtp daemon`") :
		       N_("nobody listens there any more; start it: `acsmtp daemon`");
	return is_systems ?
	       N_("start it, as root: `systemctl start acsmtp.socket acsmtp`, or `acsmtp daemon`") :
	       N_("start it: `acsmtp daemon`");
}

int daemon_socket_connect(const struct daemon_settings *settings, const char *path, int seconds,
			  struct error *err)
{
	uid_t owner;
	int fd = dial_local(path, seconds, &owner, err);

	if (fd < 0) {
		error_context(err, "the daemon cannot be reached");
		error_advise(err, what_to_do(path, err->number));
		return -1;
	}
	if (is_daemons(settings, owner))
		return fd;
	close(fd);
	error_set(err, ERROR_REFUSED, "%s: who listens there is another user (uid %ld) and not the "
		  "daemon", path, (long)owner);
	error_advise(err, "the daemon is root's, or that of [daemon] user or of whoever calls");
	return -1;
}
