/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The table of options: what each is called, what it takes, and what it does. */
#ifndef SENDMAIL_OPTION_TABLE_H
#define SENDMAIL_OPTION_TABLE_H

#include <stddef.h>

enum takes {
	ALONE,
	VALUE,			/* attached or the next word */
	ATTACHED,		/* attached, or none */
	LOOSE,			/* attached, the next word if it is no option, or none */
	SPARSE,			/* attached, the next word if it looks like one for -q, or none */
};

enum effect {			/* `place` is a member of struct options, or what is said */
	IGNORED,
	FLAG,			/* the member is true */
	SWITCH,			/* the member is true unless the value denies it */
	TEXT,			/* the member is the value */
	SENDER,			/* like it, once, under any of its letters */
	NOTIFY, RET, ENVID,	/* like it, once, if the value is valid */
	MODE,			/* an enum mode */
	COMPLAINT,		/* an enum complaint; a row with a name for its value has none */
	DELIVERY,		/* an enum submit_mode; the same */
	RUN, RUN_IN_FOREGROUND,	/* of the queue; the value is an interval */
	SELECT,			/* messages of the queue, by the last letter of the spelling */
	SELECT_HELD, SELECT_ALL,
	BODY_TYPE,		/* the value is checked alone */
	OTHER_VALUE,		/* refused: no row before knew it */
	ADDRESS_TEST,		/* refused */
	TO_COME,		/* refused as not there yet */
	AS_LETTER,		/* the same as the option whose letter `place` is */
	BY_NAME,		/* the value is NAME=VALUE */
};

struct option {
	const char *spelling;	/* without the dash; long ones keep their second one */
	enum takes takes;
	enum effect effect;
	size_t place;
	const char *value;	/* what the value is, in --help and in refusals */
	const char *help;
};

/* The rows, counted from 0; NULL: no more. */
const struct option *option_row(size_t i);

#endif
