/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A session of the door says that it gives before it hears a word of its client, so that
 * whoever takes it over has a connection that can do nothing else. Where door and keeper
 * are two users it could not ask anyway: the door's user has no mail of its own.
 */
#include "daemon/visit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/background.h"
#include "base/fate.h"
#include "base/self.h"
#include "base/text.h"
#include "daemon/handover.h"
#include "daemon/inquiry.h"
#include "daemon/lend.h"
#include "daemon/provision.h"
#include "delivery/queue_wire.h"

enum {
	PATIENCE = 30,		/* seconds for the first line */
	HUMBLE = 10,		/* what is asked waits while mail is sent, nice(2) */
};

bool visit_is_of_door(uid_t uid, uid_t door_uid)
{
	return uid == door_uid || uid == self_user();
}

bool visit_is_limited(uid_t uid, uid_t door_uid)
{
	return uid != 0 && !visit_is_of_door(uid, door_uid);
}

static bool is_of_door(const struct visit *v)
{
	return visit_is_of_door(v->who->uid, v->facts->door_uid);
}

static bool says_more(int client, int patience_ms)
{
	struct pollfd in = { .fd = client, .events = POLLIN };
	int n;

	while ((n = poll(&in, 1, patience_ms)) < 0 && errno == EINTR)
		;
	return n > 0;
}

bool visit_take_mail(const struct intake_desk *desk, int client, int patience_ms)
{
	char line[HANDOVER_LINE_MAX];
	bool ok = true;

	while (ok && says_more(client, patience_ms)) {
		if (!handover_read_line(client, line, HANDOVER_PATIENCE))
			return false;
		/* A signal between the disk's word and ours would double the message. */
		fate_hold(true);
		ok = (text_after(line, "ADD ") || text_after(line, "LEAVE ")) &&
		     intake_take(desk, client, line);
		fate_hold(false);
	}
	return ok;
}

static void answer(const struct visit *v, int client)
{
	const uid_t by = v->who->uid;
	const struct inquiry_desk desk = { .intake = v->intake, .config = v->facts->config, .by = by,
					   .sees_all = by == 0 || by == self_user() };

	background_set_title("acsmtp: answers for the queue");
	if (by != self_user() && is_of_door(v))
		inquiry_refuse(client, N_("the door has no mail of its own"));
	else if (!desk.sees_all && !visitor_is_sure(v->who))
		inquiry_refuse(client, N_("the daemon cannot tell who asks: it runs in a user "
					  "namespace that does not know this user"));
	else
		inquiry_serve(&desk, client);
}

bool visit_begins_to_give(int client)
{
	static const char line[] = HANDOVER_BEGIN "\n";
	char said[sizeof(line) - 1];

	return recv(client, said, sizeof(said), MSG_PEEK | MSG_DONTWAIT) == sizeof(said) &&
	       !memcmp(said, line, sizeof(said)) &&
	       recv(client, said, sizeof(said), MSG_DONTWAIT) == sizeof(said);
}

void visit_serve(const struct visit *v, int client)
{
	char line[HANDOVER_LINE_MAX];

	if (v->who->uid && !is_of_door(v))
		(void)!nice(HUMBLE);
	if (!handover_read_line(client, line, PATIENCE))
		return;
	if (!strcmp(line, "STATUS"))
		status_tell(client, v->facts);
	else if (!strcmp(line, QUEUE_WIRE_LINE))
		answer(v, client);
	else if (is_of_door(v) && !strcmp(line, "SETTINGS"))
		provision_give(client, v->intake->config);
	else if (is_of_door(v) && !strcmp(line, "LISTEN"))
		lend_give(client, v->intake->config);
	else if (is_of_door(v) && !strcmp(line, "OWNERS"))
		lend_give_register(client);
	else if (is_of_door(v) && !strcmp(line, HANDOVER_BEGIN))
		/* The session waits for its client, which has a limit. */
		(void)visit_take_mail(v->intake, client, -1);
}
