/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bash and zsh read the same `case`: what a flag's value may be, and what may come in a
 * place of a command, whose name is "queue list", or "send" for the options of sendmail,
 * or "" where the first word is to come. What they do with it is printed as it stands here.
 */
#include "main/completion.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/text.h"

enum { ENTRY_LIMIT = 1000 };

typedef void list_fn(const char *word, const char *help); /* one of what may come */

static void list_for_bash(const char *word, const char *help)
{
	(void)help;
	printf("\n\t\t%s", word);
}

/* For _describe, where a colon ends the word. */
static void list_for_zsh(const char *word, const char *help)
{
	OWNED_BUF entry = BUF_INIT(ENTRY_LIMIT);

	buf_addf(&entry, "%s%s%s", word, *help ? ":" : "", help);
	printf("\n\t\t");
	completion_quote(buf_text(&entry), false);
}

/* --- the tables */

static void print_expectation(struct expectation e)
{
	static const char *const names[] = {
		[EXPECTS_NOTHING] = "nothing",	 [EXPECTS_FILES] = "files",
		[EXPECTS_ACCOUNTS] = "accounts", [EXPECTS_MESSAGES] = "messages",
		[EXPECTS_WORDS] = "words ",	 [EXPECTS_SENDMAIL] = "nothing",
	};

	printf("expects='%s%s'", names[e.what], e.words ? e.words : "");
	text_cleanup(&e.words);
}

static void print_name(const struct command *c)
{
	printf("%s%s%s", c->word, c->sub ? " " : "", c->sub ? c->sub : "");
}

static void print_values_of(const struct command *c)
{
	for (const struct flag *flag = c->flags; flag && flag->name; flag++) {
		if (flag->kind != FLAG_TEXT)
			continue;
		printf("\t'");
		print_name(c);
		printf(" --%s') ", flag->name);
		print_expectation(completion_of_flag(flag));
		puts(" ;;");
	}
}

static void print_values(void)
{
	struct option_help row;

	printf("# COMMAND FLAG: what its value may be. False: it takes none.\n"
	       "_acsmtp_value() {\n\tcase \"$1 $2\" in\n");
	for (size_t i = 0; command_rows[i]; i++)
		print_values_of(command_rows[i]);
	for (size_t i = 0; option_help(i, &row); i++) {
		if (!row.takes_next)
			continue;
		printf("\t'send -%s') ", row.spelling);
		print_expectation(completion_of_option(&row));
		puts(" ;;");
	}
	puts("\t*) return 1 ;;\n\tesac\n}\n");
}

static void begin_place(const char *name)
{
	printf("\t'%s')\n\t\tfound=(", name);
}

static void end_place(struct expectation e)
{
	printf(")\n\t\t");
	print_expectation(e);
	puts(" ;;");
}

static const struct expectation nothing = { EXPECTS_NOTHING, NULL };

static void print_place_of(const struct command *c, list_fn *list)
{
	printf("\t'");
	print_name(c);
	printf("')\n\t\tfound=(");
	for (const struct flag *flag = c->flags; flag && flag->name; flag++) {
		OWNED_BUF word = BUF_INIT(ENTRY_LIMIT);

		buf_addf(&word, "--%s", flag->name);
		list(buf_text(&word), flag->help);
	}
	list("--help", "how it is used");
	end_place(completion_of_arguments(c));
}

static void print_place_of_subs(const char *word, list_fn *list)
{
	begin_place(word);
	for (size_t i = 0; command_rows[i]; i++)
		if (!strcmp(command_rows[i]->word, word))
			list(command_rows[i]->sub, command_rows[i]->help);
	end_place(nothing);
}

static void print_place_of_sendmail(list_fn *list)
{
	struct option_help row;

	begin_place("send");
	for (size_t i = 0; option_help(i, &row); i++) {
		OWNED_BUF word = BUF_INIT(ENTRY_LIMIT);

		buf_addf(&word, "-%s", row.spelling);
		list(buf_text(&word), row.help);
	}
	end_place(nothing);
}

static void print_places(list_fn *list)
{
	const char *word, *help;

	printf("# COMMAND: which words or flags may come, and what else.\n"
	       "_acsmtp_place() {\n\tfound=()\n\texpects=nothing\n\tcase $1 in\n");
	begin_place("");
	for (size_t i = 0; completion_word(i, &word, &help); i++)
		list(word, help);
	end_place(nothing);
	print_place_of_sendmail(list);
	for (size_t i = 0; completion_word(i, &word, &help); i++)
		if (!*help)
			print_place_of_subs(word, list);
	for (size_t i = 0; command_rows[i]; i++)
		print_place_of(command_rows[i], list);
	puts("\tesac\n}\n");
}

/* Whose first argument is a word of their own; and those that go on as sendmail does. */
static void print_kinds(void)
{
	const char *word, *help, *bar = "";

	printf("_acsmtp_has_subs() {\n\tcase $1 in\n\t");
	for (size_t i = 0; completion_word(i, &word, &help); i++) {
		if (*help)
			continue;
		printf("%s%s", bar, word);
		bar = "|";
	}
	printf(") return 0 ;;\n\tesac\n\treturn 1\n}\n\n_acsmtp_is_sendmail() {\n\tcase $1 in\n"
	       "\t-*|send");
	for (size_t i = 0; command_rows[i]; i++)
		if (completion_is_sendmail(command_rows[i]))
			printf("|%s", command_rows[i]->word);
	puts(") return 0 ;;\n\tesac\n\treturn 1\n}\n");
}

/* --- what they do with it */

/* clang-format off */
static const char listings[] =
	"_acsmtp_list() {	# KIND PROGRAM: one a line\n"
	"	case $1 in\n"
	"	accounts) \"$2\" account list 2> /dev/null | cut -f 1 ;;\n"
	"	messages) \"$2\" queue list --json 2> /dev/null |\n"
	"		grep -o '\"id\": *\"[^\"]*\"' | cut -d '\"' -f 4 ;;\n"
	"	words*) printf '%s\\n' \"${1#words }\" | tr ' ' '\\n' ;;\n"
	"	esac\n"
	"}\n\n";

static const char bash_driver[] =
	"_acsmtp() {\n"
	"	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}\n"
	"	local first=${COMP_WORDS[1]} command='' expects=nothing word\n"
	"	local -a found=()\n"
	"\n"
	"	# --flag=value is three words here.\n"
	"	if [[ $current == = ]]; then\n"
	"		current=\n"
	"	elif [[ $previous == = ]]; then\n"
	"		previous=${COMP_WORDS[COMP_CWORD-2]}\n"
	"	fi\n"
	"	if (( COMP_CWORD == 1 )); then\n"
	"		[[ $current == -* ]] && command=send\n"
	"	elif _acsmtp_is_sendmail \"$first\"; then\n"
	"		command=send\n"
	"	else\n"
	"		command=$first\n"
	"		if (( COMP_CWORD > 2 )) && _acsmtp_has_subs \"$first\"; then\n"
	"			command=\"$first ${COMP_WORDS[2]}\"\n"
	"		fi\n"
	"	fi\n"
	"	COMPREPLY=()\n"
	"	if _acsmtp_value \"$command\" \"$previous\"; then\n"
	"		found=()\n"
	"	else\n"
	"		_acsmtp_place \"$command\"\n"
	"		[[ $current == -* ]] && expects=nothing\n"
	"		[[ $expects != nothing ]] && found=()\n"
	"	fi\n"
	"	if [[ $expects == files ]]; then\n"
	"		compopt -o filenames 2> /dev/null\n"
	"		mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
	"		return\n"
	"	fi\n"
	"	while IFS= read -r word; do\n"
	"		[[ -n $word && $word == \"$current\"* ]] && COMPREPLY+=(\"$word\")\n"
	"	done < <(printf '%s\\n' \"${found[@]}\"; _acsmtp_list \"$expects\" \"${COMP_WORDS[0]}\")\n"
	"}\n"
	"complete -F _acsmtp acsmtp\n";

static const char zsh_driver[] =
	"_acsmtp() {\n"
	"	local previous=$words[CURRENT-1] first=$words[2] command= expects=nothing\n"
	"	local program=${(Q)words[1]}\n"
	"	local -a found listed\n"
	"\n"
	"	if (( CURRENT == 2 )); then\n"
	"		[[ $PREFIX == -* ]] && command=send\n"
	"	elif _acsmtp_is_sendmail $first; then\n"
	"		command=send\n"
	"	else\n"
	"		command=$first\n"
	"		(( CURRENT > 3 )) && _acsmtp_has_subs $first && command=\"$first $words[3]\"\n"
	"	fi\n"
	"	if [[ $PREFIX == --*=* ]]; then\n"
	"		previous=${PREFIX%%=*}\n"
	"		compset -P '*='\n"
	"	fi\n"
	"	if ! _acsmtp_value \"$command\" \"$previous\"; then\n"
	"		_acsmtp_place \"$command\"\n"
	"		[[ $PREFIX == -* ]] && expects=nothing\n"
	"		if [[ $expects == nothing ]]; then\n"
	"			_describe acsmtp found\n"
	"			return\n"
	"		fi\n"
	"	fi\n"
	"	if [[ $expects == files ]]; then\n"
	"		_files\n"
	"		return\n"
	"	fi\n"
	"	listed=(${(f)\"$(_acsmtp_list $expects $program)\"})\n"
	"	compadd -a listed\n"
	"}\n"
	"_acsmtp \"$@\"\n";
/* clang-format on */

static void print_script(list_fn *list, const char *driver)
{
	print_values();
	print_places(list);
	print_kinds();
	fputs(listings, stdout);
	fputs(driver, stdout);
}

void completion_bash(void)
{
	puts("# Completion for bash, as `acsmtp help completion bash` prints it.\n");
	print_script(list_for_bash, bash_driver);
}

void completion_zsh(void)
{
	puts("#compdef acsmtp\n# Completion for zsh, as `acsmtp help completion zsh` prints it.\n");
	print_script(list_for_zsh, zsh_driver);
}
