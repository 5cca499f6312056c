/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A letter is alone (-t), takes a value attached or detached (-f A, -fA), or takes an
 * attached value that may be missing (-d). A row's spelling may go into the value
 * (-bp, -odi): the first row that is a prefix of letter and value wins, so "bp" stands
 * before "b", and whatever a value begins with that no row knows ends at "b" itself.
 */
#include "sendmail/option_table.h"

#include "base/base.h"
#include "base/language.h"
#include "sendmail/options.h"

#define IN(field)	offsetof(struct options, field)
static const struct option table[] = {
	{ "-account", VALUE, TEXT, IN(account), "ACCOUNT", N_("account to send through") },
	{ "-debug", ATTACHED, AS_LETTER, 'v', "on|off", N_("the same as -v, as with msmtp") },
	{ "-dry-run", ALONE, MODE, MODE_DRY_RUN, NULL,
	  N_("show account, envelope and message; contact nobody") },
	{ "-dsn-notify", VALUE, AS_LETTER, 'N', "LIST", N_("the same as -N, as with msmtp") },
	{ "-dsn-return", VALUE, AS_LETTER, 'R', "HOW", N_("the same as -R, as with msmtp") },
	{ "-file", VALUE, AS_LETTER, 'C', "FILE", N_("the same as -C, as with msmtp") },
	{ "-from", VALUE, AS_LETTER, 'f', "ADDRESS", N_("the same as -f, as with msmtp") },
	{ "-from-full-name", VALUE, AS_LETTER, 'F', "NAME", N_("the same as -F, as with msmtp") },
	{ "-help", ALONE, MODE, MODE_HELP, NULL, N_("this text") },
	{ "-json", ALONE, TO_COME, 0, NULL, N_("output for programs") },
	{ "-pretend", ALONE, MODE, MODE_DRY_RUN, NULL, N_("the same as --dry-run, as with msmtp") },
	{ "-read-envelope-from", ALONE, IGNORED, 0, NULL,
	  N_("ignored: without -f the author is the sender") },
	{ "-read-recipients", ALONE, AS_LETTER, 't', NULL, N_("the same as -t, as with msmtp") },
	{ "-version", ALONE, MODE, MODE_VERSION, NULL, N_("name and version") },
	{ "A", VALUE, IGNORED, 0, "c|m", N_("ignored (which sendmail.cf)") },
	{ "a", VALUE, TEXT, IN(account), "ACCOUNT", N_("the same as --account") },
	{ "B", VALUE, BODY_TYPE, 0, "7BIT or 8BITMIME", N_("body type: a hint") },
	{ "ba", VALUE, MODE, MODE_SEND, NULL, N_("the same as -bm") },
	{ "bD", VALUE, MODE, MODE_DAEMON, NULL, N_("the same as `acsmtp daemon`") },
	{ "bd", VALUE, MODE, MODE_DAEMON_APART, NULL, N_("the same, in the background") },
	{ "bH", VALUE, MODE, MODE_NOTHING_KEPT, NULL, N_("forget host status: none is kept") },
	{ "bh", VALUE, MODE, MODE_NOTHING_KEPT, NULL, N_("show host status: none is kept") },
	{ "bi", VALUE, MODE, MODE_LOOK_AT_ALIASES, NULL, N_("check the file of aliases") },
	{ "bm", VALUE, MODE, MODE_SEND, NULL, N_("read a message and send it: the default") },
	{ "bP", VALUE, MODE, MODE_COUNT_QUEUE, NULL, N_("count the messages of the queue") },
	{ "bp", VALUE, MODE, MODE_LIST_QUEUE, NULL, N_("list the queue, as mailq does") },
	{ "bs", VALUE, MODE, MODE_SPEAK_SMTP, NULL, N_("SMTP on standard input and output") },
	{ "bt", VALUE, ADDRESS_TEST, 0, NULL, N_("refused: there is no such mode") },
	{ "bv", VALUE, MODE, MODE_LOOK_AT_RECIPIENTS, NULL,
	  N_("show where recipients would go; send nothing") },
	{ "b", VALUE, OTHER_VALUE, 0, N_("a mode (a d D h H i m p P s t v)"),
	  N_("mode of operation") },
	{ "C", LOOSE, TEXT, IN(config_file), "FILE", N_("configuration file") },
	{ "c", ALONE, IGNORED, 0, NULL, N_("ignored") },
	{ "D", VALUE, IGNORED, 0, "FILE", N_("ignored (debugging)") },
	{ "d", ATTACHED, IGNORED, 0, "LEVEL", N_("ignored (debugging)") },
	{ "E", ALONE, IGNORED, 0, NULL, N_("ignored") },
	{ "ee", VALUE, COMPLAINT, COMPLAIN_BY_MAIL_ALONE, NULL,
	  N_("the same as -em, and the exit status is 0") },
	{ "em", VALUE, COMPLAINT, COMPLAIN_BY_MAIL, NULL,
	  N_("what is refused is kept, and reported by mail besides") },
	{ "ep", VALUE, COMPLAINT, COMPLAIN_PRINT, NULL, N_("print errors: the default") },
	{ "eq", VALUE, COMPLAINT, COMPLAIN_QUIETLY, NULL, N_("exit status only") },
	{ "ew", VALUE, COMPLAINT, COMPLAIN_PRINT, NULL, N_("the same as -ep") },
	{ "e", VALUE, COMPLAINT, COMPLAIN_PRINT, N_("an error mode (e m p q w)"), N_("error mode") },
	{ "F", VALUE, TEXT, IN(full_name), "NAME", N_("full name of the sender") },
	{ "f", VALUE, SENDER, IN(sender), "ADDRESS", N_("envelope sender; <> is the null sender") },
	{ "G", ALONE, FLAG, IN(no_repairs), NULL, N_("add no missing header fields") },
	{ "h", VALUE, IGNORED, 0, "N", N_("ignored (hop count)") },
	{ "I", ALONE, MODE, MODE_LOOK_AT_ALIASES, NULL, N_("the same as -bi") },
	{ "i", ALONE, FLAG, IN(dot_is_text), NULL, N_("a line with a lone dot is text") },
	{ "J", ALONE, IGNORED, 0, NULL, N_("ignored") },
	{ "L", VALUE, TEXT, IN(log_tag), "TAG", N_("our name in the log") },
	{ "M", VALUE, IGNORED, 0, "MACRO", N_("ignored") },
	{ "m", ALONE, IGNORED, 0, NULL, N_("ignored (send to me too)") },
	{ "N", VALUE, NOTIFY, IN(notify), N_("NEVER or a list of SUCCESS,FAILURE,DELAY"),
	  N_("delivery status notifications wanted") },
	{ "n", ALONE, IGNORED, 0, NULL, N_("ignored (no aliases)") },
	{ "O", VALUE, BY_NAME, 0, "NAME=VALUE", N_("option by its long name") },
	{ "odb", VALUE, DELIVERY, SUBMIT_IN_BACKGROUND, NULL,
	  N_("into the queue, and deliver in the background") },
	{ "odd", VALUE, DELIVERY, SUBMIT_TO_QUEUE, NULL, N_("the same as -odq") },
	{ "odi", VALUE, DELIVERY, SUBMIT_DIRECTLY, NULL, N_("send while the caller waits") },
	{ "odq", VALUE, DELIVERY, SUBMIT_TO_QUEUE, NULL, N_("into the queue alone") },
	{ "od", VALUE, DELIVERY, SUBMIT_DIRECTLY, N_("a delivery mode (b d i q)"), N_("delivery mode") },
	{ "oee", VALUE, COMPLAINT, COMPLAIN_BY_MAIL_ALONE, NULL, N_("the same as -ee") },
	{ "oem", VALUE, COMPLAINT, COMPLAIN_BY_MAIL, NULL, N_("the same as -em") },
	{ "oep", VALUE, COMPLAINT, COMPLAIN_PRINT, NULL, N_("the same as -ep") },
	{ "oeq", VALUE, COMPLAINT, COMPLAIN_QUIETLY, NULL, N_("the same as -eq") },
	{ "oew", VALUE, COMPLAINT, COMPLAIN_PRINT, NULL, N_("the same as -ew") },
	{ "oe", VALUE, COMPLAINT, COMPLAIN_PRINT, N_("an error mode (e m p q w)"), N_("error mode") },
	{ "oi", VALUE, SWITCH, IN(dot_is_text), NULL, N_("the same as -i") },
	{ "ov", VALUE, SWITCH, IN(verbose), NULL, N_("the same as -v") },
	{ "o", VALUE, IGNORED, 0, "X", N_("other options by letter: ignored") },
	{ "P", ALONE, MODE, MODE_DRY_RUN, NULL, N_("the same as --dry-run, as with msmtp") },
	{ "p", VALUE, IGNORED, 0, "PROTOCOL", N_("ignored") },
	{ "Q", ATTACHED, FLAG, IN(holds), "REASON",
	  N_("hold the message, or with -qI, -qR, -qS those of the queue; with -qQ release them") },
	{ "q!I", ATTACHED, SELECT, 0, "ID", N_("run all messages but these") },
	{ "q!R", ATTACHED, SELECT, 0, "RECIPIENT", N_("run all messages but to these") },
	{ "q!S", ATTACHED, SELECT, 0, "SENDER", N_("run all messages but from these") },
	{ "qG", ATTACHED, SELECT_ALL, 0, "GROUP", N_("the same as -q: there is one queue") },
	{ "qI", ATTACHED, SELECT, 0, "ID", N_("run the messages with this in their id") },
	{ "qQ", ATTACHED, SELECT_HELD, 0, "REASON", N_("run the messages that are held") },
	{ "qR", ATTACHED, SELECT, 0, "RECIPIENT", N_("run the messages to such recipients") },
	{ "qS", ATTACHED, SELECT, 0, "SENDER", N_("run the messages from such senders") },
	{ "qf", ATTACHED, RUN_IN_FOREGROUND, 0, N_("an interval such as 30m"),
	  N_("the same as -q, in the foreground") },
	{ "qp", ATTACHED, RUN, 0, N_("an interval such as 30m"), N_("the same as -q") },
	{ "q", SPARSE, RUN, 0, N_("an interval such as 30m, or I, R, S and a text"),
	  N_("run the queue once, or every so often") },
	{ "R", VALUE, RET, IN(ret), "FULL or HDRS", N_("how much a notification returns") },
	{ "r", VALUE, SENDER, IN(sender), "ADDRESS", N_("the same as -f") },
	{ "s", ALONE, IGNORED, 0, NULL, N_("ignored (keep the From line)") },
	{ "T", ATTACHED, IGNORED, 0, "TIME", N_("ignored") },
	{ "t", ALONE, FLAG, IN(recipients_from_header), NULL,
	  N_("recipients from To, Cc and Bcc, besides those of the command line") },
	{ "U", ALONE, IGNORED, 0, NULL, N_("ignored (initial submission)") },
	{ "V", VALUE, ENVID, IN(envid), N_("an envelope id in xtext (RFC 3461)"),
	  N_("envelope id for notifications") },
	{ "v", ALONE, FLAG, IN(verbose), NULL, N_("show the dialogue") },
	{ "X", VALUE, TEXT, IN(transcript), "FILE", N_("append the dialogue to FILE; - is standard output") },
	{ "x", ALONE, IGNORED, 0, NULL, N_("ignored") },
};

const struct option *option_row(size_t i)
{
	return i < COUNT_OF(table) ? &table[i] : NULL;
}

bool option_help(size_t i, struct option_help *help)
{
	const struct option *row = option_row(i);

	if (!row)
		return false;
	help->spelling = row->spelling;
	help->value = row->takes == ALONE ? NULL : row->value;
	help->help = row->help;
	help->is_to_come = row->effect == TO_COME;
	help->takes_next = help->value && (row->takes == VALUE || row->takes == LOOSE);
	return true;
}
