/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file is a struct stamp and the session behind it, in this machine's byte order:
 * it never leaves the machine. Two processes may take the same ticket; servers allow
 * that, and each leaves the newest one behind.
 */
#include "net/tickets.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/directory.h"
#include "base/file.h"
#include "base/secret.h"
#include "base/self.h"
#include "base/sum.h"

struct stamp {
	char magic[8];
	unsigned char binding[TICKET_BINDING_SIZE];
	int64_t verified, expires;
	uint64_t sum;		/* of all else: half a file after a power failure is none */
};
static const char magic[8] = "acsmtp2";

static uint64_t checksum(const struct stamp *stamp, const struct ticket *ticket)
{
	struct stamp unsigned_stamp = *stamp;

	unsigned_stamp.sum = 0;
	return sum_add(sum_add(SUM_INIT, &unsigned_stamp, sizeof(unsigned_stamp)),
		       ticket->session, ticket->len);
}

/* A clock that went back makes it one of the future, of which nothing is known. */
static bool is_usable(const struct stamp *stamp,
		      const unsigned char binding[TICKET_BINDING_SIZE])
{
	time_t now = time(NULL);

	return memcmp(stamp->magic, magic, sizeof(magic)) == 0 &&
	       memcmp(stamp->binding, binding, TICKET_BINDING_SIZE) == 0 &&
	       stamp->verified <= now && stamp->verified > now - TICKET_AGE_MAX &&
	       now < stamp->expires;
}

bool ticket_load(const char *name, const unsigned char binding[TICKET_BINDING_SIZE],
		 struct ticket *ticket)
{
	OWNED_FD dir = directory_of_caches();
	OWNED_FD fd = dir < 0 ? -1 :
		      openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct ticket found = { 0 };
	struct stamp stamp;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) ||
	    !self_owns(&st) || (st.st_mode & 077) ||
	    st.st_size <= (off_t)sizeof(stamp) ||
	    st.st_size > (off_t)sizeof(stamp) + TICKET_MAX)
		return false;
	if (!read_exactly(fd, &stamp, sizeof(stamp)) || !is_usable(&stamp, binding))
		return false;
	found.verified = (time_t)stamp.verified;
	found.expires = (time_t)stamp.expires;
	found.len = (size_t)st.st_size - sizeof(stamp);
	found.session = xmalloc(found.len);
	if (!read_exactly(fd, found.session, found.len) ||
	    checksum(&stamp, &found) != stamp.sum) {
		ticket_free(&found);
		return false;
	}
	*ticket = found;
	return true;
}

void ticket_save(const char *name, const unsigned char binding[TICKET_BINDING_SIZE],
		 const struct ticket *ticket)
{
	struct stamp stamp = { .verified = ticket->verified, .expires = ticket->expires };
	size_t len = sizeof(stamp) + ticket->len;
	struct error unheard;
	unsigned char *all;
	OWNED_FD dir = -1;

	if (ticket->len == 0 || ticket->len > TICKET_MAX)
		return;
	dir = directory_of_caches();
	if (dir < 0)
		return;
	memcpy(stamp.magic, magic, sizeof(magic));
	memcpy(stamp.binding, binding, TICKET_BINDING_SIZE);
	stamp.sum = checksum(&stamp, ticket);
	all = xmalloc(len);
	memcpy(all, &stamp, sizeof(stamp));
	memcpy(all + sizeof(stamp), ticket->session, ticket->len);
	(void)file_replace(dir, name, all, len, &unheard);
	wipe(all, len);
	free(all);
}

void ticket_forget(const char *name)
{
	OWNED_FD dir = directory_of_caches();

	if (dir >= 0)
		(void)unlinkat(dir, name, 0);
}

void ticket_free(struct ticket *ticket)
{
	if (ticket->session)
		wipe(ticket->session, ticket->len);
	free(ticket->session);
	*ticket = (struct ticket){ 0 };
}
