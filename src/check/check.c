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

static bool has_proxy(const struct check *c)
{
	return c->account.proxy && c->account.proxy[0];
}

static bool is_to_send(const struct check *c)
{
	return c->flags.send != NULL;
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

static const struct check_step {
	const char *name;		/* for machines */
	const char *title;		/* for people */
	check_step_fn *look;
	bool is_vital;			/* without it no mail can be sent */
	bool (*applies)(const struct check *c);		/* NULL: always */
	const char *needs[NEEDS_MAX];	/* what must not have failed before */
} steps[] = {
	{ "configuration", N_("configuration"), check_configuration, true, NULL, { NULL } },
	{ "secret", N_("secret"), check_secret, true, NULL, { "configuration" } },
	{ "dns", "DNS", check_addresses, true, NULL, { "configuration" } },
	{ "tcp", "TCP", check_connections, true, NULL, { "dns" } },
	{ "proxy", N_("proxy"), check_proxy, true, has_proxy, { "tcp" } },
	{ "tls", "TLS", check_tls, true, has_implicit_tls, { "tcp", "proxy" } },
	{ "greeting", N_("greeting"), check_greeting, true, NULL, { "tcp", "proxy", "tls" } },
	{ "tls", "TLS", check_tls, true, has_no_implicit_tls, { "greeting" } },
	{ "ehlo", "EHLO", check_extensions, true, NULL, { "tls", "greeting" } },
	{ "auth", "AUTH", check_login, true, NULL, { "secret", "ehlo" } },
	{ "sender", N_("sender"), check_sender, true, NULL, { "auth" } },
	{ "send", N_("sending"), check_sending, true, is_to_send, { "sender" } },
	{ "quota", N_("quota"), check_quota, false, NULL, { "configuration" } },
	{ "failover", N_("failover"), check_failover, false, has_failover, { "configuration" } },
	{ "spool", N_("spool"), check_spool, true, NULL, { "configuration" } },
	{ "log", N_("log"), check_log, false, NULL, { "configuration" } },
	{ "service", N_("service"), check_service, false, has_end, { "configuration" } },
	{ "domain", N_("domain"), check_domain, false, NULL, { "configuration" } },
	{ "spf", "SPF", check_spf, false, has_domain, { NULL } },
	{ "dkim1", "DKIM 1", check_dkim_1, false, has_dkim, { NULL } },
	{ "dkim2", "DKIM 2", check_dkim_2, false, has_dkim, { NULL } },
	{ "dmarc", "DMARC", check_dmarc, false, has_domain, { NULL } },
	{ "mx", "MX", check_mx, false, has_domain, { NULL } },
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
	json_bool(j, "vital", step->is_vital);
	json_object(j, "figures");
	if (hindered_by)
		finding_set(&f, FINDING_SKIPPED, "not tried: %s failed",
			    tr(hindered_by->title));
	else
		step->look(w->check, &f);
	json_end(j);
	if (f.state == FINDING_FAILED || hindered_by)
		w->blamed[step - steps] = hindered_by ? hindered_by : step;
	if (f.state == FINDING_FAILED && step->is_vital && w->status == EX_OK)
		w->status = error_exit_status(&(struct error){ .kind = f.kind });
	report(w, step, &f);
	buf_free(&f.text);
	buf_free(&f.advice);
}

static int walk(struct check *c)
{
	struct check_walk w = { .check = c, .status = EX_OK };

	show_begin(&w.show);
	json_object(&c->json, NULL);
	json_array(&c->json, "steps");
	for (size_t i = 0; i < COUNT_OF(steps); i++)
		if (!steps[i].applies || steps[i].applies(c))
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
