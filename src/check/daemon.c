/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where mail is handed over: whether the daemon takes it from this user. What becomes of it
 * there, and whether its account works, is for who may read its settings to look at.
 */
#include "check/step.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/language.h"
#include "delivery/attempt.h"
#include "delivery/by_daemon.h"

/* It says hello to those from whom it takes mail, and only to them. */
void check_daemon(struct check *c, struct finding *f)
{
	struct connection connection = { .asker = NULL };
	struct error err;
	bool ok;

	json_text(&c->json, "socket", c->config.by_daemon->host);
	json_text(&c->json, "why", by_daemon_why(&c->config));
	ok = connection_open(&connection, c->config.by_daemon, NULL, &err);
	connection_close(&connection);
	if (!ok) {
		finding_fail(f, &err);
		return;
	}
	if (c->has_account)
		finding_set(f, FINDING_OK, "%s takes mail of this user (%s), and sends it",
			    c->config.by_daemon->host, tr(by_daemon_why(&c->config)));
	else
		finding_set(f, FINDING_OK, "%s takes mail of this user, and sends it",
			    c->config.by_daemon->host);
}

static bool hand_over(struct check *c, struct message *m, struct attempt *attempt,
		      struct error *err)
{
	struct connection connection = { .asker = NULL };
	const struct along along = { .account = (char *)c->wanted };
	OWNED_ENVELOPE envelope = { 0 };
	OWNED_TEXT to = check_mailbox(c->flags.send, err);
	bool ok;

	if (!to || !check_write_message(m, to, err))
		return false;
	envelope_add(&envelope, to);
	by_daemon_address(&envelope, NULL, &along);
	log_open(account_log(c->config.by_daemon), "acsmtp");
	ok = connection_open(&connection, c->config.by_daemon, NULL, err) &&
	     attempt_send(attempt, &connection, &envelope, m, err);
	ok = attempt_end(attempt, ok, &envelope, m, err);
	connection_close(&connection);
	return ok;
}

void check_handing_over(struct check *c, struct finding *f)
{
	const char *own = getenv("NAME");
	const struct caller caller = { .uid = getuid(), .full_name = own && *own ? own : NULL };
	struct attempt attempt;
	OWNED_MESSAGE m;
	char id[ID_SIZE];
	struct error err;
	bool ok;

	message_init(&m);
	id_new(id);
	attempt_begin(&attempt, c->config.by_daemon, id, &caller);
	ok = hand_over(c, &m, &attempt, &err);
	json_text(&c->json, "reply", attempt.reply);
	if (!ok) {
		finding_fail(f, &err);
		return;
	}
	finding_set(f, FINDING_OK, "to %s: the daemon has it: %s", c->flags.send, attempt.reply);
	finding_advise(f, "`acsmtp queue list` shows it while it waits; the daemon's log tells what "
		       "became of it");
}
