/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A letter is alone (-t), takes a value attached or detached (-f A, -fA), or takes an
 * attached value that may be missing (-d). A row's spelling may go into the value
 * (-bp, -odi): the first row that is a prefix of letter and value wins, so "bp" stands
 * before "b", and whatever a value begins with that no row knows ends at "b" itself.
 */
#include "sendmail/options.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/language.h"
#include "base/text.h"
#include "sendmail/option_apply.h"
#include "sendmail/options_msmtp.h"

static apply_fn apply_long_name, apply_letter;

#define IN(field)	offsetof(struct options, field)
static const struct option table[] = {
	{ "-account",	VALUE, set_text, IN(account), "ACCOUNT", N_("account to send through") },
	{ "-debug",	ATTACHED, apply_letter, 'v', "on|off", N_("the same as -v, as with msmtp") },
	{ "-dry-run",	ALONE, set_mode, MODE_DRY_RUN, NULL,
	  N_("show account, envelope and message; contact nobody") },
	{ "-dsn-notify", VALUE, apply_letter, 'N', "LIST", N_("the same as -N, as with msmtp") },
	{ "-dsn-return", VALUE, apply_letter, 'R', "HOW", N_("the same as -R, as with msmtp") },
	{ "-file",	VALUE, apply_letter, 'C', "FILE", N_("the same as -C, as with msmtp") },
	{ "-from",	VALUE, apply_letter, 'f', "ADDRESS", N_("the same as -f, as with msmtp") },
	{ "-from-full-name", VALUE, apply_letter, 'F', "NAME", N_("the same as -F, as with msmtp") },
	{ "-help",	ALONE, set_mode, MODE_HELP, NULL, N_("this text") },
	{ "-json",	ALONE, not_yet, 0, NULL, N_("output for programs") },
	{ "-pretend",	ALONE, set_mode, MODE_DRY_RUN, NULL, N_("the same as --dry-run, as with msmtp") },
	{ "-read-envelope-from", ALONE, ignore, 0, NULL,
	  N_("ignored: without -f the author is the sender") },
	{ "-read-recipients", ALONE, apply_letter, 't', NULL, N_("the same as -t, as with msmtp") },
	{ "-version",	ALONE, set_mode, MODE_VERSION, NULL, N_("name and version") },
	{ "A",	VALUE,	  ignore, 0, "c|m", N_("ignored (which sendmail.cf)") },
	{ "a",	VALUE,	  set_text, IN(account), "ACCOUNT", N_("the same as --account") },
	{ "B",	VALUE,	  check_body_type, 0, "7BIT or 8BITMIME", N_("body type: a hint") },
	{ "ba",	VALUE,	  set_mode, MODE_SEND, NULL, N_("the same as -bm") },
	{ "bD",	VALUE,	  not_yet, 0, NULL, N_("the daemon, in the foreground") },
	{ "bd",	VALUE,	  not_yet, 0, NULL, N_("the daemon") },
	{ "bH",	VALUE,	  set_mode, MODE_NOTHING_KEPT, NULL, N_("forget host status: none is kept") },
	{ "bh",	VALUE,	  set_mode, MODE_NOTHING_KEPT, NULL, N_("show host status: none is kept") },
	{ "bi",	VALUE,	  set_mode, MODE_LOOK_AT_ALIASES, NULL, N_("check the file of aliases") },
	{ "bm",	VALUE,	  set_mode, MODE_SEND, NULL, N_("read a message and send it: the default") },
	{ "bP",	VALUE,	  set_mode, MODE_COUNT_QUEUE, NULL, N_("count the messages of the queue") },
	{ "bp",	VALUE,	  set_mode, MODE_LIST_QUEUE, NULL, N_("list the queue, as mailq does") },
	{ "bs",	VALUE,	  set_mode, MODE_SPEAK_SMTP, NULL, N_("SMTP on standard input and output") },
	{ "bt",	VALUE,	  refuse_address_test, 0, NULL, N_("refused: there is no such mode") },
	{ "bv",	VALUE,	  set_mode, MODE_LOOK_AT_RECIPIENTS, NULL,
	  N_("show where recipients would go; send nothing") },
	{ "b",	VALUE,	  refuse_value, 0, N_("a mode (a d D h H i m p P s t v)"),
	  N_("mode of operation") },
	{ "C",	LOOSE,	  set_text, IN(config_file), "FILE", N_("configuration file") },
	{ "c",	ALONE,	  ignore, 0, NULL, N_("ignored") },
	{ "D",	VALUE,	  ignore, 0, "FILE", N_("ignored (debugging)") },
	{ "d",	ATTACHED, ignore, 0, "LEVEL", N_("ignored (debugging)") },
	{ "E",	ALONE,	  ignore, 0, NULL, N_("ignored") },
	{ "ee",	VALUE,	  set_complaint, COMPLAIN_BY_MAIL_ALONE, NULL,
	  N_("the same as -em, and the exit status is 0") },
	{ "em",	VALUE,	  set_complaint, COMPLAIN_BY_MAIL, NULL,
	  N_("what is refused is kept, and reported by mail besides") },
	{ "ep",	VALUE,	  set_complaint, COMPLAIN_PRINT, NULL, N_("print errors: the default") },
	{ "eq",	VALUE,	  set_complaint, COMPLAIN_QUIETLY, NULL, N_("exit status only") },
	{ "ew",	VALUE,	  set_complaint, COMPLAIN_PRINT, NULL, N_("the same as -ep") },
	{ "e",	VALUE,	  set_no_complaint, 0, N_("an error mode (e m p q w)"), N_("error mode") },
	{ "F",	VALUE,	  set_text, IN(full_name), "NAME", N_("full name of the sender") },
	{ "f",	VALUE,	  set_sender, IN(sender), "ADDRESS", N_("envelope sender; <> is the null sender") },
	{ "G",	ALONE,	  set_flag, IN(no_repairs), NULL, N_("add no missing header fields") },
	{ "h",	VALUE,	  ignore, 0, "N", N_("ignored (hop count)") },
	{ "I",	ALONE,	  set_mode, MODE_LOOK_AT_ALIASES, NULL, N_("the same as -bi") },
	{ "i",	ALONE,	  set_flag, IN(dot_is_text), NULL, N_("a line with a lone dot is text") },
	{ "J",	ALONE,	  ignore, 0, NULL, N_("ignored") },
	{ "L",	VALUE,	  set_text, IN(log_tag), "TAG", N_("our name in the log") },
	{ "M",	VALUE,	  ignore, 0, "MACRO", N_("ignored") },
	{ "m",	ALONE,	  ignore, 0, NULL, N_("ignored (send to me too)") },
	{ "N",	VALUE,	  set_notify, IN(notify), N_("NEVER or a list of SUCCESS,FAILURE,DELAY"),
	  N_("delivery status notifications wanted") },
	{ "n",	ALONE,	  ignore, 0, NULL, N_("ignored (no aliases)") },
	{ "O",	VALUE,	  apply_long_name, 0, "NAME=VALUE", N_("option by its long name") },
	{ "odb", VALUE,	  set_delivery, DELIVER_IN_BACKGROUND, NULL,
	  N_("into the queue, and deliver in the background") },
	{ "odd", VALUE,	  set_delivery, DELIVER_LATER, NULL, N_("the same as -odq") },
	{ "odi", VALUE,	  set_delivery, DELIVER_NOW, NULL, N_("send while the caller waits") },
	{ "odq", VALUE,	  set_delivery, DELIVER_LATER, NULL, N_("into the queue alone") },
	{ "od",	VALUE,	  set_no_delivery, 0, N_("a delivery mode (b d i q)"), N_("delivery mode") },
	{ "oee", VALUE,	  set_complaint, COMPLAIN_BY_MAIL_ALONE, NULL, N_("the same as -ee") },
	{ "oem", VALUE,	  set_complaint, COMPLAIN_BY_MAIL, NULL, N_("the same as -em") },
	{ "oep", VALUE,	  set_complaint, COMPLAIN_PRINT, NULL, N_("the same as -ep") },
	{ "oeq", VALUE,	  set_complaint, COMPLAIN_QUIETLY, NULL, N_("the same as -eq") },
	{ "oew", VALUE,	  set_complaint, COMPLAIN_PRINT, NULL, N_("the same as -ew") },
	{ "oe",	VALUE,	  set_no_complaint, 0, N_("an error mode (e m p q w)"), N_("error mode") },
	{ "oi",	VALUE,	  set_switch, IN(dot_is_text), NULL, N_("the same as -i") },
	{ "ov",	VALUE,	  set_switch, IN(verbose), NULL, N_("the same as -v") },
	{ "o",	VALUE,	  ignore, 0, "X", N_("other options by letter: ignored") },
	{ "P",	ALONE,	  set_mode, MODE_DRY_RUN, NULL, N_("the same as --dry-run, as with msmtp") },
	{ "p",	VALUE,	  ignore, 0, "PROTOCOL", N_("ignored") },
	{ "Q",	ATTACHED, set_flag, IN(holds), "REASON",
	  N_("hold the message, or with -qI, -qR, -qS those of the queue; with -qQ release them") },
	{ "q!I", ATTACHED, select_messages, 0, "ID", N_("run all messages but these") },
	{ "q!R", ATTACHED, select_messages, 0, "RECIPIENT", N_("run all messages but to these") },
	{ "q!S", ATTACHED, select_messages, 0, "SENDER", N_("run all messages but from these") },
	{ "qG",	ATTACHED, select_group, 0, "GROUP", N_("the same as -q: there is one queue") },
	{ "qI",	ATTACHED, select_messages, 0, "ID", N_("run the messages with this in their id") },
	{ "qQ",	ATTACHED, select_held, 0, "REASON", N_("run the messages that are held") },
	{ "qR",	ATTACHED, select_messages, 0, "RECIPIENT", N_("run the messages to such recipients") },
	{ "qS",	ATTACHED, select_messages, 0, "SENDER", N_("run the messages from such senders") },
	{ "qf",	ATTACHED, run_queue_in_foreground, 0, N_("an interval such as 30m"),
	  N_("the same as -q, in the foreground") },
	{ "qp",	ATTACHED, run_queue, 0, N_("an interval such as 30m"), N_("the same as -q") },
	{ "q",	SPARSE,	  run_queue, 0, N_("an interval such as 30m, or I, R, S and a text"),
	  N_("run the queue once, or every so often") },
	{ "R",	VALUE,	  set_ret, IN(ret), "FULL or HDRS", N_("how much a notification returns") },
	{ "r",	VALUE,	  set_sender, IN(sender), "ADDRESS", N_("the same as -f") },
	{ "s",	ALONE,	  ignore, 0, NULL, N_("ignored (keep the From line)") },
	{ "T",	ATTACHED, ignore, 0, "TIME", N_("ignored") },
	{ "t",	ALONE,	  set_flag, IN(recipients_from_header), NULL,
	  N_("recipients from To, Cc and Bcc, besides those of the command line") },
	{ "U",	ALONE,	  ignore, 0, NULL, N_("ignored (initial submission)") },
	{ "V",	VALUE,	  set_envid, IN(envid), N_("an envelope id in xtext (RFC 3461)"),
	  N_("envelope id for notifications") },
	{ "v",	ALONE,	  set_flag, IN(verbose), NULL, N_("show the dialogue") },
	{ "X",	VALUE,	  set_text, IN(transcript), "FILE", N_("append the dialogue to FILE; - is standard output") },
	{ "x",	ALONE,	  ignore, 0, NULL, N_("ignored") },
};

/* -O NAME=VALUE: those that have a letter here; the rest is accepted. */
static const struct {
	const char *name, *letters;
} long_names[] = {
	{ "IgnoreDots", "oi" },
	{ "DeliveryMode", "od" },
	{ "ErrorMode", "oe" },
	{ "Verbose", "ov" },
};

/* The first row that is a prefix of the joined letter and value. */
static const struct option *find_row(const char *joined)
{
	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (table[i].spelling[0] != '-' &&
		    !strncmp(joined, table[i].spelling, strlen(table[i].spelling)))
			return &table[i];
	return NULL;
}

static const struct option *find_letter(char letter)
{
	const char spelling[] = { letter, '\0' };

	for (size_t i = 0; i < COUNT_OF(table); i++)
		if (!strcmp(table[i].spelling, spelling))
			return &table[i];
	return NULL;
}

/* `letters` and what follows them: the row takes the rest of the value. */
static bool apply_joined(struct options *o, const char *letters, const char *value,
			 struct error *err)
{
	char joined[16];
	const struct option *row;
	size_t len;

	/* Rows are short: as much of the value as could tell them apart. */
	snprintf(joined, sizeof(joined), "%s%s", letters, value);
	row = find_row(joined);
	assert(row);	/* the letters themselves have one */
	len = strlen(row->spelling) - strlen(letters);
	return row->apply(o, row, value + len, err);
}

/* A long option for a letter. msmtp has no words for "not at all" but "off". */
static bool apply_letter(struct options *o, const struct option *row, const char *value,
			 struct error *err)
{
	const char letter[] = { (char)row->place, '\0' };

	return (strchr("NRv", *letter) && text_is(value, "off")) ||
	       apply_joined(o, letter, value, err);
}

static bool apply_long_name(struct options *o, const struct option *row, const char *value,
			    struct error *err)
{
	const char *equals = strchr(value, '=');
	size_t len = equals ? (size_t)(equals - value) : strlen(value);

	(void)row;
	while (len > 0 && value[len - 1] == ' ')
		len--;
	for (size_t i = 0; i < COUNT_OF(long_names); i++) {
		if (!text_is_n(value, len, long_names[i].name))
			continue;
		value = equals ? equals + 1 : "";
		value += strspn(value, " ");
		return apply_joined(o, long_names[i].letters, value, err);
	}
	return true;
}

struct cursor {			/* argv, as far as it is read */
	int argc, at;
	char **argv;
};

static bool check_value(const char *spelling, const char *value, struct error *err)
{
	if (!text_has_control(value))
		return true;
	return error_set(err, ERROR_USAGE, "-%s: its value holds a line break or another "
			 "control character", spelling);
}

static bool take_value(struct cursor *c, const char *spelling, const char **value,
		       struct error *err)
{
	if (c->at == c->argc)
		return error_set(err, ERROR_USAGE, "-%s needs a value", spelling);
	*value = c->argv[c->at++];
	return true;
}

static const char *next_spelling(size_t i)
{
	return i < COUNT_OF(table) ? table[i].spelling : NULL;
}

/* --name, --name VALUE, --name=VALUE; `word` begins with the second dash. */
static bool parse_long(struct options *o, struct cursor *c, const char *word,
		       struct error *err)
{
	const char *equals = strchr(word, '='), *nearest;
	OWNED_TEXT name = text_copy_n(word, equals ? (size_t)(equals - word) : strlen(word));
	const char *value = equals ? equals + 1 : "";
	char shown[SHOWN_SIZE];

	for (size_t i = 0; i < COUNT_OF(table); i++) {
		const struct option *row = &table[i];

		if (strcmp(row->spelling, name) != 0)
			continue;
		if (row->takes == ALONE && equals)
			return error_set(err, ERROR_USAGE, "-%s takes no value", name);
		if (row->takes == VALUE && !equals &&
		    !take_value(c, row->spelling, &value, err))
			return false;
		return check_value(row->spelling, value, err) &&
		       row->apply(o, row, value, err);
	}
	if (msmtp_option_find(name + 1))
		return msmtp_option_apply(msmtp_option_find(name + 1), o,
					  equals ? value : NULL, err);
	nearest = text_nearest(name, next_spelling);
	text_show(name, shown);
	if (!nearest) {
		error_set(err, ERROR_USAGE, "unknown option -%s", shown);
		return error_advise(err, "--help lists the options");
	}
	return error_set(err, ERROR_USAGE, "unknown option -%s; did you mean -%s?", shown,
			 nearest);
}

/* An interval or a selection, which may be inverted. */
static bool is_for_queue(const char *word)
{
	return (*word >= '0' && *word <= '9') ||
	       (*(word += *word == '!') && strchr("IRSG", *word) && word[1]);
}

/* Whether a letter's value is the next word. */
static bool wants_next(const struct option *row, const char *attached,
		       const struct cursor *c)
{
	if (*attached || row->takes == ATTACHED)
		return false;
	if (row->takes == VALUE)
		return true;
	return c->at < c->argc && c->argv[c->at][0] != '-' &&
	       (row->takes == LOOSE || is_for_queue(c->argv[c->at]));
}

static bool refuse_letter(struct options *o, char letter, struct error *err)
{
	bool shows = letter > ' ' && letter <= '~';

	if (letter == 'S')
		return msmtp_option_apply(msmtp_option_find("serverinfo"), o, NULL, err);
	error_set(err, ERROR_USAGE, "unknown option -%c", shows ? letter : '?');
	return error_advise(err, "--help lists the options");
}

/* One word of letters: -t, -itv, -fA, -f A. */
static bool parse_letters(struct options *o, struct cursor *c, const char *word,
			  struct error *err)
{
	for (const char *at = word; *at; at++) {
		const struct option *row = find_letter(*at);
		const char letter[] = { *at, '\0' }, *value = at + 1;

		if (!row)
			return refuse_letter(o, *at, err);
		if (row->takes == ALONE) {
			if (!row->apply(o, row, "", err))
				return false;
			continue;
		}
		if (wants_next(row, value, c) && !take_value(c, letter, &value, err))
			return false;
		return check_value(letter, value, err) && apply_joined(o, letter, value, err);
	}
	return true;
}

bool options_parse(struct options *options, int argc, char **argv, struct error *err)
{
	struct cursor c = { .argc = argc, .at = 1, .argv = argv };

	while (c.at < argc && argv[c.at][0] == '-' && argv[c.at][1]) {
		const char *word = argv[c.at++] + 1;

		if (!strcmp(word, "-"))
			break;
		if (!(word[0] == '-' ? parse_long : parse_letters)(options, &c, word, err))
			return false;
	}
	options->recipients = argv + c.at;
	options->count = argc - c.at;
	for (int i = 0; i < options->count; i++)
		if (text_has_control(options->recipients[i]))
			return error_set(err, ERROR_USAGE, "recipient %d holds a line break or "
					 "another control character", i + 1);
	return true;
}

bool option_help(size_t i, struct option_help *row)
{
	if (i >= COUNT_OF(table))
		return false;
	row->spelling = table[i].spelling;
	row->value = table[i].takes == ALONE ? NULL : table[i].value;
	row->help = table[i].help;
	row->is_to_come = table[i].apply == not_yet;
	row->takes_next = row->value && (table[i].takes == VALUE || table[i].takes == LOOSE);
	return true;
}
