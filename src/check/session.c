/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The server's part of it: from its greeting to one message that is really sent. */
#include "check/step.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/language.h"
#include "base/log.h"
#include "service/service.h"
#include "mail/submission.h"
#include "smtp/domains.h"
#include "delivery/attempt.h"
#include "delivery/prepare.h"
#include "delivery/queue_ops.h"

enum { DAY = 24 * 3600, DAYS_FEW = 7, WORDS_MAX = 1000 };

/* Goes on to the stage; *ms is what it took. */
static bool advance(struct check *c, enum smtp_stage stage, int64_t *ms,
		    struct error *err)
{
	int64_t started = clock_ms();
	bool ok = smtp_advance(c->connection.session, stage, err);

	*ms = clock_ms() - started;
	json_number(&c->json, "ms", *ms);
	return ok;
}

void check_greeting(struct check *c, struct finding *f)
{
	struct error err;
	int64_t ms;

	if ((!c->connection.session && !connection_dial(&c->connection, &err)) ||
	    !advance(c, SMTP_GREETED, &ms, &err)) {
		finding_fail(f, &err);
		return;
	}
	json_text(&c->json, "peer", c->connection.peer);
	finding_set(f, FINDING_OK, "from %s in %" PRId64 " ms", c->connection.peer, ms);
}

/* --- TLS */

static void show_tls(struct check *c, struct finding *f)
{
	const struct transport *wire = smtp_transport(c->connection.session);
	struct tls_facts facts;
	long days;

	wire->describe_tls(wire, &facts);
	days = (long)((facts.expires - time(NULL)) / DAY);
	json_text(&c->json, "version", wire->tls);
	json_text(&c->json, "cipher", facts.cipher);
	json_text(&c->json, "issuer", facts.issuer);
	json_number(&c->json, "days_left", days);
	json_bool(&c->json, "resumed", wire->tls_is_resumed);
	finding_set(f, FINDING_OK, "%s, %s, certificate by \"%s\" for %ld more days%s",
		    wire->tls, facts.cipher, facts.issuer, days,
		    wire->tls_is_resumed ? _(", session resumed") : "");
	if (days >= DAYS_FEW || c->account.tls_fingerprint[0])
		return;
	f->state = FINDING_WARNING;
	finding_advise(f, "whoever runs the server must renew its certificate");
}

static bool is_on_this_machine(const struct check *c)
{
	return !strncmp(c->connection.peer, "127.", 4) ||
	       !strcmp(c->connection.peer, "::1");
}

void check_tls(struct check *c, struct finding *f)
{
	struct error err;
	int64_t ms;
	bool ok = c->connection.session || connection_dial(&c->connection, &err);

	/* With implicit TLS it came with the connection. */
	if (!ok ||
	    (c->account.tls == TLS_STARTTLS && !advance(c, SMTP_SECURED, &ms, &err))) {
		finding_fail(f, &err);
	} else if (c->account.tls != TLS_OFF) {
		show_tls(c, f);
	} else {
		finding_set(
			f, is_on_this_machine(c) ? FINDING_OK : FINDING_WARNING,
			"none: `tls = off`, so mail and addresses go out in clear text");
	}
}

/* --- EHLO */

static void add_extensions(struct check *c, const struct extensions *can,
			   struct buf *words)
{
	const char *word;
	bool has;

	json_array(&c->json, "extensions");
	for (size_t i = 0; (word = extensions_word(can, i, &has)); i++) {
		if (!has)
			continue;
		buf_addf(words, "%s%s", words->len ? " " : "", word);
		json_text(&c->json, NULL, word);
	}
	json_end(&c->json);
}

void check_extensions(struct check *c, struct finding *f)
{
	OWNED_BUF words = BUF_INIT(WORDS_MAX);
	const struct extensions *can;
	struct error err;
	int64_t ms;

	if (!advance(c, SMTP_INFORMED, &ms, &err)) {
		finding_fail(f, &err);
		return;
	}
	can = smtp_extensions(c->connection.session);
	add_extensions(c, can, &words);
	json_number(&c->json, "size_limit", (int64_t)can->size_limit);
	json_text(&c->json, "auth", can->auth + strspn(can->auth, " "));
	if (can->size_limit)
		buf_addf(&words, " %" PRIu64, can->size_limit);
	if (can->auth[0])
		buf_addf(&words, "%sAUTH%s", words.len ? ", " : "", can->auth);
	finding_set(f, FINDING_OK, "%s",
		    words.len ? buf_text(&words) : _("no extensions"));
	if (!can->size_limit || (uint64_t)c->account.max_size <= can->size_limit)
		return;
	f->state = FINDING_WARNING;
	finding_advise(f, "`max_size` (%ld) is more than the server takes",
		       c->account.max_size);
}

/* --- AUTH */

void check_login(struct check *c, struct finding *f)
{
	struct error err;
	int64_t ms;

	if (c->connection.options.auth == AUTH_OFF) {
		finding_set(f, FINDING_OK, "nobody logs in, as the account says");
	} else if (!advance(c, SMTP_READY, &ms, &err)) {
		bool has_causes = err.reply == 535 &&
				  service_named(c->account.service)->is_azure;

		if (has_causes) /* instead of all of them in one sentence */
			err.advice = NULL;
		finding_fail(f, &err);
		if (has_causes)
			check_login_causes(c, f);
		else if (err.reply == 535)
			check_token_causes(c, f);
	} else {
		json_text(&c->json, "mechanism", smtp_mechanism(c->connection.session));
		json_text(&c->json, "user", c->account.user);
		finding_set(f, FINDING_OK, "%s as %s in %" PRId64 " ms",
			    smtp_mechanism(c->connection.session), c->account.user, ms);
	}
}

/* --- the sender */

char *check_mailbox(const char *text, struct error *err)
{
	struct address address = { 0 };
	char *mailbox;

	if (!address_parse(&address, text, err))
		return NULL;
	mailbox = domains_mailbox_to_ascii(address.mailbox, err);
	address_free(&address);
	return mailbox;
}

void check_sender(struct check *c, struct finding *f)
{
	const char *to = c->flags.send ? c->flags.send : c->account.from;
	OWNED_TEXT sender = NULL;
	OWNED_TEXT recipient = NULL;
	struct error err;

	if (!c->account.from[0] && c->account.sender_policy == SENDER_KEEP) {
		finding_set(f, FINDING_SKIPPED,
			    "not tried: the account has no `from`, callers say it");
		return;
	}
	if (!c->account.from[0]) {
		account_lacks(&c->account, "from", &err);
		error_advise(&err, "set it to a MailFrom address of a domain that is linked "
			     "to the resource, or set `sender_policy = keep`");
		finding_fail(f, &err);
		return;
	}
	sender = check_mailbox(c->account.from, &err);
	recipient = sender ? check_mailbox(to, &err) : NULL;
	json_text(&c->json, "sender", sender);
	json_text(&c->json, "recipient", recipient);
	if (recipient && smtp_probe(c->connection.session, sender, recipient, &err)) {
		if (strcmp(sender, recipient) != 0)
			finding_set(f, FINDING_OK, "%s may send, to %s; nothing was sent",
				    sender, recipient);
		else
			finding_set(f, FINDING_OK,
				    "%s may send, to itself; nothing was sent", sender);
		return;
	}
	finding_fail(f, &err);
	if (recipient && err.kind == ERROR_NO_USER && !c->flags.send)
		finding_advise(f, "the sender was taken, this recipient was not: "
				  "`acsmtp check --send ADDRESS` tries another one");
}

/* --- one message */

bool check_write_message(struct message *m, const char *to, struct error *err)
{
	static const char body[] =
		"This message was sent by \"acsmtp check --send\" to see whether mail arrives.\r\n";

	buf_addf(&m->header, "To: <%s>\r\nSubject: acsmtp check\r\n", to);
	buf_add(&m->header, "Auto-Submitted: auto-generated\r\n");	/* RFC 3834 */
	m->longest_line = sizeof(body) - 3;
	return message_add_body(m, body, sizeof(body) - 1, err) && message_finish(m, err);
}

static struct turn turn_of(const struct check *c)
{
	return (struct turn){ .spool = &c->queue.spool, .account = &c->account, .messages = 1,
			      .is_awaited = true };
}

/*
 * It counts as any other message. The steps before went well, and a person wants it now.
 */
static bool may_send(const struct check *c, struct error *err)
{
	const struct turn turn = turn_of(c);
	struct pause pause;

	if (!c->queue.is_on)
		return true;
	c->queue.does->resume_account(&c->queue, &c->account);
	if (throttle_ask(&turn, time(NULL), &pause))
		return true;
	error_text(err, ERROR_QUOTA, pause.why);
	error_context(err, "not before %ld seconds from now", (long)(pause.at - time(NULL)));
	return error_advise(err,
			    "mail that is sent as usual waits in the queue until then");
}

static bool send_message(struct check *c, struct message *m, struct attempt *attempt,
			 struct error *err)
{
	OWNED_ENVELOPE envelope = { 0 };
	OWNED_TEXT to = check_mailbox(c->flags.send, err);
	struct preparation preparation = {
		.account = &c->account,
		.caller = attempt->caller,
		.repairs = true,
		.id = attempt->id,
		.now = time(NULL),
	};
	const struct turn turn = turn_of(c);
	struct error unheard;
	bool ok;

	if (!to || !check_write_message(m, to, err))
		return false;
	envelope_add(&envelope, to);
	if (!prepare(&preparation, m, &envelope, err))
		return false;
	if (!may_send(c, err))
		return false;
	log_open(account_log(&c->account), "acsmtp");
	ok = attempt_send(attempt, &c->connection, &envelope, m, err);
	ok = attempt_end(attempt, ok, &envelope, m, err);
	if (c->queue.is_on && throttle_learn(&turn, ok ? NULL : err, true, time(NULL)))
		(void)c->queue.does->attend(&c->queue, NULL, QUEUE_LOOK_ANEW, &unheard);
	return ok;
}

void check_sending(struct check *c, struct finding *f)
{
	const char *sent = service_named(c->account.service)->sent;
	const char *own = getenv("NAME");
	const struct caller caller = { .uid = getuid(), .full_name = own && *own ? own : NULL };
	struct attempt attempt;
	OWNED_MESSAGE m;
	OWNED_TEXT id = NULL;
	char name[ID_SIZE];
	struct error err;
	bool ok;

	message_init(&m);
	id_new(name);
	attempt_begin(&attempt, &c->account, name, &caller);
	ok = send_message(c, &m, &attempt, &err);
	id = submission_message_id(&m);
	json_text(&c->json, "message_id", id);
	json_text(&c->json, "reply", attempt.reply);
	if (ok)
		finding_set(f, FINDING_OK, "to %s, Message-ID %s: %s", c->flags.send, id,
			    attempt.reply);
	else
		finding_fail(f, &err);
	if (ok && sent)
		finding_advise(f, "%s", tr(sent));
}
