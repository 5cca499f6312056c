/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Entries are moved in and out and never copied, so that one place has the last word on
 * a message.
 */
#include "delivery/owed.h"

#include <stdlib.h>
#include <string.h>

void owed_free(struct owed *o)
{
	while (o->count > 0)
		entry_free(&o->entries[--o->count]);
	free(o->entries);
	o->entries = NULL;
}

bool owed_is_full(const struct owed *o)
{
	return o->count >= OWED_MAX;
}

void owed_keep(struct owed *o, struct entry *e)
{
	struct entry rest = { 0 };

	memcpy(rest.id, e->id, ID_SIZE);
	if (owed_is_full(o)) {
		entry_free(e);
		*e = rest;
		return;
	}
	o->entries = xrealloc(o->entries, (o->count + 1) * sizeof(*o->entries));
	o->entries[o->count++] = *e;
	*e = rest;
}

bool owed_restore(struct owed *o, struct entry *e)
{
	for (size_t i = 0; i < o->count; i++) {
		bool is_held = e->is_held;
		char *held_by;

		if (strcmp(o->entries[i].id, e->id) != 0)
			continue;
		held_by = text_take(&e->held_by);
		entry_free(e);
		*e = o->entries[i];
		e->is_held = e->is_held || is_held;
		free(e->held_by);
		e->held_by = held_by;
		o->entries[i] = o->entries[--o->count];
		return true;
	}
	return false;
}
