/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the SMTP server share: the dialogue, and how it hears and answers. */
#ifndef SMTP_SERVER_SESSION_H
#define SMTP_SERVER_SESSION_H

#include "smtp/server.h"

enum {
	SERVER_LINE_MAX = 12288 + 2,	/* bytes of a command with its CRLF: RFC 4954 section 4 */
	SERVER_BUFFER = 16 * 1024,
	SERVER_REPLIES_MAX = 64 * 1024,	/* bytes of replies that wait to be sent */
};

/* What a command's function says of the dialogue. */
enum next { GO_ON, HANG_UP };

struct server {
	struct transport *wire;
	const struct server_options *options;
	struct server_taker *taker;
	struct buf out;			/* replies that were not sent yet */
	bool is_extended;		/* EHLO: replies have enhanced codes, and PIPELINING */
	bool is_greeted;		/* HELO or EHLO was said */
	bool is_logged_in;
	unsigned errors;		/* commands that made no sense */
	unsigned wrong_logins;
	/*
	 * The transaction: since MAIL, whether anybody was taken, and the chunks of BDAT.
	 */
	bool has_sender;
	struct envelope envelope;
	char *notify;			/* NOTIFY= of the RCPT that is being taken, or NULL */
	uint64_t announced;		/* SIZE= of MAIL; 0: not said */
	struct message message;
	struct message_intake *intake;	/* NULL: no chunk came yet */
	bool is_spoilt;			/* a chunk could not be taken: BDAT is refused to LAST */
	struct error why_spoilt;
	int spoilt_code;		/* and that is the reply; 0: as the error's kind says */
	const char *spoilt_status;
	int64_t patience;		/* ms that we still wait for it; server_dialogue.c */
	bool has_quit;			/* whether it hears our last word is all one */
	bool is_lost;			/* nothing can be read or written any more */
	struct error why_lost;
	size_t start, end;		/* of what was read ahead */
	char in[SERVER_BUFFER];		/* last: it takes no memory until it is used */
};

/* --- hearing */

/*
 * The next line without its end, LF or CRLF; good until the next call. NULL: there is
 * none, s->is_lost or the end of input; *too_long: it was read over and is not here.
 */
char *server_hear_line(struct server *s, size_t *len, bool *too_long);

/* At least one byte, at most `size`; 0: there is none more. */
size_t server_hear_bytes(struct server *s, size_t size, const char **bytes);

/* Whether the client has said more than was asked, as far as it is here. */
bool server_is_ahead(const struct server *s);

/* Wipes what was heard and used: it may have been a password. */
void server_forget_heard(struct server *s);

/* --- answering */

/*
 * Adds a line of a reply; `code` with '-' is followed by more. The enhanced code
 * ("2.1.0") is said after EHLO alone. What would end the line or harm a terminal becomes
 * "?".
 */
void server_reply(struct server *s, int code, const char *enhanced, const char *fmt, ...)
	PRINTF(4, 5);
void server_reply_more(struct server *s, int code, const char *text);

/* The same of an error: its kind and whether it passes say the codes. */
void server_reply_error(struct server *s, const struct error *err);

/* A command that makes no sense: the reply, and one step nearer to being turned out. */
enum next server_blame(struct server *s, int code, const char *enhanced, const char *words);

/* That the taker has closed. */
void server_reply_closed(struct server *s);

/* Sends what was added; false: it is lost. */
bool server_flush(struct server *s);

/* What was added is the last that is said, and this is why. */
void server_lose(struct server *s, const struct error *why);

/* --- the rest of the house */

/* Whether some of the message may have come, which is not over yet. */
static inline bool server_has_begun(const struct server *s)
{
	return s->intake || s->is_spoilt;
}

/* The transaction is over, or was never there. */
void server_reset(struct server *s);

/* One command with its arguments. */
enum next server_obey(struct server *s, char *line, size_t len);

/* After their own command lines: DATA, and a chunk of BDAT. */
enum next server_take_data(struct server *s);
enum next server_take_chunk(struct server *s, uint64_t size, bool is_last);

/* AUTH with its dialogue, and whether it is offered now. */
enum next server_take_auth(struct server *s, const char *arguments);
bool server_offers_login(const struct server *s);

/* MAIL's and RCPT's arguments, into the envelope; they answer. */
enum next server_take_mail(struct server *s, const char *arguments);
enum next server_take_rcpt(struct server *s, const char *arguments);

#endif
