/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/form.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"

enum { ENCODED_MAX = 3 }; /* bytes that a byte becomes */

static bool is_plain(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
}

static void add_encoded(struct form *form, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len && !form->is_full; i++) {
		if (form->len + ENCODED_MAX >= FORM_MAX) {
			form->is_full = true;
		} else if (is_plain(bytes[i])) {
			form->text[form->len++] = bytes[i];
		} else {
			hex_write(form->text + form->len, '%', bytes[i]);
			form->len += ENCODED_MAX;
		}
	}
}

static void add(struct form *form, const char *name, const char *bytes, size_t len)
{
	if (!form->text)
		form->text = xcalloc(1, FORM_MAX);
	if (form->len + 2 + strlen(name) >= FORM_MAX) {
		form->is_full = true;
		return;
	}
	if (form->len > 0)
		form->text[form->len++] = '&';
	add_encoded(form, name, strlen(name));
	if (form->is_full)
		return;
	form->text[form->len++] = '=';
	add_encoded(form, bytes, len);
	form->text[form->len] = '\0';
}

void form_add(struct form *form, const char *name, const char *value)
{
	if (value && *value)
		add(form, name, value, strlen(value));
}

void form_add_secret(struct form *form, const char *name, const struct secret *value)
{
	if (secret_is_set(value) && value->len > 0)
		add(form, name, value->bytes, value->len);
}

const char *form_text(const struct form *form)
{
	return form->text ? form->text : "";
}

void form_free(struct form *form)
{
	wipe(form->text, FORM_MAX);
	free(form->text);
	*form = (struct form){ 0 };
}
