/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Lines of the log, of text or of JSON, to syslog or a file. A line is whole and
 * printable before it is written, and written at once. No mail waits or fails for a log
 * that cannot be written: that is said once, where somebody hears it.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
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
#include "base/json.h"
#include "base/path.h"
#include "base/self.h"
#include "base/syslog_socket.h"
#include "base/text.h"

enum {
	LINE_MAX_BYTES = 8192,		/* of text: what is longer is cut */
	FACTS_MAX_BYTES = 1024 * 1024,	/* before that */
	VALUE_MAX_BYTES = 4000,		/* of one in JSON, which cannot be cut as a whole */
};

/* Global, as everything may log and nothing should have to carry the log about. */
static struct log_sink {
	enum { NOWHERE, SYSLOG, DESCRIPTOR } kind;
	int fd;
	bool owns_fd, complained;
	enum log_format format;
	char *where, *tag;
} sink = { .fd = -1 }, put_aside;

static int inherited = -1;

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
	OWNED_TEXT directory = path_directory(path);
	OWNED_FD fd = -1;

	/* What is not there yet is for the mail to make. */
	if (access(path, F_OK) < 0 && errno == ENOENT)
		return faccessat(AT_FDCWD, directory, W_OK | X_OK, AT_EACCESS) == 0 ||
		       error_errno(err, ERROR_CREATE, "%s", path);
	fd = append_open(path, err);
	return fd >= 0;
}

bool log_is_standard(const char *where)
{
	return !strcmp(where, "stderr") || !strcmp(where, "stdout");
}

bool log_is_file(const char *where)
{
	return *where && strcmp(where, "off") != 0 && strcmp(where, "syslog") != 0 &&
	       !log_is_standard(where);
}

bool log_try(const char *where, struct error *err)
{
	if (log_is_file(where))
		return try_file(where, err);
	if (strcmp(where, "syslog") != 0)
		return true;
	return syslog_is_there(_PATH_LOG) || errno == ENOENT ||
	       error_errno(err, ERROR_CREATE, "%s", _PATH_LOG);
}

void log_settle(void)
{
	if (sink.kind == SYSLOG)
		syslog_stay(_PATH_LOG);
}

bool log_place_is_same(struct log_place a, struct log_place b)
{
	return !strcmp(a.where ? a.where : "", b.where ? b.where : "") && a.format == b.format;
}

void log_open(struct log_place place, const char *tag)
{
	char *new_tag = text_copy(tag);
	char *new_where = text_copy(place.where ? place.where : "");
	struct error err;

	log_close();
	sink.tag = new_tag;
	sink.where = new_where;
	sink.format = place.format;
	if (!*sink.where || !strcmp(sink.where, "off"))
		return;
	if (!strcmp(sink.where, "syslog")) {
		sink.kind = inherited < 0 ? SYSLOG : DESCRIPTOR;
		sink.fd = inherited;
		return;
	}
	sink.kind = DESCRIPTOR;
	sink.fd = self_complaints();
	if (log_is_standard(sink.where))
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

void log_inherit(int fd)
{
	inherited = fd;
}

int log_descriptor(void)
{
	return sink.owns_fd ? sink.fd : -1;
}

void log_lend(struct log_place place)
{
	const struct log_place now = { sink.where, sink.format };

	if (log_place_is_same(now, place))
		return;
	put_aside = sink;
	sink = (struct log_sink){ .fd = -1 };
	log_open(place, put_aside.tag ? put_aside.tag : "acsmtp");
}

void log_return(void)
{
	if (!put_aside.tag)
		return;
	log_close();
	sink = put_aside;
	put_aside = (struct log_sink){ .fd = -1 };
}

/* --- a line of text */

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

static void put_text(int priority, char *text)
{
	text[strnlen(text, LINE_MAX_BYTES - 1)] = '\0';
	text_make_printable(text);
	if (sink.kind == DESCRIPTOR)
		write_line(text);
	else if (!syslog_send(_PATH_LOG, priority, sink.tag, text))
		complain(strerror(errno));
}

static bool is_there(const struct log_fact *fact)
{
	if (fact->form == LOG_CODE)
		return fact->number != 0;
	return fact->form < LOG_WORD || fact->text || fact->list;
}

void log_list_add(struct log_list *list, const char *item, size_t most)
{
	size_t more = strlen(item) + (list->count > 0 ? strlen(",<>") : strlen("<>"));

	list->is_cut = list->is_cut || list->len + more > most;
	if (list->is_cut)
		return;
	grow((void **)&list->items, &list->room, list->count, sizeof(*list->items));
	list->items[list->count++] = item;
	list->len += more;
}

void log_list_free(struct log_list *list)
{
	free(list->items);
	*list = (struct log_list){ .items = NULL };
}

static void add_list(struct buf *line, const struct log_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		buf_addf(line, "%s<%s>", i > 0 ? "," : "", list->items[i]);
	if (list->is_cut)
		buf_add(line, ",...");
}

static void add_fact(struct buf *line, const struct log_fact *fact)
{
	buf_addf(line, " %s=", fact->key);
	switch (fact->form) {
	case LOG_NUMBER:
	case LOG_CODE:
		buf_addf(line, "%" PRId64, fact->number);
		break;
	case LOG_PART:
		buf_addf(line, "%" PRId64 "/%" PRId64, fact->number, fact->whole);
		break;
	case LOG_SECONDS:
		buf_addf(line, "%.3fs", (double)fact->number / 1000);
		break;
	case LOG_WORD:
		buf_add(line, fact->text);
		break;
	case LOG_QUOTED:
		buf_addf(line, "\"%s\"", fact->text);
		break;
	case LOG_ADDRESS:
		buf_addf(line, "<%s>", fact->text);
		break;
	case LOG_ADDRESSES:
		add_list(line, fact->list);
		break;
	}
}

static void facts_as_text(int priority, const char *id, const char *event,
			  const struct log_fact *facts, size_t count)
{
	OWNED_BUF line = BUF_INIT(FACTS_MAX_BYTES);

	buf_addf(&line, "%s: %s:", id, event);
	for (size_t i = 0; i < count; i++)
		if (is_there(&facts[i]) && !facts[i].is_implied)
			add_fact(&line, &facts[i]);
	put_text(priority, line.text);
}

/* --- a line of JSON */

struct json_line {
	struct json json;
	char *text;
	size_t size;
};

/* What every line has. */
static void begin_json(struct json_line *line, int priority, const char *id)
{
	struct json *j = &line->json;
	char stamp[CLOCK_DATE_SIZE];

	*line = (struct json_line){ .text = NULL };
	j->out = open_memstream(&line->text, &line->size);
	clock_rfc3339(time(NULL), stamp);
	json_object(j, NULL);
	json_text(j, "time", stamp);
	json_text(j, "tag", sink.tag);
	json_number(j, "pid", getpid());
	json_text(j, "level", priority == LOG_ERR ? "problem" : "info");
	if (id)
		json_text(j, "id", id);
}

static bool put_json(const struct json_line *line, int priority)
{
	if (sink.kind == DESCRIPTOR)
		return write_all(sink.fd, line->text, line->size);
	line->text[line->size - 1] = '\0';	/* its line end */
	return syslog_send(_PATH_LOG, priority, sink.tag, line->text);
}

static void end_json(struct json_line *line, int priority)
{
	json_end(&line->json);
	/*
	 * Without memory there is no stream, and less to say than that the mail goes on.
	 */
	if (!line->json.out || fclose(line->json.out) != 0 || !put_json(line, priority))
		complain(strerror(errno));
	free(line->text);
}

/* At most so many bytes, and whole characters. */
static void write_value(struct json *j, const char *key, const char *text)
{
	size_t len = strnlen(text, VALUE_MAX_BYTES + 1);
	OWNED_TEXT value = NULL;

	if (len > VALUE_MAX_BYTES)
		len = text_whole(text, VALUE_MAX_BYTES);
	value = text_copy_n(text, len);
	json_text(j, key, value);
}

static void write_fact(struct json *j, const struct log_fact *fact)
{
	switch (fact->form) {
	case LOG_NUMBER:
	case LOG_CODE:
	case LOG_PART:
		json_number(j, fact->key, fact->number);
		break;
	case LOG_SECONDS:
		json_thousandths(j, fact->key, fact->number);
		break;
	case LOG_WORD:
	case LOG_QUOTED:
	case LOG_ADDRESS:
		write_value(j, fact->key, fact->text);
		break;
	case LOG_ADDRESSES:
		json_array(j, fact->key);
		for (size_t i = 0; i < fact->list->count; i++)
			write_value(j, NULL, fact->list->items[i]);
		json_end(j);
		break;
	}
}

static void facts_as_json(int priority, const char *id, const char *event,
			  const struct log_fact *facts, size_t count)
{
	struct json_line line;

	begin_json(&line, priority, id);
	json_text(&line.json, "event", event);
	for (size_t i = 0; i < count; i++)
		if (is_there(&facts[i]))
			write_fact(&line.json, &facts[i]);
	end_json(&line, priority);
}

/* --- either */

void log_facts(bool is_problem, const char *id, const char *event,
	       const struct log_fact *facts, size_t count)
{
	if (sink.kind != NOWHERE)
		(sink.format == LOG_AS_JSON ? facts_as_json : facts_as_text)(
			is_problem ? LOG_ERR : LOG_INFO, id, event, facts, count);
}

PRINTF(3, 0)
static void log_text(int priority, const char *id, const char *fmt, va_list args)
{
	char text[LINE_MAX_BYTES];
	size_t len = 0;

	if (sink.kind == NOWHERE)
		return;
	if (id && sink.format == LOG_AS_TEXT)
		len = (size_t)snprintf(text, sizeof(text), "%.100s: ", id);
	vsnprintf(text + len, sizeof(text) - len, fmt, args);
	if (sink.format == LOG_AS_TEXT) {
		put_text(priority, text);
	} else {
		struct json_line line;

		begin_json(&line, priority, id);
		write_value(&line.json, "message", text);
		end_json(&line, priority);
	}
}

void log_info(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(LOG_INFO, NULL, fmt, args);
	va_end(args);
}

void log_problem(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(LOG_ERR, NULL, fmt, args);
	va_end(args);
}

void log_info_of(const char *id, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(LOG_INFO, id, fmt, args);
	va_end(args);
}

void log_problem_of(const char *id, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	log_text(LOG_ERR, id, fmt, args);
	va_end(args);
}
