/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A user's own accounts go before the daemon, and the daemon's own processes never come
 * here: the same file may tell users to give it their mail.
 */
#include "delivery/by_daemon.h"

#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/language.h"
#include "base/self.h"
#include "base/text.h"
#include "delivery/daemon_socket.h"
#include "delivery/queue_place.h"

static bool is_wished(const struct config *config)
{
	return config->delivery.mode == DELIVER_BY_DAEMON;
}

bool by_daemon_has_queue(const struct config *config)
{
	OWNED_TEXT path = queue_spool_path(&config->delivery);
	const struct passwd *keeper;
	struct stat st;

	if (!path || lstat(path, &st) < 0 || self_owns(&st))
		return false;
	keeper = getpwnam(config->daemon.user);
	return keeper && keeper->pw_uid == st.st_uid;
}

/*
 * What cannot be sent at once would have no place, and what the account has sent already
 * is counted there. While no daemon is there mail goes without either.
 */
static bool has_our_queue(const struct config *config)
{
	OWNED_TEXT socket = NULL;

	if (!by_daemon_has_queue(config))
		return false;
	socket = daemon_socket_find(&config->daemon, DAEMON_DOOR);
	return socket && access(socket, F_OK) == 0;
}

const char *by_daemon_why(const struct config *config)
{
	return is_wished(config) ? N_("`mode = daemon`") :
	       config->count > 0 ? N_("the queue is the daemon's") :
	       N_("this user may not read the system's settings");
}

void by_daemon_blame(const struct config *config, struct error *err)
{
	if (!is_wished(config) && config->count == 0)
		error_context(err, "this user may not read the system's settings, and ");
}

bool by_daemon_load(struct config *config, const char *path, struct error *err)
{
	OWNED_TEXT socket = NULL;

	if (!config_load_any(config, path, err))
		return false;
	if (!is_wished(config) && config->count == 0 && !config->is_closed)
		return config_refuse_none(config, path, err);
	if (!is_wished(config) && config->count > 0 && !has_our_queue(config))
		return true;
	socket = daemon_socket_find(&config->daemon, DAEMON_DOOR);
	if (!socket) {
		error_set(err, ERROR_CONFIG, "[delivery] mode = daemon, and [daemon] socket is off");
		return error_advise(err, "name the socket of the daemon, or set another mode");
	}
	config_set_daemon(config, socket);
	return true;
}

void by_daemon_leave_names(const struct config *config, struct aliases *aliases)
{
	if (!config->by_daemon)
		return;
	aliases->leaves_names = true;
	aliases->is_local = NULL;
}

static void set(char **place, char *text)
{
	free(*place);
	*place = text;
}

void by_daemon_address(struct envelope *e, const char *sender, const struct along *along)
{
	struct along all = *along;

	all.has_no_sender = !sender;
	set(&e->sender, text_copy(sender ? sender : ""));
	set(&e->along, along_text(&all));
}

char *by_daemon_address_entry(struct entry *e)
{
	const struct along along = {
		.full_name = e->full_name, .user_name = e->user_name, .is_bare = e->is_bare,
	};
	char *sender = e->envelope.sender;

	e->envelope.sender = NULL;
	by_daemon_address(&e->envelope, e->is_original ? e->given : sender, &along);
	return sender;
}

void by_daemon_leave_entry(struct entry *e, char *sender)
{
	if (sender)
		set(&e->envelope.sender, sender);
}
