/* SPDX-License-Identifier: GPL-3.0-or-later */
/* acsmtp explain: what a call of sendmail would do, and which rule says so. */
#include "sendmail/explain.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/language.h"
#include "base/text.h"
#include "mail/submission.h"
#include "delivery/by_daemon.h"
#include "delivery/choose.h"
#include "delivery/failover.h"
#include "delivery/local.h"
#include "delivery/queue_ops.h"
#include "delivery/queue_view.h"
#include "delivery/route.h"
#include "talk/say.h"
#include "sendmail/call.h"
#include "sendmail/dry_run.h"
#include "sendmail/name_way.h"
#include "sendmail/recipients.h"
#include "sendmail/usage.h"

enum { PATH_MAX_BYTES = 4000 };

struct explanation {
	struct call *call;
	struct wishes wishes;	   /* of a call that would not only explain */
	bool has_message;	   /* standard input was read */
	struct address author;	   /* the first one, before the policy had its say */
	struct people names;	   /* recipients as they were given */
};

/* --- names without a domain */

/* For each name without a domain. */
static void each_way(const struct explanation *x,
		     void (*take)(void *taker, const char *name, const struct name_way *way),
		     void *taker)
{
	for (size_t i = 0; i < x->names.list.count; i++) {
		const char *name = x->names.list.items[i].mailbox;
		struct name_way way = NAME_WAY_INIT;

		if (!address_domain(name)) {
			name_way_find(&way, &x->call->aliases, name);
			take(taker, name, &way);
		}
		name_way_free(&way);
	}
}

/* --- the plan */

struct plan {
	size_t recipients, transactions;
};

static struct plan plan_of(const struct explanation *x)
{
	struct plan plan = { 0, 0 };
	long limit = x->call->submittal.account->max_recipients;
	size_t most = limit > 0 ? (size_t)limit : SIZE_MAX;

	for (size_t i = 0; i < x->call->envelope.count; i++)
		plan.recipients +=
			x->call->envelope.recipients[i].verdict == VERDICT_NONE;
	plan.transactions = plan.recipients / most + (plan.recipients % most != 0);
	return plan;
}

/* The caller frees. */
static char *way_to_send(const struct explanation *x)
{
	const struct delivery_settings *settings = &x->call->config.delivery;
	OWNED_TEXT spool =
		settings->queue == QUEUE_OFF ? NULL : queue_spool_path(settings);
	OWNED_BUF way = BUF_INIT(PATH_MAX_BYTES);
	const struct account *account = x->call->submittal.account;
	enum submit_mode mode = spool ? submit_mode(&x->wishes, settings) : SUBMIT_DIRECTLY;

	if (account->daemon && spool && by_daemon_has_queue(&x->call->config))
		buf_addf(&way,
			 _("handed over to the daemon at %s, which keeps it and sends it; while "
			   "there is no such socket the command talks to the server itself"),
			 account->host);
	else if (account->daemon && spool)
		buf_addf(&way,
			 _("handed over to the daemon at %s, which keeps it and sends it; while "
			   "that is not there it is queued in %s"),
			 account->host, spool);
	else if (account->daemon)
		buf_addf(&way,
			 _("handed over to the daemon at %s, which keeps it and sends it; while "
			   "that is not there it is given back to the caller"),
			 account->host);
	else if (mode == SUBMIT_TO_QUEUE)
		buf_addf(&way, _("queued in %s, to wait for a run of the queue"), spool);
	else if (mode == SUBMIT_IN_BACKGROUND)
		buf_addf(&way, _("queued in %s first, then delivered in the background"),
			 spool);
	else if (spool)
		buf_addf(&way,
			 _("direct: the command talks to the server and tells the outcome; what "
			   "has to wait is queued in %s"),
			 spool);
	else
		buf_add(&way,
			_("direct: the command talks to the server and tells the outcome; what "
			  "has to wait is given back to the caller"));
	return buf_take(&way);
}

/* --- by whom, when the account cannot */

/*
 * Who sends now, by what is known of pauses and quotas; and what keeps the account
 * itself.
 */
static const struct account *who_sends(const struct explanation *x, const struct failover *all,
				       struct error *why)
{
	struct throttle_view views[FAILOVER_MAX + 1] = { { .kind = ERROR_NONE } };
	OWNED_QUEUE queue = QUEUE_CLOSED;
	struct error unheard;
	bool is_known = x->call->config.delivery.queue != QUEUE_OFF && all->count > 1 &&
			queue_reach(&queue, &x->call->config, false, &unheard) &&
			queue.is_on;
	time_t now = time(NULL);

	for (size_t i = 0; is_known && i < all->count; i++)
		queue.does->look_at_account(&queue, all->list[i], now, &views[i]);
	return failover_now(all, is_known ? views : NULL, now, why);
}

static void say_failover(const struct explanation *x)
{
	const struct account *own = x->call->submittal.account, *sends;
	struct failover all;
	struct error why;

	failover_begin(&all, &x->call->config, own);
	for (size_t i = 1; i < all.count; i++) {
		OWNED_TEXT server = account_server(all.list[i]);

		say_line(_("failover: %s, at %s"), all.list[i]->name, server);
	}
	sends = who_sends(x, &all, &why);
	if (sends != own)
		say_line(_("sends now: %s, because %s"), sends->name, why.text);
}

static void write_failover(const struct explanation *x, struct json *j)
{
	struct failover all;
	struct error why;

	failover_begin(&all, &x->call->config, x->call->submittal.account);
	json_array(j, "failover");
	for (size_t i = 1; i < all.count; i++)
		json_text(j, NULL, all.list[i]->name);
	json_end(j);
	json_text(j, "sends", who_sends(x, &all, &why)->name);
	json_text(j, "why_sends", why.kind == ERROR_NONE ? NULL : why.text);
}

/* --- by whom, where the daemon has it */

/* NULL: its accounts are not for this user to read, or there is no such; `why` of it. */
static const struct account *who_sends_there(const struct explanation *x, const char **why)
{
	const struct submittal *s = &x->call->submittal;
	struct config its = x->call->config;
	struct error unheard;

	its.by_daemon = NULL;
	return its.count == 0 ? NULL :
	       choose_account(&its, x->wishes.account, s->sender,
			      x->author.mailbox ? x->author.mailbox : "", why, &unheard);
}

/* --- for people */

static void say_way(void *taker, const char *name, const struct name_way *way)
{
	const char *path = buf_text(&way->path);

	(void)taker;
	say_line(_("name: %s goes to %s%s%s%s"), name, buf_text(&way->goes_to), *path ? " (" : "",
	    path, *path ? ")" : "");
}

static void say_variables(const struct config *config)
{
	for (size_t i = 0; i < config->variable_count; i++) {
		const struct config_variable *v = &config->variables[i];

		if (v->setting)
			say_line(_("variable: %s sets %s"), v->name, v->setting);
		else
			say_line(_("variable: %s sets nothing, as none says which server or who "
				   "logs in"), v->name);
	}
}

static void say_author(const struct explanation *x)
{
	struct address now = { 0 };

	submission_author(&x->call->message, &x->call->aliases, &now);
	if (!x->has_message)
		say_line(_("From: not known, standard input is a terminal and was not read"));
	else if (!x->author.mailbox[0])
		say_line(_("From: <%s>, added"), now.mailbox);
	else if (strcmp(x->author.mailbox, now.mailbox) != 0)
		say_line(address_domain(x->author.mailbox) ?
		    _("From: <%s> becomes <%s>, and answers go to the first") :
		    _("From: <%s> becomes <%s>"), x->author.mailbox, now.mailbox);
	else
		say_line(_("From: <%s>, as it was"), now.mailbox);
	address_free(&now);
}

static void say_recipients(const struct envelope *e)
{
	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];
		struct error why = { .text = "" };

		if (r->why)
			recipient_reason(r, &why);
		say_line("%s: <%s>%s%s", r->why ? _("refused") : _("recipient"), r->mailbox,
		    r->why ? ": " : "", error_words(&why));
	}
}

static void say_given(const struct call *call)
{
	dry_run_show_account(call->submittal.account, call->submittal.why_account);
	say_variables(&call->config);
	if (call->sender_fault.kind)
		say_line(_("sender given: none, as %s"), error_words(&call->sender_fault));
	if (call->submittal.sender)
		say_line(_("sender given: <%s>, by -%c"), call->submittal.sender,
		    call->options.sender_letter);
}

/* 0: there is no limit that is known here. */
static void say_size(const struct explanation *x, long limit)
{
	uint64_t size = x->has_message ? message_size(&x->call->message) : 0;

	if (x->has_message && limit)
		say_line(_("size: %" PRIu64 " bytes of at most %ld"), size, limit);
	else if (x->has_message)
		say_line(_("size: %" PRIu64 " bytes"), size);
}

/* Sender, names and limits are the daemon's matter: nothing is made of them here. */
static void say_hand_over(const struct explanation *x)
{
	const struct call *call = x->call;
	OWNED_TEXT way = way_to_send(x);
	const char *why = NULL;
	const struct account *next = who_sends_there(x, &why);
	OWNED_TEXT server = next ? account_server(next) : NULL;

	say_given(call);
	say_recipients(&call->envelope);
	say_size(x, 0);
	say_line(_("way: %s"), way);
	if (next)
		say_line(_("from there: by account %s (%s), to %s"), next->name, tr(why), server);
	else
		say_line(_("from there: by an account of the daemon's, which this user may not see"));
}

static void say_all(const struct explanation *x)
{
	const struct call *call = x->call;
	struct plan plan = plan_of(x);
	OWNED_TEXT way = way_to_send(x);

	if (call->submittal.account->daemon) {
		say_hand_over(x);
		return;
	}
	say_given(call);
	say_line(_("sender: <%s>, because %s"), call->envelope.sender,
	    tr(call->submittal.why_sender));
	say_author(x);
	each_way(x, say_way, NULL);
	say_recipients(&call->envelope);
	say_line(_("plan: recipients %zu, transactions %zu, of at most %ld recipients each"),
	    plan.recipients, plan.transactions, call->submittal.account->max_recipients);
	say_size(x, call->submittal.account->max_size);
	say_line(_("way: %s"), way);
	say_failover(x);
}

/* --- for machines */

static void write_way(void *taker, const char *name, const struct name_way *way)
{
	struct json *j = taker;

	json_object(j, NULL);
	json_text(j, "name", name);
	json_text(j, "goes_to", buf_text(&way->goes_to));
	json_text(j, "path", buf_text(&way->path));
	json_end(j);
}

static void write_recipients(const struct explanation *x, struct json *j)
{
	json_array(j, "recipients");
	for (size_t i = 0; i < x->call->envelope.count; i++) {
		const struct recipient *r = &x->call->envelope.recipients[i];
		struct error why;

		if (r->why)
			recipient_reason(r, &why);
		json_object(j, NULL);
		json_text(j, "mailbox", r->mailbox);
		json_text(j, "refused", r->why ? why.text : NULL);
		json_end(j);
	}
	json_end(j);
}

static void write_variables(const struct config *config, struct json *j)
{
	json_array(j, "variables");
	for (size_t i = 0; i < config->variable_count; i++) {
		json_object(j, NULL);
		json_text(j, "name", config->variables[i].name);
		json_text(j, "setting", config->variables[i].setting);
		json_end(j);
	}
	json_end(j);
}

static void write_from(const struct explanation *x, struct json *j)
{
	struct address now = { 0 };

	submission_author(&x->call->message, &x->call->aliases, &now);
	json_text(j, "author", x->has_message ? x->author.mailbox : NULL);
	json_text(j, "from", x->has_message ? now.mailbox : NULL);
	address_free(&now);
}

static void write_json(const struct explanation *x)
{
	struct json j = { .out = stdout };
	struct plan plan = plan_of(x);
	OWNED_TEXT way = way_to_send(x);
	OWNED_BUF route = BUF_INIT(PATH_MAX_BYTES);
	const struct account *account = x->call->submittal.account;
	const char *why;
	const struct account *next = account->daemon ? who_sends_there(x, &why) : NULL;

	route_text(x->call->submittal.account, &route);
	json_object(&j, NULL);
	json_text(&j, "account", x->call->submittal.account->name);
	json_text(&j, "why_account", x->call->submittal.why_account);
	json_text(&j, "host", x->call->submittal.account->host);
	json_number(&j, "port", x->call->submittal.account->port);
	json_text(&j, "user", x->call->submittal.account->user);
	write_variables(&x->call->config, &j);
	json_text(&j, "sender", x->call->envelope.sender);
	json_text(&j, "why_sender", x->call->submittal.why_sender);
	write_from(x, &j);
	json_array(&j, "names");
	each_way(x, write_way, &j);
	json_end(&j);
	write_recipients(x, &j);
	json_number(&j, "transactions", (int64_t)plan.transactions);
	json_number(&j, "max_recipients", x->call->submittal.account->max_recipients);
	json_number(&j, "size",
		    x->has_message ? (int64_t)message_size(&x->call->message) : 0);
	json_number(&j, "max_size", x->call->submittal.account->max_size);
	json_text(&j, "route", buf_text(&route));
	json_text(&j, "way", way);
	json_text(&j, "daemon", account->daemon ? account->host : NULL);
	json_text(&j, "then", next ? next->name : NULL);
	write_failover(x, &j);
	json_end(&j);
}

/* --- the command */

/* Keeps what the header work will change. */
static bool keep(struct explanation *x, struct error *err)
{
	const struct options *options = &x->call->options;

	x->names.aliases = &x->call->aliases;
	submission_author(&x->call->message, &x->call->aliases, &x->author);
	for (int i = 0; i < options->count; i++)
		if (!recipients_parse(options->recipients[i], &x->names, err))
			return false;
	return !options->recipients_from_header ||
	       submission_recipients(&x->call->message, &x->names, err);
}

/* The same way as for sending it, but for its end. */
static bool make_ready(struct explanation *x, struct error *err)
{
	struct submittal *s = &x->call->submittal;

	*s = call_submittal(x->call);
	x->wishes = s->wishes;
	s->wishes.mode = SUBMIT_NOTHING;
	return submit(s, &x->call->envelope, &x->call->message, err);
}

static bool go(struct explanation *x, struct error *err)
{
	struct call *call = x->call;

	x->has_message = call->options.recipients_from_header || !isatty(STDIN_FILENO);
	return call_read_sender(call, err) && call_read_config(call, err) &&
	       (!x->has_message || call_read_message(call, err)) && keep(x, err) &&
	       call_find_recipients(call, err) && make_ready(x, err);
}

static int explain(struct command_call *command, int argc, char **argv, bool json)
{
	struct call call = { .name = command->program->name,
			     .caller = call_from_here(),
			     .trace = TRACE_NONE,
			     .queue = QUEUE_CLOSED };
	struct explanation x = { .call = &call };
	struct error err;
	int status;

	if (!options_parse(&call.options, argc, argv, &err))
		return say_error(&err);
	if (call.options.mode == MODE_HELP)
		return usage_print(stdout, command->program);
	message_init(&call.message);
	id_new(call.id);
	if (json)
		language_leave();
	if (go(&x, &err)) {
		(json ? write_json : say_all)(&x);
		status = say_finish();
	} else {
		status = say_error(&err);
	}
	address_free(&x.author);
	people_free(&x.names);
	call_free(&call);
	return status;
}

/* Its own flag stands first; the rest is sendmail's, in sendmail's order. */
static int run_explain(struct command_call *call)
{
	bool json = call->count > 0 && !strcmp(call->arguments[0], "--json");
	int status;

	if (call->count > 0 && !strcmp(call->arguments[0], "--help")) {
		(void)command_parse(call, NULL, &status);
		return status;
	}
	/* The word before the first of them stands where the program's name would. */
	return explain(call, call->count + 1 - json, call->arguments - 1 + json, json);
}

const struct command explain_command = {
	.word = "explain",
	.arguments = "[--json] [OPTION...] [RECIPIENT...]",
	.most = ARGUMENTS_ANY,
	.help = N_("what such a call of sendmail would do, and why"),
	.run = run_explain,
};
