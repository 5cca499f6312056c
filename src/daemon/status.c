/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of text and no struct, as the daemon that answers may be older or newer than the
 * program that asks: what a reader does not know it passes over, and what is not said
 * stays 0. The numbers stand in one table for all uses (delivery/metrics.h): told, read
 * back, and shown in two formats.
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
#include "daemon/doorbell.h"
#include "daemon/handover.h"
#include "delivery/metrics.h"
#include "talk/queue_words.h"

enum { PATIENCE = 10, MOMENT_SIZE = 256, LISTEN_SIZE = 4096 };

/* --- what there is to know: figures, words, and a line for each account */

struct facts {
	struct metrics m;
	bool is_blind, is_outdated;
	char user[64], door_user[64], confined[METRICS_WORDS_MAX], problem[METRICS_WORDS_MAX];
	/* Where clients come, as [daemon] has it; `listen` is not ours to know beforehand. */
	bool has_no_socket;
	char listen[LISTEN_SIZE];
	struct doorbells bells;
};

/* --- the keeper finds out */

static void name_user(uid_t uid, char name[64])
{
	const struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(name, 64, "%s", user->pw_name);
	else
		snprintf(name, 64, "%ld", (long)uid);
}

/* An address in each line, as a line has an end. */
static void tell_places(const struct daemon_settings *settings, struct buf *out)
{
	const char *listen = settings->listen;

	if (!strcmp(settings->socket, "off"))
		buf_add(out, "no-socket\n");
	for (size_t len; (len = text_item(&listen, ", \t")); listen += len)
		buf_addf(out, "listen %.*s\n", (int)len, listen);
}

/* Also where they cannot be read any more: it has other ones. */
static bool settings_have_changed(const struct status_facts *facts)
{
	OWNED_CONFIG now = { 0 };
	struct error unheard;

	return !config_load(&now, facts->config_file, &unheard) || now.sum != facts->config->sum;
}

void status_tell(int client, const struct status_facts *facts)
{
	struct facts f = { .m.clients = (int64_t)facts->clients };
	OWNED_BUF out = BUF_INIT(METRICS_TEXT_MAX);
	const struct metric *row;
	struct error err;
	bool ok = metrics_collect(&facts->queue->spool, facts->config, time(NULL), &f.m, &err);

	if (!ok || !spool_can_lock(&facts->queue->spool, &err) ||
	    !spool_has_room(&facts->queue->spool, &err)) {
		text_make_printable(err.text);
		buf_addf(&out, "problem %.290s\n", err.text);
	}
	for (size_t i = 0; (row = metrics_row(i)); i++)
		buf_addf(&out, "%s %" PRId64 "\n", row->name, metric_value(row, &f.m));
	name_user(self_user(), f.user);
	name_user(facts->door_uid, f.door_user);
	buf_addf(&out, "user %s\ndoor_user %s\nconfined %s\nblind %d\noutdated %d\n", f.user,
		 f.door_user, facts->confined, facts->is_blind, settings_have_changed(facts));
	tell_places(&facts->config->daemon, &out);
	for (size_t i = 0; i < f.m.count; i++) {
		const struct metrics_account *a = &f.m.accounts[i];

		buf_addf(&out, "account %s %" PRId64 " %" PRId64 " %" PRId64 " %s\n", a->name,
			 a->left_minute, a->left_hour, a->paused_until, a->why);
	}
	/*
	 * Without it an answer that was cut off would look like one with fewer
	 * accounts.
	 */
	buf_add(&out, "end\n");
	(void)write_patiently(client, buf_text(&out), out.len, PATIENCE * 1000);
}

/* --- the other side reads */

static void read_account(const char *rest, struct metrics *m)
{
	struct metrics_account *a = &m->accounts[m->count];
	int used = 0;

	if (m->count == METRICS_ACCOUNTS_MAX ||
	    sscanf(rest, "%127s %" SCNd64 " %" SCNd64 " %" SCNd64 " %n", a->name,
		   &a->left_minute, &a->left_hour, &a->paused_until, &used) != 4)
		return;
	snprintf(a->why, sizeof(a->why), "%s", rest + used);
	m->count++;
}

static void add_place(const char *address, struct facts *f)
{
	size_t used = strlen(f->listen);

	snprintf(f->listen + used, sizeof(f->listen) - used, " %s", address);
}

static void read_line(const char *line, struct facts *f)
{
	const struct metric *row;
	const char *rest;

	for (size_t i = 0; (row = metrics_row(i)); i++) {
		size_t len = strlen(row->name);

		if (!strncmp(line, row->name, len) && line[len] == ' ')
			*(int64_t *)((char *)&f->m + row->place) =
				strtoll(line + len + 1, NULL, 10);
	}
	if ((rest = text_after(line, "problem ")))
		snprintf(f->problem, sizeof(f->problem), "%s", rest);
	else if ((rest = text_after(line, "blind ")))
		f->is_blind = *rest == '1';
	else if ((rest = text_after(line, "outdated ")))
		f->is_outdated = *rest == '1';
	else if ((rest = text_after(line, "user ")))
		snprintf(f->user, sizeof(f->user), "%s", rest);
	else if ((rest = text_after(line, "door_user ")))
		snprintf(f->door_user, sizeof(f->door_user), "%s", rest);
	else if ((rest = text_after(line, "confined ")))
		snprintf(f->confined, sizeof(f->confined), "%s", rest);
	else if ((rest = text_after(line, "account ")))
		read_account(rest, &f->m);
	else if ((rest = text_after(line, "listen ")))
		add_place(rest, f);
	else if (!strcmp(line, "no-socket"))
		f->has_no_socket = true;
}

static bool ask(int fd, struct facts *f, struct error *err)
{
	int64_t deadline = clock_after(PATIENCE);
	char line[HANDOVER_LINE_MAX];

	if (write_patiently(fd, "STATUS\n", 7, PATIENCE * 1000))
		while (handover_read_line(fd, line, (clock_left(deadline) + 999) / 1000)) {
			if (!strcmp(line, "end"))
				return true;
			/* Whoever answers there, it goes to a terminal. */
			text_make_printable(line);
			read_line(line, f);
		}
	return error_set(err, ERROR_LATER, "the daemon does not answer");
}

/* --- and shows */

static void show_json(const struct facts *f, const char *refusal, const char *problem, FILE *out)
{
	struct json j = { .out = out };
	const struct metric *row;

	json_object(&j, NULL);
	for (size_t i = 0; (row = metrics_row(i)); i++)
		json_number(&j, row->name, metric_value(row, &f->m));
	json_array(&j, "accounts");
	for (size_t i = 0; i < f->m.count; i++) {
		const struct metrics_account *a = &f->m.accounts[i];

		json_object(&j, NULL);
		json_text(&j, "name", a->name);
		for (size_t k = 0; (row = metrics_account_row(k)); k++)
			if (metric_value(row, a) >= 0)
				json_number(&j, row->name, metric_value(row, a));
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
	json_bool(&j, "settings_changed", f->is_outdated);
	json_text(&j, "settings_problem", refusal);
	json_array(&j, "doors");
	for (size_t i = 0; i < f->bells.count; i++) {
		const struct doorbell *bell = &f->bells.list[i];

		json_object(&j, NULL);
		json_text(&j, "at", bell->where);
		json_bool(&j, "answers", bell->is_answered);
		json_text(&j, "why", bell->why.kind ? bell->why.text : NULL);
		json_end(&j);
	}
	json_end(&j);
	json_text(&j, "problem", problem);
	json_end(&j);
}

/* With no more than this the file of a collector says that there is nobody. */
static void print_up(bool is_up, struct buf *text)
{
	buf_addf(text, "# HELP acsmtp_up Whether the daemon answers and can keep mail.\n"
		 "# TYPE acsmtp_up gauge\nacsmtp_up %d\n", is_up);
}

static void show_prometheus(const struct facts *f, bool is_refused, FILE *out)
{
	OWNED_BUF text = BUF_INIT(METRICS_TEXT_MAX);

	print_up(!*f->problem, &text);
	metrics_print(&f->m, &text);
	buf_addf(&text, "# HELP acsmtp_settings_valid Whether a start would take the settings.\n"
		 "# TYPE acsmtp_settings_valid gauge\nacsmtp_settings_valid %d\n", !is_refused);
	if (f->bells.count > 0)
		buf_add(&text, "# HELP acsmtp_door_up Whether clients are served there.\n"
			"# TYPE acsmtp_door_up gauge\n");
	for (size_t i = 0; i < f->bells.count; i++)
		if (!strpbrk(f->bells.list[i].where, "\"\\"))
			buf_addf(&text, "acsmtp_door_up{at=\"%s\"} %d\n", f->bells.list[i].where,
				 f->bells.list[i].is_answered);
	fputs(buf_text(&text), out);
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

/* Those where nobody serves are what the error is about. */
static void show_doors(const struct doorbells *bells, FILE *out)
{
	for (size_t i = 0; i < bells->count; i++) {
		const struct doorbell *bell = &bells->list[i];

		if (bell->is_answered && bell->why.kind)
			fprintf(out, _("clients are served at %s, but not this one: %s\n"), bell->where,
				error_words(&bell->why));
		else if (bell->is_answered)
			fprintf(out, _("clients are served at %s\n"), bell->where);
	}
}

static void show_words(const struct facts *f, bool is_refused, FILE *out)
{
	char when[MOMENT_SIZE];

	fprintf(out, _("%lld messages wait, %lld of them are due; %lld are held, %lld failed\n"),
		(long long)f->m.waiting, (long long)f->m.due, (long long)f->m.held,
		(long long)f->m.failed);
	if (f->m.oldest) {
		fprintf(out, _("the oldest came on %s\n"), moment(f->m.oldest, when));
	}
	if (f->m.last_success) {
		fprintf(out, _("a message was accepted last on %s\n"),
			moment(f->m.last_success, when));
	}
	for (size_t i = 0; i < f->m.count; i++) {
		const struct metrics_account *a = &f->m.accounts[i];

		fprintf(out, _("account %s"), a->name);
		if (a->left_minute >= 0)
			fprintf(out, _(", %ld messages left this minute"), (long)a->left_minute);
		if (a->left_hour >= 0)
			fprintf(out, _(", %ld messages left this hour"), (long)a->left_hour);
		if (a->paused_until)
			fprintf(out, _(", waits until %s: %s"), moment(a->paused_until, when), tr(a->why));
		fputc('\n', out);
	}
	fprintf(out, tr_n("%lld client\n", "%lld clients\n", (unsigned long)f->m.clients),
		(long long)f->m.clients);
	show_doors(&f->bells, out);
	if (strcmp(f->user, f->door_user) != 0)
		fprintf(out, _("the queue is kept by %s, clients are served by %s\n"), f->user,
			f->door_user);
	else
		fprintf(out, _("both the queue and the clients are served by %s\n"), f->user);
	fprintf(out, _("sessions are confined by: %s\n"),
		*f->confined ? f->confined : _("nothing"));
	if (f->is_outdated && !is_refused)
		fputs(_("the settings have changed since it has read them; `acsmtp daemon reload` lets "
			"it read them again\n"), out);
	if (f->is_blind)
		fputs(_("users cannot be told apart here: all but one are taken for nobody\n"), out);
}

static bool judge(const struct facts *f, struct error *err)
{
	if (*f->problem)
		return error_set(err, ERROR_LATER, "the daemon cannot keep mail: %s", f->problem);
	return doorbells_are_answered(&f->bells, err);
}

static void show_facts(const struct facts *f, enum status_format format, const char *refusal,
		       const char *problem, FILE *out)
{
	if (format == STATUS_JSON)
		show_json(f, refusal, problem, out);
	else if (format == STATUS_PROMETHEUS)
		show_prometheus(f, refusal != NULL, out);
	else
		show_words(f, refusal != NULL, out);
}

void status_show_absence(enum status_format format, const struct error *why, FILE *out)
{
	struct json j = { .out = out };
	OWNED_BUF text = BUF_INIT(METRICS_TEXT_MAX);

	if (format == STATUS_JSON) {
		json_object(&j, NULL);
		json_text(&j, "problem", why->text);
		json_end(&j);
	} else if (format == STATUS_PROMETHEUS) {
		print_up(false, &text);
		fputs(buf_text(&text), out);
	}
}

bool status_show(const struct status_place *place, enum status_format format, FILE *out,
		 struct error *err)
{
	struct facts *f = xcalloc(1, sizeof(*f));
	bool ok = ask(place->keeper, f, err);

	if (ok) {
		doorbells_ring(&f->bells, place->settings, f->has_no_socket ? NULL : place->door,
			       f->listen);
		ok = judge(f, err);
		show_facts(f, format, place->refusal, ok ? NULL : err->text, out);
	} else {
		status_show_absence(format, err, out);
	}
	free(f);
	return ok;
}
