/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The widths are Postfix's but for the id's: ours have 16 characters, and what reads the
 * list goes by blanks.
 */
#include "sendmail/mailq.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "delivery/queue_view.h"
#include "talk/queue_words.h"
#include "talk/say.h"
#include "sendmail/run_queue.h"

enum {
	RECIPIENT_COLUMN = 47,	/* below the sender */
	REASON_END = 76,	/* a shorter reason ends there */
};

struct list {
	const struct options *options;
	struct queue_view view;
	uint64_t bytes;
	size_t count;
	size_t unlisted;	/* are there: they were not asked for, or cannot be read */
	bool is_for_monitor;
	int status;
};

/* --- monitors that take us for another mail server */

/*
 * Plugins of Nagios and its kin are written in Perl, and clear these two for its taint
 * mode. Most guess which server they ask, and one that guesses wrong reads a queue full
 * of mail as empty. So it gets lines of the others' too, which Postfix's readers pass
 * over.
 */
static bool is_plugin(void)
{
	const char *bash = getenv("BASH_ENV"), *sh = getenv("ENV");

	return bash && !*bash && sh && !*sh;
}

/*
 * One for both: nullmailer's begins with the date, and Exim's has an id of its own form.
 */
static void print_for_monitor(const struct queue_look *look)
{
	const struct entry *e = &look->entry;
	char stamp[CLOCK_DATE_SIZE];

	clock_rfc3339(e->arrived, stamp);
	printf("%.10s %.8s %" PRIu64 " bytes from <", stamp, stamp + sizeof("2026-11-24"),
	       entry_size(e));
	say_text(e->envelope.sender);
	printf("> %.6s-%.6s-%.2s \n", e->id, e->id + 6, e->id + 12);
}

/* Sendmail's. */
static void print_total_for_monitor(const struct list *l)
{
	printf("\t\tTotal Requests: %zu\n", l->count);
}

/* --- a message */

/* Postfix has no mark for what is damaged. */
static char mark_of(const struct queue_look *look)
{
	switch (words_state(look, 0)) {
	case STATE_SENDING:
		return '*';
	case STATE_HELD:
		return '!';
	case STATE_DAMAGED:
	case STATE_FOREIGN:
	case STATE_UNREADABLE:
		return '?';
	default:
		return ' ';
	}
}

static void print_message(const struct queue_look *look)
{
	const struct entry *e = &look->entry;
	char date[CLOCK_DATE_SIZE], day_and_time[CLOCK_DATE_SIZE];
	const char *sender = e->envelope.sender && *e->envelope.sender ? e->envelope.sender :
			     "MAILER-DAEMON";

	clock_date(e->arrived, date);
	clock_syslog(e->arrived, day_and_time);
	printf("%s%c %7" PRIu64 " %.3s %-16s ", e->id, mark_of(look), entry_size(e), date,
	       day_and_time);
	say_text(sender);
	putchar('\n');
}

static void print_recipient(const struct recipient *r)
{
	printf("%*s", RECIPIENT_COLUMN, "");
	say_text(r->mailbox);
	putchar('\n');
}

static void print_reason(const char *reason)
{
	size_t len = strlen(reason);

	printf("%*s(", len < REASON_END ? (int)(REASON_END - len) : 0, "");
	say_text(reason);
	puts(")");
}

/* Whose it is, where it is not for the reader to know anyway. */
static void print_user(const struct queue_look *look)
{
	OWNED_TEXT user = words_is_of_another(look) ? words_user(&look->entry) : NULL;
	OWNED_BUF text = BUF_INIT(ERROR_TEXT_MAX);

	if (!user)
		return;
	buf_addf(&text, "handed in by %s", user);
	print_reason(buf_text(&text));
}

/* What waits for a person, not for its time: what is wrong, and who was to get it. */
static void print_stranger(const struct queue_look *look)
{
	const struct envelope *e = &look->entry.envelope;
	OWNED_BUF text = BUF_INIT(2 * ERROR_TEXT_MAX);

	buf_addf(&text, "%s%s", look->place == SPOOL_DAMAGED ? "damaged: " : "",
		 look->err.text);
	print_reason(buf_text(&text));
	for (size_t i = 0; i < e->count; i++)
		print_recipient(&e->recipients[i]);
}

/* That of the message may be that of a recipient with the account in front. */
static bool is_said_again(const struct entry *e)
{
	bool is_said = false;

	for (size_t i = 0; e->why && i < e->envelope.count; i++) {
		const struct recipient *r = &e->envelope.recipients[i];

		if (!recipient_waits(r))
			continue;
		if (!r->why)
			return false;
		is_said = is_said || error_is_same(e->why, r->why);
	}
	return is_said;
}

/* A reason stands above its recipients, so those without one of their own come first. */
static void print_recipients(const struct entry *e)
{
	bool is_general = e->why && !is_said_again(e);
	const struct recipient *last = NULL;
	struct error why;

	if (is_general)
		print_reason(e->why->text);
	for (size_t i = 0; i < e->envelope.count; i++) {
		const struct recipient *r = &e->envelope.recipients[i];

		if (recipient_waits(r) && !r->why)
			print_recipient(r);
	}
	for (size_t i = 0; i < e->envelope.count; i++) {
		const struct recipient *r = &e->envelope.recipients[i];

		if (!recipient_waits(r) || !r->why)
			continue;
		recipient_reason(r, &why);
		if (last ? !recipient_reason_is_same(last, r) :
			   !is_general || strcmp(e->why->text, why.text) != 0)
			print_reason(why.text);
		print_recipient(r);
		last = r;
	}
}

static void list_row(struct list *l, const struct queue_row *row)
{
	OWNED_LOOK look = { 0 };

	l->view.queue.does->look(&l->view.queue, row, &look);
	if (look.taken == TAKEN_GONE)
		return;
	if (!queue_look_is_whole(&look) && look.place == SPOOL_QUEUE)
		(void)say_error(&look.err);
	if (look.taken == TAKEN_ERROR)
		l->status = EX_IOERR;
	if (look.taken == TAKEN_ERROR || !run_queue_selects(l->options, &look.entry) ||
	    (l->options->held_alone && !look.entry.is_held)) {
		l->unlisted++;
		return;
	}
	if (l->count++ == 0)
		puts("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------");
	print_message(&look);
	print_user(&look);
	if (look.is_afar && queue_has_two_places(&l->view.queue))
		print_reason("the daemon has it");
	if (queue_look_is_whole(&look) && look.place == SPOOL_QUEUE)
		print_recipients(&look.entry);
	else
		print_stranger(&look);
	if (l->is_for_monitor)
		print_for_monitor(&look);
	putchar('\n');
	l->bytes += entry_size(&look.entry);
}

static void list_rows(struct list *l, const struct queue_rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		list_row(l, &rows->items[i]);
	if (l->is_for_monitor)
		print_total_for_monitor(l);
	if (l->count + l->unlisted == 0)
		puts("Mail queue is empty");
	else
		printf("-- %" PRIu64 " Kbytes in %zu Request%s.\n", l->bytes / 1024,
		       l->count, l->count == 1 ? "" : "s");
}

/* As sendmail 8 has it. */
static void count_rows(const struct list *l, const struct queue_rows *rows)
{
	say_text(queue_name(&l->view.queue));
	if (rows->count == 0)
		puts(" is empty");
	else
		printf(": entries=%zu\n", rows->count);
	printf("\t\tTotal requests: %zu\n", rows->count);
}

static bool show(struct list *l, const struct options *options, struct error *err)
{
	const char *file = options->config_file;
	OWNED_ROWS rows = { 0 };

	if (options->count > 0)
		return error_set(err, ERROR_USAGE,
				 "the list of the queue takes no recipients");
	if (!queue_view_open(&l->view, file && *file ? file : NULL, err))
		return false;
	if (!l->view.queue.does->list(&l->view.queue, false, &rows, err))
		return false;
	if (rows.trouble.kind) {
		l->status = say_error(&rows.trouble);
	}
	if (queue_is_unattended(&l->view.queue, &rows, 0))
		say_aside("nobody works on what waits; `sendmail -q` sends it");
	if (options->mode == MODE_COUNT_QUEUE)
		count_rows(l, &rows);
	else
		list_rows(l, &rows);
	return say_end(err);
}

int mailq_show(const struct options *options)
{
	struct list l = { .options = options, .view = QUEUE_VIEW_NONE,
			  .is_for_monitor = is_plugin() };
	struct error err;

	if (!show(&l, options, &err))
		l.status = say_error(&err);
	queue_view_close(&l.view);
	return l.status;
}
