/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A user's own accounts go before the daemon, and the daemon's own processes never come here:
 * the same file may tell users to give it their mail.
 */
#include "delivery/by_daemon.h"

#include <stdlib.h>

#include "base/language.h"
#include "base/text.h"
#include "delivery/daemon_socket.h"

static bool is_wished(const struct config *config)
{
	return config->delivery.mode == DELIVER_BY_DAEMON;
}

const char *by_daemon_why(const struct config *config)
{
	return is_wished(config) ? N_("`mode = daemon`") :
	       N_("this user may not read the system's settings");
}

void by_daemon_blame(const struct config *config, struct error *err)
{
	if (!is_wished(config))
		error_context(err, "this user may not read the system's settings, and ");
}

bool by_daemon_load(struct config *config, const char *path, struct error *err)
{
	OWNED_TEXT socket = NULL;

	if (!config_load_any(config, path, err))
		return false;
	if (!is_wished(config) && (config->count > 0 || !config->is_closed))
		return config->count > 0 || config_refuse_none(config, path, err);
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

void by_daemon_address_entry(struct entry *e)
{
	const struct along along = {
		.full_name = e->full_name, .user_name = e->user_name, .is_bare = e->is_bare,
	};

	by_daemon_address(&e->envelope, e->is_original ? e->given : e->envelope.sender, &along);
}
