/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as a kept TLS session: they are none. What was saved is loaded as it was,
 * and by nobody who wants it bound to something else; a byte that changed makes it none.
 */
#include "fuzz.h"

#include <fcntl.h>

#include "net/tickets.h"

static const char name[] = "ticket";

static const char *cache(void)
{
	bool is_new;
	const char *path = fuzz_directory(&is_new);

	if (is_new)
		setenv("XDG_CACHE_HOME", path, 1);
	return path;
}

static int open_ticket(int flags)
{
	OWNED_BUF path = BUF_INIT(4096);

	buf_addf(&path, "%s/acsmtp/%s", cache(), name);
	return open(buf_text(&path), flags | O_CLOEXEC, 0600);
}

static void check_kept(const struct ticket *ticket,
		       const unsigned char binding[TICKET_BINDING_SIZE])
{
	unsigned char other[TICKET_BINDING_SIZE];
	struct ticket found = { 0 };
	bool is_one = ticket->len > 0 && ticket->len <= TICKET_MAX;

	ticket_save(name, binding, ticket);
	MUST(ticket_load(name, binding, &found) == is_one);
	if (!is_one)
		return;
	MUST(found.len == ticket->len &&
	     !memcmp(found.session, ticket->session, found.len));
	MUST(found.verified == ticket->verified && found.expires == ticket->expires);
	ticket_free(&found);
	memcpy(other, binding, sizeof(other));
	other[ticket->len % sizeof(other)] ^= 1;
	MUST(!ticket_load(name, other, &found));
}

static void check_damage(const struct ticket *ticket,
			 const unsigned char binding[TICKET_BINDING_SIZE])
{
	OWNED_FD fd = open_ticket(O_RDWR);
	struct ticket found = { 0 };
	unsigned char byte;
	off_t at;

	MUST(fd >= 0);
	at = lseek(fd, 0, SEEK_END);
	at = (off_t)((size_t)ticket->session[0] * 7919 % (size_t)at);
	MUST(pread(fd, &byte, 1, at) == 1);
	byte ^= 4;
	MUST(pwrite(fd, &byte, 1, at) == 1);
	MUST(!ticket_load(name, binding, &found));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned char binding[TICKET_BINDING_SIZE] =
		"of a server and its name";
	time_t now = time(NULL);
	struct ticket ticket = { .verified = now - 60,
				 .expires = now + 3600,
				 .session = (unsigned char *)data,
				 .len = size };
	struct ticket found = { 0 };
	OWNED_FD fd = -1;

	cache();
	ticket_forget(name); /* makes the directory */
	fd = open_ticket(O_WRONLY | O_CREAT | O_TRUNC);
	MUST(fd >= 0 && write_all(fd, data, size));
	MUST(!ticket_load(name, binding, &found));
	ticket_forget(name);
	check_kept(&ticket, binding);
	if (size > 0)
		check_damage(&ticket, binding);
	ticket_forget(name);
	return 0;
}
