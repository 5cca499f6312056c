/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The fields of a JSON object that came from outside; fields.c alone knows json-c. */
#ifndef TOKEN_FIELDS_H
#define TOKEN_FIELDS_H

#include "base/base.h"

struct fields;

/* NULL: it is no JSON object, or has more behind it. Ends with fields_free(). */
struct fields *fields_parse(const char *text, size_t len);

/* A text, good until fields_free(); NULL: there is none of that name. */
const char *fields_text(const struct fields *fields, const char *name);

/* A number, or a text of digits, which some endpoints send instead; not negative. */
bool fields_number(const struct fields *fields, const char *name, int64_t *number);

/* The first number of an array. */
bool fields_first_number(const struct fields *fields, const char *name, int64_t *number);

/* Wipes what stood in it; NULL is fine. */
void fields_free(struct fields *fields);
void fields_cleanup(struct fields **fields);
#define OWNED_FIELDS __attribute__((cleanup(fields_cleanup))) struct fields

#endif
