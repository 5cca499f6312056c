/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Two questions that the door asks of a client. Names of users and groups become
 * numbers when the door begins, so that a name that nobody has stops the door and not a
 * message. Messages are counted in memory that is mapped before the door forks: all
 * sessions share it, without a lock, as one that died with a lock in its hands would
 * stop the others. A door that takes another's place counts on in the same memory.
 */
#include "daemon/admission.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/sum.h"
#include "base/text.h"

/* --- allow_users */

static bool add_uid(struct allowed_users *users, uid_t uid, struct error *err)
{
	if (users->uid_count == ALLOWED_MAX)
		return error_set(err, ERROR_CONFIG, "more than %d users", ALLOWED_MAX);
	users->uids[users->uid_count++] = uid;
	return true;
}

static bool add_gid(struct allowed_users *users, gid_t gid, struct error *err)
{
	if (users->gid_count == ALLOWED_MAX)
		return error_set(err, ERROR_CONFIG, "more than %d groups", ALLOWED_MAX);
	users->gids[users->gid_count++] = gid;
	return true;
}

static bool parse_one(const char *word, struct allowed_users *users, struct error *err)
{
	const struct passwd *user;
	const struct group *group;
	long number;

	if (!strcmp(word, "*"))
		return users->is_all = true;
	/*
	 * The one number that is left out means "leave it as it is" to system calls:
	 * nobody's.
	 */
	if (text_to_number(word, 0, UINT32_MAX - 1L, &number))
		return add_uid(users, (uid_t)number, err);
	if (*word == '@') {
		group = getgrnam(word + 1);
		return group ? add_gid(users, group->gr_gid, err) :
		       error_set(err, ERROR_CONFIG, "there is no group \"%s\"", word + 1);
	}
	user = getpwnam(word);
	return user ? add_uid(users, user->pw_uid, err) :
	       error_set(err, ERROR_CONFIG, "there is no user \"%s\"", word);
}

bool allowed_users_parse(const char *text, struct allowed_users *users, struct error *err)
{
	*users = (struct allowed_users){ .is_all = false };
	for (size_t len; (len = text_item(&text, ", \t")); text += len) {
		OWNED_TEXT word = text_copy_n(text, len);

		if (!parse_one(word, users, err))
			return false;
	}
	return true;
}

static bool has_gid(const struct allowed_users *users, gid_t gid)
{
	for (size_t i = 0; i < users->gid_count; i++)
		if (users->gids[i] == gid)
			return true;
	return false;
}

/* The kernel tells one group of a process; the others are asked of the system. */
static bool is_in_group(const struct allowed_users *users, const struct visitor *who)
{
	const struct passwd *user;
	gid_t groups[512];
	int count = COUNT_OF(groups);

	if (users->gid_count == 0)
		return false;
	if (has_gid(users, who->gid))
		return true;
	user = getpwuid(who->uid);
	/* With more groups than there is room for: what is not known lets nobody in. */
	if (!user || getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
		return false;
	for (int i = 0; i < count; i++)
		if (has_gid(users, groups[i]))
			return true;
	return false;
}

bool allowed_users_have(const struct allowed_users *users, const struct visitor *who)
{
	if (users->is_all || who->uid == 0)
		return true;
	for (size_t i = 0; i < users->uid_count; i++)
		if (users->uids[i] == who->uid)
			return true;
	return is_in_group(users, who);
}

/* --- how often */

/*
 * Whoever has one address of IPv6 has all of its network, and would be another one with
 * each. What is one of IPv4 in disguise is that one.
 */
static const unsigned char *identity(const struct ip_address *address, size_t *len)
{
	static const unsigned char mapped[12] = { [10] = 0xff, [11] = 0xff };
	const unsigned char *bytes = ip_address_bytes(address, len);

	if (*len == 4)
		return bytes;
	if (!memcmp(bytes, mapped, sizeof(mapped))) {
		*len = 4;
		return bytes + sizeof(mapped);
	}
	*len = 8;
	return bytes;
}

uint64_t admission_whose(const struct visitor *who)
{
	const bool is_user = who->is_local || who->has_owner;
	const uid_t uid = who->is_local ? who->uid : who->owner;
	size_t len = sizeof(uid);
	const void *bytes = is_user ? (const void *)&uid : identity(&who->address, &len);

	return sum_add(sum_add(SUM_INIT, &is_user, 1), bytes, len);
}

/*
 * A table that does not grow: the place of one who has given nothing this hour is
 * anybody's. Who finds none near his own goes uncounted: to refuse his mail for that
 * would be worse than to take too much of it.
 */
enum { SLOTS = 4096, TRIES = 64 };

struct admission_counts {
	struct slot {
		_Atomic uint64_t whose;		/* 0: nobody's yet */
		_Atomic uint64_t hour_and_count;	/* the hour, and below it 24 bits of count */
	} slots[SLOTS];
};

/* Of one that became shorter a page would be missing, and kill whoever counts there. */
enum { SEALS = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL };

int admission_counts_file(void)
{
	OWNED_FD fd = memfd_create("acsmtp-counts", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, sizeof(struct admission_counts)) < 0 ||
	    fcntl(fd, F_ADD_SEALS, SEALS) < 0)
		return -1;
	return fd_take(&fd);
}

static bool is_counts_file(int fd)
{
	int seals = fd >= 0 ? fcntl(fd, F_GET_SEALS) : -1;
	struct stat st;

	return seals >= 0 && (seals & SEALS) == SEALS && fstat(fd, &st) == 0 &&
	       st.st_size == sizeof(struct admission_counts);
}

struct admission_counts *admission_counts_new(int fd)
{
	bool is_file = is_counts_file(fd);
	void *room = mmap(NULL, sizeof(struct admission_counts), PROT_READ | PROT_WRITE,
			  MAP_SHARED | (is_file ? 0 : MAP_ANONYMOUS), is_file ? fd : -1, 0);

	return room == MAP_FAILED ? NULL : room;
}

static bool is_past(const struct slot *slot, uint64_t hour)
{
	return atomic_load(&slot->hour_and_count) >> 24 != hour;
}

/*
 * NULL: all are taken, and who comes now is not counted. His own first, wherever it is,
 * as one that became free before it would let him begin the hour anew.
 */
static struct slot *find_slot(struct admission_counts *counts, uint64_t whose, uint64_t hour)
{
	for (uint64_t i = 0; i < TRIES; i++)
		if (atomic_load(&counts->slots[(whose + i) % SLOTS].whose) == whose)
			return &counts->slots[(whose + i) % SLOTS];
	for (uint64_t i = 0; i < TRIES; i++) {
		struct slot *slot = &counts->slots[(whose + i) % SLOTS];
		uint64_t before = atomic_load(&slot->whose);

		if (before != whose && before && !is_past(slot, hour))
			continue;
		if (atomic_compare_exchange_strong(&slot->whose, &before, whose) || before == whose)
			return slot;
	}
	return NULL;
}

bool admission_counts_take(struct admission_counts *counts, uint64_t whose, long most, time_t now)
{
	uint64_t hour = (uint64_t)now / SECONDS_OF_HOUR;
	struct slot *slot = counts && most > 0 ? find_slot(counts, whose, hour) : NULL;
	uint64_t before, after;

	if (!slot)
		return true;
	/*
	 * The hour and its count change together, so that two sessions at one moment
	 * cannot both take the last message of an hour, nor one begin an hour that the
	 * other has begun.
	 */
	before = atomic_load(&slot->hour_and_count);
	do {
		uint64_t count = before >> 24 == hour ? before & 0xffffff : 0;

		if (count >= (uint64_t)most)
			return false;
		after = hour << 24 | (count + 1);
	} while (!atomic_compare_exchange_weak(&slot->hour_and_count, &before, after));
	return true;
}
