/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Findings are paragraphs beside a column of titles. Lines are broken here and not by the
 * terminal, which would not keep the column; Japanese has no blanks to break at, so any
 * wide letter will do that does not have to stay with the one before.
 */
#include "check/show.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "base/text.h"
#include "talk/terminal.h"

enum { TITLE_WIDTH = 14, INDENT = 4, COLUMNS_LEAST = 40 };

static const struct {
	const char *name;
	const char *word, *mark;	/* mark: where the terminal's letters are UTF-8 */
	enum colour colour;
} states[] = {
	[FINDING_OK] = { "ok", "ok", "\xe2\x9c\x93", COLOUR_GREEN },
	[FINDING_WARNING] = { "warning", "! ", "!", COLOUR_YELLOW },
	[FINDING_FAILED] = { "failed", "!!", "\xe2\x9c\x97", COLOUR_RED },
	[FINDING_SKIPPED] = { "skipped", "--", "\xe2\x80\x93", COLOUR_DIM },
};

const char *show_state(enum finding_state state)
{
	return states[state].name;
}

void show_begin(struct show *show)
{
	*show = (struct show){ 0 };
	show->has_marks = language_is_utf8();
	show->is_coloured = terminal_has_colours(stdout);
	if (!isatty(STDOUT_FILENO))
		return;
	show->columns = terminal_columns(stdout) ? (int)terminal_columns(stdout) : 80;
	if (show->columns < COLUMNS_LEAST)
		show->columns = COLUMNS_LEAST;
}

/* What may not begin a line of Japanese. */
static bool clings(const char *text)
{
	static const char *const marks[] = {
		"\xe3\x80\x81", "\xe3\x80\x82", "\xe3\x80\x8d", "\xef\xbc\x89",
		"\xef\xbc\x8c", "\xef\xbc\x9a", "\xef\xbc\x9b", "\xef\xbc\x9f",
		"\xe3\x83\xbc", "\xe3\x80\x8f",
	};

	for (size_t i = 0; i < COUNT_OF(marks); i++)
		if (!strncmp(text, marks[i], strlen(marks[i])))
			return true;
	return false;
}

/*
 * A word; or, for wide letters have no blanks between words, one of them and what clings.
 */
static size_t piece_at(const char *text, int *width)
{
	size_t at = language_character(text, width), len;
	bool is_wide = *width == 2;
	int columns;

	for (; text[at] && text[at] != ' '; at += len) {
		len = language_character(text + at, &columns);
		if (is_wide ? !clings(text + at) : columns == 2 && !clings(text + at))
			break;
		*width += columns;
	}
	return at;
}

/* Broken where the terminal would break it anywhere; every line begins at `indent`. */
static void put_words(const struct show *show, const char *text, int indent)
{
	int column = indent;
	bool is_apart = false;	/* a blank stood before */

	while (*text) {
		int width;
		size_t len;

		if (*text == ' ') {
			is_apart = true;
			text++;
			continue;
		}
		len = piece_at(text, &width);
		if (show->columns > 0 && column > indent &&
		    column + is_apart + width > show->columns) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (is_apart) {
			putchar(' ');
			column++;
		}
		is_apart = false;
		column += width;
		fwrite(text, 1, len, stdout);
		text += len;
	}
	putchar('\n');
}

static void put_advice(const struct show *show, const char *line, size_t len)
{
	OWNED_TEXT text = text_copy_n(line, len);

	text_make_printable(text);
	printf("%*s", INDENT + TITLE_WIDTH, "");
	put_words(show, text, INDENT + TITLE_WIDTH);
}

void show_finding(const struct show *show, const char *title, const struct finding *f)
{
	const char *sign = show->has_marks ? states[f->state].mark : states[f->state].word;
	OWNED_TEXT text = text_copy(buf_text(&f->text));

	text_make_printable(text);
	printf("%s%s%s", terminal_colour(show->is_coloured, states[f->state].colour), sign,
	       terminal_colour(show->is_coloured, COLOUR_NONE));
	printf("%*s%s%*s", INDENT - (int)language_width(sign), "", title,
	       TITLE_WIDTH - (int)language_width(title), "");
	put_words(show, text, INDENT + TITLE_WIDTH);
	for (const char *at = buf_text(&f->advice); *at;) {
		size_t len = strcspn(at, "\n");

		put_advice(show, at, len);
		at += len + (at[len] == '\n');
	}
	fflush(stdout);
}
