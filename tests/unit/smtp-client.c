/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The SMTP client against written dialogues, all bytes at once and one at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "smtp/client.h"
#include "unit/script.h"

#define OPENING		"S: 220 mx ready\nC: EHLO me\nS: 250-mx\nS: 250 STARTTLS\n" \
			"C: STARTTLS\nS: 220 go\nTLS\nC: EHLO me\n"
#define LOGIN		"C: AUTH LOGIN dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 235 ok\n"
#define BODY		"C: Subject: s\nC: \nC: .dot\nC: text\n"
#define DOTTED		"C: Subject: s\nC: \nC: ..dot\nC: text\nC: .\n"

struct dialogue {
	const char *name, *text;
	const char *recipients;		/* of example.org, by letter */
	enum error_kind kind;		/* of the failure, ERROR_NONE: smtp_send is true */
	const char *verdicts;		/* one letter each: . a r l u */
	const char *says;		/* part of the error's text */
	unsigned waits;			/* 0: not counted */
	enum auth_choice auth;
	long max_recipients;
};

static const struct dialogue dialogues[] = {
	{ "everything offered: seven waits and LOGIN's eighth",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN PLAIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 sender\nS: 250 rcpt\nS: 250 taken\nC: QUIT\n",
	  "a", ERROR_NONE, "a", NULL, 8, AUTH_AUTO, 50 },
	{ "PLAIN: seven waits",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH PLAIN\n"
	  "C: AUTH PLAIN AHVzZXIAc2VjcmV0\nS: 235 ok\n"
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 sender\nS: 250 rcpt\nS: 250 taken\nC: QUIT\n",
	  "a", ERROR_NONE, "a", NULL, 7, AUTH_AUTO, 50 },
	{ "nothing offered: one command at a time",
	  OPENING "S: 250-mx\nS: 250 AUTH=LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\nS: 250 ok\n"
	  "C: RCPT TO:<b@example.org>\nS: 250 ok\nC: DATA\nS: 354 go\n" DOTTED
	  "S: 250 taken\nC: QUIT\n",
	  "ab", ERROR_NONE, "aa", NULL, 0, AUTH_AUTO, 50 },
	{ "PIPELINING alone: DATA ends the flight",
	  OPENING "S: 250-mx\nS: 250-SIZE 1000\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org> SIZE=26\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 250 ok\nS: 354 go\n" DOTTED "S: 250 taken\nC: QUIT\n",
	  "a", ERROR_NONE, "a", NULL, 9, AUTH_AUTO, 50 },
	{ "one of three refused: the others get the message",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: RCPT TO:<b@example.org>\n"
	  "C: RCPT TO:<c@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 250 ok\nS: 550 5.1.1 no such user\nS: 450 4.2.0 later\nS: 354 go\n" DOTTED
	  "S: 250 taken\nC: QUIT\n",
	  "abc", ERROR_NONE, "arl", NULL, 0, AUTH_AUTO, 50 },
	{ "all refused, DATA taken all the same: an empty end, nobody accepted",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 550 no\nS: 354 go\nC: .\nS: 250 taken?\nC: QUIT\n",
	  "a", ERROR_NONE, "r", NULL, 0, AUTH_AUTO, 50 },
	{ "sender refused within a flight",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 550 5.3.5 Email sender's username is invalid\nS: 503 no\nS: 503 no\nC: QUIT\n",
	  "a", ERROR_SENDER, ".", "MAIL FROM <s@x.org>: 550 5.3.5", 0, AUTH_AUTO, 50 },
	{ "two transactions",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: RCPT TO:<b@example.org>\n"
	  "C: BDAT 26 LAST\n" BODY "S: 250 ok\nS: 250 ok\nS: 250 ok\nS: 250 taken\n"
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<c@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 250 taken\nC: QUIT\n",
	  "abc", ERROR_NONE, "aaa", NULL, 9, AUTH_AUTO, 2 },
	{ "the server's limit splits: 452 after others were taken",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: RCPT TO:<b@example.org>\n"
	  "C: BDAT 26 LAST\n" BODY "S: 250 ok\nS: 250 ok\nS: 452 4.5.3 too many\nS: 250 taken\n"
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<b@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 250 taken\nC: QUIT\n",
	  "ab", ERROR_NONE, "aa", NULL, 0, AUTH_AUTO, 50 },
	{ "LIMITS RCPTMAX is believed",
	  OPENING "S: 250-mx\nS: 250-CHUNKING\nS: 250-PIPELINING\nS: 250-LIMITS RCPTMAX=1\n"
	  "S: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 250 taken\n"
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<b@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 250 taken\nC: QUIT\n",
	  "ab", ERROR_NONE, "aa", NULL, 0, AUTH_AUTO, 50 },
	{ "a refused transaction is reset before the next",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 550 no\nS: 554 none\nC: RSET\nS: 250 ok\n"
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<b@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 250 ok\nS: 354 go\n" DOTTED "S: 250 taken\nC: QUIT\n",
	  "ab", ERROR_NONE, "ra", NULL, 0, AUTH_AUTO, 1 },
	{ "message refused for good",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 250 ok\nS: 354 go\n" DOTTED "S: 554 5.6.0 no\nC: QUIT\n",
	  "a", ERROR_REFUSED, ".", "after the message: 554 5.6.0", 0, AUTH_AUTO, 50 },
	{ "the answer to the final dot is lost",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: RCPT TO:<b@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 250 ok\nS: 550 no\nS: 354 go\n" DOTTED "CLOSE",
	  "ab", ERROR_NETWORK, "ur", "after the message: the server closed", 0, AUTH_AUTO, 50 },
	{ "the whole flight's answers are lost",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: RCPT TO:<b@example.org>\n"
	  "C: BDAT 26 LAST\n" BODY "S: 250 ok\nCLOSE",
	  "ab", ERROR_NETWORK, "uu", "after the message", 0, AUTH_AUTO, 50 },
	{ "lost before the message was sent: nothing is in doubt",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\nCLOSE",
	  "a", ERROR_NETWORK, ".", "RCPT TO <a@example.org>", 0, AUTH_AUTO, 50 },
	{ "last words after a failed write",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" LOGIN
	  "FAIL\nS: 421 4.4.2 going down\nCLOSE",
	  "a", ERROR_LATER, ".", "421 4.4.2 going down", 0, AUTH_AUTO, 50 },
	{ "last words before the envelope was heard are the session's",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" LOGIN
	  "FAIL\nS: 554 5.6.0 odd\nCLOSE",
	  "a", ERROR_BARRED, ".", "554 5.6.0 odd", 0, AUTH_AUTO, 50 },
	{ "RSET refused: the rest goes over another connection",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 550 no\nS: 554 none\nC: RSET\nS: 500 what?\n",
	  "ab", ERROR_BARRED, "r.", "RSET: 500", 0, AUTH_AUTO, 1 },
	{ "too big for SIZE",
	  OPENING "S: 250-mx\nS: 250-SIZE 25\nS: 250 AUTH LOGIN\n" LOGIN "C: QUIT\n",
	  "a", ERROR_DATA, ".", "26 bytes and the server takes 25", 0, AUTH_AUTO, 50 },
	{ "quota at the end of the message is for later",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\nS: 250 ok\nS: 250 ok\n"
	  "S: 354 go\n" DOTTED "S: 450 4.5.127 Message rejected. Excessive message rate\nC: QUIT\n",
	  "a", ERROR_QUOTA, ".", "450 4.5.127", 0, AUTH_AUTO, 50 },
	/* AUTH */
	{ "LOGIN refused with 504, PLAIN listed: the next is tried",
	  OPENING "S: 250-mx\nS: 250 AUTH PLAIN LOGIN\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 504 5.7.4 no\nC: AUTH PLAIN AHVzZXIAc2VjcmV0\n"
	  "S: 535 5.7.3 Authentication unsuccessful\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH PLAIN: 535 5.7.3", 0, AUTH_AUTO, 50 },
	{ "535 ends it: a wrong password is not tried twice",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN PLAIN\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 535 5.7.3 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH LOGIN: 535 5.7.3", 0, AUTH_AUTO, 50 },
	{ "LOGIN asks for the user in spite of the initial response",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 334 VXNlcm5hbWU6\nC: dXNlcg==\nS: 334 UGFzc3dvcmQ6\n"
	  "C: c2VjcmV0\nS: 535 5.7.3 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH LOGIN", 0, AUTH_AUTO, 50 },
	{ "LOGIN without initial response after a 501",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 501 no initial response\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
	  "C: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 535 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH LOGIN", 0, AUTH_AUTO, 50 },
	{ "LOGIN without initial response after a 535 to it, where LOGIN is all there is",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN XOAUTH2\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 535 5.7.8 no\nC: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\n"
	  "C: dXNlcg==\nS: 334 UGFzc3dvcmQ6\nC: c2VjcmV0\nS: 535 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH LOGIN", 0, AUTH_AUTO, 50 },
	{ "and after a 504 to it",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 504 5.7.4 no\nC: AUTH LOGIN\nS: 504 5.7.4 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH LOGIN", 0, AUTH_AUTO, 50 },
	{ "535 to the initial response ends it where PLAIN is offered too",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN PLAIN\n"
	  "C: AUTH LOGIN dXNlcg==\nS: 535 5.7.8 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH LOGIN", 0, AUTH_AUTO, 50 },
	{ "a forced mechanism need not be listed",
	  OPENING "S: 250 mx\n"
	  "C: AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB\n"
	  "S: 334 eyJzdGF0dXMiOiI0MDAifQ==\nC: \nS: 535 5.7.3 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH XOAUTH2: 535", 0, AUTH_XOAUTH2, 50 },
	{ "why a token was refused is told",
	  OPENING "S: 250 mx\n"
	  "C: AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB\n"
	  "S: 334 eyJzdGF0dXMiOiI0MDEiLCJzY29wZSI6InNlY3JldC95In0=\nC: \n"
	  "S: 535 5.7.3 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH XOAUTH2: 535 5.7.3 no (status 401, scope ******/y)", 0,
	  AUTH_XOAUTH2, 50 },
	{ "a reason that is none is nothing",
	  OPENING "S: 250 mx\n"
	  "C: AUTH XOAUTH2 dXNlcj11c2VyAWF1dGg9QmVhcmVyIHNlY3JldAEB\n"
	  "S: 334 e30K!\nC: \nS: 535 5.7.3 no.\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH XOAUTH2: 535 5.7.3 no.", 0, AUTH_XOAUTH2, 50 },
	{ "OAUTHBEARER",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH OAUTHBEARER\n"
	  "C: AUTH OAUTHBEARER bixhPXVzZXIsAWhvc3Q9bXguZXhhbXBsZS5vcmcBcG9ydD01ODcBYXV0aD1CZWFyZXIgc2VjcmV0AQE=\n"
	  "S: 235 ok\n"
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 sender\nS: 250 rcpt\nS: 250 taken\nC: QUIT\n",
	  "a", ERROR_NONE, "a", NULL, 7, AUTH_OAUTHBEARER, 50 },
	{ "OAUTHBEARER refused",
	  OPENING "S: 250 mx\n"
	  "C: AUTH OAUTHBEARER bixhPXVzZXIsAWhvc3Q9bXguZXhhbXBsZS5vcmcBcG9ydD01ODcBYXV0aD1CZWFyZXIgc2VjcmV0AQE=\n"
	  "S: 334 eyJzdGF0dXMiOiJpbnZhbGlkX3Rva2VuIn0=\nC: AQ==\nS: 535 5.7.3 no\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "AUTH OAUTHBEARER: 535 5.7.3 no (status invalid_token)", 0,
	  AUTH_OAUTHBEARER, 50 },
	{ "endless challenges end",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\nC: AUTH LOGIN dXNlcg==\nS: 334 a\nC: c2VjcmV0\n"
	  "S: 334 a\nC: c2VjcmV0\nS: 334 a\nC: c2VjcmV0\nS: 334 a\nC: QUIT\n",
	  "a", ERROR_PROTOCOL, ".", "AUTH LOGIN", 0, AUTH_AUTO, 50 },
	{ "no mechanism of ours",
	  OPENING "S: 250-mx\nS: 250 AUTH GSSAPI NTLM\nC: QUIT\n",
	  "a", ERROR_BARRED, ".", "it lists: GSSAPI NTLM", 0, AUTH_AUTO, 50 },
	/* the opening */
	{ "the server turns us away", "S: 554 5.7.1 no\n",
	  "a", ERROR_BARRED, ".", "greeting: 554 5.7.1 no", 0, AUTH_AUTO, 50 },
	{ "the server is busy", "S: 421 4.3.2 busy\n",
	  "a", ERROR_LATER, ".", "greeting: 421", 0, AUTH_AUTO, 50 },
	{ "no STARTTLS", "S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250 AUTH LOGIN\n",
	  "a", ERROR_PROTOCOL, ".", "does not offer STARTTLS", 0, AUTH_AUTO, 50 },
	{ "STARTTLS refused",
	  "S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 454 4.7.0 no\n"
	  "",
	  "a", ERROR_LATER, ".", "STARTTLS: 454", 0, AUTH_AUTO, 50 },
	{ "a server that repeats secrets",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" "C: AUTH LOGIN dXNlcg==\nS: 334 UGFzc3dvcmQ6\n"
	  "C: c2VjcmV0\nS: 500 5.5.1 \"c2VjcmV0\" is no command, and secret no password\nC: QUIT\n",
	  "a", ERROR_AUTH, ".", "\"********\" is no command, and ****** no password", 0,
	  AUTH_AUTO, 50 },
	/* a server that is out of step, or hangs up after a refusal */
	{ "354 after the message",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 354 go\nC: QUIT\n",
	  "a", ERROR_PROTOCOL, "u", "no answer here", 0, AUTH_AUTO, 50 },
	{ "MAIL refused, then silence for ever",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 550 5.7.1 no\nCLOSE",
	  "a", ERROR_SENDER, ".", "550 5.7.1 no", 0, AUTH_AUTO, 50 },
	{ "MAIL refused without CHUNKING, then closed",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 550 5.7.1 no\nCLOSE",
	  "a", ERROR_SENDER, ".", "550 5.7.1 no", 0, AUTH_AUTO, 50 },
	{ "every recipient refused, then closed at DATA",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 550 5.1.1 no\nCLOSE",
	  "a", ERROR_NONE, "r", NULL, 0, AUTH_AUTO, 50 },
	{ "one refused for good, then 421",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: RCPT TO:<b@example.org>\n"
	  "C: RCPT TO:<c@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 550 5.1.1 no\nS: 421 busy\nCLOSE",
	  "abc", ERROR_LATER, "rl.", "421 busy", 0, AUTH_AUTO, 50 },
	{ "the quota of the account ends it: no third transaction",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: DATA\n"
	  "S: 250 ok\nS: 450 4.5.127 Excessive\nS: 503 no\nC: QUIT\n",
	  "abc", ERROR_QUOTA, "l..", "not tried", 0, AUTH_AUTO, 1 },
	{ "not SMTP at all", "S: SSH-2.0-OpenSSH\n",
	  "a", ERROR_PROTOCOL, ".", "did not answer in SMTP: \"SSH-2.0-OpenSSH\"", 0,
	  AUTH_AUTO, 50 },
	{ "codes of one reply differ", "S: 220-mx\nS: 250 mx\n",
	  "a", ERROR_PROTOCOL, ".", "did not answer in SMTP", 0, AUTH_AUTO, 50 },
	{ "closed at once", "CLOSE", "a", ERROR_NETWORK, ".", "greeting: the server closed", 0,
	  AUTH_AUTO, 50 },
};

static char letter_of(enum verdict verdict)
{
	return ".arlu"[verdict];
}

static void fill_envelope(struct envelope *e, const char *letters)
{
	e->sender = text_copy("s@x.org");
	for (; *letters; letters++) {
		char mailbox[] = "?@example.org";

		mailbox[0] = *letters;
		envelope_add(e, mailbox);
	}
}

static void fill_message(struct message *m)
{
	message_init(m);
	m->header = (struct buf)BUF_INIT(1000);
	buf_add(&m->header, "Subject: s\r\n");
	m->body = (struct buf)BUF_INIT(1000);
	buf_add(&m->body, ".dot\r\ntext\r\n");
	m->body_len = m->body.len;
}

static void play(const struct dialogue *d, size_t step)
{
	struct error err = { 0 };
	struct script script;
	struct secret secret = { 0 };
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct smtp_options options = {
		.service = "acs", .helo = "me", .starttls = true, .auth = d->auth,
		.user = "user", .host = "mx.example.org", .port = 587, .secret = &secret, .timeout = 60,
		.max_recipients = d->max_recipients,
	};
	struct session *s;
	bool ok = false;

	script_init(&script, d->text, step);
	secret_set(&secret, "secret", 6);
	fill_envelope(&e, d->recipients);
	fill_message(&m);
	s = smtp_open(&script.transport, &options, &err);
	if (s)
		ok = smtp_send(s, &e, &m, &err);
	smtp_close(s);
	secret_free(&secret);
	assert_true(script.is_closed);
	if (ok != (d->kind == ERROR_NONE) || (!ok && err.kind != d->kind))
		fail_msg("%s: kind %d: %s", d->name, err.kind, ok ? "sent" : err.text);
	if (d->says && !strstr(err.text, d->says))
		fail_msg("%s: \"%s\" lacks \"%s\"", d->name, err.text, d->says);
	for (size_t i = 0; i < e.count; i++)
		if (letter_of(e.recipients[i].verdict) != d->verdicts[i])
			fail_msg("%s: recipient %zu has verdict %c", d->name, i,
				 letter_of(e.recipients[i].verdict));
	if (!script_is_over(&script))
		fail_msg("%s: the dialogue stopped before: %.60s", d->name, script.at);
	if (d->waits && step > 1 && script.waits + 1 != d->waits)
		fail_msg("%s: %u waits", d->name, script.waits + 1);
}

static void test_dialogue(void **state)
{
	play(*state, 100000);
	play(*state, 1);
}

/* What has come in one segment with the right answer; later it cannot be told from one. */
static const struct dialogue surplus[] = {
	{ "one reply too many, and then the refusal",
	  OPENING "S: 250-mx\nS: 250-PIPELINING\nS: 250-CHUNKING\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 250 surplus\nS: 554 5.6.0 refused\n",
	  "a", ERROR_PROTOCOL, "u", "more than was said", 0, AUTH_AUTO, 50 },
	{ "the answer to the message before the message",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\nS: 250 ok\n"
	  "C: DATA\nS: 354 go\nS: 250 fake\n",
	  "a", ERROR_PROTOCOL, ".", "more than was said", 0, AUTH_AUTO, 50 },
	{ "two answers to MAIL",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nS: 250 ok\nS: 250 ok\n",
	  "a", ERROR_PROTOCOL, ".", "more than was said", 0, AUTH_AUTO, 50 },
	{ "of several lines: told in one",
	  OPENING "S: 250-mx\nS: 250 AUTH LOGIN\n" LOGIN
	  "C: MAIL FROM:<s@x.org>\nS: 250 ok\nS: 250-one\nS: 250 two\n",
	  "a", ERROR_PROTOCOL, ".", "said: 250 one two", 0, AUTH_AUTO, 50 },
};

static void test_surplus_replies(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(surplus); i++)
		play(&surplus[i], 100000);
}

/* What the man in the middle puts behind the reply to STARTTLS. */
static void test_text_after_starttls(void **state)
{
	static const struct dialogue injected = {
		"text after STARTTLS",
		"S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\n"
		"S: 250 AUTH LOGIN\n",
		"a", ERROR_PROTOCOL, ".", "clear text was sent after the reply to STARTTLS", 0,
		AUTH_AUTO, 50
	};

	(void)state;
	play(&injected, 100000);
}

static void test_no_secret_in_clear_text(void **state)
{
	struct error err = { 0 };
	struct script script;
	struct secret secret = { 0 };
	struct smtp_options options = {
		.service = "acs", .helo = "me", .auth = AUTH_PLAIN, .user = "user", .host = "mx.example.org", .port = 587,
		.secret = &secret, .timeout = 60,
	};

	(void)state;
	secret_set(&secret, "secret", 6);
	script_init(&script, "S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250 AUTH PLAIN\nC: QUIT\n",
		    100000);
	assert_null(smtp_open(&script.transport, &options, &err));
	assert_int_equal(err.kind, ERROR_TLS);
	assert_true(script_is_over(&script));
	secret_free(&secret);
}

/* Whatever the layers above let through: the line is refused where it is sent. */
static void test_no_line_break_in_a_command(void **state)
{
	struct error err = { 0 };
	struct script script;
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct smtp_options options = { .service = "acs", .helo = "me", .auth = AUTH_OFF,
					.timeout = 60 };
	struct session *s;

	(void)state;
	fill_envelope(&e, "a");
	free(e.sender);
	e.sender = text_copy("a@b>\r\nRSET");
	fill_message(&m);
	script_init(&script, "S: 220 mx\nC: EHLO me\nS: 250 mx\nC: QUIT\n", 100000);
	s = smtp_open(&script.transport, &options, &err);
	assert_non_null(s);
	assert_false(smtp_send(s, &e, &m, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	smtp_close(s);
	assert_true(script_is_over(&script));
}

/* --- who is told how far it is */

#define PLAIN_OPENING	"S: 220 mx\nC: EHLO me\nS: 250 mx\n"
#define FAST_OPENING	"S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250-PIPELINING\nS: 250 CHUNKING\n"

struct observer {
	struct witness witness;		/* first */
	const struct script *script;
	const char *next;		/* what the server was about to hear or say, at the brink */
	char told[20];			/* b: at the brink, t: a transaction, l: the last one */
	bool refuses;
};

static void note(struct observer *o, char letter)
{
	size_t len = strlen(o->told);

	assert_true(len < sizeof(o->told) - 1);
	o->told[len] = letter;
}

static bool see_brink(struct witness *w, struct error *err)
{
	struct observer *o = (struct observer *)w;

	note(o, 'b');
	o->next = o->script->at;
	return !o->refuses || error_set(err, ERROR_IO, "the disk is gone");
}

static bool see_transaction(struct witness *w, bool is_last, struct error *err)
{
	struct observer *o = (struct observer *)w;

	note(o, is_last ? 'l' : 't');
	return !o->refuses || error_set(err, ERROR_IO, "the disk is gone");
}

static const struct observed {
	const char *name, *text, *recipients, *verdicts, *told;
	const char *next;	/* what comes at the brink */
	enum error_kind kind;
	bool all_or_none, refuses;
} observed[] = {
	{ "at the final dot, and between transactions",
	  PLAIN_OPENING "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\nS: 250 ok\n"
	  "C: DATA\nS: 354 go\n" DOTTED "S: 250 taken\n"
	  "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<b@example.org>\nS: 250 ok\n"
	  "C: DATA\nS: 354 go\n" DOTTED "S: 250 taken\nC: QUIT\n",
	  "ab", "aa", "btbl", "C: Subject: s", ERROR_NONE, false, false },
	{ "what is said in one breath",
	  FAST_OPENING "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nC: BDAT 26 LAST\n" BODY
	  "S: 250 ok\nS: 250 ok\nS: 250 taken\nC: QUIT\n",
	  "a", "a", "bl", "C: MAIL", ERROR_NONE, false, false },
	{ "no brink where nobody is left",
	  PLAIN_OPENING "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\nS: 550 no\n"
	  "C: QUIT\n",
	  "a", "r", "l", NULL, ERROR_NONE, false, false },
	{ "the witness does not want it",
	  PLAIN_OPENING "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\nS: 250 ok\n"
	  "C: DATA\nS: 354 go\n",
	  "a", ".", "bl", NULL, ERROR_IO, false, true },
	{ "not a byte of what would be said in one breath",
	  FAST_OPENING, "a", ".", "bl", NULL, ERROR_IO, false, true },
	{ "for all of them, or for none",
	  FAST_OPENING "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\nS: 250 ok\nS: 250 ok\n"
	  "C: BDAT 26 LAST\n" BODY "S: 250 taken\nC: QUIT\n",
	  "a", "a", "bl", NULL, ERROR_NONE, true, false },
};

static void observe(const struct observed *row)
{
	struct error err = { 0 };
	struct script script;
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct smtp_options options = { .service = "acs", .helo = "me", .auth = AUTH_OFF,
					.timeout = 60, .max_recipients = 1 };
	struct observer o = { .witness = { see_brink, see_transaction, row->all_or_none },
			      .script = &script, .refuses = row->refuses };
	struct session *s;

	fill_envelope(&e, row->recipients);
	fill_message(&m);
	script_init(&script, row->text, 100000);
	s = smtp_open(&script.transport, &options, &err);
	assert_non_null(s);
	smtp_set_witness(s, &o.witness);
	if (smtp_send(s, &e, &m, &err) != (row->kind == ERROR_NONE) ||
	    (row->kind && err.kind != row->kind))
		fail_msg("%s: %s", row->name, err.text);
	smtp_close(s);
	assert_string_equal(o.told, row->told);
	if (row->next && strncmp(o.next, row->next, strlen(row->next)) != 0)
		fail_msg("%s: told before \"%.30s\"", row->name, o.next);
	for (size_t i = 0; i < e.count; i++)
		if (letter_of(e.recipients[i].verdict) != row->verdicts[i])
			fail_msg("%s: recipient %zu", row->name, i);
	assert_true(script_is_over(&script));
}

static void test_witness(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(observed); i++)
		observe(&observed[i]);
}

/* One of two is refused, and there is no room to say which has it: so neither. */
static void test_all_or_none(void **state)
{
	static const char *const texts[] = {
		FAST_OPENING "C: MAIL FROM:<s@x.org>\nC: RCPT TO:<a@example.org>\n"
		"C: RCPT TO:<b@example.org>\nS: 250 ok\nS: 250 ok\nS: 450 later\nC: QUIT\n",
		PLAIN_OPENING "C: MAIL FROM:<s@x.org>\nS: 250 ok\nC: RCPT TO:<a@example.org>\n"
		"S: 250 ok\nC: RCPT TO:<b@example.org>\nS: 550 no\nC: QUIT\n",
		"S: 220 mx\nC: EHLO me\nS: 250-mx\nS: 250 LIMITS RCPTMAX=1\nC: QUIT\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct error err = { 0 };
		struct script script;
		OWNED_ENVELOPE e = { 0 };
		OWNED_MESSAGE m;
		struct smtp_options options = { .service = "acs", .helo = "me", .auth = AUTH_OFF,
						.timeout = 60 };
		struct observer o = { .witness = { see_brink, see_transaction, true },
				      .script = &script };
		struct session *s;

		fill_envelope(&e, "ab");
		fill_message(&m);
		script_init(&script, texts[i], 100000);
		s = smtp_open(&script.transport, &options, &err);
		smtp_set_witness(s, &o.witness);
		assert_false(smtp_send(s, &e, &m, &err));
		assert_int_equal(err.kind, ERROR_LATER);
		assert_int_equal(e.recipients[0].verdict, VERDICT_NONE);
		assert_null(strchr(o.told, 'b'));
		smtp_close(s);
		assert_true(script_is_over(&script));
	}
}

int main(void)
{
	struct CMUnitTest tests[COUNT_OF(dialogues) + 6];
	size_t n = 0;

	for (; n < COUNT_OF(dialogues); n++)
		tests[n] = (struct CMUnitTest){ dialogues[n].name, test_dialogue, NULL, NULL,
						(void *)&dialogues[n] };
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_surplus_replies);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_text_after_starttls);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_secret_in_clear_text);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_no_line_break_in_a_command);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_witness);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test(test_all_or_none);
	return cmocka_run_group_tests_name("smtp-client", tests, NULL, NULL);
}
