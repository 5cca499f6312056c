/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

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

bool error_set(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	va_list args;

	err->kind = kind;
	err->reply = 0;
	err->advice = NULL;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return false;
}

bool error_errno(struct error *err, enum error_kind kind, const char *fmt, ...)
{
	const char *reason = strerror(errno);
	size_t len;
	va_list args;

	err->kind = kind;
	err->reply = 0;
	err->advice = NULL;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", reason);
	return false;
}

bool error_context(struct error *err, const char *fmt, ...)
{
	char old[sizeof(err->text)];
	size_t len;
	va_list args;

	memcpy(old, err->text, sizeof(old));
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	len = strlen(err->text);
	snprintf(err->text + len, sizeof(err->text) - len, ": %s", old);
	return false;
}

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

bool error_is_worth_retrying(const struct error *err)
{
	return kinds[err->kind].retry;
}
