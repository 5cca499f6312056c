/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A kind has its exit status and its word on trying again in one table. Texts are made
 * twice: in English, for logs and files that programs and administrators read, and in
 * the language of whoever sits there.
 */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/language.h"

/*
 * What somebody can mend, a setting, a password, a server, is worth another try; what
 * the message or an address has wrong stays wrong.
 */
static const struct {
	int exit_status;
	bool retry;
} kinds[ERROR_KINDS] = {
	[ERROR_NONE]		= { EX_OK,		false },
	[ERROR_USAGE]		= { EX_USAGE,		false },
	[ERROR_DATA]		= { EX_DATAERR,		false },
	[ERROR_NO_USER]		= { EX_NOUSER,		false },
	[ERROR_NO_HOST]		= { EX_NOHOST,		true  },
	[ERROR_REFUSED]		= { EX_UNAVAILABLE,	false },
	[ERROR_BARRED]		= { EX_UNAVAILABLE,	true  },
	[ERROR_UNAVAILABLE]	= { EX_UNAVAILABLE,	false },
	[ERROR_BUG]		= { EX_SOFTWARE,	false },
	[ERROR_SYSTEM]		= { EX_OSERR,		true  },
	[ERROR_CREATE]		= { EX_CANTCREAT,	true  },
	[ERROR_IO]		= { EX_IOERR,		true  },
	[ERROR_LATER]		= { EX_TEMPFAIL,	true  },
	[ERROR_NETWORK]		= { EX_TEMPFAIL,	true  },
	[ERROR_QUOTA]		= { EX_TEMPFAIL,	true  },
	[ERROR_PROTOCOL]	= { EX_PROTOCOL,	true  },
	[ERROR_TLS]		= { EX_PROTOCOL,	true  },
	[ERROR_SENDER]		= { EX_NOPERM,		false },
	[ERROR_AUTH]		= { EX_NOPERM,		true  },
	[ERROR_SECRET]		= { EX_NOPERM,		true  },
	[ERROR_CONFIG]		= { EX_CONFIG,		true  },
};

/*
 * In English for logs and files, and in the language of the person, where that is
 * another.
 */
__attribute__((format(printf, 2, 0)))
static void put(struct error *err, const char *fmt, va_list args)
{
	va_list again;

	va_copy(again, args);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	err->words[0] = '\0';
	if (language_is_on())
		vsnprintf(err->words, sizeof(err->words), tr(fmt), again);
	va_end(again);
}

/* Returns where the rest begins; beyond the end where there was no room for it. */
static size_t append(char text[ERROR_TEXT_MAX], const char *rest)
{
	size_t len = strlen(text);
	const char *between = len > 0 && text[len - 1] == ' ' ? "" : ": ";

	snprintf(text + len, ERROR_TEXT_MAX - len, "%s%s", between, rest);
	return len + strlen(between);
}

static void begin(struct error *err, enum error_kind kind)
{
	err->kind = kind;
	err->number = err->reply = err->at = 0;
	err->status[0] = '\0';
	err->advice = NULL;
	err->leaf = 0;
}

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	begin(err, kind);
	va_start(args, fmt);
	put(err, fmt, args);
	va_end(args);
	return false;
}

bool error_texts(struct error *err, enum error_kind kind, const char *text,
		 const char *words)
{
	begin(err, kind);
	snprintf(err->text, sizeof(err->text), "%s", text);
	snprintf(err->words, sizeof(err->words), "%s", language_is_on() ? words : "");
	return false;
}

bool error_text(struct error *err, enum error_kind kind, const char *text)
{
	return error_texts(err, kind, text, tr(text));
}

bool errno_is_lack(int number)
{
	return number == EMFILE || number == ENFILE || number == ENOMEM ||
	       number == ENOBUFS || number == EAGAIN;
}

/* It says nothing of a file, an account or a server that it is met with. */
static enum error_kind kind_of(int number, enum error_kind otherwise)
{
	return errno_is_lack(number) && otherwise != ERROR_NETWORK ? ERROR_LATER : otherwise;
}

static void put_number(struct error *err, int number)
{
	err->number = number;
	if (number == EMFILE)
		err->advice = N_("allow it more open files: `ulimit -n`, or LimitNOFILE= of its unit");
}

bool error_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	int number = errno;
	va_list args;

	begin(err, kind_of(number, kind));
	put_number(err, number);
	va_start(args, fmt);
	put(err, fmt, args);
	va_end(args);
	(void)append(err->text, strerror(number));
	if (err->words[0])
		(void)append(err->words, language_reason(number));
	return false;
}

bool error_reason(struct error *err, enum error_kind kind)
{
	int number = errno;

	error_texts(err, kind_of(number, kind), strerror(number), language_reason(number));
	put_number(err, number);
	return false;
}

bool error_context(struct error *err, const char *fmt, ...)
{
	struct error old;
	size_t len;
	va_list args;

	memcpy(old.text, err->text, sizeof(old.text));
	memcpy(old.words, error_words(err), sizeof(old.words));
	va_start(args, fmt);
	put(err, fmt, args);
	va_end(args);
	/* The facts stay: it is the same error, seen from further away. */
	err->leaf += append(err->text, old.text);
	len = strlen(err->text);
	if (err->leaf > len)
		err->leaf = len;
	if (err->words[0])
		(void)append(err->words, old.words);
	return false;
}

const char *error_said(const struct error *err)
{
	return err->reply >= 400 ? err->text + err->leaf : err->text;
}

bool error_is_same(const struct error *a, const struct error *b)
{
	return a->kind == b->kind && a->reply == b->reply && a->at == b->at &&
	       !strcmp(a->text + a->leaf, b->text + b->leaf);
}

const char *error_words(const struct error *err)
{
	return err->words[0] ? err->words : err->text;
}

/* The first advice is that of who stood nearest to the trouble. */
bool error_advise(struct error *err, const char *advice)
{
	if (!err->advice)
		err->advice = advice;
	return false;
}

int error_exit_status(const struct error *err)
{
	return kinds[err->kind].exit_status;
}

bool error_is_no_room(const struct error *err)
{
	return err->number == ENOSPC || err->number == EDQUOT;
}

bool error_is_too_large(const struct error *err)
{
	return err->kind == ERROR_DATA && err->number == EFBIG;
}

bool error_is_lack(const struct error *err)
{
	return errno_is_lack(err->number);
}

bool error_is_worth_retrying(const struct error *err)
{
	return error_kind_is_worth_retrying(err->kind);
}

bool error_kind_is_worth_retrying(enum error_kind kind)
{
	return kinds[kind].retry;
}
