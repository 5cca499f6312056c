/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * `acsmtp WORD [SUB] [--flag...] [argument...]`: what people type. Each command is a
 * row that its file defines and main/commands.c lists; help, completion and the check of
 * the manual are made from the rows, which main() hands down.
 */
#ifndef TALK_COMMAND_H
#define TALK_COMMAND_H

#include <limits.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"

struct flag {			/* --name, --name VALUE, --name=VALUE */
	const char *name;	/* without dashes; NULL ends a list of them */
	enum { FLAG_SWITCH, FLAG_TEXT, FLAG_SERVICE } kind;
	size_t place;		/* in the command's own struct: a bool or a const char * */
	const char *value;	/* what the value is called, of FLAG_TEXT */
	const char *help;
};

/* What its value is called, "acs|..." of a service, made in `room`; "": it has none. */
const char *command_flag_value(const struct flag *flag, struct buf *room);

struct command;

struct program {		/* what main() knows and its commands do not */
	const char *name;	/* as it was called, for messages */
	const struct command *const *commands;	/* in the order of the manual; NULL ends them */
};

struct command_call {		/* texts are borrowed from argv */
	const struct program *program;
	const struct command *command;
	char **arguments;	/* what follows the command words; then what is no flag */
	int count;
};

struct command {
	const char *word, *sub;		/* sub NULL: the word stands alone */
	const char *arguments;		/* in the usage line: "[ID...]", or "" */
	int least, most;		/* how many of them; INT_MAX: any number */
	const char *help;		/* one line */
	const struct flag *flags;	/* NULL: none; --help is known to all */
	bool is_english;		/* it delivers and logs, and nobody may be there */
	int (*run)(struct command_call *call);	/* returns the exit status */
};
enum { ARGUMENTS_ANY = INT_MAX };

/*
 * Takes the flags out of the call's arguments into `target` (zeroed, or with the values
 * of flags that are not given) and counts what is left. A flag may stand before or after
 * an argument; "--" ends them. -C FILE and -a NAME are --config and --account, and an
 * [ACCOUNT] that a command takes may be given so too. False: *status is what to exit
 * with, for --help was printed, or the mistake and the nearest known flag.
 */
bool command_parse(struct command_call *call, void *target, int *status);

/*
 * Puts `text` into a column that is `used` columns wide already, and ends at `column`:
 * blanks, two at least, and the text.
 */
void command_put_help(FILE *out, const char *used, int column, const char *text);

/*
 * Runs the command that argv[1] (and argv[2]) name, and returns the exit status; -1:
 * argv[1] is no command word. *nearest is then the nearest one, or NULL.
 */
int command_run(const struct program *program, int argc, char **argv, const char **nearest);

/*
 * Runs another command of the program after this one, as if `arguments` had been typed
 * behind its word alone; NULL ends them. Returns its exit status.
 */
int command_go_on(const struct command_call *call, const char *word, char **arguments);

#endif
