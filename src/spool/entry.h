/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the spool knows of one message besides its bytes, and the text of its ID.env file;
 * acsmtp-spool(5) describes it line by line.
 */
#ifndef SPOOL_ENTRY_H
#define SPOOL_ENTRY_H

#include <sys/types.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "mail/envelope.h"

enum { ENTRY_TEXT_MAX = 64 * 1024 * 1024 };	/* bytes of an ID.env */

struct entry {
	char id[ID_SIZE];
	time_t arrived, next;	/* when it came; before what moment it is not tried again */
	unsigned attempts;	/* that failed */
	bool is_held;		/* tried only when released */
	bool is_held_by_us;	/* by on_lost_reply and no person: so its sender is told, and it ends */
	char *held_by;		/* who alone lets it go, where that is not its own user; or NULL */
	bool is_report;		/* of ours: nobody is told of its fate */
	bool is_warned;		/* the sender was told that it is late */
	bool is_in_doubt;	/* an answer was lost: recipients may have it already */
	uid_t uid;		/* who handed it in, */
	char *user, *host;	/* his login and from where; NULL: as uid has it, and here */
	char *account;		/* name of the account it goes through */
	char *config;		/* file of -C, a whole path; "": the usual ones */
	/*
	 * The header of the message is as it was before a sender policy, which has to be
	 * applied whenever it is sent; false: that was done, by a version that did it
	 * once and for all.
	 */
	bool is_original;
	bool is_bare;		/* -G: nothing is added to its header */
	char *given;		/* the sender of -f, "" the null one; NULL: none was given */
	char *full_name;	/* of -F, or NULL */
	char *user_name;	/* for a From that has to be added; NULL: it has one */
	char *login;		/* "host:port user" of the account; NULL: not known */
	/*
	 * The account that has tried it last in place of its own, and why; NULL: its own
	 * has.
	 */
	char *by, *by_why;
	bool is_default;	/* it was the default one, and not named by somebody or an address */
	char *message_id;	/* as in the header, for the log; "" none */
	struct error *why;	/* the last reason for waiting that is not a recipient's own */
	/* Recipients: NONE and LATER are still to be tried, and UNKNOWN (the answer was lost);
	   ACCEPTED and REFUSED never again. */
	struct envelope envelope;
	/* Of the message: header section and body without the empty line between them. */
	uint64_t header_len, body_len;
	uint64_t sum;		/* of ID.msg's bytes */
	size_t longest_line;
	bool header_is_8bit, body_is_8bit, has_nul;
};

void entry_free(struct entry *e);
#define OWNED_ENTRY	__attribute__((cleanup(entry_free))) struct entry

/*
 * Appends the text of an ID.env file. ERROR_DATA: it is more than the buffer takes, or
 * has a line break in it, so that it could not be read again.
 */
bool entry_write(const struct entry *e, struct buf *text, struct error *err);

/*
 * Reads one, into a zeroed entry. ERROR_DATA: cut short, damaged (its last line is a
 * checksum), or nothing that entry_write() writes; says the line. ERROR_UNAVAILABLE:
 * whole, but of another version.
 */
bool entry_read(struct entry *e, const char *text, size_t len, struct error *err);

/*
 * What can be made of one that is none of ours or damaged, into a zeroed entry: any of it
 * may be missing, or wrong.
 */
void entry_guess(struct entry *e, const char *text, size_t len);

/* The first lines alone, which say what may be due; `len` may be short of the whole. */
struct entry_start {
	time_t arrived, next;
	bool is_held, is_held_by_us, is_warned;
	char *held_by;		/* who holds it and may let it go, where that is not its user; or NULL */
	uid_t uid;		/* who handed it in; -1: it was not reached */
	uint64_t account;	/* a checksum of its name: the same for the same account */
	uint64_t file;		/* and of its file of -C; 0: none, or it was not reached */
	bool is_foreign;	/* of another version: not ours to touch */
};
bool entry_read_start(struct entry_start *start, const char *text, size_t len);

/* The checksum of a name or a path; 0 of none. */
uint64_t entry_sum_of(const char *text);

/*
 * Two files may have accounts of one name: the same number for the same account of both.
 */
static inline uint64_t entry_start_key(const struct entry_start *start)
{
	return start->account ^ (start->file << 1 | start->file >> 63);
}

/* The same of an entry that was read as a whole. */
void entry_get_start(const struct entry *e, struct entry_start *start);

/*
 * Why it waits, where that is no recipient's own reason; NULL: for no such one. Copies.
 */
void entry_keep_reason(struct entry *e, const struct error *why);

/* Whether it failed for somebody, and there was nobody to be told. */
bool entry_is_untold(const struct entry *e);

#endif
