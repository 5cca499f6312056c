/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One message in its canonical form: lines end in CRLF (RFC 5322 section 2.1),
 * the last one included. The header section is in memory, the body in memory up to
 * BODY_MEMORY_MAX and then in a file without a name, so that a large message costs no
 * more memory than a small one.
 */
#ifndef MAIL_MESSAGE_H
#define MAIL_MESSAGE_H

#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

enum {
	HEADER_MAX = 2 * 1024 * 1024,	/* bytes of a header section */
	BODY_MEMORY_MAX = 256 * 1024,	/* bytes of a body that stay in memory */
};

struct message {
	struct buf header;
	struct buf given_header;	/* as it was before somebody's work on it; empty: the same */
	struct buf body;	/* the start of the body: all of it while it is small */
	int body_fd;		/* all of the body when it is large, else -1 */
	uint64_t body_at;	/* where in that file it begins */
	uint64_t body_len;
	bool header_is_8bit, body_is_8bit, has_nul;
	size_t longest_line;	/* bytes, without CRLF */
};

void message_init(struct message *m);
void message_free(struct message *m);
#define OWNED_MESSAGE	__attribute__((cleanup(message_free))) struct message

/*
 * The canonicaliser, behind whoever reads a message and knows where it ends: takes its
 * bytes piece by piece, and `m` is whole when message_intake_end() is true. LF, CR, and
 * any number of CR before an LF end a line; "From " and ">From " lines on top are
 * dropped; a line that is no field ends the header section and begins the body.
 * ERROR_DATA for a header over HEADER_MAX or a body over `most` bytes (0: any),
 * ERROR_CREATE or ERROR_IO for the file. _end() and _abandon() free what _begin()
 * returned.
 */
struct message_intake *message_intake_begin(struct message *m, uint64_t most);
bool message_intake_add(struct message_intake *in, const char *bytes, size_t len,
			struct error *err);
bool message_intake_end(struct message_intake *in, struct error *err);
void message_intake_abandon(struct message_intake *in);

/* Where a message ends that a command line is given. */
enum ending_rule {
	ENDS_WITH_INPUT,	/* a dot is text */
	/*
	 * Also at a line that is a lone dot, as sendmail without -i has it; of two dots
	 * at the start of a line one is removed. LF ends a line, with any number of CR
	 * before it; a CR alone is text.
	 */
	ENDS_AT_DOT,
};

/* Reads `fd` up to there, once. The same errors, and ERROR_IO when reading fails. */
bool message_read(struct message *m, int fd, enum ending_rule rule, uint64_t most,
		  struct error *err);

/* Bytes that go over the wire, before dot-stuffing: header, empty line, body. */
uint64_t message_size(const struct message *m);

/*
 * The same bytes, piece by piece: begins with *at = 0, returns `size` bytes, or those
 * that are left, and moves *at. 0 at the end, -1 with ERROR_IO.
 */
ssize_t message_get(const struct message *m, uint64_t *at, char *bytes, size_t size,
		    struct error *err);

/*
 * The other way to make one: the header into m->header, the body piece by piece (up to
 * BODY_MEMORY_MAX each, in canonical lines), then message_finish(), once. The caller
 * sets longest_line, by message_follow_lines(). ERROR_CREATE or ERROR_IO for the file.
 */
bool message_add_body(struct message *m, const char *bytes, size_t len, struct error *err);
bool message_finish(struct message *m, struct error *err);

/*
 * Keeps longest_line right while somebody writes canonical lines piece by piece: *column
 * is where the line stands that the last piece ended in, 0 at the beginning.
 */
void message_follow_lines(struct message *m, size_t *column, const char *bytes, size_t len);

#endif
