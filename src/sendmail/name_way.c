/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "sendmail/name_way.h"

#include <string.h>

#include "base/language.h"
#include "base/text.h"
#include "delivery/local.h"

static const struct alias *find_alias(const struct aliases *a, const char *name)
{
	const struct alias *other = NULL;

	for (size_t i = 0; i < a->count; i++) {
		if (text_is(a->items[i].name, name))
			return &a->items[i];
		if (!strcmp(a->items[i].name, "*"))
			other = &a->items[i];
	}
	return other;
}

/* The lines of the file that it goes by, a name behind the other. */
static void add_path(const struct aliases *a, const char *name, int depth,
		     struct buf *path)
{
	const struct alias *alias = *name == '\\' ? NULL : find_alias(a, name);
	OWNED_ADDRESSES targets = { 0 };
	struct error unheard;

	if (!alias) {
		if (*a->local_recipients)
			buf_addf(path, "%s%s: local_recipients", path->len ? "; " : "",
				 name);
		return;
	}
	if (buf_is_full(path))
		return;
	buf_addf(path, "%s%s: %s:%u", path->len ? "; " : "", name, a->path, alias->line);
	(void)address_list_parse(&targets, alias->targets, strlen(alias->targets),
				 &unheard);
	for (size_t i = 0; i < targets.count && depth < ALIASES_DEPTH_MAX; i++)
		if (!address_domain(targets.items[i].mailbox) &&
		    !text_is(targets.items[i].mailbox, name))
			add_path(a, targets.items[i].mailbox, depth + 1, path);
}

void name_way_find(struct name_way *way, struct aliases *aliases, const char *name)
{
	OWNED_ADDRESSES found = { 0 };
	struct error why;

	if (!local_resolve(aliases, name, &found, &why)) {
		buf_addf(&way->goes_to, _("nowhere: %s"), error_words(&why));
		return;
	}
	add_path(aliases, name, 0, &way->path);
	for (size_t i = 0; i < found.count; i++)
		buf_addf(&way->goes_to, "%s<%s>", i ? ", " : "", found.items[i].mailbox);
}

void name_way_free(struct name_way *way)
{
	buf_free(&way->path);
	buf_free(&way->goes_to);
}
