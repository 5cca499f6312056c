/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `acsmtp queue show`: all that is known of one message, in words. */
#include "queue/flags.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "base/text.h"
#include "talk/say.h"
#include "queue/commands.h"
#include "queue/facts.h"

/* --- the message itself, with LF line ends */

/* A terminal obeys control characters, so it gets none; a line is shown in pieces. */
static void print_line_harmlessly(struct buf *line)
{
	char *at = line->text, *tab;

	for (; at && (tab = strchr(at, '\t')); at = tab + 1) {
		*tab = '\0';
		text_make_printable(at);
		fputs(at, stdout);
		putchar('\t');
	}
	if (at) {
		text_make_printable(at);
		fputs(at, stdout);
	}
	buf_clear(line);
}

static void print_byte(struct buf *line, bool is_terminal, char c)
{
	if (c == '\r')
		return;		/* only ever before LF */
	if (!is_terminal || c == '\n') {
		print_line_harmlessly(line);
		putchar(c);
		return;
	}
	buf_add_char(line, c ? c : '?');
	/* Not within a character. */
	if (line->len > line->limit / 2 && (c & 0x80) == 0)
		print_line_harmlessly(line);
}

struct printer {
	struct buf line;
	bool is_terminal;
	bool has_begun, until_empty_line, is_start;
};

static bool print_bytes(void *taker, const char *bytes, size_t len)
{
	struct printer *p = taker;

	if (!p->has_begun)
		putchar('\n');
	p->has_begun = true;
	for (size_t i = 0; i < len; i++) {
		if (p->until_empty_line && p->is_start && bytes[i] == '\n')
			return false;
		if (bytes[i] != '\r')
			p->is_start = bytes[i] == '\n';
		print_byte(&p->line, p->is_terminal, bytes[i]);
	}
	return true;
}

/*
 * As it would be sent now; of a damaged one as much as there is, up to the empty line if
 * only the header is wanted.
 */
static bool print_message(const struct queue_view *v, const struct queue_look *look,
			  const struct queue_flags *flags, bool is_damaged, struct error *err)
{
	struct printer p = {
		.line = BUF_INIT(64 * 1024),
		.is_terminal = isatty(STDOUT_FILENO),
		.until_empty_line = is_damaged && !flags->message,
	};
	enum queue_part part = is_damaged ? PART_REMAINS :
			       flags->message ? PART_MESSAGE : PART_HEADER;
	bool ok;

	ok = v->queue.does->read(&v->queue, look, part, print_bytes, &p, err);
	print_line_harmlessly(&p.line);
	buf_free(&p.line);
	return ok;
}

/* --- the command */

static bool show(const struct queue_view *v, const struct queue_rows *rows,
		 const struct queue_flags *flags, struct error *err)
{
	struct json j = { .out = flags->json ? stdout : NULL };
	OWNED_LOOK look = { 0 };
	struct error unheard;

	if (rows->count > 1) {
		error_set(err, ERROR_USAGE, "%zu messages fit", rows->count);
		return error_advise(err, "give the id of one; `queue list` has them all");
	}
	v->queue.does->look(&v->queue, &rows->items[0], &look);
	if (look.taken == TAKEN_GONE)
		return error_set(err, ERROR_UNAVAILABLE, "%s has gone", look.entry.id);
	if (look.taken == TAKEN_ERROR) {
		*err = look.err;
		return false;
	}
	if (flags->json)
		language_leave();
	facts_tell(&j, &look, &v->config);
	if (!flags->message && !flags->header)
		return true;
	if (!queue_look_is_whole(&look))
		*err = look.err;
	else if (print_message(v, &look, flags, false, err))
		return true;
	if (err->kind == ERROR_DATA || err->kind == ERROR_UNAVAILABLE)
		(void)print_message(v, &look, flags, true, &unheard);
	return false;
}

static int run_show(struct command_call *call)
{
	struct queue_flags flags = { .config = NULL };
	OWNED_VIEW view = QUEUE_VIEW_NONE;
	OWNED_ROWS rows = { 0 };
	struct error err;
	int status;

	if (!queue_begin(call, &flags, &view, &rows, &status) || rows.count == 0)
		return status;
	if (flags.json && (flags.message || flags.header)) {
		error_set(&err, ERROR_USAGE, "--json does not hold the message itself");
		error_advise(&err, "leave out --json, or --message and --header");
		return say_error(&err);
	}
	if (!show(&view, &rows, &flags, &err))
		return say_error(&err);
	return say_finish();
}

static const struct flag show_flags[] = {
	{ "header", FLAG_SWITCH, QUEUE_FLAG_IN(header), NULL, N_("and the header of the message") },
	{ "message", FLAG_SWITCH, QUEUE_FLAG_IN(message), NULL, N_("and the whole message") },
	{ "failed", FLAG_SWITCH, QUEUE_FLAG_IN(pick.failed), NULL,
	  N_("one that has failed, by a pattern") },
	QUEUE_FLAGS_COMMON,
	{ .name = NULL },
};
const struct command queue_show_command = {
	.word = "queue", .sub = "show", .arguments = "ID|PATTERN", .least = 1, .most = 1,
	.help = N_("all that is known of one message"), .flags = show_flags, .run = run_show,
};
