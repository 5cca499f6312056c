/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file is a struct stamp and the token behind it, in this machine's byte order: it
 * never leaves the machine. Its name is what the token is for, as a digest, so accounts
 * that want the same token share it. It is locked by a file beside it, for it is replaced
 * by rename.
 */
#include "secret/token_cache.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/directory.h"
#include "base/file.h"
#include "base/self.h"
#include "base/sum.h"

enum {
	PURPOSE_LIMIT = 64 * 1024,
	NAME_SIZE = sizeof("token-0123456789abcdef.lock"),
	NAME_BYTES = 8,
	LOCK_TICK_MS = 20,
	SKEW_SECONDS = 60,	/* that a clock may have been put back */
};

struct token_stamp {
	char magic[8];
	unsigned char binding[DIGEST_SIZE];
	uint32_t secrets[2];	/* of which they are, and of which they will be; 0: of none */
	int64_t stamp, renews, expires;
	uint64_t sum;		/* of all else */
};
static const char magic[8] = "acstok1";

/* --- what it is for */

/* They decide whose token a source gives. */
static const char *const variables[] = {
	"AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_AUTHORITY_HOST",
	"AZURE_FEDERATED_TOKEN_FILE", "AZURE_POD_IDENTITY_AUTHORITY_HOST",
	"IDENTITY_ENDPOINT", "IMDS_ENDPOINT", "MSI_ENDPOINT",
};

static void add_part(struct buf *all, const char *part)
{
	buf_add(all, part ? part : "");
	buf_add_char(all, '\0');
}

/* Where a login goes changes nothing in the token that comes of it. */
static bool binds(const char *key)
{
	return strcmp(key, "authorize_url") != 0 && strcmp(key, "device_url") != 0;
}

static bool bind_to(const struct token_purpose *purpose, unsigned char binding[DIGEST_SIZE])
{
	OWNED_BUF all = BUF_INIT(PURPOSE_LIMIT);
	struct token_settings settings = *purpose->settings;

	add_part(&all, purpose->source);
	for (size_t i = 0; token_setting_key(i); i++)
		if (binds(token_setting_key(i)))
			add_part(&all, *token_setting(&settings, i));
	for (size_t i = 0; i < COUNT_OF(variables); i++)
		add_part(&all, getenv(variables[i]));
	return !buf_is_full(&all) && digest_of(all.text, all.len, binding);
}

static void name_of(const unsigned char binding[DIGEST_SIZE], const char *end,
		    char name[NAME_SIZE])
{
	uint64_t number;

	memcpy(&number, binding, NAME_BYTES);
	snprintf(name, NAME_SIZE, "token-%016llx%s", (unsigned long long)number, end);
}

/* Salted by what it is for, so that a secret that is used twice does not show. */
static uint32_t mark_of(const struct secret *secret, const unsigned char binding[DIGEST_SIZE])
{
	unsigned char digest[DIGEST_SIZE], salted[DIGEST_SIZE + DIGEST_SIZE];
	uint32_t mark = 0;

	if (!secret || !secret_is_set(secret) || secret->len == 0)
		return 0;
	memcpy(salted, binding, DIGEST_SIZE);
	if (digest_of(secret->bytes, secret->len, salted + DIGEST_SIZE) &&
	    digest_of(salted, sizeof(salted), digest))
		memcpy(&mark, digest, sizeof(mark));
	wipe(salted, sizeof(salted));
	wipe(digest, sizeof(digest));
	return mark ? mark : 1;
}

/* --- the file */

static uint64_t checksum(const struct token_stamp *stamp, const struct secret *access)
{
	struct token_stamp unsigned_stamp = *stamp;

	unsigned_stamp.sum = 0;
	return sum_add(sum_add(SUM_INIT, &unsigned_stamp, sizeof(unsigned_stamp)),
		       access->bytes, access->len);
}

static bool is_private(int fd, struct stat *st)
{
	return fstat(fd, st) == 0 && S_ISREG(st->st_mode) && self_owns(st) &&
	       !(st->st_mode & 077) && st->st_size > (off_t)sizeof(struct token_stamp) &&
	       st->st_size <= (off_t)sizeof(struct token_stamp) + SECRET_MAX;
}

static bool is_for(const struct token_stamp *stamp, const struct token_purpose *purpose,
		   const unsigned char binding[DIGEST_SIZE])
{
	uint32_t mark = mark_of(purpose->secret, binding);

	return memcmp(stamp->magic, magic, sizeof(magic)) == 0 &&
	       memcmp(stamp->binding, binding, DIGEST_SIZE) == 0 &&
	       (mark == 0 || mark == stamp->secrets[0] || mark == stamp->secrets[1]);
}

/* By a clock that went back nothing is known of when it ends. */
static enum token_age age_of(const struct token_stamp *stamp)
{
	time_t now = time(NULL);

	if (stamp->stamp / 1000000 > now + SKEW_SECONDS ||
	    now >= stamp->expires - TOKEN_LAST_SECONDS)
		return TOKEN_IS_ABSENT;
	return now < stamp->renews ? TOKEN_IS_FRESH : TOKEN_IS_OLD;
}

static bool read_file(int fd, struct token_stamp *stamp, struct secret *access)
{
	struct stat st;

	if (!is_private(fd, &st) || !read_exactly(fd, stamp, sizeof(*stamp)))
		return false;
	secret_make_room(access);
	access->len = (size_t)st.st_size - sizeof(*stamp);
	return read_exactly(fd, access->bytes, access->len) &&
	       checksum(stamp, access) == stamp->sum;
}

enum token_age token_cache_load(const struct token_purpose *purpose, struct token *token)
{
	unsigned char binding[DIGEST_SIZE];
	OWNED_FD dir = directory_of_caches();
	OWNED_SECRET access = { 0 };
	struct token_stamp stamp;
	enum token_age age;
	char name[NAME_SIZE];
	OWNED_FD fd = -1;

	if (dir < 0 || !bind_to(purpose, binding))
		return TOKEN_IS_ABSENT;
	name_of(binding, "", name);
	fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || !read_file(fd, &stamp, &access) || !is_for(&stamp, purpose, binding))
		return TOKEN_IS_ABSENT;
	age = age_of(&stamp);
	if (age == TOKEN_IS_ABSENT)
		return age;
	*token = (struct token){
		.access = access,
		.stamp = stamp.stamp,
		.renews = stamp.renews,
		.expires = stamp.expires,
	};
	access = (struct secret){ 0 };
	return age;
}

void token_cache_save(const struct token_purpose *purpose, const struct secret *successor,
		      const struct token *token)
{
	struct token_stamp stamp = {
		.stamp = token->stamp, .renews = token->renews, .expires = token->expires,
	};
	OWNED_FD dir = directory_of_caches();
	OWNED_SECRET all = { 0 };
	struct error unheard;
	char name[NAME_SIZE];

	if (dir < 0 || token->access.len == 0 ||
	    token->access.len > SECRET_MAX - sizeof(stamp) || !bind_to(purpose, stamp.binding))
		return;
	memcpy(stamp.magic, magic, sizeof(magic));
	stamp.secrets[0] = mark_of(purpose->secret, stamp.binding);
	stamp.secrets[1] = mark_of(successor, stamp.binding);
	stamp.sum = checksum(&stamp, &token->access);
	secret_make_room(&all);
	memcpy(all.bytes, &stamp, sizeof(stamp));
	memcpy(all.bytes + sizeof(stamp), token->access.bytes, token->access.len);
	all.len = sizeof(stamp) + token->access.len;
	name_of(stamp.binding, "", name);
	(void)file_replace(dir, name, all.bytes, all.len, &unheard);
}

void token_cache_forget(const struct token_purpose *purpose)
{
	unsigned char binding[DIGEST_SIZE];
	OWNED_FD dir = directory_of_caches();
	char name[NAME_SIZE];

	if (dir < 0 || !bind_to(purpose, binding))
		return;
	name_of(binding, "", name);
	(void)unlinkat(dir, name, 0);
}

bool token_cache_lock(const struct token_purpose *purpose, int64_t deadline, int *fd)
{
	const struct timespec tick = { .tv_nsec = LOCK_TICK_MS * 1000000L };
	unsigned char binding[DIGEST_SIZE];
	OWNED_FD dir = directory_of_caches();
	OWNED_FD lock = -1;
	char name[NAME_SIZE];

	*fd = -1;
	if (dir < 0 || !bind_to(purpose, binding))
		return true;
	name_of(binding, ".lock", name);
	lock = openat(dir, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
	if (lock < 0)
		return true;
	while (flock(lock, LOCK_EX | LOCK_NB) < 0) {
		if (clock_left(deadline) == 0)
			return false;
		(void)nanosleep(&tick, NULL);
	}
	*fd = fd_take(&lock);
	return true;
}

int64_t token_renewal(int64_t now, int64_t expires)
{
	int64_t life = expires - now;

	if (life > TOKEN_LONG_SECONDS || life < 2 * TOKEN_MARGIN_SECONDS)
		return now + life / 2;
	return expires - TOKEN_MARGIN_SECONDS;
}

void token_free(struct token *token)
{
	secret_free(&token->access);
	*token = (struct token){ 0 };
}
