/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A user who may not read the system's settings must find its daemon all the same, so
 * that the places follow from the user alone. Mail is given to nobody else than the
 * daemon: a socket at such a place may be anybody's where its directory is, so the kernel
 * is asked who listens.
 */
#include "delivery/daemon_socket.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/home.h"
#include "base/self.h"
#include "net/dial.h"

enum {
	PATH_BYTES = 4096,
	PATIENCE = 30,		/* seconds until a crowded daemon has taken the connection */
};

static const char system_directory[] = "/run/acsmtp";

static const char *name_of(enum daemon_end end)
{
	return end == DAEMON_DOOR ? "socket" : "keeper";
}

static char *path_in(const char *directory, size_t len, const char *further)
{
	OWNED_BUF path = BUF_INIT(PATH_BYTES);

	buf_add_bytes(&path, directory, len);
	buf_add(&path, further);
	return buf_take(&path);
}

/* Where the settings say; the keeper's is beside it. */
static char *named_path(const struct daemon_settings *settings, enum daemon_end end)
{
	const char *slash = strrchr(settings->socket, '/');

	return end == DAEMON_DOOR || !slash ? text_copy(settings->socket) :
	       path_in(settings->socket, (size_t)(slash - settings->socket), "/keeper");
}

static char *usual_path(const char *directory, const char *below, enum daemon_end end)
{
	OWNED_BUF further = BUF_INIT(64);

	buf_addf(&further, "%s/%s", below, name_of(end));
	return path_in(directory, strlen(directory), buf_text(&further));
}

char *daemon_socket_path(const struct daemon_settings *settings, enum daemon_end end, size_t i)
{
	const char *own = self_is_root() ? NULL : home_xdg("XDG_RUNTIME_DIR");
	bool is_off = !strcmp(settings->socket, "off");

	/* One that listens elsewhere alone still has a keeper. */
	if (is_off && end == DAEMON_DOOR)
		return NULL;
	if (*settings->socket && !is_off)
		return i == 0 ? named_path(settings, end) : NULL;
	if (own && i == 0)
		return usual_path(own, "/acsmtp", end);
	return i == (own ? 1 : 0) ? usual_path(system_directory, "", end) : NULL;
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

static void say_what_to_start(const char *path, struct error *err)
{
	bool is_systems = !strncmp(path, system_directory, strlen(system_directory));

	error_context(err, "the daemon cannot be reached");
	error_advise(err, is_systems ?
		     N_("start it, as root: `systemctl start acsmtp.socket acsmtp`, or `acsmtp "
			"daemon`") :
		     N_("start it: `acsmtp daemon`"));
}

int daemon_socket_connect(const struct daemon_settings *settings, const char *path,
			  struct error *err)
{
	uid_t owner;
	int fd = dial_local(path, PATIENCE, &owner, err);

	if (fd < 0) {
		say_what_to_start(path, err);
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
