/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon ends a line on which nothing is said for a while; whoever has more to ask
 * then opens it anew. So no question relies on what was asked before, but for the
 * messages that a round is about: they are named right before it.
 */
#include "delivery/queue_line.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/file.h"
#include "delivery/daemon_socket.h"

enum {
	NAME_BYTES = 12 * 1024,
	PATIENCE = 20,		/* seconds until it hears what is asked */
	ROUND_PATIENCE = 900,	/* between two words of an answer: a server may be slow */
};

/* --- what is said */

static bool greet(int fd, struct wire_hello *hello, struct error *err)
{
	static const char line[] = QUEUE_WIRE_LINE "\n";
	struct queue_frame frame = { .content = BUF_INIT(QUEUE_WIRE_ASKED_MAX) };
	struct wire_done done;
	bool ok = false;

	if (!write_patiently(fd, line, sizeof(line) - 1, PATIENCE * 1000) ||
	    !frame_receive(fd, &frame, PATIENCE)) {
		error_set(err, ERROR_LATER, "the daemon does not answer about its queue");
		error_advise(err, "try again; one of another version has to be started anew: "
			     "`systemctl restart acsmtp.service`");
	} else if (frame.kind == WIRE_DONE && queue_done_read(&frame.content, &done) && !done.ok) {
		*err = done.err;
	} else {
		ok = (frame.kind == WIRE_HELLO && queue_hello_read(&frame.content, hello)) ||
		     error_set(err, ERROR_LATER, "the daemon says what makes no sense");
	}
	buf_free(&frame.content);
	return ok;
}

/* Closed by the other end, as it does to who says nothing for a while. */
static bool is_open(const struct queue_line *line)
{
	char byte;

	return line->fd >= 0 && recv(line->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EINTR);
}

static bool open_anew(struct queue_line *line, struct error *err)
{
	struct wire_hello hello;

	if (is_open(line))
		return true;
	fd_cleanup(&line->fd);
	line->fd = daemon_socket_connect(line->settings, line->path, DAEMON_SOCKET_PATIENCE,
					 err);
	if (line->fd >= 0 && greet(line->fd, &hello, err))
		return true;
	fd_cleanup(&line->fd);
	line->fd = -1;
	return false;
}

bool queue_line_hang_up(const struct queue *q, struct error *err)
{
	fd_cleanup(&q->line->fd);
	q->line->fd = -1;
	error_set(err, ERROR_LATER, "the daemon, at %s, has stopped answering", q->line->path);
	return error_advise(err, "try again; `acsmtp daemon status` tells how it does");
}

bool queue_line_ask(const struct queue *q, const struct queue_request *request,
		    struct error *err)
{
	OWNED_BUF content = BUF_INIT(QUEUE_WIRE_ASKED_MAX);

	queue_request_write(request, &content);
	if (!open_anew(q->line, err))
		return false;
	return frame_send(q->line->fd, request->kind, &content, PATIENCE) ||
	       queue_line_hang_up(q, err);
}

bool queue_line_hear(const struct queue *q, struct queue_frame *frame, struct error *err)
{
	return frame_receive(q->line->fd, frame, ROUND_PATIENCE) ||
	       queue_line_hang_up(q, err);
}

/* --- opening it */

static bool is_our_own(const struct queue *q, const struct wire_hello *hello)
{
	struct stat st;

	return q->spool.dir >= 0 && fstat(q->spool.dir, &st) == 0 && st.st_dev == hello->dev &&
	       st.st_ino == hello->ino;
}

static struct queue_line *line_new(const struct queue *q, const char *path, int fd,
				   const struct wire_hello *hello)
{
	struct queue_line *line = xcalloc(1, sizeof(*line));
	const char *there = *hello->path ? hello->path : path;
	OWNED_BUF name = BUF_INIT(NAME_BYTES);

	if (q->spool.dir >= 0)
		buf_addf(&name, "%s, %s", q->spool.path, there);
	else
		buf_add(&name, there);
	*line = (struct queue_line){ .fd = fd, .path = text_copy(path), .name = buf_take(&name) };
	return line;
}

static bool open_at(struct queue *q, const struct daemon_settings *settings, const char *path,
		    struct error *err)
{
	OWNED_FD fd = daemon_socket_connect(settings, path, DAEMON_SOCKET_PATIENCE, err);
	struct wire_hello hello = { .sees_all = false };

	if (fd < 0 || !greet(fd, &hello, err))
		return false;
	if (is_our_own(q, &hello))
		return true;
	q->line = line_new(q, path, fd_take(&fd), &hello);
	q->line->settings = settings;
	return true;
}

bool queue_line_open(struct queue *q, const struct daemon_settings *settings,
		     struct error *err)
{
	char *path;

	error_set(err, ERROR_LATER, "there is no daemon");
	for (size_t i = 0; (path = daemon_socket_path(settings, DAEMON_KEEPER, i)); i++) {
		bool ok = open_at(q, settings, path, err);

		free(path);
		if (ok)
			return true;
	}
	return false;
}
