/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A walk through the table of steps. A step whose needs have failed is not tried, and
 * says the first cause rather than the last consequence; the walk goes on, for what comes
 * later may be broken on its own. What is vital decides the exit status, by the first
 * failure.
 */
#include "check/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/language.h"
#include "base/text.h"
#include "service/service.h"
#include "delivery/account_secret.h"
#include "talk/say.h"
#include "check/show.h"
#include "check/step.h"

enum { TIMEOUT_MAX = 3600 }; /* seconds, of --timeout */

/* --- the steps, in order */

static bool has_implicit_tls(const struct check *c)
{
	return c->account.tls == TLS_IMPLICIT;
}

static bool has_no_implicit_tls(const struct check *c)
{
	return !has_implicit_tls(c);
}

/* Nothing is known of the daemon's; but what is missing, where there is none, is said. */
static bool has_account(const struct check *c)
{
	return c->has_account || !c->config.by_daemon;
}

static bool has_daemon(const struct check *c)
{
	return c->config.by_daemon != NULL;
}

static bool has_proxy(const struct check *c)
{
	return c->account.proxy && c->account.proxy[0];
}

static bool is_to_send(const struct check *c)
{
	return c->flags.send && !has_daemon(c);
}

static bool is_to_hand_over(const struct check *c)
{
	return c->flags.send && has_daemon(c);
}

static bool has_domain(const struct check *c)
{
	return c->domain != NULL;
}

static bool has_end(const struct check *c)
{
	const struct service_end *end = &service_named(c->account.service)->end;

	return end->year && (!end->is_of_passwords || !account_wants_token(&c->account));
}

static bool has_failover(const struct check *c)
{
	return c->account.failover && *c->account.failover;
}

static bool has_dkim(const struct check *c)
{
	return c->domain && service_named(c->account.service)->dkim_target;
}

enum { NEEDS_MAX = 3 };

enum nature {
	VITAL = 1,	/* without it no mail can be sent */
	OURS = 2,	/* whether an account is known here or not */
};

static const struct check_step {
	const char *name;		/* for machines */
	const char *title;		/* for people */
	check_step_fn *look;
	int nature;
	bool (*applies)(const struct check *c);		/* NULL: always */
	const char *needs[NEEDS_MAX];	/* what must not have failed before */
} steps[] = {
	{ "configuration", N_("configuration"), check_configuration, VITAL | OURS, NULL, { NULL } },
	{ "secret", N_("secret"), check_secret, VITAL, NULL, { "configuration" } },
	{ "dns", "DNS", check_addresses, VITAL, NULL, { "configuration" } },
	{ "tcp", "TCP", check_connections, VITAL, NULL, { "dns" } },
	{ "proxy", N_("proxy"), check_proxy, VITAL, has_proxy, { "tcp" } },
	{ "tls", "TLS", check_tls, VITAL, has_implicit_tls, { "tcp", "proxy" } },
	{ "greeting", N_("greeting"), check_greeting, VITAL, NULL, { "tcp", "proxy", "tls" } },
	{ "tls", "TLS", check_tls, VITAL, has_no_implicit_tls, { "greeting" } },
	{ "ehlo", "EHLO", check_extensions, VITAL, NULL, { "tls", "greeting" } },
	{ "auth", "AUTH", check_login, VITAL, NULL, { "secret", "ehlo" } },
	{ "sender", N_("sender"), check_sender, VITAL, NULL, { "auth" } },
	{ "send", N_("sending"), check_sending, VITAL, is_to_send, { "sender" } },
	{ "daemon", N_("daemon"), check_daemon, VITAL | OURS, has_daemon, { "configuration" } },
	{ "send", N_("sending"), check_handing_over, VITAL | OURS, is_to_hand_over, { "daemon" } },
	{ "quota", N_("quota"), check_quota, 0, NULL, { "configuration" } },
	{ "failover", N_("failover"), check_failover, 0, has_failover, { "configuration" } },
	{ "spool", N_("spool"), check_spool, VITAL | OURS, NULL, { "configuration" } },
	{ "log", N_("log"), check_log, OURS, NULL, { "configuration" } },
	{ "service", N_("service"), check_service, 0, has_end, { "configuration" } },
	{ "domain", N_("domain"), check_domain, 0, NULL, { "configuration" } },
	{ "spf", "SPF", check_spf, 0, has_domain, { NULL } },
	{ "dkim1", "DKIM 1", check_dkim_1, 0, has_dkim, { NULL } },
	{ "dkim2", "DKIM 2", check_dkim_2, 0, has_dkim, { NULL } },
	{ "dmarc", "DMARC", check_dmarc, 0, has_domain, { NULL } },
	{ "mx", "MX", check_mx, 0, has_domain, { NULL } },
};

struct check_walk {
	struct check *check;
	struct show show;
	/*
	 * For each step what failed and so kept it from being tried, maybe itself; or
	 * NULL.
	 */
	const struct check_step *blamed[COUNT_OF(steps)];
	int status;			/* EX_OK: mail can be sent */
};

/* The step whose failure keeps this one from being tried, or NULL. */
static const struct check_step *hindrance(const struct check_walk *w,
					  const struct check_step *step)
{
	for (size_t n = 0; n < NEEDS_MAX && step->needs[n]; n++)
		for (size_t i = 0; steps + i < step; i++)
			if (w->blamed[i] && !strcmp(steps[i].name, step->needs[n]))
				return w->blamed[i];
	return NULL;
}

static void write_lines(struct json *j, const char *key, const char *text)
{
	json_array(j, key);
	while (*text) {
		size_t len = strcspn(text, "\n");
		OWNED_TEXT line = text_copy_n(text, len);

		json_text(j, NULL, line);
		text += len + (text[len] == '\n');
	}
	json_end(j);
}

static void report(struct check_walk *w, const struct check_step *step,
		   const struct finding *f)
{
	struct json *j = &w->check->json;

	json_text(j, "state", show_state(f->state));
	json_text(j, "text", buf_text(&f->text));
	write_lines(j, "advice", buf_text(&f->advice));
	json_end(j);
	if (!j->out)
		show_finding(&w->show, tr(step->title), f);
}

static void take_step(struct check_walk *w, const struct check_step *step)
{
	const struct check_step *hindered_by = hindrance(w, step);
	struct finding f = FINDING_INIT;
	struct json *j = &w->check->json;

	json_object(j, NULL);
	json_text(j, "name", step->name);
	json_bool(j, "vital", step->nature & VITAL);
	json_object(j, "figures");
	if (hindered_by)
		finding_set(&f, FINDING_SKIPPED, "not tried: %s failed",
			    tr(hindered_by->title));
	else
		step->look(w->check, &f);
	json_end(j);
	if (f.state == FINDING_FAILED || hindered_by)
		w->blamed[step - steps] = hindered_by ? hindered_by : step;
	if (f.state == FINDING_FAILED && (step->nature & VITAL) && w->status == EX_OK)
		w->status = error_exit_status(&(struct error){ .kind = f.kind });
	report(w, step, &f);
	buf_free(&f.text);
	buf_free(&f.advice);
}

static bool is_wanted(const struct check *c, const struct check_step *step)
{
	return ((step->nature & OURS) || has_account(c)) && (!step->applies || step->applies(c));
}

static int walk(struct check *c)
{
	struct check_walk w = { .check = c, .status = EX_OK };

	show_begin(&w.show);
	json_object(&c->json, NULL);
	json_array(&c->json, "steps");
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (is_wanted(c, &steps[i]))
			take_step(&w, &steps[i]);
	json_end(&c->json);
	json_bool(&c->json, "can_send", w.status == EX_OK);
	json_number(&c->json, "status", w.status);
	json_end(&c->json);
	return w.status;
}

/* --- the command */

static bool take_flags(struct check *c, struct error *err)
{
	long number;

	if (c->flags.timeout && !text_to_number(c->flags.timeout, 1, TIMEOUT_MAX, &number))
		return error_set(err, ERROR_USAGE,
				 "--timeout is a number of seconds from 1 to %d", TIMEOUT_MAX);
	c->has_nameserver = c->flags.nameserver != NULL;
	return !c->has_nameserver ||
	       dns_server_parse(c->flags.nameserver, &c->nameserver, err) ||
	       error_context(err, "--nameserver");
}

static void check_free(struct check *c)
{
	connection_close(&c->connection);
	queue_close(&c->queue);
	config_free(&c->config);
	free(c->domain);
}

static int run_check(struct command_call *call)
{
	struct check c = { .queue = QUEUE_CLOSED };
	struct error err;
	int status, written;

	if (!command_parse(call, &c.flags, &status))
		return status;
	if (!take_flags(&c, &err))
		return say_error(&err);
	c.wanted = call->count > 0 ? call->arguments[0] : NULL;
	c.json.out = c.flags.json ? stdout : NULL;
	if (c.flags.json)
		language_leave();
	status = walk(&c);
	/* Behind the findings: the first of them has read the file. */
	say_warning(c.config.passed_over);
	check_free(&c);
	written = say_finish();
	return status == EX_OK ? written : status;
}

#define IN(field)	offsetof(struct check_flags, field)
static const struct flag flags[] = {
	{ "config", FLAG_TEXT, IN(config), "FILE", N_("configuration file, like sendmail's -C") },
	{ "json", FLAG_SWITCH, IN(json), NULL, N_("one object for machines") },
	{ "nameserver", FLAG_TEXT, IN(nameserver), "HOST[:PORT]", N_("ask it for the domain's records") },
	{ "send", FLAG_TEXT, IN(send), "ADDRESS", N_("really send one small message there") },
	{ "timeout", FLAG_TEXT, IN(timeout), "SECONDS", N_("instead of the account's") },
	{ .name = NULL },
};

const struct command check_command = {
	.word = "check", .arguments = "[ACCOUNT]", .most = 1,
	.help = N_("find out whether mail can be sent, and if not, why"), .flags = flags,
	.run = run_check,
};
