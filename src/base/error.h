/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One error value. A function that can fail returns bool and takes a
 * `struct error *` last, filled if and only if it returns false. The leaf says
 * the fact, callers prepend where it happened, the top floor prints one line and exits
 * with the kind's status from sysexits(3). What a program has to know of an error stands
 * in its facts: nobody looks for it in the text, which is for people and files.
 */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/base.h"
#include "base/language.h"

enum error_kind {
	ERROR_NONE,
	ERROR_USAGE,		/* the command line makes no sense */
	ERROR_DATA,		/* the message or an address is malformed, or too big */
	ERROR_NO_USER,		/* a recipient was refused */
	ERROR_NO_HOST,		/* the server's name does not exist */
	ERROR_REFUSED,		/* the server said no, and will say it again */
	ERROR_BARRED,		/* it takes nothing from us for now, whatever the mail is */
	ERROR_UNAVAILABLE,	/* this program does not do that (yet) */
	ERROR_BUG,		/* our own mistake */
	ERROR_SYSTEM,		/* this machine let us down */
	ERROR_CREATE,		/* a file could not be created */
	ERROR_IO,		/* reading or writing failed */
	ERROR_LATER,		/* nothing is wrong with the mail: try again */
	ERROR_NETWORK,		/* no connection, or it was lost */
	ERROR_QUOTA,		/* the account has sent all that it may for now */
	ERROR_PROTOCOL,		/* the server does not speak SMTP as it must */
	ERROR_TLS,		/* no connection that we may trust */
	ERROR_SENDER,		/* the account may not send as this sender */
	ERROR_AUTH,		/* the server did not accept user name and secret */
	ERROR_SECRET,		/* the secret could not be had */
	ERROR_CONFIG,		/* the configuration makes no sense */
	ERROR_KINDS
};

enum { ERROR_TEXT_MAX = 1024, ERROR_STATUS_SIZE = sizeof("5.123.123") };

struct error {			/* lives on the caller's stack; nothing to free */
	enum error_kind kind;
	int number;		/* errno behind it, or 0 */
	/* The reply of a server that is behind it; service/replies.h fills these. */
	int reply;		/* its code, or 0: there is none */
	int at;			/* what it answers: enum reply_at */
	char status[ERROR_STATUS_SIZE];	/* its enhanced code (RFC 3463), or "" */
	const char *advice;	/* what to do, a string that lives for ever, or NULL */
	size_t leaf;		/* where in `text` the fact stands, behind where it happened */
	char text[ERROR_TEXT_MAX];	/* English: for logs, files and programs */
	char words[ERROR_TEXT_MAX];	/* for the person at the terminal; "": text */
};

/*
 * Each returns false, so that callers can write "return error_set(...)". Formats and
 * advice are translated here and where they are printed, see base/language.h: call sites
 * write English.
 */
bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF(3, 4);
bool error_text(struct error *err, enum error_kind kind, const char *text);

/*
 * With the words of errno behind it. Where that is a passing lack of descriptors, memory
 * or processes it becomes ERROR_LATER, whatever `kind` says, unless that is
 * ERROR_NETWORK.
 */
bool error_errno(struct error *err, enum error_kind kind, const char *fmt, ...) PRINTF(3, 4);

/* The words of errno alone; else the same. */
bool error_reason(struct error *err, enum error_kind kind);

/*
 * error_text(), for a text that is made of several; `words` is it in the person's
 * language.
 */
bool error_texts(struct error *err, enum error_kind kind, const char *text,
		 const char *words);

/* Puts "words: " before the text, or the words alone if they end in a blank. */
bool error_context(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* Adds what to do about it, unless something said so before; keeps the pointer. */
bool error_advise(struct error *err, const char *advice);

/*
 * What the server said, code and text; the whole text where no refusal of a server is
 * behind it.
 */
const char *error_said(const struct error *err);

/* Whether both say one thing, wherever it happened. */
bool error_is_same(const struct error *a, const struct error *b);

/* The text in the language of the person; the advice goes through tr() besides. */
const char *error_words(const struct error *err);

/* The status to exit with, sysexits(3). */
int error_exit_status(const struct error *err);

/* Whether it is that a disk or a quota is full, of bytes or of files. */
bool error_is_no_room(const struct error *err);

/* Whether it is that the message is larger than what is taken. */
bool error_is_too_large(const struct error *err);

/* Of descriptors, memory or processes: whoever waits a moment may have them. */
bool errno_is_lack(int number);

/*
 * Whether this process lacks descriptors, memory or the like: no fault of an account's.
 */
bool error_is_lack(const struct error *err);

/*
 * Whether the same message may succeed later, unchanged (or once the account is mended).
 */
bool error_is_worth_retrying(const struct error *err);
bool error_kind_is_worth_retrying(enum error_kind kind);

#endif
