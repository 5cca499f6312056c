/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A row of the table of options, and what the rows do with their values. */
#ifndef SENDMAIL_OPTION_APPLY_H
#define SENDMAIL_OPTION_APPLY_H

#include "sendmail/options.h"

enum takes {
	ALONE,
	VALUE,			/* attached or the next word */
	ATTACHED,		/* attached, or none */
	LOOSE,			/* attached, the next word if it is no option, or none */
	SPARSE,			/* attached, the next word if it looks like one for -q, or none */
};

struct option;
typedef bool apply_fn(struct options *o, const struct option *row, const char *value,
		      struct error *err);

struct option {
	const char *spelling;	/* without the dash; long ones keep their second one */
	enum takes takes;
	apply_fn *apply;
	size_t place;		/* where it goes in struct options, or which mode */
	const char *value;	/* what the value is, in --help and in refusals */
	const char *help;
};

/* Each takes its row and the value, "" if there is none; ERROR_USAGE. */
apply_fn set_flag;
apply_fn set_switch;
apply_fn set_text;
apply_fn set_once;
apply_fn set_sender;
apply_fn set_mode;
apply_fn set_complaint;
apply_fn set_delivery;
apply_fn ignore;
apply_fn not_yet;
apply_fn set_no_delivery;
apply_fn set_no_complaint;
apply_fn refuse_address_test;
apply_fn run_queue;
apply_fn run_queue_in_foreground;
apply_fn select_messages;
apply_fn select_held;
apply_fn select_group;
apply_fn check_body_type;
apply_fn set_notify;
apply_fn set_ret;
apply_fn set_envid;

/* "ROW: VALUE is not what it has to be", as the row's `value` tells it; always false. */
apply_fn refuse_value;

#endif
