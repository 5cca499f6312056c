/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Written in place: the lock is the file's, which a rename would replace. A process that
 * dies between the two system calls leaves a checksum that is wrong, and so a fresh
 * start.
 */
#include "spool/account_state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "base/text.h"
#include "spool/codec.h"
#include "spool/files.h"

static const char first_line[] = "acsmtp-account 2\n";
static const char first_line_before[] = "acsmtp-account 1\n";	/* without "about" */
static const char no_class[] = "none";

/* --- the text */

static void write_window(struct buf *text, const char *word, const struct window *w)
{
	int used = PACE_SLOTS;

	while (used > 0 && w->counts[used - 1] == 0)
		used--;
	buf_addf(text, "%s %" PRId64, word, w->newest);
	for (int i = 0; i < used; i++)
		buf_addf(text, " %" PRIu32, w->counts[i]);
	buf_add_char(text, '\n');
}

void account_state_write(const struct pace *p, struct buf *text)
{
	size_t start = text->len;
	OWNED_TEXT why = text_copy(p->why);

	text_make_printable(why);
	buf_add(text, first_line);
	buf_addf(text, "stamp %lld\n", (long long)p->stamp);
	write_window(text, "minute", &p->minute);
	write_window(text, "hour", &p->hour);
	buf_addf(text, "share %ld %ld %ld %lld %lld %lld\n", p->share, p->goal, p->seen,
		 (long long)p->cut, (long long)p->grown, (long long)p->due);
	buf_addf(text, "pause %lld %u %d %s\n", (long long)p->until, p->failures,
		 p->is_probed, p->class[0] ? p->class : no_class);
	buf_addf(text, "about %016" PRIx64 "\n", p->about);
	buf_addf(text, "success %lld\n", (long long)p->last_success);
	if (p->store_away)
		buf_addf(text, "store-away %lld\n", (long long)p->store_away);
	if (p->spent)
		buf_addf(text, "spent %lld\n", (long long)p->spent);
	buf_addf(text, "why %s\n", why);
	codec_seal(text, start);
}

static void read_window(struct scanner *s, const char *word, uint64_t latest,
			struct window *w)
{
	scanner_words(s, word);
	w->newest = (int64_t)scanner_next(s, 0, latest);
	for (int i = 0; s->ok && *s->at == ' '; i++) {
		s->ok = i < PACE_SLOTS;
		if (s->ok)
			w->counts[i] = (uint32_t)scanner_next(s, 0, PACE_COUNT_MAX);
	}
	scanner_words(s, "\n");
}

static void read_about(struct scanner *s, bool is_old, struct pace *p)
{
	if (is_old)
		return;
	scanner_words(s, "about ");
	p->about = scanner_sum(s);
	scanner_words(s, "\n");
}

bool account_state_read(struct pace *p, const char *text, size_t len)
{
	bool is_old = !strncmp(text, first_line_before, strlen(first_line_before));
	struct scanner s = { text, true };
	struct pace found = { 0 };
	uint64_t stamp;

	if (strlen(text) != len || !codec_sealed(text, len))
		return false;
	scanner_words(&s, is_old ? first_line_before : first_line);
	scanner_words(&s, "stamp");
	stamp = scanner_next(&s, 0, INT64_MAX / 2);
	found.stamp = (time_t)stamp;
	scanner_words(&s, "\n");
	read_window(&s, "minute", stamp, &found.minute);
	read_window(&s, "hour", stamp, &found.hour);
	scanner_words(&s, "share");
	found.share = (long)scanner_next(&s, 1, PACE_ALL);
	found.goal = (long)scanner_next(&s, 1, PACE_ALL);
	found.seen = (long)scanner_next(&s, 0, INT32_MAX);
	found.cut = (time_t)scanner_next(&s, 0, stamp);
	found.grown = (time_t)scanner_next(&s, 0, stamp);
	found.due = (time_t)scanner_next(&s, 0, stamp + PACE_SPACING_MAX);
	scanner_words(&s, "\npause");
	found.until = (time_t)scanner_next(&s, 0, stamp + PACE_PAUSE_MAX);
	found.failures = (unsigned)scanner_next(&s, 0, INT32_MAX);
	found.is_probed = scanner_next(&s, 0, 1);
	scanner_rest(&s, found.class, sizeof(found.class));
	read_about(&s, is_old, &found);
	scanner_words(&s, "success");
	found.last_success = (time_t)scanner_next(&s, 0, stamp);
	scanner_words(&s, "\n");
	if (codec_after(s.at, "store-away")) {
		scanner_words(&s, "store-away");
		found.store_away = (time_t)scanner_next(&s, 0, stamp + PACE_PAUSE_MAX);
		scanner_words(&s, "\n");
	}
	if (codec_after(s.at, "spent")) {
		scanner_words(&s, "spent");
		found.spent = (time_t)scanner_next(&s, 0, stamp);
		scanner_words(&s, "\n");
	}
	scanner_words(&s, "why");
	scanner_rest(&s, found.why, sizeof(found.why));
	scanner_words(&s, "end ");
	s.ok = s.ok && found.class[0];
	if (!strcmp(found.class, no_class))
		found.class[0] = '\0';
	if (s.ok)
		*p = found;
	return s.ok;
}

/* --- the file */

/* Not durably: it may be lost, and nobody shall wait for the disk. */
static int open_directory(const struct spool *s, bool make)
{
	struct error unheard;

	if (make && mkdirat(s->dir, "accounts", 0700) < 0 && errno != EEXIST)
		return -1;
	return spool_subdirectory(s, "accounts", false, &unheard);
}

/* What is known under the name of before goes on under this one. */
static int open_missing(const struct spool *s, const struct state_place *place,
			const char *name, int flags)
{
	OWNED_FD dir = open_directory(s, flags & O_CREAT);
	char before[STATE_NAME_SIZE];

	if (dir < 0)
		return -1;
	if (state_file_name_before(place->account, before) && renameat(dir, before, dir, name) == 0)
		return openat(dir, name, flags, 0600);
	errno = ENOENT;
	return flags & O_CREAT ? openat(dir, name, flags, 0600) : -1;
}

static int open_file(const struct spool *s, const struct state_place *place, bool make)
{
	int flags = O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
	char path[sizeof("accounts/") + STATE_NAME_SIZE] = "accounts/";
	char *name = path + strlen(path);
	int fd;

	if (s->dir < 0) {
		errno = EBADF;
		return -1;
	}
	state_file_name(place, name);
	fd = openat(s->dir, path, flags);
	return fd < 0 && errno == ENOENT ?
		       open_missing(s, place, name, flags | (make ? O_CREAT : 0)) : fd;
}

/* Why it cannot be used, now or at all; NULL: it is locked. */
static const char *lock_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || !self_owns(&st) ||
	    (st.st_mode & 077))
		return "it is not a regular file of this user alone";
	if (spool_lock_file(fd, STATE_PATIENCE))
		return NULL;
	return errno == EWOULDBLOCK ? "somebody else holds its lock" : "it cannot be locked";
}

/* An empty file is one that was made this moment. */
static const char *read_file(int fd, struct pace *p)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX);
	struct error err;

	if (!file_read(fd, &text, &err))
		return err.kind == ERROR_DATA ? "it is too long" : "it cannot be read";
	if (text.len > 0 && !account_state_read(p, buf_text(&text), text.len))
		return "it is damaged or of another version";
	return NULL;
}

bool account_state_open(const struct spool *s, const struct state_place *place, bool make,
			struct account_state *state)
{
	const char *trouble;

	pace_init(&state->pace);
	state->fd = open_file(s, place, make);
	if (state->fd < 0) {
		if (s->dir >= 0 && (make || errno != ENOENT))
			log_problem("account %s: its quota is not counted: %s/accounts: %s",
				    place->account, s->path, strerror(errno));
		return false;
	}
	trouble = lock_file(state->fd);
	if (trouble)
		account_state_close(state);
	else
		trouble = read_file(state->fd, &state->pace);
	if (trouble)
		log_problem("account %s: nothing is known of its quota and pauses: its file "
			    "in %s/accounts: %s",
			    place->account, s->path, trouble);
	return state->fd >= 0;
}

void account_state_save(const struct account_state *state, const struct state_place *place)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX);

	if (state->fd < 0)
		return;
	account_state_write(&state->pace, &text);
	if (pwrite(state->fd, buf_text(&text), text.len, 0) != (ssize_t)text.len ||
	    ftruncate(state->fd, (off_t)text.len) < 0)
		log_problem("account %s: its quota is not counted: write: %s", place->account,
			    strerror(errno));
}

void account_state_close(struct account_state *state)
{
	fd_cleanup(&state->fd);
	state->fd = -1;
}

/* --- files of before */

enum { SWEEP_AGE = 36 * 3600 };

struct state_sweep {
	int dir;
	time_t now;
};

static bool sweep_name(void *seer, const char *name)
{
	const struct state_sweep *sweep = seer;
	struct stat st;

	/*
	 * Names have colons now (spool/state_name.c); before, they were those of
	 * accounts.
	 */
	if (!strchr(name, ':') && fstatat(sweep->dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISREG(st.st_mode) && st.st_mtime < sweep->now - SWEEP_AGE)
		unlinkat(sweep->dir, name, 0);
	return true;
}

void account_state_sweep(const struct spool *s, time_t now)
{
	OWNED_FD dir = open_directory(s, false);
	struct state_sweep sweep = { dir, now };
	struct error unheard;

	if (dir >= 0)
		(void)spool_names(dir, sweep_name, &sweep, &unheard);
}
