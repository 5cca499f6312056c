/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The lines of another program's file: bounded, plain text, and wiped afterwards. */
#ifndef MIGRATE_INPUT_H
#define MIGRATE_INPUT_H

#include "base/buf.h"
#include "base/error.h"

enum {
	FOREIGN_MAX_BYTES = 1024 * 1024,	/* of a file */
	FOREIGN_LINE_MAX = 16 * 1024,		/* of a line */
};

struct input {
	const char *path;	/* borrowed */
	char *text;		/* each line ends with a NUL once it was handed out */
	size_t len, at;
	unsigned line;		/* of the one that was handed out last, from 1 */
	bool indented;		/* it began with a blank */
};
#define OWNED_INPUT	__attribute__((cleanup(input_close))) struct input

/*
 * Reads the file. ERROR_CONFIG with its path, and with the line where there is one: it
 * is not there, no regular file, over the limits, or has a NUL or another control
 * character that text has not. Never waits, for a pipe's writer say. A byte-order mark
 * is passed over.
 */
bool input_open(struct input *lines, const char *path, struct error *err);

/*
 * The next line, without its end and the blanks around it; "" for an empty one, NULL at
 * the end of the file. It may be changed, and is good until input_close().
 */
char *input_next(struct input *lines);

/* Puts "PATH, line N: " before the error; N is that of the line handed out last. */
bool input_blame(const struct input *lines, struct error *err);

void input_close(struct input *lines);

#endif
