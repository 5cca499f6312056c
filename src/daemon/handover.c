/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Neither end waits without a limit, or reads more than was announced: each speaks to a
 * process that may be stuck, or taken over. Only ADDED makes the message the keeper's.
 * All else, a connection that breaks above all, is "later": the client still has the
 * message then and gives it again, at worst as a second one.
 */
#include "daemon/handover.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "base/path.h"
#include "base/self.h"
#include "base/sum.h"
#include "base/text.h"

enum { PIECE = 32 * 1024, RETRY_MS = 50 };

static bool is_readable(int fd, int64_t deadline)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };
	int n;

	while ((n = poll(&in, 1, clock_left(deadline))) < 0 && errno == EINTR)
		;
	return n > 0;
}

bool handover_read(int fd, void *bytes, size_t len, int seconds)
{
	int64_t deadline = clock_after(seconds);
	char *at = bytes;

	while (len > 0) {
		ssize_t n = is_readable(fd, deadline) ? read_some(fd, at, len) : -1;

		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/*
 * How many bytes there are up to the end of a line, and with it: what follows is not for
 * this reader to keep. Into a pipe one cannot look; there it is one byte.
 */
static size_t look(int fd, char *bytes, size_t size)
{
	const char *lf;
	ssize_t n;

	while ((n = recv(fd, bytes, size, MSG_PEEK)) < 0 && errno == EINTR)
		;
	if (n <= 0)
		return n < 0 && errno == ENOTSOCK ? 1 : 0;
	lf = memchr(bytes, '\n', (size_t)n);
	return lf ? (size_t)(lf - bytes) + 1 : (size_t)n;
}

bool handover_read_line(int fd, char line[HANDOVER_LINE_MAX], int seconds)
{
	int64_t deadline = clock_after(seconds);
	size_t len = 0;

	while (len < HANDOVER_LINE_MAX && is_readable(fd, deadline)) {
		size_t n = look(fd, line + len, HANDOVER_LINE_MAX - len);

		if (n == 0 || !handover_read(fd, line + len, n, seconds))
			return false;
		len += n;
		if (line[len - 1] == '\n') {
			line[len - 1] = '\0';
			return true;
		}
	}
	return false;
}

/* --- the way there */

/* So that nobody who can make a socket there is taken for the keeper. */
static bool is_keeper(int fd, const char *path)
{
	OWNED_TEXT directory = path_directory(path);
	struct ucred peer;
	socklen_t len = sizeof(peer);
	struct stat st;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == self_user())
		return true;
	return lstat(directory, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == peer.uid &&
	       !(st.st_mode & (S_IWGRP | S_IWOTH));
}

static int connect_to_path(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	OWNED_FD fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, path, strlen(path) + 1);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -1;
	if (is_keeper(fd, path))
		return fd_take(&fd);
	errno = EPERM;
	return -1;
}

int handover_connect(const char *path, struct error *err)
{
	int fd;

	if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path)) {
		error_set(err, ERROR_LATER, "the path of a socket is too long: %s", path);
		return -1;
	}
	fd = connect_to_path(path);
	if (fd < 0) {
		error_errno(err, ERROR_LATER, "the daemon's queue cannot be reached at %s", path);
		/* Whatever errno makes of it: the daemon may be back in a moment. */
		err->kind = ERROR_LATER;
	}
	return fd;
}

int handover_await(const char *path, int seconds, struct error *err)
{
	int64_t deadline = clock_after(seconds);
	int fd;

	/* Who may open no more does not get there by waiting. */
	while ((fd = handover_connect(path, err)) < 0 && err->number != EMFILE &&
	       clock_left(deadline) > 0)
		(void)poll(NULL, 0, RETRY_MS);
	return fd;
}

bool handover_begin(int keeper, struct error *err)
{
	static const char line[] = HANDOVER_BEGIN "\n";

	return write_patiently(keeper, line, sizeof(line) - 1, HANDOVER_PATIENCE * 1000) ||
	       error_set(err, ERROR_LATER, "the daemon's queue takes nothing now");
}

/* --- no */

enum { LATER, FULL, NEVER, LARGE };

static const struct refusal {
	const char *word;
	enum error_kind kind;	/* for whoever hears it */
	int number;
	bool is_last;		/* what was given is in the way of all that follows */
} refusals[] = {
	[LATER] = { "LATER ", ERROR_LATER, 0, false },
	[FULL]	= { "FULL ", ERROR_IO, ENOSPC, false },
	[NEVER] = { "NEVER ", ERROR_DATA, 0, false },
	[LARGE] = { "LARGE ", ERROR_DATA, EFBIG, true },
};

/* NULL: the line is none. */
static const struct refusal *find_refusal(const char *line)
{
	for (size_t i = 0; i < COUNT_OF(refusals); i++)
		if (text_after(line, refusals[i].word))
			return &refusals[i];
	return NULL;
}

void handover_refusal(char line[HANDOVER_LINE_MAX], const struct error *why)
{
	int as = error_is_no_room(why)		? FULL :
		 error_is_too_large(why)	? LARGE :
		 error_is_worth_retrying(why)	? LATER : NEVER;
	size_t len;

	snprintf(line, HANDOVER_LINE_MAX - 1, "%s%.400s%s%s", refusals[as].word, why->text,
		 why->advice ? "; " : "", why->advice ? why->advice : "");
	text_make_printable(line);
	len = strlen(line);
	line[len] = '\n';
	line[len + 1] = '\0';
}

void handover_read_refusal(const char *line, struct error *err)
{
	const struct refusal *said = find_refusal(line);

	if (said)
		error_set(err, said->kind, "%s", text_after(line, said->word));
	else
		error_set(err, ERROR_LATER, "the daemon's queue does not answer as it must");
	err->number = said ? said->number : 0;
}

/* --- a message */

static bool sum_message(const struct message *m, char *piece, uint64_t *sum, struct error *err)
{
	uint64_t at = 0;
	ssize_t n;

	*sum = SUM_INIT;
	while ((n = message_get(m, &at, piece, PIECE, err)) > 0)
		*sum = sum_add(*sum, piece, (size_t)n);
	return n == 0;
}

/*
 * As much at a time as the socket takes, each time within the patience: every write wakes
 * somebody at the other end.
 */
static bool send_all(int keeper, const char *at, size_t len, struct error *err)
{
	struct pollfd end = { .fd = keeper, .events = POLLOUT };

	while (len > 0) {
		ssize_t n = send(keeper, at, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR &&
		    (errno != EAGAIN || poll(&end, 1, HANDOVER_PATIENCE * 1000) == 0))
			return error_set(err, ERROR_LATER, "the daemon's queue takes nothing now");
		at += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return true;
}

/* What stands in `out` goes first, so that a small message is one write. */
static bool send_message(int keeper, struct buf *out, const struct message *m, char *piece,
			 struct error *err)
{
	uint64_t at = 0;
	ssize_t n;

	while ((n = message_get(m, &at, piece, PIECE, err)) > 0) {
		buf_add_bytes(out, piece, (size_t)n);
		if (out->len >= PIECE) {
			if (!send_all(keeper, out->text, out->len, err))
				return false;
			buf_clear(out);
		}
	}
	return n == 0 && send_all(keeper, buf_text(out), out->len, err);
}

/* An answer after which others may come. *ok is what it says. */
static bool judge(const char *line, struct entry *entry, bool *ok, struct error *err)
{
	const char *id = text_after(line, "ADDED ");
	const struct refusal *said = find_refusal(line);

	*ok = id && strlen(id) == ID_SIZE - 1;
	if (*ok)
		memcpy(entry->id, id, ID_SIZE);
	else
		handover_read_refusal(line, err);
	return *ok || (said && !said->is_last);
}

/* Who reads no more may have said why. */
static void hear_last_words(int keeper, struct error *err)
{
	char line[HANDOVER_LINE_MAX];

	if (handover_read_line(keeper, line, 0) && find_refusal(line))
		handover_read_refusal(line, err);
}

struct gift {
	const char *verb;
	struct entry *entry;
	const struct message *m;
};

/* False: there is no answer, it came half of the way, or it is the last one. */
static bool give(int keeper, const struct gift *g, bool *ok, struct error *err)
{
	OWNED_BUF text = BUF_INIT(ENTRY_TEXT_MAX), out = BUF_INIT(ENTRY_TEXT_MAX + 3 * PIECE);
	OWNED_TEXT piece = xmalloc(PIECE);
	char line[HANDOVER_LINE_MAX];
	uint64_t sum;

	/*
	 * The sum goes before the message, which is read twice for it; it is in memory
	 * or in a file of ours, so that costs little.
	 */
	if (!entry_write(g->entry, &text, err) || !sum_message(g->m, piece, &sum, err))
		return false;
	buf_addf(&out, "%s %zu %" PRIu64 " %016" PRIx64 "\n", g->verb, text.len,
		 message_size(g->m), sum);
	buf_add_bytes(&out, text.text, text.len);
	if (!send_message(keeper, &out, g->m, piece, err)) {
		hear_last_words(keeper, err);
		return false;
	}
	if (!handover_read_line(keeper, line, HANDOVER_PATIENCE))
		return error_set(err, ERROR_LATER, "the daemon's queue does not answer");
	return judge(line, g->entry, ok, err);
}

bool handover_add(int *keeper, struct entry *entry, const struct message *m, bool is_left,
		  struct error *err)
{
	const struct gift gift = { is_left ? "LEAVE" : "ADD", entry, m };
	bool ok = false;

	if (*keeper < 0)
		return error_set(err, ERROR_LATER, "the daemon's queue does not answer");
	if (give(*keeper, &gift, &ok, err))
		return ok;
	close(*keeper);
	*keeper = -1;
	return false;
}
