/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One client of the door. Once it is known who it is, and the way to the keeper is open,
 * this process can do nothing else than listen to the one and tell the other. What is
 * asked of a message is what the command line asks of it; 250 is said when the keeper has
 * it on the disk.
 */
#include "daemon/session.h"

#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "base/fate.h"
#include "base/leaks.h"
#include "base/log.h"
#include "base/self.h"
#include "base/sum.h"
#include "base/text.h"
#include "daemon/again.h"
#include "daemon/confine.h"
#include "daemon/handover.h"
#include "delivery/along.h"
#include "delivery/caller.h"
#include "delivery/local.h"
#include "delivery/reception.h"
#include "net/net.h"
#include "net/tls_server.h"
#include "secret/users.h"
#include "smtp/server.h"

enum {
	RECIPIENTS_MOST = 1000,
	NAME_MAX_BYTES = 64,
	KEEPER_PATIENCE = 5,	/* seconds; one that died is back sooner */
	LAST_WORDS = 2,		/* seconds that a client has to hear that it is over */
	TIMES_MOST = 100,	/* that a client is served by one process */
};

struct door_session {
	struct reception reception;	/* first */
	bool (*begin)(struct server_taker *t, const char *mailbox, struct error *err);
	const struct door *door;
	const struct visitor *who;
	int line;			/* to the door: daemon/again.h; or -1 */
	int keeper;
	int times;			/* that the client was here before */
	struct aliases aliases;
	struct queue queue;
	uint64_t whose;			/* mail is counted as */
	char client[ADDRESS_TEXT_SIZE + NAME_MAX_BYTES];	/* for the log */
	char login[NAME_MAX_BYTES];	/* who has logged in; "" nobody */
	char host[ADDRESS_TEXT_SIZE];	/* where from */
	struct caller caller;
	char id[ID_SIZE];
	bool has_taken;			/* a message, this time */
	bool is_left;			/* the message, until the queue is run */
};

static struct door_session *session_of(struct server_taker *t)
{
	return (struct door_session *)t;
}

/* --- signals */

/* At work from the beginning on, so that who has just come is served. */
static volatile sig_atomic_t is_at_work = true, is_leaving, is_ending;

/* Of the session, there is but one, for those who come at any time. */
static struct {
	struct transport *wire;
	struct server_taker *taker;
} at;

/* RFC 5321 section 3.8: the client is told, and whoever does not read is not waited for. */
static void on_end(int number)
{
	int reason = errno;

	(void)number;
	if (!is_ending) {
		is_ending = at.taker->is_closed = true;
		net_stop_reading(at.wire);
		alarm(LAST_WORDS);
	}
	errno = reason;
}

static void on_last_call(int number)
{
	is_leaving = true;
	if (!is_at_work)
		on_end(number);
}

static void catch_signal(int number, void (*handler)(int number))
{
	const struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };

	sigaction(number, &action, NULL);
}

/*
 * One that ends us between the keeper's word and ours would double the message; so would
 * an alarm for a client that was told before.
 */
static void hold_signals(bool hold)
{
	sigset_t end;

	sigemptyset(&end);
	sigaddset(&end, SIGTERM);
	if (!hold && is_ending)
		alarm(LAST_WORDS);
	sigprocmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &end, NULL);
	if (hold)
		alarm(0);
}

/* Both, while there is no transport that they could tell something. */
static void block_ends(bool block)
{
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SESSION_LAST_CALL);
	sigprocmask(block ? SIG_BLOCK : SIG_UNBLOCK, &ends, NULL);
}

/* --- a message */

/* In the place of a spool, which this process cannot see. */
static bool give_to_keeper(void *taker, struct entry *e, const struct message *m,
			   struct error *err)
{
	struct door_session *s = taker;

	if (!handover_add(&s->keeper, e, m, s->is_left, err)) {
		/* Behind the walls no keeper can be found anew. */
		s->reception.taker.is_closed = s->keeper < 0;
		return false;
	}
	memcpy(s->id, e->id, sizeof(s->id));
	return true;
}

static bool may_send_now(struct door_session *s, struct error *err)
{
	long most = s->door->config.daemon.max_per_user_per_hour;

	return admission_counts_take(s->door->counts, s->whose, most, time(NULL)) ||
	       error_set(err, ERROR_QUOTA, "no more than %ld messages an hour are taken from you",
			 most) ||
	       error_advise(err, "try again in the next hour; max_per_user_per_hour in [daemon] "
			    "says how many");
}

/* Without CALLER_FACTS: what is known of a visitor is one word here. */
static void log_taken(const struct door_session *s, const char *sender,
		      const struct envelope *e, const struct message *m)
{
	const struct log_fact facts[] = {
		{ "uid", LOG_NUMBER, .number = s->caller.uid },
		{ "client", LOG_WORD, .text = s->client },
		{ "sender", LOG_ADDRESS, .text = sender },
		{ "recipients", LOG_NUMBER, .number = (int64_t)e->count },
		{ "size", LOG_NUMBER, .number = (int64_t)message_size(m) },
	};

	log_facts(false, s->id, "taken", facts, COUNT_OF(facts));
}

static void log_not_taken(const struct door_session *s, const struct error *err)
{
	const struct log_fact facts[] = {
		{ "uid", LOG_NUMBER, .number = s->caller.uid },
		{ "client", LOG_WORD, .text = s->client },
		{ "error", LOG_WORD, .text = err->text },
	};

	log_facts(true, s->id, "not taken", facts, COUNT_OF(facts));
}

/* The client hears by which id the log has it. */
static void refuse_message(const struct door_session *s, struct error *err)
{
	log_not_taken(s, err);
	error_context(err, "%s", s->id);
}

/* A sendmail of ours has said more than SMTP has words for: delivery/along.h. */
static void take_along(const struct along *along, struct submittal *submittal,
		       struct caller *caller, struct error *fault)
{
	struct wishes *wishes = &submittal->wishes;

	wishes->account = along->account;
	wishes->full_name = along->full_name;
	wishes->is_bare = along->is_bare;
	wishes->holds = along->is_held;
	if (along->user_name)
		caller->full_name = along->user_name;
	submittal->caller = caller;
	if (along->has_no_sender)
		submittal->sender = NULL;
	if (!along->sender_fault)
		return;
	error_set(fault, ERROR_DATA, "%s", along->sender_fault);
	submittal->sender_fault = fault;
}

/* Without the words that came with it, it would be another message. */
static bool is_understood(const char *text, struct along *along, struct error *err)
{
	return along_read(text, along) ||
	       error_set(err, ERROR_LATER, "what comes along with the message is not understood") ||
	       error_advise(err, "sendmail and the daemon are of two versions: restart the daemon");
}

static bool take_message(struct server_taker *t, struct envelope *e, struct message *m,
			 char id[ID_SIZE], struct error *err)
{
	struct door_session *s = session_of(t);
	struct submittal submittal = s->reception.common;
	struct caller caller = s->caller;
	struct error fault;
	OWNED_ALONG along = { .account = NULL };
	OWNED_ENVELOPE found = { 0 };
	bool ok;

	hold_signals(true);
	id_new(s->id);
	aliases_localize(&s->aliases, e->sender);
	submittal.id = s->id;
	submittal.sender = e->sender;
	ok = is_understood(e->along, &along, err);
	take_along(&along, &submittal, &caller, &fault);
	s->is_left = along.is_left;
	ok = ok && may_send_now(s, err) && reception_resolve(&s->aliases, e, &found, err) &&
	     submit(&submittal, &found, m, err);
	/* To say it again does not help, whatever the settings are one day. */
	if (!ok && along.account && !submittal.account)
		err->kind = ERROR_REFUSED;
	if (ok)
		log_taken(s, submittal.sender, &found, m);
	else
		refuse_message(s, err);
	s->has_taken |= ok;
	memcpy(id, s->id, ID_SIZE);
	hold_signals(false);
	return ok;
}

static bool begin_message(struct server_taker *t, const char *mailbox, struct error *err)
{
	is_at_work = true;
	return session_of(t)->begin(t, mailbox, err);
}

static void be_between_messages(struct server_taker *t)
{
	is_at_work = false;
	if (is_leaving)
		t->is_closed = true;
	fate_set(FATE_NOT_SENT);
	/* It may say nothing more for hours. */
	memory_rest();
}

static bool take_login(struct server_taker *t, const char *name, const char *password,
		       struct error *err)
{
	struct door_session *s = session_of(t);

	if (!users_fit(s->door->logins, name, password)) {
		log_problem("a login was wrong: client=%s", s->client);
		return error_set(err, ERROR_AUTH, "wrong name or password");
	}
	snprintf(s->login, sizeof(s->login), "%s", name);
	text_make_printable(s->login);
	s->caller.login = s->login;
	/*
	 * From here on messages are counted by the name, wherever its owner logs in
	 * from.
	 */
	s->whose = sum_add(SUM_INIT, name, strlen(name));
	snprintf(s->client + strlen(s->client), sizeof(s->client) - strlen(s->client), "(%s)",
		 s->login);
	return true;
}

/* --- who it is */

static void know_user(struct door_session *s)
{
	const struct passwd *user = getpwuid(s->who->uid);

	s->caller = (struct caller){ .uid = s->who->uid };
	/* Now: behind the walls the database of users may be out of reach. */
	s->caller.full_name = caller_full_name(&s->caller);
	snprintf(s->client, sizeof(s->client), "%s", user ? user->pw_name : "socket");
}

static void know_address(struct door_session *s)
{
	ip_address_text(&s->who->address, s->host);
	snprintf(s->client, sizeof(s->client), "%s", s->host);
	/* No user of this machine is it: who logs in is named, and where from. */
	s->caller = (struct caller){ .uid = self_user(), .full_name = "",
				     .host = s->host };
}

static bool may_come(const struct door_session *s, bool *needs_login, struct error *err)
{
	const struct door *door = s->door;

	*needs_login = false;
	if (s->who->is_local)
		return allowed_users_have(&door->users, s->who) ||
		       error_set(err, ERROR_REFUSED, "this user may not send mail here") ||
		       error_advise(err, "allow_users in [daemon] of its settings says who may");
	if (networks_contain(&door->networks, &s->who->address))
		return true;
	*needs_login = door->logins != NULL;
	return *needs_login ||
	       error_set(err, ERROR_REFUSED, "nobody may send mail from %s here", s->client) ||
	       error_advise(err, "allow_from in [daemon] of its settings says who may");
}

static void confine_session(const struct door *door)
{
	const char *aliases = door->config.delivery.aliases;
	const char *const files[] = { *aliases == '/' ? aliases : "/etc/aliases", "/etc/passwd",
				      "/etc/group", "/etc/nsswitch.conf", "/etc/localtime",
				      "/etc/hosts", "/etc/host.conf", "/etc/resolv.conf",
				      "/etc/mailname", NULL };

	/*
	 * The file of the time zone, wherever TZ says it is, can be read now but not
	 * later.
	 */
	tzset();
	log_settle();
	(void)confine(files);
}

/*
 * Before the walls stand: no connection is begun behind them. Of one who comes again all of
 * it is known, but for whether the keeper is still there.
 */
static bool enter(struct door_session *s, bool *needs_login, struct error *err)
{
	struct pollfd keeper = { .fd = s->keeper, .events = POLLIN };

	*needs_login = false;
	if (s->times > 0)
		return poll(&keeper, 1, 0) == 0 ||
		       error_set(err, ERROR_LATER, "the keeper of the mail has just ended");
	if (!may_come(s, needs_login, err))
		return false;
	s->keeper = handover_await(s->door->keeper, KEEPER_PATIENCE, err);
	if (s->keeper < 0 || !handover_begin(s->keeper, err))
		return false;
	if (!leaks_are_sought())
		confine_session(s->door);
	catch_signal(SIGTERM, on_end);
	return true;
}

/* Whether it came to a dialogue that both of them have ended. */
static bool converse(struct door_session *s, struct transport *wire)
{
	struct server_options options = {
		.name = s->door->name,
		.max_size = submit_largest(&s->door->config),
		.max_recipients = RECIPIENTS_MOST,
		.idle_timeout = s->door->config.daemon.idle_timeout,
		.is_strict = true,
		.offers_tls = !s->who->is_local && s->door->identity,
		.takes_along = s->who->is_local,
	};
	struct error err, unheard;
	bool ok = enter(s, &options.needs_login, &err);

	if (!ok) {
		log_problem("not served: client=%s error=%s", s->client, err.text);
		(void)smtp_turn_away(wire, &options, &err, &unheard);
		return false;
	}
	block_ends(false);
	ok = smtp_serve(wire, &options, &s->reception.taker, &err);
	if (!ok)
		log_problem("client=%s error=%s", s->client, err.text);
	/* All has been said, and the transport is about to go. */
	block_ends(true);
	alarm(0);
	return ok;
}

/*
 * What is taken from it goes the way of -bs, but for who is asked and what is said of it.
 */
static void receive(struct door_session *s)
{
	const struct submittal common = {
		.caller = &s->caller, .config = &s->door->config, .aliases = &s->aliases, .queue = &s->queue,
	};

	reception_begin(&s->reception, &common);
	s->begin = s->reception.taker.sender;
	s->reception.taker.sender = begin_message;
	s->reception.taker.message = take_message;
	s->reception.taker.answered = be_between_messages;
	if (s->door->logins && !s->who->is_local)
		s->reception.taker.login = take_login;
}

static void know(struct door_session *s)
{
	s->whose = admission_whose(s->who);
	if (s->who->is_local)
		know_user(s);
	else
		know_address(s);
}

static bool serve_one(struct door_session *s, int client)
{
	struct transport *wire = net_serve(client, s->door->identity, s->client);
	bool ok;

	receive(s);
	s->has_taken = false;
	is_at_work = true;
	at.wire = wire;
	at.taker = &s->reception.taker;
	ok = converse(s, wire);
	wire->close(wire);
	return ok;
}

/*
 * What a client has done to this process it has done to itself, if nobody else is served by
 * it; and who comes by TLS has shown no password to it before.
 */
static bool may_come_again(const struct door_session *s)
{
	return s->line >= 0 && s->keeper >= 0 && !is_leaving && !is_ending &&
	       (s->who->is_local || !s->door->identity) && s->times < TIMES_MOST;
}

/* Visit by visit. Whether the door has been told what became of the last one. */
static bool serve_again(struct door_session *s, int client)
{
	while (serve_one(s, client) && may_come_again(s) && again_say(s->line, s->has_taken)) {
		s->times++;
		client = again_next(s->line, s->keeper);
		if (client < 0)
			return true;
	}
	return false;
}

void session_run(const struct door *door, int client, const struct visitor *who, int line)
{
	/* It is large, and mostly 0: here that takes no memory. A process has but one. */
	static struct door_session s;
	bool is_told;

	s.door = door;
	s.who = who;
	s.line = line;
	s.keeper = -1;
	s.queue = (struct queue){ .settings = &door->config.delivery, .spool = SPOOL_CLOSED,
				  .is_on = true, .add = give_to_keeper, .taker = &s };
	catch_signal(SESSION_LAST_CALL, on_last_call);
	know(&s);
	log_open(config_log(&door->config), "acsmtp");
	local_init(&s.aliases, &door->config);
	is_told = serve_again(&s, client);
	if (*s.id)
		leaks_look();
	/* What libraries clear up costs as much as the message, and the kernel does it too. */
	_exit(is_told ? SESSION_KNOWN : s.has_taken ? EX_OK : SESSION_IN_VAIN);
}
