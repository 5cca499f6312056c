/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The paths follow from the settings and the user alone: whoever asks the daemon finds
 * them as the daemon does. Sockets that systemd has opened go first. Of the settings
 * only the kind that is not among those is opened, so that a unit may take over one
 * kind, the ports below 1024 say, and leave the other.
 */
#include "daemon/sockets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/self.h"
#include "base/text.h"
#include "delivery/daemon_socket.h"
#include "net/networks.h"

/* --- where */

/*
 * What systemd has made for a service of the system that does not run as root, or NULL.
 */
static const char *given_directory(void)
{
	const char *given = getenv("RUNTIME_DIRECTORY");

	return given && *given == '/' && !strchr(given, ':') ? given : NULL;
}

bool sockets_are_of_system(void)
{
	return self_is_root() || given_directory();
}

/* NULL: there is no place. */
static char *path_of(const struct daemon_settings *settings, enum daemon_end end)
{
	OWNED_TEXT directory = !sockets_are_of_system() ? daemon_socket_own_directory() :
			       text_copy(self_is_root() ? daemon_system_directory :
					 given_directory());

	return daemon_socket_in(settings, directory, end);
}

static char *control_path(const struct daemon_settings *settings, struct error *err)
{
	char *path = path_of(settings, DAEMON_KEEPER);

	if (path)
		return path;
	error_set(err, ERROR_CONFIG, "there is no place for the daemon's sockets: XDG_RUNTIME_DIR is "
		  "not set");
	error_advise(err, "name a path of this user's in [daemon] socket");
	return NULL;
}

/* --- who may reach it */

/* Nobody runs a relay for all the world by mistake. */
static bool is_narrow(const struct listener *one, const struct daemon_settings *settings,
		      struct error *err)
{
	struct ip_address address = { .len = sizeof(address.socket) };

	if (one->is_local || *settings->allow_from || *settings->listen_users)
		return true;
	/* The socket is asked and not the settings: systemd may have opened any. */
	if (getsockname(one->fd, &address.socket.any, &address.len) < 0)
		return error_errno(err, ERROR_CONFIG, "%s", one->name);
	if (ip_address_is_loopback(&address))
		return true;
	error_set(err, ERROR_CONFIG, "others than this machine reach %s, and nothing says who of "
		  "them may send", one->name);
	return error_advise(err, "name their networks in allow_from, or a file of users in "
			    "listen_users with listen_cert and listen_key");
}

/* What makes no sense without another one. */
static bool is_complete(const struct daemon_settings *settings, struct error *err)
{
	const struct {
		const char *name, *value, *needed;
		const char *why;
	} pairs[] = {
		{ "listen_cert", settings->listen_cert, settings->listen_key,
		  N_("its key is missing: listen_key") },
		{ "listen_key", settings->listen_key, settings->listen_cert,
		  N_("its certificate is missing: listen_cert") },
		{ "listen_users", settings->listen_users, settings->listen_cert,
		  N_("passwords are taken under TLS alone: listen_cert is missing") },
	};

	for (size_t i = 0; i < COUNT_OF(pairs); i++)
		if (*pairs[i].value && !*pairs[i].needed) {
			error_text(err, ERROR_CONFIG, pairs[i].why);
			return daemon_settings_blame(settings, pairs[i].name, err);
		}
	return true;
}

bool sockets_may_serve(const struct listeners *open, const struct daemon_settings *settings,
		       struct error *err)
{
	for (size_t i = 0; i < open->count; i++)
		if (!is_narrow(&open->list[i], settings, err))
			return daemon_settings_blame(settings, "listen", err);
	return is_complete(settings, err);
}

/* --- open */

static bool has_kind(const struct listeners *l, bool is_local)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->list[i].is_local == is_local)
			return true;
	return false;
}

bool sockets_open_network(struct listeners *l, const struct daemon_settings *settings,
			  const struct listeners *there, struct error *err)
{
	struct addresses addresses;

	if (!listen_parse(settings->listen, &addresses, err))
		return daemon_settings_blame(settings, "listen", err);
	for (size_t i = 0; i < addresses.count; i++)
		if (!listen_find(there, &addresses.list[i]) &&
		    !listen_network(l, &addresses.list[i], there->count > 0, err))
			return daemon_settings_blame(settings, "listen", err);
	return true;
}

static bool open_local(struct sockets *s, const struct daemon_settings *settings,
		       struct error *err)
{
	OWNED_TEXT path = !strcmp(settings->socket, "off") ? NULL : path_of(settings, DAEMON_DOOR);

	/* A user's own daemon is for that user. */
	return !path || listen_local(&s->open, path, sockets_are_of_system() ? 0666 : 0600, err) ||
	       daemon_settings_blame(settings, "socket", err);
}

bool sockets_open_control(struct sockets *s, const struct daemon_settings *settings,
			  struct error *err)
{
	/*
	 * Open to all, too: any user may ask how it goes. Who may give mail there is
	 * decided by whom the kernel says has connected.
	 */
	s->control_path = control_path(settings, err);
	return s->control_path &&
	       listen_local(&s->control, s->control_path, sockets_are_of_system() ? 0666 : 0600, err);
}

static bool has_no_place(struct error *err)
{
	return error_set(err, ERROR_CONFIG, "[daemon] neither socket nor listen says where clients "
			 "come");
}

bool sockets_open(struct sockets *s, const struct daemon_settings *settings, struct error *err)
{
	if (!is_complete(settings, err) || !listen_inherit(&s->open, err) ||
	    !sockets_open_control(s, settings, err))
		return false;
	if (!has_kind(&s->open, true) && !open_local(s, settings, err))
		return false;
	if (!has_kind(&s->open, false) &&
	    !sockets_open_network(&s->open, settings, &(struct listeners){ .count = 0 }, err))
		return false;
	if (s->open.count == 0)
		return has_no_place(err);
	return sockets_may_serve(&s->open, settings, err);
}

/* What is open and stays: systemd's and the path, and of the addresses what is `wanted`. */
static void keep(const struct listeners *open, const struct addresses *wanted,
		 struct listeners *now)
{
	const struct listener *there;

	*now = (struct listeners){ .count = 0 };
	for (size_t i = 0; i < open->count; i++)
		if (open->list[i].is_local || open->list[i].is_inherited)
			now->list[now->count++] = open->list[i];
	for (size_t i = 0; i < wanted->count; i++)
		if ((there = listen_find(open, &wanted->list[i])) && !listeners_have(now, there->fd))
			now->list[now->count++] = *there;
}

bool sockets_follow(const struct sockets *s, const struct daemon_settings *settings,
		    struct listeners *now, struct error *err)
{
	struct addresses wanted = { .count = 0 };
	bool ok;

	keep(&s->open, &wanted, now);
	/* Systemd has opened that kind. */
	if (has_kind(now, false))
		return sockets_may_serve(now, settings, err);
	if (!listen_parse(settings->listen, &wanted, err))
		return daemon_settings_blame(settings, "listen", err);
	keep(&s->open, &wanted, now);
	if (now->count + wanted.count == 0)
		return has_no_place(err);
	listeners_share(&s->open, true);
	ok = sockets_open_network(now, settings, &s->open, err) &&
	     sockets_may_serve(now, settings, err);
	listeners_share(&s->open, false);
	if (!ok)
		listeners_close_rest(now, &s->open);
	return ok;
}

void sockets_close(struct sockets *s)
{
	listeners_close(&s->open);
	listeners_close(&s->control);
	free(s->control_path);
	s->control_path = NULL;
}
