/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A command's row says all: its words find it, its flags are rows too, and usage and
 * --help are printed from them. Flags go to their places in the command's own struct by
 * offset, so that no command parses anything; what is no flag is moved to the front of
 * the call's arguments.
 */
#include "talk/command.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "base/buf.h"
#include "base/language.h"
#include "base/text.h"
#include "service/service.h"
#include "talk/say.h"

enum { VALUE_MAX = 1000 };

const char *command_flag_value(const struct flag *flag, struct buf *room)
{
	if (flag->kind == FLAG_SERVICE)
		service_add_names(room);
	return flag->kind == FLAG_TEXT ? flag->value : buf_text(room);
}

static void print_usage(FILE *out, const char *name, const struct command *c)
{
	fprintf(out, _("usage: %s %s%s%s"), name, c->word, c->sub ? " " : "",
		c->sub ? c->sub : "");
	for (const struct flag *flag = c->flags; flag && flag->name; flag++) {
		OWNED_BUF room = BUF_INIT(VALUE_MAX);

		fprintf(out, " [--%s%s%s]", flag->name, flag->kind == FLAG_SWITCH ? "" : " ",
			command_flag_value(flag, &room));
	}
	fprintf(out, "%s%s\n", *c->arguments ? " " : "", c->arguments);
}

void command_put_help(FILE *out, const char *used, int column, const char *text)
{
	int width = (int)language_width(used);

	fprintf(out, "%s%*s%s\n", used, width < column ? column - width : 2, "", tr(text));
}

static int print_help(const struct command_call *call)
{
	enum { COLUMN = 26 };

	print_usage(stdout, call->program->name, call->command);
	printf("\n%s\n", tr(call->command->help));
	if (call->command->flags)
		putchar('\n');
	for (const struct flag *flag = call->command->flags; flag && flag->name; flag++) {
		OWNED_BUF used = BUF_INIT(VALUE_MAX + 100), room = BUF_INIT(VALUE_MAX);

		buf_addf(&used, "  --%s%s%s", flag->name, flag->kind == FLAG_SWITCH ? "" : " ",
			 command_flag_value(flag, &room));
		command_put_help(stdout, buf_text(&used), COLUMN, flag->help);
	}
	return say_finish();
}

/* --- flags */

static const char *next_flag(const void *flags, size_t i)
{
	return ((const struct flag *)flags)[i].name;
}

/* `word` with its dashes, of `len` bytes. */
static bool refuse_flag(const struct command_call *call, const char *word, size_t len,
			struct error *err)
{
	static const struct flag none[] = { { .name = NULL } };
	OWNED_TEXT name = text_copy_n(word, len);
	char shown[SHOWN_SIZE];
	const char *nearest;

	nearest = text_nearest(name + strspn(name, "-"), next_flag,
			       call->command->flags ? call->command->flags : none);
	text_show(name, shown);
	if (nearest && len > 2)
		return error_set(err, ERROR_USAGE, "unknown flag %s; did you mean --%s?",
				 shown, nearest);
	error_set(err, ERROR_USAGE, "unknown flag %s", shown);
	return error_advise(err, "--help lists the flags");
}

static const struct flag *find_flag(const struct command *c, const char *word, size_t len)
{
	for (const struct flag *flag = c->flags; flag && flag->name; flag++)
		if (strlen(flag->name) == len && !strncmp(flag->name, word, len))
			return flag;
	return NULL;
}

/* A flag as it was typed. */
struct typed {
	const char *word;	/* with its dashes, and perhaps the value */
	size_t len;		/* of it without the value */
	const char *name;	/* of the flag */
	size_t name_len;
	char *value;		/* in the same word; NULL: none */
};

/* -C and -a are what they are for sendmail, so that one habit will do. */
static void split(char *word, struct typed *t)
{
	char *equals = strchr(word, '=');

	*t = (struct typed){ .word = word, .len = strlen(word), .name = word + 2 };
	if (word[1] == '-') {
		if (equals) {
			t->len = (size_t)(equals - word);
			t->value = equals + 1;
		}
		t->name_len = t->len - 2;
	} else if (word[1] == 'C' || word[1] == 'a') {
		t->name = word[1] == 'C' ? "config" : "account";
		t->name_len = strlen(t->name);
		t->value = word[2] ? word + 2 : NULL;
		t->len = 2;
	}
}

/* What the command is about can be said so too where it is an argument otherwise. */
static bool is_argument(const struct command *c, const struct typed *t)
{
	return !strcmp(c->arguments, "[ACCOUNT]") && t->name_len == strlen("account") &&
	       !strncmp(t->name, "account", t->name_len);
}

/* In its word, or in the next one, which *at moves over. */
static bool take_value(const struct command_call *call, const char *name, int *at,
		       struct typed *t, struct error *err)
{
	if (!t->value && *at == call->count)
		return error_set(err, ERROR_USAGE, "--%s needs a value", name);
	if (!t->value)
		t->value = call->arguments[(*at)++];
	return !text_has_control(t->value) ||
	       error_set(err, ERROR_USAGE, "--%s: its value holds a line break or another "
			 "control character", name);
}

/*
 * The flag at arguments[*at], and its value; moves *at behind them. *argument is one that
 * was given so, or NULL.
 */
static bool take_flag(const struct command_call *call, int *at, void *target,
		      char **argument, struct error *err)
{
	const struct flag *flag;
	struct typed t;
	char *place;

	*argument = NULL;
	split(call->arguments[(*at)++], &t);
	flag = find_flag(call->command, t.name, t.name_len);
	if (!flag && is_argument(call->command, &t)) {
		if (!take_value(call, "account", at, &t, err))
			return false;
		*argument = t.value;
		return true;
	}
	if (!flag)
		return refuse_flag(call, t.word, t.len, err);
	place = (char *)target + flag->place;
	if (flag->kind == FLAG_SWITCH) {
		*(bool *)place = true;
		return !t.value || error_set(err, ERROR_USAGE, "--%s takes no value", flag->name);
	}
	if (!take_value(call, flag->name, at, &t, err))
		return false;
	*(const char **)place = t.value;
	return true;
}

static bool check_count(const struct command_call *call, struct error *err)
{
	const struct command *c = call->command;
	const char *sub = c->sub ? c->sub : "";

	if (call->count >= c->least && call->count <= c->most)
		return true;
	if (call->count < c->least)
		error_set(err, ERROR_USAGE, "%s%s%s: too few arguments", c->word,
			  c->sub ? " " : "", sub);
	else
		error_set(err, ERROR_USAGE, "%s%s%s: too many arguments", c->word,
			  c->sub ? " " : "", sub);
	return error_advise(err, "--help shows how it is used");
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h");
}

static bool parse(struct command_call *call, void *target, bool *wants_help,
		  struct error *err)
{
	int kept = 0, at = 0;
	bool is_over = false;

	while (at < call->count) {
		char *word = call->arguments[at], *argument;

		if (is_over || word[0] != '-' || !word[1]) {
			call->arguments[kept++] = word;
			at++;
		} else if (!strcmp(word, "--")) {
			is_over = true;
			at++;
		} else if (is_help(word)) {
			*wants_help = true;
			return true;
		} else if (!take_flag(call, &at, target, &argument, err)) {
			return false;
		} else if (argument) {
			call->arguments[kept++] = argument;
		}
	}
	call->count = kept;
	return check_count(call, err);
}

bool command_parse(struct command_call *call, void *target, int *status)
{
	bool wants_help = false;
	struct error err;

	if (!parse(call, target, &wants_help, &err))
		*status = say_error(&err);
	else if (wants_help)
		*status = print_help(call);
	else
		return true;
	return false;
}

/* --- which command */

static const char *next_word(const void *commands, size_t i)
{
	const struct command *c = ((const struct command *const *)commands)[i];

	return c ? c->word : NULL;
}

static int print_subs(const struct program *program, const char *word, const char *given)
{
	bool wants_help = given && is_help(given);
	char shown[SHOWN_SIZE];

	if (given && !wants_help)
		say_aside(_("unknown: %s %s"), word, text_show(given, shown));
	for (size_t i = 0; program->commands[i]; i++)
		if (!strcmp(program->commands[i]->word, word))
			print_usage(wants_help ? stdout : stderr, program->name,
				    program->commands[i]);
	return wants_help ? say_finish() : EX_USAGE;
}

int command_go_on(const struct command_call *call, const char *word, char **arguments)
{
	struct command_call next = { .program = call->program, .arguments = arguments };

	for (size_t i = 0; call->program->commands[i]; i++)
		if (!strcmp(call->program->commands[i]->word, word) &&
		    !call->program->commands[i]->sub)
			next.command = call->program->commands[i];
	while (arguments[next.count])
		next.count++;
	assert(next.command);
	return next.command->run(&next);
}

int command_run(const struct program *program, int argc, char **argv, const char **nearest)
{
	const char *word = argv[1], *sub = argc > 2 ? argv[2] : NULL;
	bool is_known = false;

	for (size_t i = 0; program->commands[i]; i++) {
		const struct command *c = program->commands[i];
		int used = c->sub ? 3 : 2;
		struct command_call call = { .program = program, .command = c };

		if (strcmp(c->word, word) != 0)
			continue;
		is_known = true;
		if (c->sub && (!sub || strcmp(c->sub, sub) != 0))
			continue;
		if (!c->is_english)
			language_init();
		call.arguments = argv + used;
		call.count = argc - used;
		return c->run(&call);
	}
	language_init();
	if (is_known)
		return print_subs(program, word, sub);
	*nearest = text_nearest(word, next_word, program->commands);
	return -1;
}
