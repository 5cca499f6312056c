/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of text and no struct, as the daemon that answers may be older or newer than
 * the program that asks: what a reader does not know it passes over, and what is not
 * said stays 0. The numbers stand in one table for all four uses: told, read back, and
 * shown in two formats.
 */
#include "daemon/status.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/self.h"
#include "base/text.h"
#include "daemon/handover.h"
#include "delivery/throttle.h"
#include "talk/queue_words.h"

enum { PATIENCE = 10, ACCOUNTS_MAX = 200, WORDS_MAX = 300, MOMENT_SIZE = 256 };

/* --- what there is to know: numbers, words, and a line for each account */

struct account_facts {
	char name[128], why[WORDS_MAX];
	int64_t left_minute, left_hour;	/* -1: there is no limit, and so nothing to tell */
	int64_t paused_until;
};

struct facts {
	int64_t waiting, due, held, failed, oldest, last_success, clients;
	int64_t is_blind;
	char user[64], door_user[64], confined[WORDS_MAX], problem[WORDS_MAX];
	struct account_facts accounts[ACCOUNTS_MAX];
	size_t count;
};

struct number {
	const char *name;
	size_t place;
	const char *help;	/* for Prometheus */
};

#define NUMBER(field)	offsetof(struct facts, field)
static const struct number numbers[] = {
	{ "waiting", NUMBER(waiting), "Messages that wait in the queue." },
	{ "due", NUMBER(due), "Messages that could be tried now." },
	{ "held", NUMBER(held), "Messages that somebody holds." },
	{ "failed", NUMBER(failed), "Messages that failed and are kept." },
	{ "oldest", NUMBER(oldest), "When the oldest message that waits came, in seconds since 1970; 0 none." },
	{ "last_success", NUMBER(last_success), "When a message was accepted last; 0 never." },
	{ "clients", NUMBER(clients), "Clients that are connected." },
};

#define ACCOUNT(field)	offsetof(struct account_facts, field)
static const struct number account_numbers[] = {
	{ "left_minute", ACCOUNT(left_minute), "Messages of the account that may begin in this minute." },
	{ "left_hour", ACCOUNT(left_hour), "The same of this hour." },
	{ "paused_until", ACCOUNT(paused_until),
	  "Until when the account waits, in seconds since 1970; 0 it does not." },
};

static int64_t value_of(const struct number *number, const void *facts)
{
	return *(const int64_t *)((const char *)facts + number->place);
}

/* --- the keeper finds out */

struct counting {
	struct facts *facts;
	time_t now;
};

static bool count_waiting(void *seer, const char *id, const struct entry_start *start)
{
	struct counting *c = seer;

	(void)id;
	if (start->is_held) {
		c->facts->held++;
		return true;
	}
	c->facts->waiting++;
	c->facts->due += start->next <= c->now;
	if (!c->facts->oldest || start->arrived < c->facts->oldest)
		c->facts->oldest = start->arrived;
	return true;
}

static bool count_failed(void *seer, const char *id, const struct entry_start *start)
{
	(void)id;
	(void)start;
	((struct counting *)seer)->facts->failed++;
	return true;
}

static long left(long limit, long share, long used)
{
	long most = share > 0 && share < limit ? share : limit;

	return limit == 0 ? -1 : most > used ? most - used : 0;
}

static void look_at_accounts(const struct status_facts *facts, struct facts *f, time_t now)
{
	for (size_t i = 0; i < facts->config->count && f->count < ACCOUNTS_MAX; i++) {
		const struct account *account = &facts->config->accounts[i];
		struct account_facts *a = &f->accounts[f->count++];
		struct throttle_view view;

		throttle_look(&facts->queue->spool, account, now, &view);
		snprintf(a->name, sizeof(a->name), "%s", account->name);
		a->left_minute = left(account->rate_per_minute, view.share_minute, view.used_minute);
		a->left_hour = left(account->rate_per_hour, view.share_hour, view.used_hour);
		a->paused_until = view.paused_until > now ? view.paused_until : 0;
		snprintf(a->why, sizeof(a->why), "%s", a->paused_until ? view.why : "");
		text_make_printable(a->why);
		if (view.last_success > f->last_success)
			f->last_success = view.last_success;
	}
}

static void name_user(uid_t uid, char name[64])
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(name, 64, "%s", user->pw_name);
	else
		snprintf(name, 64, "%ld", (long)uid);
}

void status_tell(int client, const struct status_facts *facts)
{
	struct facts f = { .clients = (int64_t)facts->clients };
	struct counting c = { &f, time(NULL) };
	OWNED_BUF out = BUF_INIT(256 * 1024);
	struct error err, unheard;

	if (!spool_can_lock(&facts->queue->spool, &err) ||
	    !spool_scan(&facts->queue->spool, SPOOL_QUEUE, count_waiting, &c, &err)) {
		text_make_printable(err.text);
		buf_addf(&out, "problem %.290s\n", err.text);
	}
	(void)spool_scan(&facts->queue->spool, SPOOL_FAILED, count_failed, &c, &unheard);
	look_at_accounts(facts, &f, c.now);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		buf_addf(&out, "%s %" PRId64 "\n", numbers[i].name, value_of(&numbers[i], &f));
	name_user(self_user(), f.user);
	name_user(facts->door_uid, f.door_user);
	buf_addf(&out, "user %s\ndoor_user %s\nconfined %s\nblind %d\n", f.user, f.door_user,
		 facts->confined, facts->is_blind);
	for (size_t i = 0; i < f.count; i++)
		buf_addf(&out, "account %s %" PRId64 " %" PRId64 " %" PRId64 " %s\n",
			 f.accounts[i].name, f.accounts[i].left_minute, f.accounts[i].left_hour,
			 f.accounts[i].paused_until, f.accounts[i].why);
	/*
	 * Without it an answer that was cut off would look like one with fewer
	 * accounts.
	 */
	buf_add(&out, "end\n");
	(void)write_patiently(client, buf_text(&out), out.len, PATIENCE * 1000);
}

/* --- the other side reads */

static void read_account(const char *rest, struct facts *f)
{
	struct account_facts *a = &f->accounts[f->count];
	int used = 0;

	if (f->count == ACCOUNTS_MAX ||
	    sscanf(rest, "%127s %" SCNd64 " %" SCNd64 " %" SCNd64 " %n", a->name,
		   &a->left_minute, &a->left_hour, &a->paused_until, &used) != 4)
		return;
	snprintf(a->why, sizeof(a->why), "%s", rest + used);
	f->count++;
}

static void read_line(const char *line, struct facts *f)
{
	const char *rest;

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		size_t len = strlen(numbers[i].name);

		if (!strncmp(line, numbers[i].name, len) && line[len] == ' ')
			*(int64_t *)((char *)f + numbers[i].place) =
				strtoll(line + len + 1, NULL, 10);
	}
	if ((rest = text_after(line, "problem ")))
		snprintf(f->problem, sizeof(f->problem), "%s", rest);
	else if ((rest = text_after(line, "blind ")))
		f->is_blind = *rest == '1';
	else if ((rest = text_after(line, "user ")))
		snprintf(f->user, sizeof(f->user), "%s", rest);
	else if ((rest = text_after(line, "door_user ")))
		snprintf(f->door_user, sizeof(f->door_user), "%s", rest);
	else if ((rest = text_after(line, "confined ")))
		snprintf(f->confined, sizeof(f->confined), "%s", rest);
	else if ((rest = text_after(line, "account ")))
		read_account(rest, f);
}

static bool ask(int fd, struct facts *f, struct error *err)
{
	char line[HANDOVER_LINE_MAX];

	if (write_patiently(fd, "STATUS\n", 7, PATIENCE * 1000))
		while (handover_read_line(fd, line, PATIENCE)) {
			if (!strcmp(line, "end"))
				return true;
			/* Whoever answers there, it goes to a terminal. */
			text_make_printable(line);
			read_line(line, f);
		}
	return error_set(err, ERROR_LATER, "the daemon does not answer");
}

/* --- and shows */

static void show_json(const struct facts *f, FILE *out)
{
	struct json j = { .out = out };

	json_object(&j, NULL);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		json_number(&j, numbers[i].name, value_of(&numbers[i], f));
	json_array(&j, "accounts");
	for (size_t i = 0; i < f->count; i++) {
		const struct account_facts *a = &f->accounts[i];

		json_object(&j, NULL);
		json_text(&j, "name", a->name);
		for (size_t k = 0; k < COUNT_OF(account_numbers); k++)
			if (value_of(&account_numbers[k], a) >= 0)
				json_number(&j, account_numbers[k].name,
					    value_of(&account_numbers[k], a));
		json_text(&j, "why", *a->why ? a->why : NULL);
		json_end(&j);
	}
	json_end(&j);
	json_object(&j, "users");
	json_text(&j, "keeper", f->user);
	json_text(&j, "door", f->door_user);
	json_end(&j);
	json_bool(&j, "users_told_apart", !f->is_blind);
	json_text(&j, "confined", f->confined);
	json_text(&j, "problem", *f->problem ? f->problem : NULL);
	json_end(&j);
}

static void show_gauge(FILE *out, const struct number *number)
{
	fprintf(out, "# HELP acsmtp_%s %s\n# TYPE acsmtp_%s gauge\n", number->name, number->help,
		number->name);
}

/* Names of accounts have no quotes and no backslashes (config/lint.c). */
static void show_of_accounts(const struct facts *f, const struct number *number, FILE *out)
{
	for (size_t i = 0; i < f->count; i++)
		if (value_of(number, &f->accounts[i]) >= 0)
			fprintf(out, "acsmtp_%s{account=\"%s\"} %" PRId64 "\n", number->name,
				f->accounts[i].name, value_of(number, &f->accounts[i]));
}

static void show_prometheus(const struct facts *f, FILE *out)
{
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		show_gauge(out, &numbers[i]);
		fprintf(out, "acsmtp_%s %" PRId64 "\n", numbers[i].name, value_of(&numbers[i], f));
	}
	for (size_t i = 0; i < COUNT_OF(account_numbers); i++) {
		show_gauge(out, &account_numbers[i]);
		show_of_accounts(f, &account_numbers[i], out);
	}
}

/* "Tue, 24 Nov 2026 08:53:25 +0000 (5 min ago)" */
static const char *moment(int64_t when, char text[MOMENT_SIZE])
{
	char date[CLOCK_DATE_SIZE], span[WORDS_SIZE];
	time_t now = time(NULL);

	clock_date((time_t)when, date);
	if (when > now)
		snprintf(text, MOMENT_SIZE, _("%s (in %s)"), date, words_span(when - now, span));
	else
		snprintf(text, MOMENT_SIZE, _("%s (%s ago)"), date, words_span(now - when, span));
	return text;
}

static void show_words(const struct facts *f, FILE *out)
{
	char when[MOMENT_SIZE];

	fprintf(out, _("%lld messages wait, %lld of them are due; %lld are held, %lld failed\n"),
		(long long)f->waiting, (long long)f->due, (long long)f->held,
		(long long)f->failed);
	if (f->oldest) {
		fprintf(out, _("the oldest came on %s\n"), moment(f->oldest, when));
	}
	if (f->last_success) {
		fprintf(out, _("a message was accepted last on %s\n"),
			moment(f->last_success, when));
	}
	for (size_t i = 0; i < f->count; i++) {
		const struct account_facts *a = &f->accounts[i];

		fprintf(out, _("account %s"), a->name);
		if (a->left_minute >= 0)
			fprintf(out, _(", %ld messages left this minute"), (long)a->left_minute);
		if (a->left_hour >= 0)
			fprintf(out, _(", %ld messages left this hour"), (long)a->left_hour);
		if (a->paused_until)
			fprintf(out, _(", waits until %s: %s"), moment(a->paused_until, when), tr(a->why));
		fputc('\n', out);
	}
	fprintf(out, _("%lld clients\n"), (long long)f->clients);
	if (strcmp(f->user, f->door_user) != 0)
		fprintf(out, _("the queue is kept by %s, clients are served by %s\n"), f->user,
			f->door_user);
	else
		fprintf(out, _("both the queue and the clients are served by %s\n"), f->user);
	fprintf(out, _("sessions are confined by: %s\n"),
		*f->confined ? f->confined : _("nothing"));
	if (f->is_blind)
		fputs(_("users cannot be told apart here: all but one are taken for nobody\n"), out);
}

bool status_show(int fd, enum status_format format, FILE *out, struct error *err)
{
	struct facts *f = xcalloc(1, sizeof(*f));
	bool ok = ask(fd, f, err);

	if (ok && format == STATUS_JSON)
		show_json(f, out);
	else if (ok && format == STATUS_PROMETHEUS)
		show_prometheus(f, out);
	else if (ok)
		show_words(f, out);
	if (ok && *f->problem)
		ok = error_set(err, ERROR_LATER, "the daemon cannot keep mail: %s", f->problem);
	free(f);
	return ok;
}
