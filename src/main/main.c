/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One executable, several names: which of its parts is meant. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/background.h"
#include "base/drain.h"
#include "base/fate.h"
#include "base/language.h"
#include "base/path.h"
#include "base/secret.h"
#include "base/self.h"
#include "base/text.h"
#include "config/environment.h"
#include "talk/say.h"
#include "sendmail/options.h"
#include "sendmail/sendmail.h"
#include "sendmail/usage.h"
#include "main/commands.h"

struct word {			/* a name of the program, or a command word after acsmtp */
	const char *word;
	int (*run)(const struct program *program, int argc, char **argv);
};

static int nothing_kept(const struct program *program, int argc, char **argv)
{
	(void)program;
	(void)argc;
	(void)argv;
	say_aside("no host status is kept");
	return EX_OK;
}

static const struct word names[] = {
	{ "mailq",	sendmail_run_as_mailq },
	{ "newaliases",	sendmail_run_as_newaliases },
	{ "smtpd",	sendmail_run_as_smtpd },
	{ "hoststat",	nothing_kept },
	{ "purgestat",	nothing_kept },
};

/*
 * Command words with a command line of their own; the others are rows of main/commands.c.
 */
static const struct word commands[] = {
	{ "send",	sendmail_run },
};

static const struct word *find(const struct word *words, size_t count, const char *word)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(words[i].word, word))
			return &words[i];
	return NULL;
}

static bool is_command(const struct program *program, const char *word)
{
	for (size_t i = 0; program->commands[i]; i++)
		if (!strcmp(program->commands[i]->word, word))
			return true;
	return find(commands, COUNT_OF(commands), word) != NULL;
}

/*
 * `acsmtp -C FILE check` would send what a person types to somebody called so; as
 * `acsmtp check` does, it means the command.
 */
static const char *command_behind_options(const struct program *program, int argc, char **argv)
{
	struct options options = { .mode = MODE_SEND };
	struct error unheard;

	if (!options_parse(&options, argc, argv, &unheard) || options.count == 0 ||
	    options.mode != MODE_SEND || !strcmp(options.recipients[-1], "--"))
		return NULL;
	return is_command(program, options.recipients[0]) ? options.recipients[0] : NULL;
}

static int refuse_order(const char *command)
{
	language_init();
	say_aside(_("options stand behind a command: `acsmtp %s ...`; a recipient called so "
		    "stands after --"), command);
	drain_expect(STDIN_FILENO);
	drain();
	return EX_USAGE;
}

/* `acsmtp WORD ...`; with an option or an address first it is sendmail. */
static int run_command(const struct program *program, int argc, char **argv)
{
	const struct word *command;
	const char *nearest;
	int status;

	if (argc < 2) {
		language_init();
		usage_brief(stderr, program);
		return EX_USAGE;
	}
	if (argv[1][0] == '-' || strchr(argv[1], '@')) {
		nearest = command_behind_options(program, argc, argv);
		return nearest ? refuse_order(nearest) : sendmail_run(program, argc, argv);
	}
	command = find(commands, COUNT_OF(commands), argv[1]);
	if (command)
		return command->run(program, argc - 1, argv + 1);
	status = command_run(program, argc, argv, &nearest);
	if (status >= 0)
		return status;
	if (nearest)
		say_aside(_("unknown command; did you mean \"%s\"?; a recipient has an @, or "
			    "stands after --"), nearest);
	else
		say_aside(_("unknown command; a recipient has an @, or stands after --"));
	/* "acsmtp root" is a call of a mail program that is not set up well. */
	drain_expect(STDIN_FILENO);
	drain();
	return EX_USAGE;
}

/*
 * Callers close standard descriptors; a file of ours must never become one of them.
 * What stands in for standard input cannot be read: an empty message would be a lie.
 * There need be no /dev.
 */
static bool open_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 &&
		    descriptor_of_nothing(fd ? O_RDWR : O_WRONLY) != fd)
			return false;
	return true;
}

/*
 * What holds for the whole process is set up here. A process is one command: one message,
 * one dialogue, or one run of the queue. So there is one fate (base/fate.h), that of the
 * message at hand, and one log (base/log.h), which is that of its account as soon as that
 * is known. The language (base/language.h) is not set: what other programs read is
 * English, and only a command for people knows that it is one.
 */
static bool begin(const char *name)
{
	if (!open_standard_descriptors())
		return false;
	umask(077);
	/* A write that fails is an error like others, and not the end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	self_begin(name, STDERR_FILENO, isatty(STDERR_FILENO));
	fate_catch_signals();
	/* Before there is one in memory. */
	secret_guard_process();
	environment_guard();
	return true;
}

int main(int argc, char **argv)
{
	const char *called = argc > 0 ? path_name(argv[0]) : "";
	const struct word *word;
	char shown[SHOWN_SIZE];
	const struct program program = {
		.name = text_show(*called ? called : "acsmtp", shown),
		.commands = command_rows,
	};

	if (!begin(program.name)) {
		perror(program.name);
		return EX_OSERR;
	}
	word = find(names, COUNT_OF(names), program.name);
	if (word)
		return word->run(&program, argc, argv);
	if (!strcmp(program.name, "acsmtp"))
		return run_command(&program, argc, argv);
	return sendmail_run(&program, argc, argv);
}
