/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A descriptor that is handed over is the receiver's: the keeper keeps none, and
 * addresses are free again when the door has closed them. What is new is opened while the
 * door listens to what it has: if it cannot be had, nothing has changed.
 */
#include "daemon/lend.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "daemon/handover.h"
#include "daemon/sockets.h"

enum { PATIENCE = 30, MOST = ADDRESSES_MAX };	/* seconds, sockets */

static const char word[] = "LISTEN\n";

union parcel {			/* aligned as cmsg(3) wants it */
	char bytes[CMSG_SPACE(MOST * sizeof(int))];
	struct cmsghdr head;
};

/* --- the keeper gives */

static bool send_them(int door, const struct listeners *l)
{
	union parcel parcel = { .bytes = { 0 } };
	char line[sizeof(word)];
	struct iovec text = { line, sizeof(line) - 1 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1 };
	struct cmsghdr *head;
	int fds[MOST] = { 0 };

	for (size_t i = 0; i < l->count; i++)
		fds[i] = l->list[i].fd;
	memcpy(line, word, sizeof(line));
	if (l->count == 0)
		return sendmsg(door, &message, MSG_NOSIGNAL) == (ssize_t)strlen(word);
	message.msg_control = parcel.bytes;
	message.msg_controllen = CMSG_SPACE(l->count * sizeof(int));
	head = CMSG_FIRSTHDR(&message);
	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(l->count * sizeof(int));
	memcpy(CMSG_DATA(head), fds, l->count * sizeof(int));
	return sendmsg(door, &message, MSG_NOSIGNAL) == (ssize_t)strlen(word);
}

/* Names alone. False: it is no list of them, or has no end. */
static bool hear_what_is_there(int door, struct listeners *there)
{
	char line[HANDOVER_LINE_MAX];

	while (handover_read_line(door, line, PATIENCE) && there->count < LISTENERS_MAX) {
		struct listener *one = &there->list[there->count];

		if (!*line)
			return true;
		if (strlen(line) >= sizeof(one->name))
			return false;
		*one = (struct listener){ .fd = -1 };
		memcpy(one->name, line, strlen(line) + 1);
		there->count++;
	}
	return false;
}

void lend_give(int door, const char *config_file)
{
	OWNED_CONFIG config = { 0 };
	struct listeners l = { .count = 0 }, there = { .count = 0 };
	char line[HANDOVER_LINE_MAX];
	struct error err;

	if (!hear_what_is_there(door, &there))
		return;
	if (!config_load(&config, config_file, &err) ||
	    !sockets_open_network(&l, &config.daemon, &there, &err)) {
		handover_refusal(line, &err);
		(void)write_patiently(door, line, strlen(line), PATIENCE * 1000);
	} else {
		(void)send_them(door, &l);
	}
	listeners_close(&l);
}

/* --- the door takes */

static bool adopt(struct msghdr *message, struct listeners *listeners, struct error *err)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	int fds[MOST];
	size_t count;

	if (!head)	/* it has them all */
		return true;
	if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return error_set(err, ERROR_LATER, "the daemon's queue does not answer as it must");
	count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), count * sizeof(int));
	for (size_t i = 0; i < count; i++)
		if (!listen_adopt(listeners, fds[i], "listen", err)) {
			while (++i < count)
				close(fds[i]);
			return false;
		}
	return true;
}

static bool ask(int keeper, const struct listeners *there)
{
	OWNED_BUF text = BUF_INIT(LISTENERS_MAX * sizeof(there->list->name));

	buf_add(&text, word);
	for (size_t i = 0; i < there->count; i++)
		if (!there->list[i].is_local)
			buf_addf(&text, "%s\n", there->list[i].name);
	buf_add(&text, "\n");
	return !buf_is_full(&text) &&
	       write_patiently(keeper, buf_text(&text), text.len, PATIENCE * 1000);
}

/* The sockets come with the first byte of the line. */
static bool take(int keeper, const struct listeners *there, struct listeners *listeners,
		 struct error *err)
{
	union parcel parcel;
	char line[HANDOVER_LINE_MAX + 1];
	struct iovec text = { line, 1 };
	struct msghdr message = { .msg_iov = &text, .msg_iovlen = 1,
				  .msg_control = parcel.bytes, .msg_controllen = sizeof(parcel) };
	struct pollfd in = { .fd = keeper, .events = POLLIN };

	if (!ask(keeper, there) || poll(&in, 1, PATIENCE * 1000) <= 0 ||
	    recvmsg(keeper, &message, MSG_CMSG_CLOEXEC) != 1 ||
	    !handover_read_line(keeper, line + 1, PATIENCE))
		return error_set(err, ERROR_LATER, "the daemon's queue does not answer");
	if (!strncmp(line, word, strlen(word) - 1))
		return adopt(&message, listeners, err);
	handover_read_refusal(line, err);
	return false;
}

static void share(const struct listeners *l, bool shares)
{
	for (size_t i = 0; i < l->count; i++)
		listen_share(&l->list[i], shares);
}

bool lend_take(const char *path, const struct listeners *there, struct listeners *listeners,
	       struct error *err)
{
	OWNED_FD keeper = handover_connect(path, err);
	bool ok;

	if (keeper < 0)
		return false;
	share(there, true);
	ok = take(keeper, there, listeners, err);
	share(there, false);
	return ok;
}
