/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines of real callers and of sendmail(8)'s every spelling. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sendmail/options.h"

enum { WORDS_MAX = 24 };

/* Words are separated by "|", so that empty ones can be written. */
static int split(char *line, char **argv)
{
	int argc = 0;

	argv[argc++] = line;
	for (char *c = line; *c; c++)
		if (*c == '|') {
			*c = '\0';
			assert_true(argc < WORDS_MAX);
			argv[argc++] = c + 1;
		}
	argv[argc] = NULL;
	return argc;
}

/* What was understood, as text: only what is set. */
/* What is said of the queue: "queue 1800 f Q Q+ I=x !R=y "; and the delivery mode. */
static size_t describe_queue(const struct options *o, char *text, size_t size)
{
	static const char *const modes[] = {
		[SUBMIT_AS_SET] = "", [SUBMIT_DIRECTLY] = "odi ", [SUBMIT_IN_BACKGROUND] = "odb ",
		[SUBMIT_TO_QUEUE] = "odq ",
	};
	size_t n = (size_t)snprintf(text, size, "%s%s%s%s", modes[o->delivery],
				    o->mode == MODE_RUN_QUEUE ? "queue " : "",
				    o->in_foreground ? "f " : "", o->holds ? "Q " : "");

	if (o->held_alone)
		n += (size_t)snprintf(text + n, size - n, "held ");
	if (o->interval)
		n += (size_t)snprintf(text + n, size - n, "%ld ", o->interval);
	for (size_t i = 0; i < o->selection_count; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%c=%s ",
				      o->selections[i].is_inverted ? "!" : "",
				      o->selections[i].what, o->selections[i].text);
	return n;
}

static void describe(const struct options *o, char *text, size_t size)
{
	const struct { const char *name, *value; } texts[] = {
		{ "a", o->account }, { "C", o->config_file }, { "f", o->sender },
		{ "F", o->full_name }, { "X", o->transcript }, { "L", o->log_tag },
		{ "N", o->notify }, { "R", o->ret }, { "V", o->envid },
	};
	size_t n = 0;

	n += (size_t)snprintf(text, size, "%s%s%s%s%s%s",
			      o->mode == MODE_DRY_RUN ? "dry-run " :
			      o->mode == MODE_HELP ? "help " :
			      o->mode == MODE_VERSION ? "version " :
			      o->mode == MODE_NOTHING_KEPT ? "nothing-kept " :
			      o->mode == MODE_LOOK_AT_ALIASES ? "aliases " :
			      o->mode == MODE_LOOK_AT_RECIPIENTS ? "recipients " :
			      o->mode == MODE_LIST_QUEUE ? "list " :
			      o->mode == MODE_COUNT_QUEUE ? "count " : "",
			      o->recipients_from_header ? "t " : "", o->dot_is_text ? "i " : "",
			      o->verbose ? "v " : "", o->no_repairs ? "G " : "",
			      o->complaint == COMPLAIN_QUIETLY ? "q " :
			      o->complaint == COMPLAIN_BY_MAIL ? "m " :
			      o->complaint == COMPLAIN_BY_MAIL_ALONE ? "e " : "");
	n += describe_queue(o, text + n, size - n);
	for (size_t i = 0; i < COUNT_OF(texts); i++)
		if (texts[i].value)
			n += (size_t)snprintf(text + n, size - n, "%s=%s ", texts[i].name,
					      texts[i].value);
	n += (size_t)snprintf(text + n, size - n, ":");
	for (int i = 0; i < o->count; i++)
		n += (size_t)snprintf(text + n, size - n, " %s", o->recipients[i]);
}

static const struct {
	const char *line, *understood;
} good[] = {
	/* real callers */
	{ "sendmail|-t|-i", "t i :" },
	{ "sendmail|-t|-i|-f|a@x", "t i f=a@x :" },
	{ "sendmail|-FCronDaemon|-i|-B8BITMIME|-oem|root", "i m F=CronDaemon : root" },
	{ "sendmail|-FCronDaemon|-i|-odi|-oem|-oi|-t|-f|root", "t i m odi f=root F=CronDaemon :" },
	{ "sendmail|-oem|-oi|-f|a@x|-N|failure|-R|hdrs|--|b@x", "i m f=a@x N=failure R=hdrs : b@x" },
	{ "sendmail|-f|a@x|-i|b@x|c@x", "i f=a@x : b@x c@x" },
	{ "sendmail|-oi|-f|u@h|-t", "t i f=u@h :" },
	{ "sendmail|-t|-oi|-oem", "t i m :" },
	{ "sendmail|-oi|-f|u|-odi|-oem|-t", "t i m odi f=u :" },
	{ "sendmail|-eq|-f<>", "q f=<> :" },
	{ "sendmail|-oi|-oeq|-ODeliveryMode=b|-OErrorMode=m|-f|a", "i m odb f=a :" },
	{ "sendmail|-FAnacron|-odi|root", "odi F=Anacron : root" },
	/* the queue */
	{ "sendmail|-odq|a", "odq : a" }, { "sendmail|-odd|a", "odq : a" },
	{ "sendmail|-od|a", "odi : a" }, { "sendmail|-O|DeliveryMode=q|a", "odq : a" },
	{ "sendmail|-q", "queue :" }, { "sendmail|-q30m", "queue 1800 :" },
	{ "sendmail|-q|1h30m", "queue 5400 :" }, { "sendmail|-q|5", "queue 300 :" },
	{ "sendmail|-q2d", "queue 172800 :" }, { "sendmail|-q90sec", "queue 90 :" },
	{ "sendmail|-q1h 30min", "queue 5400 :" }, { "sendmail|-q1day2hours", "queue 93600 :" },
	{ "sendmail|-q50d", "queue 4320000 :" }, { "sendmail|-q|a", "queue : a" }, { "sendmail|-qf", "queue f :" },
	{ "sendmail|-qf10s", "queue f 10 :" }, { "sendmail|-qp1d", "queue 86400 :" },
	{ "sendmail|-qGx", "queue :" }, { "sendmail|-qIx", "queue I=x :" },
	{ "sendmail|-q|Ix|-q!Ry|-qSz", "queue I=x !R=y S=z :" },
	{ "sendmail|-q|!Sz", "queue !S=z :" }, { "sendmail|-qQ", "queue held :" },
	{ "sendmail|-Qwhy|-qIx", "queue Q I=x :" }, { "sendmail|-Q|a", "Q : a" },
	{ "sendmail|-oee|a", "e : a" },
	/* spellings */
	{ "sendmail|-it|a", "t i : a" },
	{ "sendmail|-tiv", "t i v :" },
	{ "sendmail|-oiem", "i :" },
	{ "sendmail|-o|i", "i :" },
	{ "sendmail|-oi0", ":" },
	{ "sendmail|-O|IgnoreDots=True", "i :" },
	{ "sendmail|-O|ignoredots = false", ":" },
	{ "sendmail|-OErrorMode=q", "q :" },
	{ "sendmail|-O|Nonsense=1", ":" },
	{ "sendmail|-b|m|a", ": a" },
	{ "sendmail|-e|q", "q :" },
	{ "sendmail|-oe|a", ": a" },
	{ "sendmail|-eq|-oe|a", ": a" },
	{ "sendmail|-eq|-e||a", ": a" },
	{ "sendmail|-OErrorMode=|a", ": a" },
	{ "sendmail|-B7bit|-B|8BITMIME|a", ": a" },
	{ "sendmail|-fa@x|a", "f=a@x : a" },
	{ "sendmail|-f||a", "f= : a" },
	{ "sendmail|-ra@x", "f=a@x :" },
	{ "sendmail|-f|a@x|-r|a@x", "f=a@x :" },
	{ "sendmail|-d0.1|a", ": a" },
	{ "sendmail|-d|a", ": a" },
	{ "sendmail|-D|file|a", ": a" },
	{ "sendmail|-C|file|a", "C=file : a" },
	{ "sendmail|-Cfile|a", "C=file : a" },
	{ "sendmail|-C|-t", "t C= :" },
	{ "sendmail|-C", "C= :" },
	{ "sendmail|-X|log|-v", "v X=log :" },
	{ "sendmail|-Ltag|a", "L=tag : a" },
	{ "sendmail|-L|tag|a", "L=tag : a" },
	{ "sendmail|-bp", "list :" },
	{ "sendmail|-b|p|-v", "list v :" },
	{ "sendmail|-ibp", "list i :" },
	{ "sendmail|-bP", "count :" },
	{ "sendmail|-bp|-qRx", "list R=x :" },
	{ "sendmail|-qRx|-bp", "list R=x :" },
	{ "sendmail|-bp|-q", "list :" },
	{ "sendmail|-Nnever", "N=never :" },
	{ "sendmail|-N|SUCCESS,delay", "N=SUCCESS,delay :" },
	{ "sendmail|-V|id+2B", "V=id+2B :" },
	{ "sendmail|-Ac|-Am|-A|c|-c|-h|3|-p|ESMTP:x|-m|-n|-U|-G|-s|-T|-T1m|-x|a", "G : a" },
	{ "sendmail|-M|x|-Mx|-E|-J|a", ": a" },
	{ "sendmail|-bh", "nothing-kept :" },
	{ "sendmail|-bi", "aliases :" },
	{ "sendmail|-b|i", "aliases :" },
	{ "sendmail|-I", "aliases :" },
	{ "sendmail|-bv|a@x|b", "recipients : a@x b" },
	{ "sendmail|-v|-bv|-f|a@x|root", "recipients v f=a@x : root" },
	{ "sendmail|-a|work|-t", "t a=work :" },
	{ "sendmail|--account|work|-t", "t a=work :" },
	{ "sendmail|--account=work", "a=work :" },
	{ "sendmail|--dry-run|-t", "dry-run t :" },
	{ "sendmail|--version", "version :" },
	{ "sendmail|--help", "help :" },
	/* the first word that is no option ends them */
	{ "sendmail|a|-f|b", ": a -f b" },
	{ "sendmail|--|-dash@x", ": -dash@x" },
	{ "sendmail|-t|-", "t : -" },
	{ "sendmail", ":" },
};

/* Longer than the text of an error: the reason must be seen all the same. */
#define TEN(x)	x x x x x x x x x x
#define LONG	TEN(TEN("0123456789")) TEN("0123456789")

static const struct {
	const char *line;
	enum error_kind kind;
	const char *says;
} bad[] = {
	{ "sendmail|-Z", ERROR_USAGE, "unknown option -Z" },
	{ "sendmail|-tZ", ERROR_USAGE, "unknown option -Z" },
	{ "sendmail|--acount|x", ERROR_USAGE, "did you mean --account?" },
	{ "sendmail|--dry-run=1", ERROR_USAGE, "takes no value" },
	{ "sendmail|--account", ERROR_USAGE, "--account needs a value" },
	{ "sendmail|-f", ERROR_USAGE, "-f needs a value" },
	{ "sendmail|-f|a|-f|b", ERROR_USAGE, "-f is given twice: \"a\" and \"b\"" },
	{ "sendmail|-r|a|-rb", ERROR_USAGE, "-r is given twice" },
	{ "sendmail|-f|a|-r|b", ERROR_USAGE, "-f and -r are given differently: \"a\" and \"b\"" },
	{ "sendmail|-r|a|-f|b", ERROR_USAGE, "-r and -f are given differently" },
	{ "sendmail|-R|" LONG "|", ERROR_USAGE, "...\" is not FULL or HDRS" },
	{ "sendmail|-f|" LONG "|-f|" LONG "b", ERROR_USAGE, "...\" and \"" },
	{ "sendmail|-f|" LONG "|-r|" LONG "b", ERROR_USAGE, "...\" and \"" },
	{ "sendmail|--dryrun" LONG, ERROR_USAGE, "unknown option --dryrun" },
	{ "sendmail|-B|\x9b\xe2\x80\xae", ERROR_USAGE, "\"????\" is not" },
	{ "sendmail|-B|9BIT", ERROR_USAGE, "\"9BIT\" is not 7BIT or 8BITMIME" },
	{ "sendmail|-N|never,delay", ERROR_USAGE, "-N" },
	{ "sendmail|-N|sometimes", ERROR_USAGE, "-N" },
	{ "sendmail|-N|", ERROR_USAGE, "-N" },
	{ "sendmail|-N|delay,", ERROR_USAGE, "-N" },
	{ "sendmail|-R|half", ERROR_USAGE, "-R" },
	{ "sendmail|-V|a b", ERROR_USAGE, "-V" },
	{ "sendmail|-V|a+2x", ERROR_USAGE, "-V" },
	{ "sendmail|-e|z", ERROR_USAGE, "-e: \"z\" is not an error mode" },
	{ "sendmail|-oez", ERROR_USAGE, "-oe: \"z\" is not" },
	{ "sendmail|-bz", ERROR_USAGE, "-b: \"z\" is not a mode" },
	{ "sendmail|-bt", ERROR_USAGE, "--dry-run shows" },
	{ "sendmail|-f|a@b>\r\nRSET", ERROR_USAGE, "control character" },
	{ "sendmail|-F|x\nBcc: e@x", ERROR_USAGE, "control character" },
	{ "sendmail|-Lx\n", ERROR_USAGE, "control character" },
	{ "sendmail|--account=x\n", ERROR_USAGE, "control character" },
	{ "sendmail|a@x\nRCPT TO:<evil@x>", ERROR_USAGE, "recipient 1" },
	{ "sendmail|a@x|b\t@x", ERROR_USAGE, "recipient 2" },
	/* the queue */
	{ "sendmail|-qx", ERROR_USAGE, "-q: \"x\" is not an interval" },
	{ "sendmail|-q10y", ERROR_USAGE, "-q: \"10y\" is not an interval" },
	{ "sendmail|-qf10y", ERROR_USAGE, "-qf" }, { "sendmail|-q1mi", ERROR_USAGE, "-q" },
	{ "sendmail|-q2d99999w", ERROR_USAGE, "-q" }, { "sendmail|-q1hh", ERROR_USAGE, "-q" },
	{ "sendmail|-q99999w", ERROR_USAGE, "-q" }, { "sendmail|-qI", ERROR_USAGE, "-qI needs" },
	{ "sendmail|-odz|a", ERROR_USAGE, "-od: \"z\" is not a delivery mode" },
	{ "sendmail|--json|-t", ERROR_UNAVAILABLE, "--json" },
};

static bool parse(const char *line, struct options *o, char **copy, struct error *err)
{
	static char *argv[WORDS_MAX + 1];
	int argc;

	*copy = text_copy(line);
	argc = split(*copy, argv);
	return options_parse(o, argc, argv, err);
}

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(good); i++) {
		struct options o = { 0 };
		OWNED_TEXT copy = NULL;
		struct error err;
		char text[500];

		if (!parse(good[i].line, &o, &copy, &err))
			fail_msg("%s: %s", good[i].line, err.text);
		describe(&o, text, sizeof(text));
		if (strcmp(text, good[i].understood) != 0)
			fail_msg("%s: understood \"%s\"", good[i].line, text);
	}
}

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct options o = { 0 };
		OWNED_TEXT copy = NULL;
		struct error err;

		if (parse(bad[i].line, &o, &copy, &err))
			fail_msg("%s: taken", bad[i].line);
		if (err.kind != bad[i].kind ||
		    !(strstr(err.text, bad[i].says) ||
		      (err.advice && strstr(err.advice, bad[i].says))))
			fail_msg("%s: kind %d: %s", bad[i].line, err.kind, err.text);
		assert_in_range(strlen(err.text), 1, 300);
	}
}

/* Every letter of sendmail 8.17's option string and the three taken besides is a row. */
static void test_every_letter_is_known(void **state)
{
	const char *letters = "ABbCcDdeFfGhIiLMmNnOopQqRrsTtUVvXEJx";

	(void)state;
	for (; *letters; letters++) {
		struct option_help row;
		bool found = false;

		for (size_t i = 0; option_help(i, &row); i++)
			found |= row.spelling[0] == *letters && !row.spelling[1];
		if (!found)
			fail_msg("-%c is not in the table", *letters);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_every_letter_is_known),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
