/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SMTP server against what clients say, all bytes at once and one at a time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "smtp/server.h"

enum { SAID_MAX = 4 * 1024 * 1024 };

/* --- a client that has said all it will say, and a taker that keeps what it gets */

struct tape {
	struct transport transport;	/* first */
	const char *in;
	size_t len, at, step;
	struct buf out;
	bool is_deaf;			/* nothing can be written to it */
	int64_t pause;			/* ms before each read has something */
};

/* Time goes by when a client lets it. */
static int64_t now_ms = 1000000;

int __wrap_clock_gettime(clockid_t id, struct timespec *now);
int __wrap_clock_gettime(clockid_t id, struct timespec *now)
{
	(void)id;
	*now = (struct timespec){ now_ms / 1000, now_ms % 1000 * 1000000 };
	return 0;
}

/* False: the other side does not wait for so long. */
static bool let_time_pass(const struct tape *tape, struct error *err)
{
	bool is_late = now_ms + tape->pause >= tape->transport.deadline;

	now_ms = is_late ? tape->transport.deadline : now_ms + tape->pause;
	return !is_late || error_set(err, ERROR_NETWORK, "nothing in time");
}

/* A form feed is where the client waits for an answer. */
static ssize_t tape_read(struct transport *t, void *bytes, size_t size, struct error *err)
{
	struct tape *tape = (struct tape *)t;
	size_t n = tape->len - tape->at;
	const char *wait;

	if (tape->pause > 0 && !let_time_pass(tape, err))
		return -1;
	if (n > 0 && tape->in[tape->at] == '\f') {
		tape->at++;
		n--;
	}
	wait = memchr(tape->in + tape->at, '\f', n);
	n = wait ? (size_t)(wait - tape->in) - tape->at : n;
	n = n < tape->step ? n : tape->step;
	n = n < size ? n : size;
	memcpy(bytes, tape->in + tape->at, n);
	tape->at += n;
	return (ssize_t)n;
}

static bool tape_write(struct transport *t, const void *bytes, size_t len, struct error *err)
{
	struct tape *tape = (struct tape *)t;

	if (tape->is_deaf)
		return error_set(err, ERROR_NETWORK, "broken pipe");
	buf_add_bytes(&tape->out, bytes, len);
	return true;
}

static bool tape_tls(struct transport *t, struct error *err)
{
	if (((struct tape *)t)->is_deaf)
		return error_set(err, ERROR_NETWORK, "no handshake");
	t->is_secret = true;
	t->tls = "TLS1.3";
	return true;
}

struct keeper {
	struct server_taker taker;	/* first */
	struct buf taken;		/* "SENDER>RECIPIENT,...:MESSAGE|" of each */
	enum error_kind refuses;	/* messages; NONE: takes them */
	struct buf notes;		/* of the last: notify ret envid */
};

static bool take_sender(struct server_taker *t, const char *mailbox, struct error *err)
{
	(void)t;
	return strcmp(mailbox, "spam@example.org") != 0 ||
	       error_set(err, ERROR_SENDER, "not you");
}

static bool take_recipient(struct server_taker *t, const char *mailbox, struct error *err)
{
	(void)t;
	if (!strcmp(mailbox, "later@example.org"))
		return error_set(err, ERROR_LATER, "not now");
	return strcmp(mailbox, "nobody@example.org") != 0 ||
	       error_set(err, ERROR_NO_USER, "no such\r\nuser");
}

static bool take_message(struct server_taker *t, struct envelope *e, struct message *m,
			 char id[ID_SIZE], struct error *err)
{
	struct keeper *k = (struct keeper *)t;
	char piece[64];
	uint64_t at = 0;
	ssize_t n;

	if (k->refuses != ERROR_NONE) {
		error_set(err, k->refuses, "not this one");
		err->number = k->refuses == ERROR_IO ? ENOSPC : 0;
		return false;
	}
	buf_addf(&k->taken, "%s>", e->sender);
	for (size_t i = 0; i < e->count; i++)
		buf_addf(&k->taken, "%s%s", i ? "," : "", e->recipients[i].mailbox);
	buf_add_char(&k->taken, ':');
	while ((n = message_get(m, &at, piece, sizeof(piece), err)) > 0)
		buf_add_bytes(&k->taken, piece, (size_t)n);
	buf_add_char(&k->taken, '|');
	buf_clear(&k->notes);
	buf_addf(&k->notes, "%s %s %s", e->notify ? e->notify : "-", e->ret ? e->ret : "-",
		 e->envid ? e->envid : "-");
	snprintf(id, ID_SIZE, "%s", "0123456789abcdef");
	return n == 0;
}

/* "user" has the password "pass"; what "sick" has cannot be found out. */
static bool take_login(struct server_taker *t, const char *name, const char *password,
		       struct error *err)
{
	(void)t;
	if (!strcmp(name, "sick"))
		return error_set(err, ERROR_IO, "the file is gone");
	return (!strcmp(name, "user") && !strcmp(password, "pass")) ||
	       error_set(err, ERROR_AUTH, "no");
}

struct outcome {
	bool ok;
	struct error err;
	char *said, *codes, *taken, *notes;
};

static void outcome_free(struct outcome *o)
{
	free(o->said);
	free(o->codes);
	free(o->taken);
	free(o->notes);
}
#define OWNED_OUTCOME	__attribute__((cleanup(outcome_free))) struct outcome

/* The codes of the replies, one for each reply, however many lines it has. */
static char *codes_of(const char *said)
{
	struct buf codes = BUF_INIT(SAID_MAX);

	for (const char *line = said; *line; line = strchr(line, '\n') + 1) {
		assert_non_null(strstr(line, "\r\n"));
		if (line[3] != '-')
			buf_addf(&codes, "%s%.3s", codes.len ? " " : "", line);
	}
	return codes.len ? buf_take(&codes) : text_copy("");
}

struct setting {
	bool is_strict;
	uint64_t max_size;
	enum error_kind refuses;
	bool is_deaf;
	bool has_tls, is_secret, has_login, needs_login;
	int64_t pause;
};

static void serve_bytes(struct outcome *o, const char *in, size_t len, size_t step,
			struct setting setting)
{
	struct tape tape = {
		.transport = { .read = tape_read, .write = tape_write, .start_tls = tape_tls,
			       .is_secret = setting.is_secret },
		.in = in, .len = len, .step = step, .out = BUF_INIT(SAID_MAX),
		.is_deaf = setting.is_deaf, .pause = setting.pause,
	};
	struct keeper keeper = {
		.taker = { .sender = take_sender, .recipient = take_recipient,
			   .message = take_message,
			   .login = setting.has_login ? take_login : NULL },
		.taken = BUF_INIT(SAID_MAX), .notes = BUF_INIT(1000), .refuses = setting.refuses,
	};
	const struct server_options options = {
		.name = "mx.example", .max_size = setting.max_size, .max_recipients = 3,
		.idle_timeout = 10, .is_strict = setting.is_strict,
		.offers_tls = setting.has_tls, .needs_login = setting.needs_login,
	};

	o->ok = smtp_serve(&tape.transport, &options, &keeper.taker, &o->err);
	o->said = text_copy(buf_text(&tape.out));
	o->codes = codes_of(o->said);
	o->taken = text_copy(buf_text(&keeper.taken));
	o->notes = text_copy(buf_text(&keeper.notes));
	buf_free(&tape.out);
	buf_free(&keeper.taken);
	buf_free(&keeper.notes);
}

#define FROM	"MAIL FROM:<s@example.org> "
#define TO	"RCPT TO:<a@example.org> "
#define TEN	"1234567890"
#define HUNDRED	TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN
#define ENVELOPE	"MAIL FROM:<s@example.org>\r\nRCPT TO:<a@example.org>\r\n"
#define HELO		"HELO me\r\n"
#define EHLO		"EHLO me\r\n"
#define TAKEN(text)	"s@example.org>a@example.org:" text "|"

static const struct dialogue {
	const char *name, *in, *codes, *taken;
	struct setting setting;
} dialogues[] = {
	{ "a message", HELO ENVELOPE "DATA\r\nSubject: x\r\n\r\nHi\r\n.\r\nQUIT\r\n",
	  "220 250 250 250 354 250 221", TAKEN("Subject: x\r\n\r\nHi\r\n"), { 0 } },
	{ "lines that end in LF alone", "helo me\nmail from: s@example.org \nrcpt to:<a@example.org>\n"
	  "data\r\nSubject: x\r\n\r\nHi\r\n.\r\nquit\n",
	  "220 250 250 250 354 250 221", TAKEN("Subject: x\r\n\r\nHi\r\n"), { 0 } },
	{ "the end of input is an end", HELO, "220 250", "", { 0 } },
	{ "no message before its end", HELO ENVELOPE "DATA\r\nSubject: x\r\n\r\nHi\r\n",
	  "220 250 250 250 354", "", { 0 } },
	{ "LF . LF is data", HELO ENVELOPE "DATA\r\nA: x\r\n\r\none\n.\nMAIL FROM:<x@example.org>\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\none\r\n.\r\nMAIL FROM:<x@example.org>\r\n"),
	  { 0 } },
	{ "LF . CR LF is data", HELO ENVELOPE "DATA\r\nA: x\r\n\r\none\n.\r\ntwo\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\none\r\n.\r\ntwo\r\n"), { 0 } },
	{ "CR LF . LF is data", HELO ENVELOPE "DATA\r\nA: x\r\n\r\none\r\n.\ntwo\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\none\r\n\r\ntwo\r\n"), { 0 } },
	{ "CR . CR is data", HELO ENVELOPE "DATA\r\nA: x\r\n\r\none\r.\rtwo\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\none\r\n.\r\ntwo\r\n"), { 0 } },
	{ "CR LF . CR X is data", HELO ENVELOPE "DATA\r\nA: x\r\n\r\none\r\n.\rtwo\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\none\r\n\r\ntwo\r\n"), { 0 } },
	{ "CR LF . CR CR LF is data", HELO ENVELOPE "DATA\r\nA: x\r\n\r\none\r\n.\r\r\ntwo\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\none\r\n\r\ntwo\r\n"), { 0 } },
	{ "dots that were doubled", HELO ENVELOPE "DATA\r\nA: x\r\n\r\n..\r\n...\r\n.x\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\n.\r\n..\r\nx\r\n"), { 0 } },
	{ "one refused, reset, and on", EHLO "MAIL FROM:<s@example.org>\r\nRCPT TO:<nobody@example.org>\r\n"
	  "RSET\r\n" ENVELOPE "DATA\r\nA: x\r\n\r\n.\r\nNOOP\r\nQUIT\r\n",
	  "220 250 250 550 250 250 250 354 250 250 221", TAKEN("A: x\r\n\r\n"), { 0 } },
	{ "nobody was taken", EHLO "MAIL FROM:<s@example.org>\r\nRCPT TO:<later@example.org>\r\nDATA\r\n",
	  "220 250 250 451 554", "", { 0 } },
	{ "a sender that is refused", EHLO "MAIL FROM:<spam@example.org>\r\nRCPT TO:<a@example.org>\r\n",
	  "220 250 550 503", "", { 0 } },
	{ "the null sender", EHLO "MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nDATA\r\nA: x\r\n\r\n.\r\n",
	  "220 250 250 250 354 250", ">a@example.org:A: x\r\n\r\n|", { 0 } },
	{ "too many recipients", EHLO ENVELOPE "RCPT TO:<b@example.org>\r\nRCPT TO:<c@example.org>\r\n"
	  "RCPT TO:<d@example.org>\r\n", "220 250 250 250 250 250 452", "", { 0 } },
	{ "out of order", EHLO "RCPT TO:<a@example.org>\r\nDATA\r\n" ENVELOPE "MAIL FROM:<b@example.org>\r\n",
	  "220 250 503 503 250 250 503", "", { 0 } },
	{ "unknown, and what is not offered", EHLO "FROB\r\nAUTH PLAIN x\r\nSTARTTLS\r\nVRFY a\r\nEXPN a\r\n"
	  "HELP\r\n\r\n", "220 250 500 502 502 252 502 214 500", "", { 0 } },
	{ "paths that are none", EHLO "MAIL\r\nMAIL FROM:\r\nMAIL FROM:<a\r\nMAIL FROM:<a b@c>\r\n"
	  "MAIL FROM:<s@example.org>\r\nRCPT TO:<>\r\nRCPT FROM:<a@example.org>\r\n",
	  "220 250 501 501 501 501 250 501 501", "", { 0 } },
	{ "parameters that are none", EHLO "MAIL FROM:<s@example.org> SIZE=x\r\nMAIL FROM:<s@example.org> FROB\r\n"
	  "MAIL FROM:<s@example.org> BODY=9BIT\r\nMAIL FROM:<s@example.org> BODY=8bitmime SMTPUTF8\r\n"
	  "RCPT TO:<a@example.org> NOTIFY=SOMETIMES\r\n", "220 250 501 555 501 250 501", "", { 0 } },
	{ "an envelope id that is none", EHLO FROM "ENVID=+\r\n" FROM "ENVID=+zz\r\n" FROM "ENVID=+2b\r\n"
	  FROM "ENVID=a=b\r\n" FROM "ENVID=+2\r\n" FROM "ENVID=+2B\r\n",
	  "220 250 501 501 501 501 501 250", "", { 0 } },
	{ "an original recipient that is none", EHLO FROM "\r\n" TO "ORCPT=x\r\n" TO "ORCPT=;b\r\n"
	  TO "ORCPT=rfc822;\r\n" TO "ORCPT=rfc822;a=b\r\n" TO "ORCPT=rfc822;a+2\r\n"
	  TO "ORCPT=rfc822;\xc3\xb6\r\n" TO "ORCPT=r(c;b\r\n" TO "ORCPT=rfc822;" HUNDRED HUNDRED HUNDRED
	  HUNDRED HUNDRED "\r\n", "220 250 250 501 501 501 501 501 501 501 501", "", { 0 } },
	{ "one that is", EHLO FROM "\r\n" TO "ORCPT=rfc822;b+2Bx@example.org NOTIFY=NEVER\r\n"
	  TO "ORCPT=utf-8;\xc3\xb6@example.org\r\n", "220 250 250 250 250", "", { 0 } },
	{ "a parameter that stands there twice", EHLO FROM "RET=FULL ret=HDRS\r\n" FROM "\r\n"
	  TO "NOTIFY=NEVER NOTIFY=NEVER\r\n" TO "NOTIFY=NEVER,DELAY\r\n" TO "NOTIFY=DELAY,\r\n",
	  "220 250 501 250 501 501 501", "", { 0 } },
	{ "a size that is too large", EHLO "MAIL FROM:<s@example.org> SIZE=101\r\n",
	  "220 250 552", "", { .max_size = 100 } },
	{ "a message that is too large", EHLO ENVELOPE "DATA\r\nA: 5678901234567890\r\n\r\n"
	  "12345678901234567890\r\n.\r\nNOOP\r\n", "220 250 250 250 354 552 250", "",
	  { .max_size = 40 } },
	{ "one that just fits", EHLO ENVELOPE "DATA\r\nA: x\r\n\r\n12345678\r\n.\r\n",
	  "220 250 250 250 354 250", TAKEN("A: x\r\n\r\n12345678\r\n"), { .max_size = 18 } },
	{ "a message that is refused", EHLO ENVELOPE "DATA\r\nA: x\r\n\r\n.\r\nNOOP\r\n",
	  "220 250 250 250 354 554 250", "", { .refuses = ERROR_REFUSED } },
	{ "one that has to wait", EHLO ENVELOPE "DATA\r\nA: x\r\n\r\n.\r\nNOOP\r\n",
	  "220 250 250 250 354 451 250", "", { .refuses = ERROR_LATER } },
	{ "a disk that is full", EHLO ENVELOPE "BDAT 6 LAST\r\nA: x\r\nNOOP\r\n",
	  "220 250 250 250 452 250", "", { .refuses = ERROR_IO } },
	{ "a file that cannot be made", EHLO ENVELOPE "BDAT 6 LAST\r\nA: x\r\n", "220 250 250 250 451", "",
	  { .refuses = ERROR_CREATE } },
	{ "one chunk", EHLO ENVELOPE "BDAT 12 LAST\r\nA: x\r\n\r\n.\r\n\nQUIT\r\n",
	  "220 250 250 250 250 221", TAKEN("A: x\r\n\r\n.\r\n\r\n"), { 0 } },
	{ "chunks", EHLO ENVELOPE "BDAT 3\r\nA: BDAT 7\r\nx\r\n\r\n.\rBDAT 0 LAST\r\n",
	  "220 250 250 250 250 250 250", TAKEN("A: x\r\n\r\n.\r\n"), { 0 } },
	{ "a chunk of what has no sender", EHLO "BDAT 4\r\nQUITBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n" ENVELOPE,
	  "220 250 503 503 250 250 250", "", { 0 } },
	{ "a chunk of what has no recipient", EHLO "MAIL FROM:<s@example.org>\r\nBDAT 4\r\nQUIT"
	  "BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", "220 250 250 554 554 250", "", { 0 } },
	{ "DATA after a chunk", EHLO ENVELOPE "BDAT 1\r\nADATA\r\nRCPT TO:<b@example.org>\r\nRSET\r\n",
	  "220 250 250 250 250 503 503 250", "", { 0 } },
	{ "a chunk whose size is none", EHLO ENVELOPE "BDAT x\r\nQUIT\r\n", "220 250 250 250 501", "", { 0 } },
	{ "a chunk beyond all numbers", EHLO ENVELOPE "BDAT 99999999999999999999999\r\nQUIT\r\n",
	  "220 250 250 250 501", "", { 0 } },
	{ "EHLO forgets the transaction", EHLO ENVELOPE EHLO "DATA\r\n", "220 250 250 250 250 503", "", { 0 } },
	{ "a flight over a network", EHLO, "220 250", "", { .is_strict = true } },
};

static void test_dialogues(void **state)
{
	static const size_t steps[] = { SIZE_MAX, 1, 7 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(dialogues); i++)
		for (size_t k = 0; k < COUNT_OF(steps); k++) {
			const struct dialogue *d = &dialogues[i];
			OWNED_OUTCOME o = { 0 };

			serve_bytes(&o, d->in, strlen(d->in), steps[k], d->setting);
			if (strcmp(o.codes, d->codes) != 0 || strcmp(o.taken, d->taken) != 0)
				print_error("%s, %zu bytes a time:\n%s", d->name, steps[k], o.said);
			assert_true(o.ok);
			assert_string_equal(o.codes, d->codes);
			assert_string_equal(o.taken, d->taken);
		}
}

#define SECRET	{ .is_secret = true, .has_login = true, .is_strict = true }
#define CLEAR	{ .has_tls = true, .has_login = true, .needs_login = true, .is_strict = true }
#define PLAIN_RIGHT	"AHVzZXIAcGFzcw=="	/* NUL user NUL pass */
#define PLAIN_WRONG	"AHVzZXIAcGFzdA=="	/* NUL user NUL past */

/* Logging in and TLS; a form feed waits for the answer. */
static const struct dialogue logins[] = {
	{ "PLAIN at once", EHLO "\fAUTH PLAIN " PLAIN_RIGHT "\r\n", "220 250 235", "", SECRET },
	{ "plain when asked", EHLO "\fauth plain\r\n\f" PLAIN_RIGHT "\r\n", "220 250 334 235", "",
	  SECRET },
	{ "as oneself", EHLO "\fAUTH PLAIN dXNlcgB1c2VyAHBhc3M=\r\n", "220 250 235", "", SECRET },
	{ "as somebody else", EHLO "\fAUTH PLAIN cm9vdAB1c2VyAHBhc3M=\r\n", "220 250 535", "", SECRET },
	{ "LOGIN", EHLO "\fAUTH LOGIN\r\n\fdXNlcg==\r\n\fcGFzcw==\r\n", "220 250 334 334 235", "",
	  SECRET },
	{ "LOGIN with the name", EHLO "\fAUTH LOGIN dXNlcg==\r\n\fcGFzcw==\r\n", "220 250 334 235", "",
	  SECRET },
	{ "wrong, and then right", EHLO "\fAUTH PLAIN " PLAIN_WRONG "\r\n\fAUTH PLAIN " PLAIN_RIGHT "\r\n",
	  "220 250 535 235", "", SECRET },
	{ "nobody", EHLO "\fAUTH LOGIN =\r\n\f\r\n", "220 250 334 535", "", SECRET },
	{ "given up", EHLO "\fAUTH LOGIN\r\n\f*\r\n\fAUTH PLAIN\r\n\f*\r\n\fNOOP\r\n",
	  "220 250 334 501 334 501 250", "", SECRET },
	{ "the end instead", EHLO "\fAUTH LOGIN\r\n\f", "220 250 334", "", SECRET },
	{ "not base64", EHLO "\fAUTH PLAIN AHVzZXIAcGFzcw=\r\n\fAUTH PLAIN AHVzZXIAcGFzcx==\r\n"
	  "\fAUTH PLAIN A=VzZXIAcGFzcw==\r\n\fAUTH PLAIN AHVz ZXIAcGFzcw==\r\n\fAUTH PLAIN ====\r\n",
	  "220 250 501 501 501 501 501", "", SECRET },
	{ "not what PLAIN says", EHLO "\fAUTH PLAIN dXNlcg==\r\n\fAUTH PLAIN AHVzZXIAcGFzcwB4\r\n",
	  "220 250 501 501", "", SECRET },
	{ "a NUL in LOGIN", EHLO "\fAUTH LOGIN dXMAcg==\r\n\fcGFzcw==\r\n", "220 250 334 501", "", SECRET },
	{ "other ways", EHLO "\fAUTH CRAM-MD5\r\n\fAUTH XOAUTH2 eA==\r\n\fAUTH\r\n", "220 250 504 504 501",
	  "", SECRET },
	{ "twice", EHLO "\fAUTH PLAIN " PLAIN_RIGHT "\r\n\fAUTH PLAIN " PLAIN_RIGHT "\r\n",
	  "220 250 235 503", "", SECRET },
	{ "in a message", EHLO "\fMAIL FROM:<s@example.org>\r\n\fAUTH PLAIN " PLAIN_RIGHT "\r\n",
	  "220 250 250 503", "", SECRET },
	{ "ahead", EHLO "\fAUTH PLAIN " PLAIN_RIGHT "\r\nNOOP\r\n", "220 250 554", "", SECRET },
	{ "cannot be known", EHLO "\fAUTH PLAIN AHNpY2sAcGFzcw==\r\n", "220 250 454", "", SECRET },
	{ "nothing to log in to", EHLO "\fAUTH PLAIN " PLAIN_RIGHT "\r\n", "220 250 502", "",
	  { .is_secret = true, .is_strict = true } },
	{ "in clear", EHLO "\fAUTH PLAIN " PLAIN_RIGHT "\r\n\fMAIL FROM:<s@example.org>\r\n",
	  "220 250 538 530", "", CLEAR },
	{ "all of it", EHLO "\fSTARTTLS\r\n\f" EHLO "\fMAIL FROM:<s@example.org>\r\n\fAUTH PLAIN " PLAIN_RIGHT
	  "\r\n\f" ENVELOPE "\fDATA\r\n\fA: x\r\n\r\n.\r\nQUIT\r\n",
	  "220 250 220 250 530 235 250 250 354 250 221", TAKEN("A: x\r\n\r\n"), CLEAR },
	{ "clear words are forgotten", EHLO "\fMAIL FROM:<s@example.org>\r\n\fSTARTTLS\r\n\fMAIL "
	  "FROM:<s@example.org>\r\n\f" EHLO "\fRCPT TO:<a@example.org>\r\n", "220 250 250 220 503 250 503",
	  "", { .has_tls = true, .is_strict = true } },
	{ "TLS twice", EHLO "\fSTARTTLS\r\n\f" EHLO "\fSTARTTLS\r\n", "220 250 220 250 503", "", CLEAR },
	{ "TLS with words", EHLO "\fSTARTTLS now\r\n", "220 250 501", "", CLEAR },
	{ "no TLS", EHLO "\fSTARTTLS\r\n", "220 250 502", "", { .is_strict = true } },
};

static void test_logins(void **state)
{
	static const size_t steps[] = { SIZE_MAX, 1 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(logins); i++)
		for (size_t k = 0; k < COUNT_OF(steps); k++) {
			const struct dialogue *d = &logins[i];
			OWNED_OUTCOME o = { 0 };

			if (steps[k] == 1 && !strcmp(d->name, "ahead"))
				continue;
			serve_bytes(&o, d->in, strlen(d->in), steps[k], d->setting);
			if (strcmp(o.codes, d->codes) != 0 || strcmp(o.taken, d->taken) != 0)
				print_error("%s, %zu bytes a time:\n%s", d->name, steps[k], o.said);
			assert_string_equal(o.codes, d->codes);
			assert_string_equal(o.taken, d->taken);
		}
}

/* What is sent ahead of TLS would be heard as if it had come under it. */
static void test_before_tls(void **state)
{
	static const char in[] = EHLO "\fSTARTTLS\r\nMAIL FROM:<s@example.org>\r\n";

	(void)state;
	for (int is_strict = 0; is_strict < 2; is_strict++) {
		OWNED_OUTCOME o = { 0 };

		serve_bytes(&o, in, sizeof(in) - 1, SIZE_MAX,
			    (struct setting){ .has_tls = true, .is_strict = is_strict });
		assert_string_equal(o.codes, "220 250 554");
	}
}

/* What is offered where, and how often a password may be guessed. */
static void test_offers(void **state)
{
	static const char in[] = EHLO "\fSTARTTLS\r\n\f" EHLO "\fHELP\r\n";
	struct buf guesses = BUF_INIT(1000);
	OWNED_OUTCOME o = { 0 }, guessed = { 0 };
	const char *second;

	(void)state;
	serve_bytes(&o, in, sizeof(in) - 1, SIZE_MAX, (struct setting)CLEAR);
	second = strstr(o.said, "\r\n220 2.0.0 ");
	assert_non_null(second);
	assert_non_null(strstr(o.said, "\r\n250-STARTTLS\r\n"));
	assert_null(strstr(second, "250-STARTTLS"));
	assert_non_null(strstr(second, "\r\n250-AUTH PLAIN LOGIN\r\n"));
	assert_true(strstr(o.said, "AUTH") > second);
	assert_non_null(strstr(second, " AUTH\r\n"));

	buf_add(&guesses, EHLO);
	for (int i = 0; i < 5; i++)
		buf_add(&guesses, "\fAUTH PLAIN " PLAIN_WRONG "\r\n");
	serve_bytes(&guessed, guesses.text, guesses.len, SIZE_MAX, (struct setting)SECRET);
	assert_string_equal(guessed.codes, "220 250 535 535 535 421");
	assert_int_equal(guessed.err.kind, ERROR_PROTOCOL);
	buf_free(&guesses);
}

/* Over a network: what was sent ahead of a reply that it has to wait for ends the dialogue. */
static void test_strict(void **state)
{
	static const struct { const char *in, *codes; } ahead[] = {
		{ EHLO "NOOP\r\n", "220 554" },
		{ HELO ENVELOPE, "220 554" },
		{ "MAIL FROM:<s@example.org>\r\nNOOP\r\n", "220 554" },
		{ "MAIL FROM:<s@example.org>\r\n", "220 503" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ahead); i++) {
		OWNED_OUTCOME o = { 0 };

		serve_bytes(&o, ahead[i].in, strlen(ahead[i].in), SIZE_MAX,
			    (struct setting){ .is_strict = true });
		assert_string_equal(o.codes, ahead[i].codes);
	}
}

static void test_replies(void **state)
{
	OWNED_OUTCOME plain = { 0 }, extended = { 0 };
	static const char hello[] = HELO ENVELOPE "DATA\r\nA: x\r\n\r\n.\r\nRCPT TO:<x\r\n";
	static const char more[] = EHLO "MAIL FROM:<s@example.org> RET=hdrs ENVID=a+2Bb\r\n"
		"RCPT TO:<nobody@example.org>\r\nRCPT TO:<a@example.org> NOTIFY=delay,failure\r\n"
		"BDAT 6 LAST\r\nA: x\r\n";

	(void)state;
	serve_bytes(&plain, hello, sizeof(hello) - 1, SIZE_MAX, (struct setting){ 0 });
	assert_non_null(strstr(plain.said, "\r\n250 Ok: queued as 0123456789abcdef\r\n"));
	assert_null(strstr(plain.said, "2.1"));
	serve_bytes(&extended, more, sizeof(more) - 1, SIZE_MAX, (struct setting){ .max_size = 99 });
	assert_non_null(strstr(extended.said, "\r\n250-SIZE 99\r\n"));
	assert_non_null(strstr(extended.said, "\r\n250 LIMITS RCPTMAX=3\r\n"));
	assert_non_null(strstr(extended.said, "\r\n250 2.0.0 Ok: queued as 0123456789abcdef\r\n"));
	/* What the taker says cannot make a reply of its own. */
	assert_non_null(strstr(extended.said, "\r\n550 5.1.1 no such??user\r\n"));
	assert_string_equal(extended.notes, "DELAY,FAILURE HDRS a+2Bb");
}

/* Who was refused has no say in what the others' sender hears. */
static void test_notify(void **state)
{
	static const struct { const char *in, *notes; } cases[] = {
		{ TO "NOTIFY=NEVER ORCPT=x\r\n" TO, "- - -" },
		{ TO "NOTIFY=NEVER FROB\r\n" TO "NOTIFY=delay", "DELAY - -" },
		{ "RCPT TO:<nobody@example.org> NOTIFY=NEVER\r\n" TO, "- - -" },
		{ TO "NOTIFY=NEVER\r\nRCPT TO:<b@example.org>", "FAILURE,DELAY - -" },
		{ TO "\r\nRCPT TO:<b@example.org> NOTIFY=NEVER", "FAILURE,DELAY - -" },
		{ TO "NOTIFY=NEVER\r\nRCPT TO:<b@example.org> NOTIFY=never", "NEVER - -" },
		{ TO "NOTIFY=NEVER\r\nRSET\r\n" FROM "\r\n" TO, "- - -" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		OWNED_OUTCOME o = { 0 };
		OWNED_BUF in = BUF_INIT(1000);

		buf_addf(&in, EHLO FROM "\r\n%s\r\nBDAT 6 LAST\r\nA: x\r\n", cases[i].in);
		serve_bytes(&o, buf_text(&in), in.len, SIZE_MAX, (struct setting){ 0 });
		assert_string_equal(o.notes, cases[i].notes);
	}
}

/* One fault has one code, whichever command meets it. */
static void test_no_recipient(void **state)
{
	static const char *const asks[] = { "DATA\r\n", "BDAT 4 LAST\r\nQUIT" };
	char in[200];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(asks); i++) {
		OWNED_OUTCOME early = { 0 }, o = { 0 };

		snprintf(in, sizeof(in), EHLO "%s", asks[i]);
		serve_bytes(&early, in, strlen(in), SIZE_MAX, (struct setting){ 0 });
		assert_non_null(strstr(early.said, "\r\n503 5.5.1 MAIL comes first\r\n"));
		snprintf(in, sizeof(in), EHLO "MAIL FROM:<>\r\nRCPT TO:<nobody@example.org>\r\n%s",
			 asks[i]);
		serve_bytes(&o, in, strlen(in), SIZE_MAX, (struct setting){ 0 });
		assert_non_null(strstr(o.said, "\r\n554 5.5.1 no valid recipients\r\n"));
	}
}

#define DIGITS	"0123456789012345678901234567890123456789"

/* How long a client is waited for, and by which words it is let go; ten seconds here. */
static const struct {
	const char *name, *in;
	size_t step;
	int64_t pause;
	const char *last;	/* NULL: it is served to its end */
} paces[] = {
	{ "silent after HELO", HELO "\f", SIZE_MAX, 10000, "421 mx.example: nothing came for too long\r\n" },
	{ "each command in time", EHLO "\fNOOP\r\n\fNOOP\r\n\fNOOP\r\n", SIZE_MAX, 9999, NULL },
	{ "a command by the byte", EHLO, 1, 1300, "421 mx.example: nothing came for too long\r\n" },
	{ "a message by the byte", EHLO ENVELOPE "DATA\r\n\fA: x\r\n\r\n" DIGITS "\r\n.\r\n", 1, 100,
	  NULL },
	{ "a message by fewer", EHLO ENVELOPE "DATA\r\n\fA: x\r\n\r\n" DIGITS "\r\n.\r\n", 1, 350,
	  "421 4.4.2 mx.example: the message came too slowly\r\n" },
	{ "chunks of a byte", EHLO ENVELOPE "BDAT 1\r\nA\fBDAT 1\r\n:\fBDAT 1\r\nx\fBDAT 2 LAST\r\n\r\n",
	  SIZE_MAX, 5000, "421 4.4.2 mx.example: the message came too slowly\r\n" },
	{ "chunks that nobody gets", EHLO "MAIL FROM:<>\r\nBDAT 1\r\nA\fBDAT 1\r\n:\fBDAT 1\r\nx\fNOOP\r\n",
	  SIZE_MAX, 5000, "421 4.4.2 mx.example: the message came too slowly\r\n" },
};

static void test_paces(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(paces); i++) {
		const char *last;
		OWNED_OUTCOME o = { 0 };

		serve_bytes(&o, paces[i].in, strlen(paces[i].in), paces[i].step,
			    (struct setting){ .pause = paces[i].pause });
		last = o.said + strlen(o.said) - (paces[i].last ? strlen(paces[i].last) : 0);
		if (o.ok != !paces[i].last || (!o.ok && strcmp(last, paces[i].last) != 0))
			print_error("%s:\n%s", paces[i].name, o.said);
		assert_int_equal(o.ok, !paces[i].last);
		assert_string_equal(last, paces[i].last ? paces[i].last : "");
		assert_string_equal(o.taken, strstr(paces[i].name, "the byte") && o.ok ?
				    TAKEN("A: x\r\n\r\n" DIGITS "\r\n") : "");
	}
}

/* A large one may take longer than anybody may be silent. */
static void test_slow_and_steady(void **state)
{
	int64_t before = now_ms;
	struct buf in = BUF_INIT(SAID_MAX);
	OWNED_OUTCOME o = { 0 };

	(void)state;
	buf_add(&in, EHLO ENVELOPE "DATA\r\n\fA: x\r\n\r\n");
	for (int i = 0; i < 2000; i++)
		buf_add(&in, "a line\r\n");
	buf_add(&in, ".\r\n");
	serve_bytes(&o, in.text, in.len, 50, (struct setting){ .pause = 99 });
	assert_true(o.ok);
	assert_true(now_ms - before > 30000);
	assert_string_equal(o.codes, "220 250 250 250 354 250");
	buf_free(&in);
}

static void test_nonsense(void **state)
{
	struct buf in = BUF_INIT(SAID_MAX);
	OWNED_OUTCOME o = { 0 }, line = { 0 }, answer = { 0 }, zero = { 0 };

	(void)state;
	for (int i = 0; i < 30; i++)
		buf_add(&in, "FROB\r\n");
	serve_bytes(&o, in.text, in.len, SIZE_MAX, (struct setting){ 0 });
	assert_false(o.ok);
	assert_int_equal(o.err.kind, ERROR_PROTOCOL);
	assert_non_null(strstr(o.said, "\r\n421 mx.example: too many errors\r\n"));

	buf_clear(&in);
	buf_add(&in, EHLO);
	for (int i = 0; i < 100000; i++)
		buf_add(&in, "NOOP ");
	buf_add(&in, "\r\nNOOP\r\n");
	serve_bytes(&line, in.text, in.len, SIZE_MAX, (struct setting){ 0 });
	assert_string_equal(line.codes, "220 250 500 250");
	assert_non_null(strstr(line.said, "\r\n500 5.5.2 "));

	buf_clear(&in);
	buf_add(&in, EHLO "\fAUTH LOGIN\r\n\f");
	for (int i = 0; i < 10000; i++)
		buf_add(&in, "AAAA");
	buf_add(&in, "\r\n\fNOOP\r\n");
	serve_bytes(&answer, in.text, in.len, SIZE_MAX, (struct setting)SECRET);
	assert_string_equal(answer.codes, "220 250 334 500 250");
	assert_non_null(strstr(answer.said, "\r\n500 5.5.6 "));

	serve_bytes(&zero, "NOOP\0\r\nNOOP\r\n", 13, SIZE_MAX, (struct setting){ 0 });
	assert_string_equal(zero.codes, "220 500 250");
	buf_free(&in);
}

/* Who says much and reads nothing costs no memory; who is gone is told from who is done. */
static void test_deaf(void **state)
{
	OWNED_OUTCOME o = { 0 };
	static const char in[] = HELO ENVELOPE "DATA\r\nA: x\r\n\r\n.\r\n";

	(void)state;
	serve_bytes(&o, in, sizeof(in) - 1, 1, (struct setting){ .is_deaf = true });
	assert_false(o.ok);
	assert_int_equal(o.err.kind, ERROR_NETWORK);
	assert_string_equal(o.taken, "");
}

static void test_large(void **state)
{
	struct buf in = BUF_INIT(SAID_MAX);
	OWNED_OUTCOME o = { 0 };

	(void)state;
	buf_add(&in, HELO ENVELOPE "DATA\r\nA: x\r\n\r\n");
	for (int i = 0; i < 40000; i++)
		buf_add(&in, "..a line\r\n");
	buf_add(&in, ".\r\nNOOP\r\n");
	serve_bytes(&o, in.text, in.len, 4093, (struct setting){ 0 });
	assert_string_equal(o.codes, "220 250 250 250 354 250 250");
	assert_int_equal(strlen(o.taken), strlen(TAKEN("A: x\r\n\r\n")) + 40000 * 9);
	buf_free(&in);
}

static void test_turned_away(void **state)
{
	struct tape tape = {
		.transport = { .read = tape_read, .write = tape_write }, .in = "",
		.out = BUF_INIT(SAID_MAX),
	};
	const struct server_options options = { .name = "mx.example", .idle_timeout = 10 };
	struct error why, err;

	(void)state;
	error_set(&why, ERROR_CONFIG, "line 3:\nno");
	assert_true(smtp_turn_away(&tape.transport, &options, &why, &err));
	assert_string_equal(buf_text(&tape.out), "421 4.3.2 mx.example: line 3:?no\r\n");
	buf_free(&tape.out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dialogues),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_before_tls),
		cmocka_unit_test(test_offers),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_notify),
		cmocka_unit_test(test_no_recipient),
		cmocka_unit_test(test_paces),
		cmocka_unit_test(test_slow_and_steady),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_turned_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
