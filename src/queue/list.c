/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `acsmtp queue list`: a line for each message, and what keeps whole accounts waiting. */
#include "queue/flags.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "base/language.h"
#include "base/text.h"
#include "talk/queue_words.h"
#include "talk/say.h"
#include "talk/terminal.h"
#include "queue/commands.h"
#include "queue/facts.h"

enum {
	RECIPIENTS_SHOWN = 2,	/* in the line of a message */
	LINE_MAX_BYTES = 16 * 1024,
	WIDTH_LEAST = 20,	/* columns that a reason is worth */
	AGE_WIDTH = 7,
};

struct listing {
	const struct queue_view *view;
	struct json json;	/* nothing is written without --json */
	bool has_colours;
	size_t columns;
	time_t now;
	struct throttle_view *accounts;	/* of the configuration; NULL: there is no queue */
	size_t count, held, sending, untold;
	uint64_t bytes;
	int status;
};

/* --- a message */

/* Of a message that waits, those who wait: the others have it, or were told why not. */
static void add_recipients(struct buf *line, const struct queue_look *look)
{
	const struct envelope *e = &look->entry.envelope;
	bool wait_alone = look->place == SPOOL_QUEUE && queue_look_is_whole(look);
	size_t shown = 0, more = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		if (wait_alone && !recipient_waits(r))
			continue;
		if (shown == RECIPIENTS_SHOWN) {
			more++;
			continue;
		}
		buf_add(line, shown++ ? ", " : " ");
		words_add(line, r->mailbox);
	}
	if (more)
		buf_addf(line, _(" and %zu more"), more);
}

static void add_figures(struct buf *line, const struct listing *l, const struct entry *e)
{
	char age[WORDS_SIZE], size[WORDS_SIZE];
	int width = (int)language_width(words_span(l->now - e->arrived, age));

	buf_addf(line, "%*s%s  %9s  ", width < AGE_WIDTH ? AGE_WIDTH - width : 0, "", age,
		 words_size(entry_size(e), size));
	words_add(line, e->account);
	buf_add(line, "  ");
}

static void add_user(struct buf *line, const struct queue_look *look)
{
	OWNED_TEXT user = words_is_of_another(look) ? words_user(&look->entry) : NULL;

	if (user) {
		words_add(line, user);
		buf_add(line, "  ");
	}
}

static void add_facts(struct buf *line, const struct listing *l,
		      const struct queue_look *look)
{
	const struct entry *e = &look->entry;

	buf_addf(line, "%s  ", e->id);
	if (queue_has_two_places(&l->view->queue))
		buf_addf(line, "%s  ", look->is_afar ? _("with the daemon") : _("here"));
	if (queue_look_is_whole(look)) {
		add_figures(line, l, e);
		add_user(line, look);
	} else if (!e->envelope.sender) {
		return;
	}
	words_add(line, *e->envelope.sender ? e->envelope.sender : "<>");
	buf_add(line, " ->");
	add_recipients(line, look);
	buf_add(line, ": ");
}

static void add_rest(struct buf *line, const struct queue_look *look)
{
	const struct entry *e = &look->entry;
	bool is_whole = queue_look_is_whole(look);
	struct error why = look->err;
	bool has_reason = !is_whole || look->place == SPOOL_DAMAGED || entry_reason(e, &why);

	if (is_whole && e->attempts)
		buf_addf(line, tr_n(", %u try", ", %u tries", e->attempts), e->attempts);
	if (!has_reason)
		return;
	buf_add(line, ": ");
	words_add(line, error_words(&why));
}

static enum colour colour_of(enum queue_state state)
{
	switch (state) {
	case STATE_HELD:
		return COLOUR_YELLOW;
	case STATE_SENDING:
		return COLOUR_GREEN;
	case STATE_FAILED:
	case STATE_DAMAGED:
	case STATE_FOREIGN:
	case STATE_UNREADABLE:
		return COLOUR_RED;
	case STATE_DUE:
	case STATE_WAITING:
		break;
	}
	return COLOUR_NONE;
}

/* True: the account may not send now. */
static bool is_kept_waiting(const struct throttle_view *t, time_t now)
{
	return t->paused_until > now ||
	       (t->share_minute && t->used_minute >= t->share_minute) ||
	       (t->share_hour && t->used_hour >= t->share_hour);
}

static bool waits_for_account(const struct listing *l, const struct entry *e)
{
	const struct config *config = &l->view->config;

	for (size_t i = 0; l->accounts && i < config->count; i++)
		if (text_is(config->accounts[i].name, e->account))
			return is_kept_waiting(&l->accounts[i], l->now);
	return false;
}

/* What is due, and yet not tried, as its account waits, is said to wait for that. */
static const char *state_in_list(const struct listing *l, const struct queue_look *look,
				 char words[WORDS_SIZE])
{
	if (words_state(look, l->now) == STATE_DUE && !look->entry.is_in_doubt &&
	    waits_for_account(l, &look->entry))
		return _("waits for its account");
	return words_state_text(look, l->now, words);
}

/* On a terminal the reason ends where the line does: a line for each message. */
static void print_line(const struct listing *l, const struct queue_look *look)
{
	OWNED_BUF facts = BUF_INIT(LINE_MAX_BYTES), rest = BUF_INIT(LINE_MAX_BYTES);
	char words[WORDS_SIZE];
	const char *state = state_in_list(l, look, words), *text, *start;
	size_t used, len;

	add_facts(&facts, l, look);
	add_rest(&rest, look);
	text = buf_text(&rest);
	used = language_width(buf_text(&facts)) + language_width(state);
	len = l->columns > used + WIDTH_LEAST ? language_cut(text, l->columns - used) :
	      strlen(text);
	start = terminal_colour(l->has_colours, colour_of(words_state(look, l->now)));
	printf("%s%s%s%s%.*s\n", buf_text(&facts), start, state,
	       terminal_colour(l->has_colours, COLOUR_NONE), (int)len, text);
}

static void list_row(struct listing *l, const struct queue_row *row)
{
	OWNED_LOOK look = { 0 };

	l->view->queue.does->look(&l->view->queue, row, &look);
	if (look.taken == TAKEN_GONE)
		return;
	if (look.taken == TAKEN_ERROR)
		l->status = EX_IOERR;
	l->count++;
	l->held += words_state(&look, l->now) == STATE_HELD;
	l->sending += look.taken == TAKEN_BUSY;
	l->untold += look.place == SPOOL_FAILED && entry_is_untold(&look.entry);
	l->bytes += queue_look_is_whole(&look) ? entry_size(&look.entry) : 0;
	if (l->json.out)
		facts_tell(&l->json, &look, &l->view->config);
	else
		print_line(l, &look);
}

/* --- all of it */

/* "Empty" is said of what is empty alone, whatever was asked for. */
static const char *summary_of_none(const struct pick *pick, const struct queue_rows *rows)
{
	enum spool_place place = pick->damaged ? SPOOL_DAMAGED :
				 pick->failed ? SPOOL_FAILED : SPOOL_QUEUE;

	if (rows->found[place] > 0)
		return _("no message fits: ");
	return pick->damaged ? _("no message is damaged: ") :
	       pick->failed ? _("no message has failed: ") : _("the queue is empty: ");
}

static void print_count(const struct pick *pick, size_t count, const char *size)
{
	if (pick->damaged)
		printf(tr_n("%zu damaged message, %s", "%zu damaged messages, %s", count),
		       count, size);
	else if (pick->failed)
		printf(tr_n("%zu failed message, %s", "%zu failed messages, %s", count), count,
		       size);
	else
		printf(tr_n("%zu message, %s", "%zu messages, %s", count), count, size);
}

static void print_summary(const struct listing *l, const struct pick *pick,
			  const struct queue_rows *rows)
{
	char size[WORDS_SIZE];
	bool is_about_waiting = !pick->failed && !pick->damaged;

	if (l->count == 0) {
		fputs(summary_of_none(pick, rows), stdout);
	} else {
		print_count(pick, l->count, words_size(l->bytes, size));
		if (l->held && is_about_waiting)
			printf(_(", %zu held"), l->held);
		if (l->sending)
			printf(_(", %zu being sent"), l->sending);
		if (l->untold)
			printf(_(", %zu of which nobody was told"), l->untold);
		fputs(_(" in "), stdout);
	}
	say_text(queue_name(&l->view->queue));
	putchar('\n');
	if (rows->found[SPOOL_FAILED] && is_about_waiting)
		printf(_("%zu failed: `acsmtp queue list --failed` tells why\n"),
		       rows->found[SPOOL_FAILED]);
	if (rows->found[SPOOL_DAMAGED] && !pick->damaged)
		printf(_("%zu damaged: `acsmtp queue list --damaged` tells more\n"),
		       rows->found[SPOOL_DAMAGED]);
}

static void print_account(const struct listing *l, const struct account *account,
			  const struct throttle_view *t)
{
	char span[WORDS_SIZE], date[CLOCK_DATE_SIZE];

	fputs(terminal_colour(l->has_colours, COLOUR_YELLOW), stdout);
	printf(_("account %s: "), account->name);
	if (t->paused_until > l->now) {
		clock_date(t->paused_until, date);
		words_span(t->paused_until - l->now, span);
		printf(_("paused for %s, until %s: "), span, date);
		say_text(tr(t->why));
	} else if (t->share_minute && t->used_minute >= t->share_minute) {
		printf(_("%ld attempts in a minute are what its quota allows; it waits for "
		       "the next"), t->share_minute);
	} else {
		printf(_("%ld attempts in an hour are what its quota allows; it waits for "
		       "the next"), t->share_hour);
	}
	printf("%s\n", terminal_colour(l->has_colours, COLOUR_NONE));
}

/* Each account, whether it waits or not: a program asks for how much is left, too. */
static void account_json(struct listing *l, const struct account *account,
			 const struct throttle_view *t)
{
	json_object(&l->json, NULL);
	json_text(&l->json, "name", account->name);
	json_number(&l->json, "paused_until", t->paused_until);
	json_text(&l->json, "reason", t->why);
	json_number(&l->json, "failures", t->failures);
	json_number(&l->json, "used_minute", t->used_minute);
	json_number(&l->json, "used_hour", t->used_hour);
	json_number(&l->json, "share_minute", t->share_minute);
	json_number(&l->json, "share_hour", t->share_hour);
	json_end(&l->json);
}

static void look_at_accounts(struct listing *l)
{
	const struct queue *queue = &l->view->queue;
	const struct config *config = &l->view->config;

	if (!queue->is_on)
		return;
	l->accounts = xcalloc(config->count, sizeof(*l->accounts));
	for (size_t i = 0; i < config->count; i++)
		queue->does->look_at_account(queue, &config->accounts[i], l->now,
					     &l->accounts[i]);
}

static void list_accounts(struct listing *l)
{
	const struct config *config = &l->view->config;

	for (size_t i = 0; l->accounts && i < config->count; i++) {
		if (l->json.out)
			account_json(l, &config->accounts[i], &l->accounts[i]);
		else if (is_kept_waiting(&l->accounts[i], l->now))
			print_account(l, &config->accounts[i], &l->accounts[i]);
	}
}

static const char unattended[] =
	N_("nobody works on what waits: `acsmtp queue run` sends what is due\n");

static int run_list(struct command_call *call)
{
	struct queue_flags flags = { .config = NULL };
	OWNED_VIEW view = QUEUE_VIEW_NONE;
	OWNED_ROWS rows = { 0 };
	struct listing l = { .view = &view, .now = time(NULL) };
	bool is_unattended;
	int status;

	if (!queue_begin(call, &flags, &view, &rows, &status))
		return status;
	l.status = status;
	is_unattended = queue_is_unattended(&view.queue, &rows, 0);
	l.has_colours = terminal_has_colours(stdout);
	l.columns = terminal_columns(stdout);
	l.json.out = flags.json ? stdout : NULL;
	if (flags.json)
		language_leave();
	look_at_accounts(&l);
	json_object(&l.json, NULL);
	json_text(&l.json, "spool", queue_name(&view.queue));
	json_array(&l.json, "messages");
	for (size_t i = 0; i < rows.count; i++)
		list_row(&l, &rows.items[i]);
	json_end(&l.json);
	json_array(&l.json, "accounts");
	list_accounts(&l);
	json_end(&l.json);
	json_number(&l.json, "count", (int64_t)l.count);
	json_number(&l.json, "bytes", (int64_t)l.bytes);
	json_bool(&l.json, "unattended", is_unattended);
	json_number(&l.json, "failed", (int64_t)rows.found[SPOOL_FAILED]);
	json_number(&l.json, "damaged", (int64_t)rows.found[SPOOL_DAMAGED]);
	json_end(&l.json);
	if (!flags.json)
		print_summary(&l, &flags.pick, &rows);
	if (!flags.json && is_unattended)
		fputs(_(unattended), stdout);
	free(l.accounts);
	status = say_finish();
	return status ? status : l.status;
}

static const struct flag list_flags[] = {
	QUEUE_FLAGS_FILTERS,
	QUEUE_FLAGS_COMMON,
	{ .name = NULL },
};
const struct command queue_list_command = {
	.word = "queue", .sub = "list", .arguments = "[ID|PATTERN...]", .most = ARGUMENTS_ANY,
	.help = N_("messages that wait, or have failed"), .flags = list_flags, .run = run_list,
};
