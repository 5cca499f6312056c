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
#include "base/parcel.h"
#include "daemon/handover.h"
#include "daemon/sockets.h"

enum { PATIENCE = 5 };	/* seconds; the door hears nobody meanwhile */

/* What is lent goes as one. */
_Static_assert((int)ADDRESSES_MAX <= (int)PARCEL_MAX, "the sockets fit");

static const char word[] = "LISTEN\n", register_word[] = "OWNERS\n";

/* --- the keeper gives */

static bool send_them(int door, const struct listeners *l)
{
	int fds[LISTENERS_MAX] = { 0 };

	for (size_t i = 0; i < l->count; i++)
		fds[i] = l->list[i].fd;
	return parcel_send(door, word, strlen(word), fds, l->count);
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

void lend_give_register(int door)
{
	struct visitor_register r;

	visitor_register_open(&r);
	if (r.is_open)
		(void)parcel_send(door, register_word, strlen(register_word), &r.fd, 1);
	visitor_register_close(&r);
}

/* --- the door takes */

/* False: what could not be used is closed. None at all: it has them. */
static bool adopt(const int *fds, size_t count, struct listeners *listeners, struct error *err)
{
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
	char line[HANDOVER_LINE_MAX + 1];
	struct pollfd in = { .fd = keeper, .events = POLLIN };
	int fds[PARCEL_MAX];
	size_t count = 0;
	bool is_heard = ask(keeper, there) && poll(&in, 1, PATIENCE * 1000) > 0 &&
			parcel_receive(keeper, line, 1, fds, &count) == 1 &&
			handover_read_line(keeper, line + 1, PATIENCE);

	if (is_heard && !strncmp(line, word, strlen(word) - 1))
		return adopt(fds, count, listeners, err);
	if (is_heard)
		handover_read_refusal(line, err);
	else
		error_set(err, ERROR_LATER, "the daemon's queue does not answer");
	while (count > 0)
		close(fds[--count]);
	return false;
}

bool lend_take(const char *path, const struct listeners *there, struct listeners *listeners,
	       struct error *err)
{
	OWNED_FD keeper = handover_connect(path, err);
	bool ok;

	if (keeper < 0)
		return false;
	listeners_share(there, true);
	ok = take(keeper, there, listeners, err);
	listeners_share(there, false);
	return ok;
}

void lend_take_register(const char *path, struct visitor_register *visitors)
{
	struct error unheard;
	OWNED_FD keeper = handover_connect(path, &unheard);
	struct pollfd in = { .fd = keeper, .events = POLLIN };
	int fds[PARCEL_MAX];
	size_t count = 0;
	char said;

	if (keeper < 0 ||
	    !write_patiently(keeper, register_word, strlen(register_word), PATIENCE * 1000) ||
	    poll(&in, 1, PATIENCE * 1000) <= 0 ||
	    parcel_receive(keeper, &said, 1, fds, &count) != 1 || count == 0)
		return;
	while (count > 1)
		close(fds[--count]);
	visitor_register_adopt(visitors, *fds);
}
