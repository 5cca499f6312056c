/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/option_apply.h"

#include <string.h>

#include "base/text.h"
#include "sendmail/option_values.h"

bool set_flag(struct options *o, const struct option *row, const char *value,
	      struct error *err)
{
	(void)value;
	(void)err;
	*(bool *)((char *)o + row->place) = true;
	return true;
}

/* -oi, -oitrue, -oi0: sendmail takes anything but a word of denial for yes. */
bool set_switch(struct options *o, const struct option *row, const char *value,
		struct error *err)
{
	(void)err;
	*(bool *)((char *)o + row->place) = !*value || !strchr("fFnN0", *value);
	return true;
}

bool set_text(struct options *o, const struct option *row, const char *value,
	      struct error *err)
{
	(void)err;
	*(const char **)((char *)o + row->place) = value;
	return true;
}

bool set_once(struct options *o, const struct option *row, const char *value,
	      struct error *err)
{
	const char **place = (const char **)((char *)o + row->place);
	char before[SHOWN_SIZE], now[SHOWN_SIZE];

	if (*place && strcmp(*place, value) != 0)
		return error_set(err, ERROR_USAGE,
				 "-%s is given twice: \"%s\" and \"%s\"", row->spelling,
				 text_show(*place, before), text_show(value, now));
	*place = value;
	return true;
}

/* -f and -r are one option with two letters. */
bool set_sender(struct options *o, const struct option *row, const char *value,
		struct error *err)
{
	char before[SHOWN_SIZE], now[SHOWN_SIZE];

	if (o->sender && o->sender_letter != *row->spelling &&
	    strcmp(o->sender, value) != 0)
		return error_set(err, ERROR_USAGE,
				 "-%c and -%s are given differently: "
				 "\"%s\" and \"%s\"",
				 o->sender_letter, row->spelling,
				 text_show(o->sender, before), text_show(value, now));
	o->sender_letter = *row->spelling;
	return set_once(o, row, value, err);
}

bool set_mode(struct options *o, const struct option *row, const char *value,
	      struct error *err)
{
	(void)value;
	(void)err;
	o->mode = (enum mode)row->place;
	return true;
}

bool set_complaint(struct options *o, const struct option *row, const char *value,
		   struct error *err)
{
	(void)value;
	(void)err;
	o->complaint = (enum complaint)row->place;
	return true;
}

bool set_delivery(struct options *o, const struct option *row, const char *value,
		  struct error *err)
{
	(void)value;
	(void)err;
	o->delivery = (enum delivery_word)row->place;
	return true;
}

bool ignore(struct options *o, const struct option *row, const char *value,
	    struct error *err)
{
	(void)o;
	(void)row;
	(void)value;
	(void)err;
	return true;
}

bool not_yet(struct options *o, const struct option *row, const char *value,
	     struct error *err)
{
	(void)value;
	if (*row->spelling == 'b')
		o->mode = MODE_REFUSED;
	error_set(err, ERROR_UNAVAILABLE, "-%s (%s) is not available yet in this version",
		  row->spelling, row->help);
	return error_advise(err, "nothing was read and nothing was sent");
}

bool refuse_value(struct options *o, const struct option *row, const char *value,
		  struct error *err)
{
	char shown[SHOWN_SIZE];

	(void)o;
	return error_set(err, ERROR_USAGE, "-%s: \"%s\" is not %s", row->spelling,
			 text_show(value, shown), row->value);
}

/* -od without a letter is -odi, as with sendmail. */
bool set_no_delivery(struct options *o, const struct option *row, const char *value,
		     struct error *err)
{
	if (*value)
		return refuse_value(o, row, value, err);
	o->delivery = DELIVER_NOW;
	return true;
}

/* -oe and -e '' without a letter mean the default. */
bool set_no_complaint(struct options *o, const struct option *row, const char *value,
		      struct error *err)
{
	if (*value)
		return refuse_value(o, row, value, err);
	o->complaint = COMPLAIN_PRINT;
	return true;
}

bool refuse_address_test(struct options *o, const struct option *row, const char *value,
			 struct error *err)
{
	(void)row;
	(void)value;
	o->mode = MODE_REFUSED;
	error_set(err, ERROR_USAGE, "-bt: there is no address test mode");
	return error_advise(err,
			    "--dry-run shows what would be sent, -bv where recipients "
			    "would go");
}

/* mailq -qR...: it says which of the messages are listed. */
static void choose_run(struct options *o)
{
	if (o->mode != MODE_LIST_QUEUE)
		o->mode = MODE_RUN_QUEUE;
}

/* -q, -q30m, -qf, -qp30m: run the queue, once or every so often. */
bool run_queue(struct options *o, const struct option *row, const char *value,
	       struct error *err)
{
	choose_run(o);
	return interval_read(value, &o->interval) || refuse_value(o, row, value, err);
}

bool run_queue_in_foreground(struct options *o, const struct option *row,
			     const char *value, struct error *err)
{
	o->in_foreground = true;
	return run_queue(o, row, value, err);
}

/* -qIID, -q!RRECIPIENT, ...: the last letter of the spelling says what is compared. */
bool select_messages(struct options *o, const struct option *row, const char *value,
		     struct error *err)
{
	size_t last = strlen(row->spelling) - 1;

	choose_run(o);
	if (!*value)
		return error_set(err, ERROR_USAGE, "-%s needs a value", row->spelling);
	if (o->selection_count == SELECTIONS_MAX)
		return error_set(err, ERROR_USAGE, "more than %d selections of messages",
				 SELECTIONS_MAX);
	o->selections[o->selection_count++] = (struct selection){
		.what = row->spelling[last],
		.is_inverted = row->spelling[1] == '!',
		.text = value,
	};
	return true;
}

bool select_held(struct options *o, const struct option *row, const char *value,
		 struct error *err)
{
	(void)row;
	(void)value;
	(void)err;
	choose_run(o);
	o->held_alone = true;
	return true;
}

bool select_group(struct options *o, const struct option *row, const char *value,
		  struct error *err)
{
	(void)row;
	(void)value;
	(void)err;
	choose_run(o); /* there is one group alone */
	return true;
}

/* A hint that nobody needs: what the message is can be seen. */
bool check_body_type(struct options *o, const struct option *row, const char *value,
		     struct error *err)
{
	return text_is(value, "7BIT") || text_is(value, "8BITMIME") ||
	       refuse_value(o, row, value, err);
}

bool set_notify(struct options *o, const struct option *row, const char *value,
		struct error *err)
{
	return notify_is_valid(value) ? set_once(o, row, value, err)
				      : refuse_value(o, row, value, err);
}

bool set_ret(struct options *o, const struct option *row, const char *value,
	     struct error *err)
{
	if (!text_is(value, "FULL") && !text_is(value, "HDRS"))
		return refuse_value(o, row, value, err);
	return set_once(o, row, value, err);
}

bool set_envid(struct options *o, const struct option *row, const char *value,
	       struct error *err)
{
	return envid_is_valid(value) ? set_once(o, row, value, err)
				     : refuse_value(o, row, value, err);
}
