/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an option does, by the effect in its row. Of what is given twice the last one
 * counts, as for any sendmail; but a sender or a wish for reports that is given twice and
 * differently is refused, for a guess would send mail in somebody else's name, or lose a
 * report.
 */
#include "sendmail/option_apply.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"
#include "sendmail/option_values.h"

static bool set_once(struct options *o, const struct option *row, const char *value,
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
static bool set_sender(struct options *o, const struct option *row, const char *value,
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

static bool refuse_to_come(struct options *o, const struct option *row, struct error *err)
{
	if (*row->spelling == 'b')
		o->mode = MODE_REFUSED;
	error_set(err, ERROR_UNAVAILABLE, "-%s (%s) is not available yet in this version",
		  row->spelling, row->help);
	return error_advise(err, "nothing was read and nothing was sent");
}

static bool refuse_value(const struct option *row, const char *value, struct error *err)
{
	char shown[SHOWN_SIZE];

	return error_set(err, ERROR_USAGE, "-%s: \"%s\" is not %s", row->spelling,
			 text_show(value, shown), row->value);
}

static bool refuse_address_test(struct options *o, struct error *err)
{
	o->mode = MODE_REFUSED;
	error_set(err, ERROR_USAGE, "-bt: there is no address test mode");
	return error_advise(err,
			    "--dry-run shows what would be sent, -bv where recipients "
			    "would go");
}

/*
 * mailq -qR...: it says which of the messages are listed. -bd -q30m: the daemon tries
 * again whenever it is time.
 */
static void choose_run(struct options *o)
{
	if (o->mode != MODE_LIST_QUEUE && o->mode != MODE_DAEMON && o->mode != MODE_DAEMON_APART)
		o->mode = MODE_RUN_QUEUE;
}

/* -q, -q30m, -qf, -qp30m: run the queue, once or every so often. */
static bool run_queue(struct options *o, const struct option *row, const char *value,
		      struct error *err)
{
	choose_run(o);
	o->in_foreground = o->in_foreground || row->effect == RUN_IN_FOREGROUND;
	return option_interval_read(value, &o->interval) || refuse_value(row, value, err);
}

/* -qIID, -q!RRECIPIENT, ...: the last letter of the spelling says what is compared. */
static bool select_messages(struct options *o, const struct option *row, const char *value,
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

static bool is_valid(enum effect effect, const char *value)
{
	switch (effect) {
	case NOTIFY:
		return option_notify_is_valid(value);
	case RET:
		return text_is(value, "FULL") || text_is(value, "HDRS");
	case ENVID:
		return option_envid_is_valid(value);
	case BODY_TYPE:
		return text_is(value, "7BIT") || text_is(value, "8BITMIME");
	case COMPLAINT:		/* -oe, -od and -e '' without a letter mean the default */
	case DELIVERY:
		return !*value;
	default:
		return true;
	}
}

bool option_apply(struct options *o, const struct option *row, const char *value,
		  struct error *err)
{
	void *member = (char *)o + row->place;

	if (row->value && !is_valid(row->effect, value))
		return refuse_value(row, value, err);
	switch (row->effect) {
	case IGNORED:
	case BODY_TYPE:		/* a hint that nobody needs: what the message is can be seen */
		break;
	case FLAG:
		*(bool *)member = true;
		break;
	case SWITCH:	/* -oi, -oitrue, -oi0: anything but a word of denial is yes */
		*(bool *)member = !*value || !strchr("fFnN0", *value);
		break;
	case TEXT:
		*(const char **)member = value;
		break;
	case SENDER:
		return set_sender(o, row, value, err);
	case NOTIFY:
	case RET:
	case ENVID:
		return set_once(o, row, value, err);
	case MODE:
		o->mode = (enum mode)row->place;
		break;
	case COMPLAINT:
		o->complaint = (enum complaint)row->place;
		break;
	case DELIVERY:
		o->delivery = (enum submit_mode)row->place;
		break;
	case RUN:
	case RUN_IN_FOREGROUND:
		return run_queue(o, row, value, err);
	case SELECT:
		return select_messages(o, row, value, err);
	case SELECT_HELD:
		o->held_alone = true;
		choose_run(o);
		break;
	case SELECT_ALL:	/* there is one group alone */
		choose_run(o);
		break;
	case OTHER_VALUE:
		return refuse_value(row, value, err);
	case ADDRESS_TEST:
		return refuse_address_test(o, err);
	case TO_COME:
		return refuse_to_come(o, row, err);
	case AS_LETTER:
	case BY_NAME:
		assert(false);	/* another row's effect */
	}
	return true;
}
