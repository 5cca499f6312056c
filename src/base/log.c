/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "base/append.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/daily.h"
#include "base/file.h"
#include "base/self.h"
#include "base/syslog_socket.h"
#include "base/text.h"

enum { LINE_MAX_BYTES = 8192 };

/* Global, as everything may log and nothing should have to carry the log about. */
static struct {
	enum { NOWHERE, SYSLOG, DESCRIPTOR } kind;
	int fd;
	bool owns_fd, complained;
	char *where, *tag;
} sink = { .fd = -1 };

void log_close(void)
{
	if (sink.owns_fd)
		close(sink.fd);
	free(sink.where);
	free(sink.tag);
	memset(&sink, 0, sizeof(sink));
	sink.fd = -1;
}

/* A process in the background says nothing, and does not say it in another's place. */
static bool is_heard(void)
{
	struct stat st;

	return fstat(self_complaints(), &st) == 0 &&
	       !(S_ISCHR(st.st_mode) && st.st_rdev == makedev(1, 3));	/* /dev/null */
}

/* Once a day; where that cannot be remembered, to a person who sees it alone. */
static void complain(const char *reason)
{
	OWNED_BUF line = BUF_INIT(LINE_MAX_BYTES);
	enum daily said;

	if (sink.complained || !is_heard())
		return;
	sink.complained = true;
	buf_addf(&line, "log %s: %s", sink.where, reason);
	said = daily_say(buf_text(&line));
	if (said == DAILY_FIRST || (said == DAILY_UNKNOWN && self_is_watched()))
		dprintf(self_complaints(), "%.100s: warning: %s; the mail is not affected\n",
			sink.tag, buf_text(&line));
}

/* --- can it be written */

static bool try_file(const char *path, struct error *err)
{
	OWNED_TEXT directory = text_copy(path);
	OWNED_FD fd = -1;
	char *slash = strrchr(directory, '/');

	/* What is not there yet is for the mail to make. */
	if (access(path, F_OK) < 0 && errno == ENOENT && slash) {
		slash[slash == directory] = '\0';
		return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ||
		       error_errno(err, ERROR_CREATE, "%s", path);
	}
	fd = append_open(path, err);
	return fd >= 0;
}

bool log_try(const char *where, struct error *err)
{
	if (!*where || !strcmp(where, "off") || !strcmp(where, "stderr"))
		return true;
	if (strcmp(where, "syslog") != 0)
		return try_file(where, err);
	return syslog_is_there(_PATH_LOG) || errno == ENOENT ||
	       error_errno(err, ERROR_CREATE, "%s", _PATH_LOG);
}

void log_open(const char *where, const char *tag)
{
	char *new_tag = text_copy(tag), *new_where = text_copy(where ? where : "");
	struct error err;

	log_close();
	sink.tag = new_tag;
	sink.where = new_where;
	if (!*sink.where || !strcmp(sink.where, "off"))
		return;
	if (!strcmp(sink.where, "syslog")) {
		sink.kind = SYSLOG;
		return;
	}
	sink.kind = DESCRIPTOR;
	sink.fd = self_complaints();
	if (!strcmp(sink.where, "stderr"))
		return;
	sink.fd = append_open(sink.where, &err);
	sink.owns_fd = sink.fd >= 0;
	if (sink.fd < 0) {
		OWNED_BUF reason = BUF_INIT(2 * ERROR_TEXT_MAX);

		buf_addf(&reason, "%s%s%s", err.text, err.advice ? "; " : "",
			 err.advice ? err.advice : "");
		complain(buf_text(&reason));
		sink.kind = NOWHERE;
	}
}

/* One write(2) for the whole line, so that lines of many processes do not mix. */
static void write_line(const char *text)
{
	OWNED_BUF line = BUF_INIT(LINE_MAX_BYTES + 256);
	char stamp[CLOCK_DATE_SIZE];

	clock_stamp(time(NULL), stamp);
	buf_addf(&line, "%s %.100s[%ld]: %s\n", stamp, sink.tag, (long)getpid(), text);
	if (!write_all(sink.fd, buf_text(&line), line.len))
		complain(strerror(errno));
}

PRINTF(2, 0)
static void log_text(int priority, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];

	if (sink.kind == NOWHERE)
		return;
	vsnprintf(text, sizeof(text), fmt, args);
	text_make_printable(text);
	if (sink.kind == DESCRIPTOR)
		write_line(text);
	else if (!syslog_send(_PATH_LOG, priority, sink.tag, text))
		complain(strerror(errno));
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(LOG_INFO, fmt, args);
	va_end(args);
}

void log_problem(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(LOG_ERR, fmt, args);
	va_end(args);
}
