/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The body grows in memory and moves into a file when it is large; that file has no name,
 * so that nothing is left of it when the power goes. What later decides how it can be
 * sent is learnt on the way, as each byte passes here once: 8-bit text, NUL, the longest
 * line.
 */
#include "mail/message.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

void message_init(struct message *m)
{
	*m = (struct message){
		.header = BUF_INIT(HEADER_MAX),
		.body = BUF_INIT(BODY_MEMORY_MAX),
		.body_fd = -1,
	};
}

void message_free(struct message *m)
{
	buf_free(&m->header);
	buf_free(&m->given_header);
	buf_free(&m->body);
	fd_cleanup(&m->body_fd);
}

static void look_at(struct message *m, const struct buf *part, bool *is_8bit)
{
	*is_8bit = *is_8bit || text_has_8bit(buf_text(part), part->len);
	m->has_nul = m->has_nul || memchr(buf_text(part), '\0', part->len) != NULL;
}

/* m->body is the last piece of the file while it grows. */
static bool write_piece(struct message *m, struct error *err)
{
	look_at(m, &m->body, &m->body_is_8bit);
	if (!write_all(m->body_fd, buf_text(&m->body), m->body.len))
		return error_errno(err, ERROR_IO, "cannot write the message to a temporary file");
	buf_clear(&m->body);
	return true;
}

/* The body has grown out of memory: it goes on in a file. */
static bool make_room(struct message *m, struct error *err)
{
	if (m->body_fd < 0 && (m->body_fd = file_unnamed(err)) < 0)
		return false;
	return write_piece(m, err);
}

bool message_add_body(struct message *m, const char *bytes, size_t len, struct error *err)
{
	if (m->body.len + len > BODY_MEMORY_MAX && !make_room(m, err))
		return false;
	buf_add_bytes(&m->body, bytes, len);
	m->body_len += len;
	return true;
}

bool message_finish(struct message *m, struct error *err)
{
	look_at(m, &m->header, &m->header_is_8bit);
	look_at(m, &m->body, &m->body_is_8bit);
	return m->body_fd < 0 || write_piece(m, err);
}

void message_follow_lines(struct message *m, size_t *column, const char *bytes, size_t len)
{
	const char *end = bytes + len;

	while (bytes < end) {
		const char *lf = memchr(bytes, '\n', (size_t)(end - bytes));

		*column += (size_t)((lf ? lf : end) - bytes);
		/* The CR was counted too. */
		if (lf && *column && *column - 1 > m->longest_line)
			m->longest_line = *column - 1;
		if (lf)
			*column = 0;
		bytes = lf ? lf + 1 : end;
	}
}

uint64_t message_size(const struct message *m)
{
	return m->header.len + 2 + m->body_len;
}

static ssize_t get_from_file(const struct message *m, uint64_t at, char *bytes,
			     size_t size, struct error *err)
{
	ssize_t n;

	do
		n = pread(m->body_fd, bytes, size, (off_t)(m->body_at + at));
	while (n < 0 && errno == EINTR);
	if (n < 0)
		error_errno(err, ERROR_IO, "cannot read the message's temporary file");
	else if (n == 0)
		error_set(err, ERROR_IO, "the message's temporary file has become shorter");
	return n > 0 ? n : -1;
}

/* Bytes of the part of the message that `at` is in. */
static ssize_t get_some(const struct message *m, uint64_t at, char *bytes, size_t size,
			struct error *err)
{
	uint64_t body_at = m->header.len + 2;
	const char *part = buf_text(&m->header);
	uint64_t start = 0, end = m->header.len;

	if (at >= body_at) {
		part = buf_text(&m->body);
		start = body_at;
		end = body_at + m->body_len;
	} else if (at >= end) {
		part = "\r\n";
		start = end;
		end = body_at;
	}
	if (size > end - at)
		size = (size_t)(end - at);
	if (size && at >= body_at && m->body_fd >= 0)
		return get_from_file(m, at - start, bytes, size, err);
	memcpy(bytes, part + (at - start), size);
	return (ssize_t)size;
}

ssize_t message_get(const struct message *m, uint64_t *at, char *bytes, size_t size,
		    struct error *err)
{
	size_t len = 0;

	while (len < size && *at < message_size(m)) {
		ssize_t n = get_some(m, *at, bytes + len, size - len, err);

		if (n < 0)
			return -1;
		len += (size_t)n;
		*at += (uint64_t)n;
	}
	return (ssize_t)len;
}
