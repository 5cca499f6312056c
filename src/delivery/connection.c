/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An account's way to its server, in steps that can be taken one by one: what is needed
 * to log in, the connection, the session. Whatever fails here is the account's matter
 * and no message's.
 */
#include "delivery/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "delivery/account_secret.h"
#include "delivery/daemon_socket.h"
#include "delivery/route.h"
#include "net/net.h"
#include "service/service.h"

/* How to log in, if at all; a password never goes where TLS does not. */
static bool choose_auth(const struct account *account, enum auth_choice *auth,
			struct error *err)
{
	bool is_relay = service_named(account->service)->login_is_optional && !account->user[0];

	*auth = (enum auth_choice)account->auth;
	if (account->auth == AUTH_AUTO && (account->tls == TLS_OFF || is_relay))
		*auth = AUTH_OFF;
	if (*auth == AUTH_OFF)
		return true;
	if (account->tls == TLS_OFF) {
		error_set(err, ERROR_CONFIG, "a password is never sent without TLS");
		return error_advise(err, "set `tls = starttls` or `implicit`, or `auth = off`");
	}
	if (account->user[0] || *auth == AUTH_EXTERNAL)
		return true;
	account_lacks(account, "user", err);
	return error_advise(err, "set it to the SMTP username of the service, or `auth = off`");
}

bool connection_may_come_about(const struct account *account, struct error *err)
{
	enum auth_choice auth;

	if (!choose_auth(account, &auth, err))
		return false;
	if (!account->from[0] && account->sender_policy != SENDER_KEEP)
		return account_lacks(account, "from", err);
	return auth == AUTH_OFF || auth == AUTH_EXTERNAL || account_secret_is_there(account, err);
}

/* It stops no mail, and somebody has to know before the next one is refused. */
static void tell_trouble(const struct connection *c)
{
	if (c->origin.trouble[0])
		log_problem("account %s: the new refresh token was not kept: %s",
			    c->account->name, c->origin.trouble);
}

static bool find_secret(struct connection *c, struct error *err)
{
	const struct secret_request request =
		account_secret_request(c->account, c->options.secret_is_token, c->asker);

	if (c->options.auth == AUTH_OFF || c->options.auth == AUTH_EXTERNAL)
		return true;
	if (!secret_find(&request, &c->secret, &c->origin, err))
		return false;
	tell_trouble(c);
	return true;
}

/*
 * What a server does not take may have been taken back since it was kept. The refusal
 * stays what is told, whatever comes of this.
 */
static bool renew(struct renewal *renewal)
{
	struct connection *c = (struct connection *)(void *)renewal;
	const struct secret_request request =
		account_secret_request(c->account, c->options.secret_is_token, c->asker);
	struct error unheard;

	if (!c->origin.stamp)
		return false;
	c->is_renewed = secret_renew(&request, &c->secret, &c->origin, &unheard);
	tell_trouble(c);
	return c->is_renewed;
}

static struct transport *connect_to(const struct account *account, struct error *err)
{
	OWNED_ROUTE route = { .url = { 0 } };

	return route_find(&route, account, err) ? net_open(&route.endpoint, err) : NULL;
}

bool connection_prepare(struct connection *c, const struct account *account,
			struct trace *trace, struct error *err)
{
	*c = (struct connection){
		.renewal = { renew }, .account = account, .asker = c->asker,
	};
	c->helo = account->domain[0] ? text_copy(account->domain) : net_host_name();
	c->options = (struct smtp_options){
		.service = account->service,
		.helo = c->helo,
		.starttls = account->tls == TLS_STARTTLS,
		.user = account->user,
		.secret = &c->secret,
		.secret_is_token = account_wants_token(account),
		.renewal = &c->renewal,
		.host = account->host,
		.port = account->port,
		.timeout = account->timeout,
		.max_recipients = account->max_recipients,
		.trace = trace,
	};
	/* Before the server is there: a slow command must not make it wait. */
	return choose_auth(account, &c->options.auth, err) && find_secret(c, err);
}

static struct transport *connect_to_daemon(const struct account *account, struct error *err)
{
	int fd = daemon_socket_connect(account->daemon, account->host, DAEMON_SOCKET_PATIENCE,
				       err);

	return fd < 0 ? NULL : net_over(fd, "");
}

bool connection_dial(struct connection *c, struct error *err)
{
	struct transport *wire = c->account->daemon ? connect_to_daemon(c->account, err) :
				 connect_to(c->account, err);

	if (!wire)
		return false;
	snprintf(c->peer, sizeof(c->peer), "%s", wire->peer ? wire->peer : "");
	c->session = smtp_new(wire, &c->options);
	return true;
}

/* A refusal has one text for all causes; what the token says of itself may tell which. */
static void explain_token(const struct connection *c, struct error *err)
{
	const struct login_wish wish = account_login_wish(c->account);
	struct token_facts facts;
	const char *fault;

	if (err->reply != 535 || !c->options.secret_is_token ||
	    !login_token_facts(c->secret.bytes, c->secret.len, &facts))
		return;
	fault = login_token_fault(&facts, &wish);
	if (fault)
		err->advice = NULL;
	error_advise(err, fault);
	error_context(err, "a token of application %s for %s",
		      facts.application[0] ? facts.application : "?",
		      facts.audience[0] ? facts.audience : "?");
}

/*
 * Nothing was said of a message yet, so nothing that went wrong is about one: none may be
 * given up for it, or all would be, and the reports about them.
 */
static void spare_the_mail(struct error *err)
{
	if (!error_is_worth_retrying(err))
		err->kind = ERROR_BARRED;
}

static bool begin(struct connection *c, struct error *err)
{
	return connection_dial(c, err) && smtp_advance(c->session, SMTP_READY, err);
}

/* Some servers hang up after a refusal, before they have heard the new token. */
static bool is_to_be_dialled_again(struct connection *c, const struct error *err)
{
	if (!c->is_renewed || err->reply || !c->session || !smtp_is_broken(c->session))
		return false;
	smtp_close(c->session);
	c->session = NULL;
	return true;
}

bool connection_blame(const struct account *account, struct error *err)
{
	OWNED_TEXT server = account_server(account);

	return error_context(err, "%s", server);
}

bool connection_open(struct connection *c, const struct account *account,
		     struct trace *trace, struct error *err)
{
	/* A daemon that is not there has said where. */
	bool ok = connection_prepare(c, account, trace, err) &&
		  (begin(c, err) || (is_to_be_dialled_again(c, err) && begin(c, err)) ||
		   ((c->session || !account->daemon) && connection_blame(account, err)));

	if (!ok) {
		explain_token(c, err);
		spare_the_mail(err);
		connection_close(c);
	}
	return ok;
}

void connection_close(struct connection *c)
{
	smtp_close(c->session);
	c->session = NULL;
	secret_free(&c->secret);
	text_cleanup(&c->helo);
	c->helo = NULL;
}
