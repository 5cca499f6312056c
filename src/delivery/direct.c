/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/direct.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "mail/submission.h"
#include "net/net.h"
#include "secret/source.h"
#include "smtp/client.h"

enum { LOGGED_RECIPIENTS_MAX = 4000 };	/* bytes of a log line */

/* What is known of a delivery when it is over, for the log. */
struct record {
	int64_t started;	/* clock_ms() */
	char reply[256], tls[32], peer[80];
};

/* How to log in, if at all; a password never goes where TLS does not. */
static bool choose_auth(const struct account *account, enum smtp_auth *auth,
			struct error *err)
{
	static const enum smtp_auth mechanisms[] = {
		[AUTH_AUTO]	= SMTP_AUTH_AUTO,
		[AUTH_LOGIN]	= SMTP_AUTH_LOGIN,
		[AUTH_PLAIN]	= SMTP_AUTH_PLAIN,
		[AUTH_XOAUTH2]	= SMTP_AUTH_XOAUTH2,
		[AUTH_OFF]	= SMTP_AUTH_OFF,
	};
	bool is_relay = !strcmp(account->service, "other") && !account->user[0];

	*auth = mechanisms[account->auth];
	if (account->auth == AUTH_AUTO && (account->tls == TLS_OFF || is_relay))
		*auth = SMTP_AUTH_OFF;
	else if (account->auth == AUTH_AUTO && account->token_command[0])
		*auth = SMTP_AUTH_XOAUTH2;
	if (*auth == SMTP_AUTH_OFF)
		return true;
	if (account->tls == TLS_OFF) {
		error_set(err, ERROR_CONFIG, "a password is never sent without TLS");
		return error_advise(err, "set `tls = starttls` or `implicit`, or `auth = off`");
	}
	if (account->user[0])
		return true;
	error_set(err, ERROR_CONFIG, "`user` is missing");
	return error_advise(err, "set it to the SMTP username of the service, or `auth = off`");
}

static bool find_secret(const struct account *account, enum smtp_auth auth,
			struct secret *secret, struct error *err)
{
	struct secret_request request = {
		.password = &account->password,
		.password_file = account->password_file,
		.password_command = account->password_command,
		.token_command = account->token_command,
		.wants_token = auth == SMTP_AUTH_XOAUTH2,
	};
	const char *source;

	return auth == SMTP_AUTH_OFF || secret_find(&request, secret, &source, err);
}

static struct transport *connect_to(const struct account *account, struct error *err)
{
	struct endpoint endpoint = {
		.host = account->host,
		.port = account->port,
		.implicit_tls = account->tls == TLS_IMPLICIT,
		.timeout = account->timeout,
		.ca_file = account->tls_ca_file,
		.fingerprint = account->tls_fingerprint,
		.cache_name = account->tls_session_cache ? account->name : NULL,
	};

	return net_open(&endpoint, err);
}

static void keep_for_log(struct record *record, const struct session *s)
{
	const struct transport *wire = smtp_transport(s);

	snprintf(record->reply, sizeof(record->reply), "%s", smtp_last_reply(s));
	snprintf(record->tls, sizeof(record->tls), "%s%s", wire->tls ? wire->tls : "none",
		 wire->tls_is_resumed ? "+resumed" : "");
}

static bool converse(const struct delivery *d, struct smtp_options *options,
		     struct envelope *e, const struct message *m, struct record *record,
		     struct error *err)
{
	struct transport *wire = connect_to(d->account, err);
	struct session *s;
	bool ok;

	if (!wire)
		return false;
	snprintf(record->peer, sizeof(record->peer), "%s", wire->peer ? wire->peer : "");
	s = smtp_open(wire, options, err);
	if (!s)
		return false;
	ok = smtp_send(s, e, m, err);
	keep_for_log(record, s);
	smtp_close(s);
	return ok;
}

static bool talk(const struct delivery *d, struct envelope *e, const struct message *m,
		 struct record *record, struct error *err)
{
	const struct account *account = d->account;
	OWNED_TEXT helo = account->domain[0] ? text_copy(account->domain) : net_host_name();
	OWNED_SECRET secret = { 0 };
	struct smtp_options options = {
		.service = account->service,
		.helo = helo,
		.starttls = account->tls == TLS_STARTTLS,
		.user = account->user,
		.secret = &secret,
		.timeout = account->timeout,
		.max_recipients = account->max_recipients,
		.trace = d->trace,
	};

	/* Before the server is there: a slow command must not make it wait. */
	return choose_auth(account, &options.auth, err) &&
	       find_secret(account, options.auth, &secret, err) &&
	       (converse(d, &options, e, m, record, err) ||
		error_context(err, "%s:%ld", account->host, account->port));
}

/* What a failure of the whole means for those of whom the server had said nothing. */
static void judge_rest(struct envelope *e, const struct error *err)
{
	enum verdict verdict = error_is_worth_retrying(err) ? VERDICT_LATER : VERDICT_REFUSED;

	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_NONE)
			recipient_judge(&e->recipients[i], verdict, err);
}

/* The reason for the caller when the dialogue went well but not for everybody. */
static bool conclude(const struct delivery *d, struct envelope *e, struct error *err)
{
	const struct recipient *worst = NULL;

	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		if (r->verdict == VERDICT_ACCEPTED)
			continue;
		if (!worst || (worst->verdict == VERDICT_REFUSED &&
			       r->verdict != VERDICT_REFUSED))
			worst = r;
	}
	if (!worst)
		return true;
	*err = *worst->why;
	if (!err->reply)	/* it was not the server who refused */
		return false;
	return error_context(err, "%s:%ld", d->account->host, d->account->port);
}

/* For the log: the worst that became of a recipient, unless some have the message. */
static const char *outcome(const struct envelope *e, size_t accepted, bool ok)
{
	if (ok)
		return "sent";
	for (size_t i = 0; i < e->count; i++)
		if (e->recipients[i].verdict == VERDICT_UNKNOWN)
			return "may have been sent";
	return accepted ? "partly sent" : "not sent";
}

/* The recipients, of those who did not get it alone if `left_out`; cut where it is long. */
static char *list_recipients(const struct envelope *e, bool left_out)
{
	struct buf list = BUF_INIT(LOGGED_RECIPIENTS_MAX);

	for (size_t i = 0; i < e->count; i++)
		if (!left_out || e->recipients[i].verdict != VERDICT_ACCEPTED)
			buf_addf(&list, "%s<%s>", list.len ? "," : "", e->recipients[i].mailbox);
	if (!buf_is_full(&list))
		return buf_take(&list);
	list.limit += 8;
	list.full = false;
	buf_add(&list, ",...");
	return buf_take(&list);
}

static void log_outcome(const struct delivery *d, const struct envelope *e,
			const struct message *m, const struct record *record,
			const struct error *err)
{
	OWNED_TEXT message_id = submission_message_id(m);
	OWNED_TEXT to = list_recipients(e, false);
	OWNED_TEXT left_out = NULL;
	size_t accepted = 0;

	for (size_t i = 0; i < e->count; i++)
		accepted += e->recipients[i].verdict == VERDICT_ACCEPTED;
	if (accepted && err)
		left_out = list_recipients(e, true);
	(err ? log_problem : log_info)(
		"%s: %s: uid=%ld account=%s from=<%s> to=%s%s%s accepted=%zu/%zu size=%" PRIu64
		" message-id=%s server=%s:%ld peer=%s tls=%s duration=%.3fs reply=\"%s\"%s%s",
		d->id, outcome(e, accepted, !err), (long)getuid(),
		d->account->name, e->sender, to, left_out ? " not=" : "", left_out ? left_out : "",
		accepted, e->count, message_size(m), message_id, d->account->host,
		d->account->port, record->peer, record->tls,
		(double)(clock_ms() - record->started) / 1000, record->reply,
		err ? " error=" : "", err ? err->text : "");
}

bool deliver_directly(const struct delivery *d, struct envelope *e,
		      const struct message *m, struct error *err)
{
	struct record record = { .started = clock_ms(), .tls = "none" };
	bool ok = talk(d, e, m, &record, err);

	if (ok)
		ok = conclude(d, e, err);
	else
		judge_rest(e, err);
	log_outcome(d, e, m, &record, ok ? NULL : err);
	return ok || error_context(err, "account %s", d->account->name);
}
