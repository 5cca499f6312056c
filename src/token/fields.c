/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "token/fields.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "base/secret.h"
#include "base/text.h"

enum { DEPTH_MAX = 8 };

struct fields {
	struct json_object *object;
};

static bool is_white(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!text_is_white(text[i]))
			return false;
	return true;
}

struct fields *fields_parse(const char *text, size_t len)
{
	struct json_tokener *tokener;
	struct json_object *object;
	struct fields *fields;
	size_t end;

	if (len > INT_MAX || !text_is_utf8(text, len))
		return NULL;
	tokener = json_tokener_new_ex(DEPTH_MAX);
	if (!tokener)
		out_of_memory();
	object = json_tokener_parse_ex(tokener, text, (int)len);
	end = json_tokener_get_parse_end(tokener);
	json_tokener_free(tokener);
	if (!json_object_is_type(object, json_type_object) ||
	    !is_white(text + end, len - end)) {
		json_object_put(object);
		return NULL;
	}
	fields = xmalloc(sizeof(*fields));
	fields->object = object;
	return fields;
}

static struct json_object *find(const struct fields *fields, const char *name)
{
	struct json_object *value = NULL;

	(void)json_object_object_get_ex(fields->object, name, &value);
	return value;
}

/* A NUL in it would hide what is behind it. */
static const char *text_in(struct json_object *value)
{
	const char *text;

	if (!json_object_is_type(value, json_type_string))
		return NULL;
	text = json_object_get_string(value);
	return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

const char *fields_text(const struct fields *fields, const char *name)
{
	return text_in(find(fields, name));
}

static bool number_in(struct json_object *value, int64_t *number)
{
	const char *text = text_in(value);
	long parsed;

	if (text) {
		if (!text_to_number(text, 0, LONG_MAX, &parsed))
			return false;
		*number = parsed;
		return true;
	}
	if (!json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0)
		return false;
	*number = json_object_get_int64(value);
	return true;
}

bool fields_number(const struct fields *fields, const char *name, int64_t *number)
{
	return number_in(find(fields, name), number);
}

bool fields_first_number(const struct fields *fields, const char *name, int64_t *number)
{
	struct json_object *list = find(fields, name);

	return json_object_is_type(list, json_type_array) &&
	       json_object_array_length(list) > 0 &&
	       number_in(json_object_array_get_idx(list, 0), number);
}

/* The library gives its memory back as it is. */
static void wipe_texts(struct json_object *object)
{
	struct json_object_iterator at = json_object_iter_begin(object),
				    end = json_object_iter_end(object);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct json_object *value = json_object_iter_peek_value(&at);

		if (json_object_is_type(value, json_type_string))
			wipe((char *)json_object_get_string(value),
			     (size_t)json_object_get_string_len(value));
	}
}

void fields_free(struct fields *fields)
{
	if (!fields)
		return;
	wipe_texts(fields->object);
	json_object_put(fields->object);
	free(fields);
}

void fields_cleanup(struct fields **fields)
{
	fields_free(*fields);
}
