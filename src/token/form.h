/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The body of a request or the query of an address: application/x-www-form-urlencoded. */
#ifndef TOKEN_FORM_H
#define TOKEN_FORM_H

#include "base/base.h"
#include "base/secret.h"

enum { FORM_MAX = 64 * 1024 }; /* three times the longest secret, and the rest */

struct form {	    /* may hold secrets: one piece of memory, wiped by form_free() */
	char *text; /* NULL: nothing was added */
	size_t len;
	bool is_full; /* something did not fit; sticky */
};
#define OWNED_FORM __attribute__((cleanup(form_free))) struct form

/* A NULL or empty value is left out. */
void form_add(struct form *form, const char *name, const char *value);
void form_add_secret(struct form *form, const char *name, const struct secret *value);

const char *form_text(const struct form *form);
void form_free(struct form *form);

#endif
