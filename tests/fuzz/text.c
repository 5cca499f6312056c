/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as text that is shown: harmless for a terminal and a log, as JSON one line
 * that no reader can mistake, as encoded words plain ASCII.
 */
#include "fuzz.h"

#include "base/json.h"
#include "mail/encoded_word.h"
#include "service/login.h"

/* U+0080 to U+009F, and the marks that change the direction of the text. */
static bool is_harmful(const unsigned char *c)
{
	if (c[0] < ' ' || c[0] == 127)
		return true;
	if (c[0] == 0xc2)
		return c[1] < 0xa0;
	return c[0] == 0xe2 && ((c[1] == 0x80 && (c[2] == 0x8e || c[2] == 0x8f ||
						  (c[2] >= 0xaa && c[2] <= 0xae))) ||
				(c[1] == 0x81 && c[2] >= 0xa6 && c[2] <= 0xa9));
}

static void check_harmless(const char *text)
{
	MUST(text_is_utf8(text, strlen(text)));
	for (const char *c = text; *c; c++)
		MUST(!is_harmful((const unsigned char *)c));
}

static void check_shown(const char *text)
{
	OWNED_TEXT copy = text_copy(text);
	char shown[SHOWN_SIZE];

	text_make_printable(copy);
	MUST(strlen(copy) == strlen(text));
	check_harmless(copy);
	check_harmless(text_show(text, shown));
	MUST(strlen(shown) < SHOWN_SIZE);
}

static void check_json(const char *text)
{
	char *out = NULL;
	size_t len = 0;
	struct json j = { .out = open_memstream(&out, &len) };

	MUST(j.out);
	json_object(&j, NULL);
	json_text(&j, "text", text);
	json_end(&j);
	MUST(fclose(j.out) == 0);
	MUST(len > 10 && out[len - 1] == '\n' && strlen(out) == len);
	out[len - 1] = '\0';
	check_harmless(out);
	/* The text's quotes are escaped, and so are the backslashes before them. */
	for (char *c = out + strlen("{\"text\": \""); c < out + len - 3; c++) {
		MUST(*c != '"');
		c += *c == '\\';
		MUST(c < out + len - 3);
	}
	free(out);
}

static void check_words(const char *text, size_t len)
{
	OWNED_BUF out = BUF_INIT(1024 * 1024);
	size_t word;

	encoded_word_add(&out, text, len);
	MUST(!text_has_8bit(buf_text(&out), out.len) &&
	     !text_has_control(buf_text(&out)));
	for (const char *at = buf_text(&out); *at; at += word + (at[word] == ' ')) {
		word = encoded_word_length(at, strlen(at));
		MUST(word > 0 && word <= 75 && (!at[word] || at[word] == ' '));
	}
	word = encoded_word_length(text, len);
	MUST(word <= len);
	if (word == 0)
		return;
	buf_clear(&out);
	encoded_word_add_safely(&out, text, word);
	MUST(!text_has_control(buf_text(&out)) &&
	     !text_has_8bit(buf_text(&out), out.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_TEXT text = text_copy_n((const char *)data, size);
	struct token_facts facts = { 0 };
	const char *fault = NULL;

	MUST((login_user_form(text, &fault) == USER_BROKEN) == (fault != NULL));
	(void)login_secret_fault((const char *)data, size);
	(void)login_token_facts((const char *)data, size, &facts);
	MUST(strlen(facts.audience) < sizeof(facts.audience));
	check_shown(text);
	check_json(text);
	check_words(text, strlen(text));
	return 0;
}
