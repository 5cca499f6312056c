/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Where log lines go: syslog, a file, or where complaints go (base/self.h), which is
 * standard error; and what they look like. A line is what happened, to which message, and
 * facts by name, listed once by whoever knows them: base/log.c writes them as text or as
 * JSON. A log that cannot be written never fails a mail: the trouble is a complaint, once
 * a day.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/error.h"

enum log_format { LOG_AS_TEXT, LOG_AS_JSON };

struct log_place {
	/* "syslog", "stderr", "stdout", "off", "" or NULL (no log), or the path of a file, which
	   is made with mode 0600 and appended to. Standard output is what a caller reads: only
	   the daemon logs there, whose standard error it makes the same. */
	const char *where;
	enum log_format format;
};

/*
 * `tag` (sendmail's -L) names us in each line; all is copied. May be called again to
 * change it.
 */
void log_open(struct log_place place, const char *tag);

/*
 * For a process that may not open the file that is meant: what would go to the system's
 * log goes to this descriptor, which stays open.
 */
void log_inherit(int fd);

/* What a child can inherit; -1: the log is no file, or could not be opened. */
int log_descriptor(void);

/*
 * Lines go to another place, with the tag that they have, until log_return(); not one
 * within another. Nothing is done where it is the same place.
 */
void log_lend(struct log_place place);
void log_return(void);

/* Opens what it needs for good, for a process that soon can open nothing. */
void log_settle(void);

/* Whether log_open() of both would be the same. */
bool log_place_is_same(struct log_place a, struct log_place b);

/* One line, without line end; what would harm a terminal is made harmless. */
void log_info(const char *fmt, ...) PRINTF(1, 2);
void log_problem(const char *fmt, ...) PRINTF(1, 2);

/* The same about a message, by its id. */
void log_info_of(const char *id, const char *fmt, ...) PRINTF(2, 3);
void log_problem_of(const char *id, const char *fmt, ...) PRINTF(2, 3);

/* A fact that has no value is left out: a NULL text or list. */
struct log_fact {
	const char *key;
	enum {				/* key=... of a line of text; and in JSON */
		LOG_NUMBER,		/* 42 */
		LOG_CODE,		/* the same; 0: it has no value */
		LOG_PART,		/* 1/2; 1 */
		LOG_SECONDS,		/* 0.042s, of 42; 0.042 */
		LOG_WORD,		/* as it is; a string, as all that follow but the list */
		LOG_QUOTED,		/* "in quotes" */
		LOG_ADDRESS,		/* <a@b> */
		LOG_ADDRESSES,		/* <a@b>,<c@d>,... where it was cut */
	} form;
	int64_t number, whole;
	const char *text;
	const struct log_list *list;
	bool is_implied;		/* by others: it has no place of its own in a line of text */
};

struct log_list {
	const char **items;	/* borrowed; the list of them is not */
	size_t count, room;
	size_t len;		/* bytes of it in a line of text */
	bool is_cut;
};
#define OWNED_LOG_LIST	__attribute__((cleanup(log_list_free))) struct log_list

/*
 * Adds one, if the list then has at most so many bytes; else it is cut, and takes no
 * more.
 */
void log_list_add(struct log_list *list, const char *item, size_t most);
void log_list_free(struct log_list *list);

/*
 * What happened in a few words, to the message of that id, and the facts in this order.
 */
void log_facts(bool is_problem, const char *id, const char *event,
	       const struct log_fact *facts, size_t count);

/*
 * Whether lines could be put there now, without putting one or making a file; a machine
 * without a system log, as containers are, is no trouble. ERROR_CREATE.
 */
bool log_try(const char *where, struct error *err);

/* Whether what is meant is a file, of that path; and whether it is standard error or output. */
bool log_is_file(const char *where);
bool log_is_standard(const char *where);

void log_close(void);

#endif
