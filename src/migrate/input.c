/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file that another program wrote, or something that was named by mistake: a pipe, a
 * device, an image of a disk. So it is opened without waiting, bounded, and checked to
 * be text before a reader sees its first line. It may hold passwords: there is one copy
 * of it, given out line by line where it stands, and wiped at the end.
 */
#include "migrate/input.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"

/* Anybody may own it, for another program has worked with it so; but it has to end. */
static bool open_file(struct input *lines, int *fd, struct error *err)
{
	struct stat st;

	*fd = open(lines->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (*fd < 0 || fstat(*fd, &st) < 0)
		return error_errno(err, ERROR_CONFIG, "%s", lines->path);
	if (!S_ISREG(st.st_mode))
		return error_set(err, ERROR_CONFIG, "%s: not a regular file",
				 lines->path);
	return st.st_size <= FOREIGN_MAX_BYTES ||
	       error_set(err, ERROR_CONFIG, "%s: more than %d bytes", lines->path,
			 FOREIGN_MAX_BYTES);
}

/* One piece of memory that never moves: no copy of a secret stays behind. */
static bool read_file(struct input *lines, int fd, struct error *err)
{
	ssize_t n;

	lines->text = xmalloc(FOREIGN_MAX_BYTES + 2);
	/* It may have grown since fstat(2): one byte more than is allowed tells. */
	while (lines->len <= FOREIGN_MAX_BYTES &&
	       (n = read_some(fd, lines->text + lines->len,
			      FOREIGN_MAX_BYTES + 1 - lines->len)) != 0) {
		if (n < 0)
			return error_errno(err, ERROR_CONFIG, "%s", lines->path);
		lines->len += (size_t)n;
	}
	lines->text[lines->len] = '\0';
	return lines->len <= FOREIGN_MAX_BYTES ||
	       error_set(err, ERROR_CONFIG, "%s: more than %d bytes", lines->path,
			 FOREIGN_MAX_BYTES);
}

static bool is_text(char c)
{
	return (unsigned char)c >= ' ' ? c != 127 : c == '\t' || c == '\r' || c == '\f';
}

static bool check_line(const char *line, size_t len, struct error *err)
{
	if (len > FOREIGN_LINE_MAX)
		return error_set(err, ERROR_CONFIG, "a line of more than %d bytes",
				 FOREIGN_LINE_MAX);
	for (size_t i = 0; i < len; i++)
		if (!is_text(line[i])) {
			error_set(err, ERROR_CONFIG,
				  "a control character (byte %zu of the line)", i + 1);
			return error_advise(err, "it must be a file of text");
		}
	return true;
}

static size_t length_of_line(const struct input *lines)
{
	const char *begin = lines->text + lines->at;
	const char *lf = memchr(begin, '\n', lines->len - lines->at);

	return lf ? (size_t)(lf - begin) : lines->len - lines->at;
}

/*
 * All of it before anything is made of any: what is no text is not the file that was
 * meant, and half an import is worse than none.
 */
static bool check_lines(struct input *lines, struct error *err)
{
	while (lines->at < lines->len) {
		size_t len = length_of_line(lines);

		lines->line++;
		if (!check_line(lines->text + lines->at, len, err))
			return input_blame(lines, err);
		lines->at += len + 1;
	}
	return true;
}

/* The byte-order mark of editors on Windows; blanks keep the numbers of the bytes. */
static void skip_mark(struct input *lines)
{
	if (lines->len >= 3 && !memcmp(lines->text, "\xef\xbb\xbf", 3))
		memset(lines->text, ' ', 3);
}

bool input_open(struct input *lines, const char *path, struct error *err)
{
	OWNED_FD fd = -1;

	*lines = (struct input){ .path = path };
	if (!open_file(lines, &fd, err) || !read_file(lines, fd, err) ||
	    !check_lines(lines, err)) {
		input_close(lines);
		return false;
	}
	skip_mark(lines);
	lines->at = 0;
	lines->line = 0;
	return true;
}

static bool is_blank(char c)
{
	return text_is_blank(c) || c == '\r' || c == '\f';
}

/* The line ends in place: its text is the file's, of which there is one copy to wipe. */
char *input_next(struct input *lines)
{
	char *line = lines->text + lines->at;
	size_t len;

	if (lines->at >= lines->len)
		return NULL;
	len = length_of_line(lines);
	lines->at += len + 1;
	lines->line++;
	lines->indented = is_blank(*line);
	while (len > 0 && is_blank(line[len - 1]))
		len--;
	line[len] = '\0';
	while (is_blank(*line))
		line++;
	return line;
}

bool input_blame(const struct input *lines, struct error *err)
{
	return error_context(err, "%s, line %u", lines->path, lines->line);
}

void input_close(struct input *lines)
{
	wipe(lines->text, lines->len);
	free(lines->text);
	*lines = (struct input){ 0 };
}
