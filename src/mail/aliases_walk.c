/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A walk from name to name. Each alias is followed once in a walk, so it costs no more
 * than the file is long, however its aliases are woven; one that is met while it is still
 * being followed is a loop.
 */
#include "mail/aliases.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "mail/aliases_file.h"
#include "mail/lexer.h"

struct walk {
	struct aliases *aliases;
	struct address_list *list;	/* what was found */
	unsigned depth;
	alias_fault_fn *report;		/* NULL: the first fault ends the walk */
	void *taker;
	struct error *err;
};

struct target {
	const struct alias *of;		/* NULL: it is the name that was asked for */
	const char *text;		/* within of->targets */
	size_t len;
};

static unsigned line_of(const struct target *target)
{
	unsigned line = target->of->line;

	for (const char *c = target->of->targets; c < target->text; c++)
		line += *c == '\n';
	return line;
}

/* A fault where the target stands; true: the walk goes on. */
static bool fault(const struct walk *w, const struct target *target)
{
	if (target->of)
		aliases_blame(w->aliases, line_of(target), w->err);
	if (!w->report)
		return false;
	w->report(w->taker, w->err);
	return true;
}

static bool add(struct walk *w, const struct target *target, struct address *address)
{
	struct address_list *list = w->list;

	if (list->count >= ADDRESS_LIST_MAX) {
		error_set(w->err, ERROR_CONFIG, "it leads to more than %d addresses",
			  ADDRESS_LIST_MAX);
		return fault(w, target);
	}
	grow((void **)&list->items, &list->room, list->count, sizeof(*list->items));
	list->items[list->count++] = *address;
	*address = (struct address){ 0 };
	return true;
}

/* --- domains that are none */

static void localize_all(const struct aliases *a, struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		aliases_localize(a, list->items[i].mailbox);
}

static bool has_bare_name(const struct address_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		if (!address_domain(list->items[i].mailbox))
			return true;
	return false;
}

static bool follow_name(struct walk *w, const struct target *target, const char *name);

/* --- names without a domain and without an alias */

static bool refuse_name(const struct walk *w, const struct target *target, const char *name,
			bool may_have_alias)
{
	const char *path = may_have_alias ? w->aliases->path : NULL;
	char shown[SHOWN_SIZE];

	text_show(name, shown);
	if (target->of && path)
		error_set(w->err, ERROR_NO_USER, "\"%s\" has no domain and no alias in %s, "
			  "and there is no local delivery", shown, path);
	else if (target->of)
		error_set(w->err, ERROR_NO_USER, "\"%s\" has no domain, and there is no local "
			  "delivery", shown);
	else if (path)
		error_set(w->err, ERROR_NO_USER, "it has no domain and no alias in %s, and "
			  "there is no local delivery", path);
	else
		error_set(w->err, ERROR_NO_USER, "it has no domain, and there is no local "
			  "delivery");
	error_advise(w->err, "give a full address, or an alias in the aliases file, or set "
		     "local_recipients in [delivery] to the address that gets mail for local "
		     "names");
	return fault(w, target);
}

static bool add_local(struct walk *w, const struct target *target, const char *name,
		      bool may_have_alias)
{
	const char *recipients = w->aliases->local_recipients;
	OWNED_ADDRESSES list = { 0 };

	if (!address_list_parse(&list, recipients, strlen(recipients), w->err)) {
		const struct target setting = { 0 };

		w->err->kind = ERROR_CONFIG;
		error_context(w->err, "[delivery] local_recipients");
		return fault(w, &setting);
	}
	localize_all(w->aliases, &list);
	if (list.count == 0 || has_bare_name(&list))
		return refuse_name(w, target, name, may_have_alias);
	for (size_t i = 0; i < list.count; i++)
		if (!add(w, target, &list.items[i]))
			return false;
	return true;
}

/* --- targets */

/* What sendmail would write to, run or read: never done here. */
static bool is_no_mailbox(const struct target *target)
{
	size_t at = 0;

	while (at < target->len && strchr(" \t\n\"\\", target->text[at]))
		at++;
	return at < target->len && strchr("|/:", target->text[at]);
}

static bool refuse_no_mailbox(const struct walk *w, const struct target *target)
{
	OWNED_TEXT text = text_copy_n(target->text, target->len);
	char shown[SHOWN_SIZE];

	error_set(w->err, ERROR_CONFIG, "\"%s\" is a file, a program or a list",
		  text_show(text, shown));
	error_advise(w->err, "only addresses and names can be sent to");
	return fault(w, target);
}

/* "root:" behind a name is a group that has nobody in it, and so is ";" or a comment. */
static bool refuse_nobody(const struct walk *w, const struct target *target)
{
	OWNED_TEXT text = text_copy_n(target->text, target->len);
	char shown[SHOWN_SIZE];

	error_set(w->err, ERROR_CONFIG, "\"%s\" names nobody", text_show(text, shown));
	error_advise(w->err, "write the address or the name that gets the mail, or remove the "
		     "alias");
	return fault(w, target);
}

static bool follow_target(struct walk *w, const struct target *target)
{
	OWNED_ADDRESSES list = { 0 };
	bool is_final = target->text[0] == '\\';
	size_t skip = is_final ? 1 : 0;
	bool ok = address_list_parse(&list, target->text + skip, target->len - skip, w->err);

	localize_all(w->aliases, &list);
	/* "/a/b@example.org" is an address all the same. */
	if (is_no_mailbox(target) && (!ok || target->text[0] == '|' || has_bare_name(&list)))
		return refuse_no_mailbox(w, target);
	if (!ok) {
		w->err->kind = ERROR_CONFIG;
		return fault(w, target);
	}
	if (list.count == 0)
		return refuse_nobody(w, target);
	for (size_t i = 0; i < list.count; i++) {
		struct address *address = &list.items[i];

		if (!(address_domain(address->mailbox) ? add(w, target, address) :
		      is_final ? add_local(w, target, address->mailbox, false) :
		      follow_name(w, target, address->mailbox)))
			return false;
	}
	return true;
}

/* The place after the target that begins at `at`: of a comma, or of the end. */
static size_t target_end(const char *text, size_t at, size_t len)
{
	struct lexer l = { .text = text, .len = len };
	struct error ignored;

	l.err = &ignored;
	while (at < len && text[at] != ',') {
		size_t end = text[at] == '\\' ? at + 2 : lexer_unit_end(&l, at);

		if (!end)
			return len;	/* its parser will say what is wrong */
		at = end;
	}
	return at < len ? at : len;
}

/* Steps through the targets: *at begins with 0. False: no more. */
static bool next_target(const struct alias *alias, size_t *at, struct target *target)
{
	const char *text = alias->targets;
	size_t len = strlen(text), start = *at;

	while (start < len && (text_is_white(text[start]) || text[start] == ','))
		start++;
	if (start == len)
		return false;
	*at = target_end(text, start, len);
	*target = (struct target){ .of = alias, .text = text + start, .len = *at - start };
	while (text_is_white(target->text[target->len - 1]))
		target->len--;
	return true;
}

/* --- aliases */

static bool refuse_empty(const struct walk *w, const struct alias *alias)
{
	const struct target target = { .of = alias, .text = alias->targets };

	error_set(w->err, ERROR_CONFIG, "alias \"%s\" has no target", alias->name);
	return fault(w, &target);
}

static bool follow_alias(struct walk *w, struct alias *alias)
{
	struct target target;
	size_t at = 0;
	bool ok = true;

	alias->round = w->aliases->round;
	alias->is_open = true;
	w->depth++;
	while (ok && next_target(alias, &at, &target))
		ok = follow_target(w, &target);
	if (at == 0)
		ok = refuse_empty(w, alias);
	w->depth--;
	alias->is_open = false;
	return ok;
}

static int compare_name(const void *name, const void *alias)
{
	return strcmp(name, ((const struct alias *)alias)->name);
}

static struct alias *find(const struct aliases *a, const char *name)
{
	return a->count == 0 ? NULL :
	       bsearch(name, a->items, a->count, sizeof(*a->items), compare_name);
}

/* Whether the same name stands in two lines, which are neighbours here. */
static bool is_double(const struct aliases *a, const struct alias *alias)
{
	return (alias > a->items && !strcmp(alias[-1].name, alias->name)) ||
	       (alias + 1 < a->items + a->count && !strcmp(alias[1].name, alias->name));
}

static bool refuse_double(const struct walk *w, const struct alias *alias)
{
	const struct alias *first = alias;
	struct target target = { 0 };

	if (alias > w->aliases->items && !strcmp(alias[-1].name, alias->name))
		first = alias - 1;
	target = (struct target){ .of = first + 1, .text = first[1].targets };
	error_set(w->err, ERROR_CONFIG, "alias \"%s\" stands in line %u already", alias->name,
		  first->line);
	return fault(w, &target);
}

static bool refuse_loop(const struct walk *w, const struct target *target,
			const struct alias *alias)
{
	error_set(w->err, ERROR_CONFIG, "alias \"%s\" leads back to \"%s\" of line %u",
		  target->of->name, alias->name, alias->line);
	return fault(w, target);
}

static bool refuse_depth(const struct walk *w, const struct target *target)
{
	error_set(w->err, ERROR_CONFIG, "more than %d aliases one behind the other",
		  ALIASES_DEPTH_MAX);
	return fault(w, target);
}

/*
 * The alias of this name, or else the catch-all, which does not stand for its own
 * targets.
 */
static struct alias *find_for(const struct aliases *a, const char *name)
{
	OWNED_TEXT key = text_copy(name);
	struct alias *alias;

	text_lower(key);
	alias = find(a, key);
	if (alias)
		return alias;
	alias = find(a, "*");
	return alias && !alias->is_open ? alias : NULL;
}

static bool follow_name(struct walk *w, const struct target *target, const char *name)
{
	struct alias *alias = find_for(w->aliases, name);

	if (!alias)
		return add_local(w, target, name, true);
	if (alias == target->of)
		return add_local(w, target, name, false);
	if (alias->is_open)
		return refuse_loop(w, target, alias);
	if (alias->round == w->aliases->round)
		return true;
	if (w->depth == ALIASES_DEPTH_MAX)
		return refuse_depth(w, target);
	if (!w->report && is_double(w->aliases, alias))
		return refuse_double(w, alias);
	return follow_alias(w, alias);
}

/* --- for others */

void aliases_init(struct aliases *a, const char *path, const char *local_recipients)
{
	bool has_file = path && strcmp(path, "off") != 0;

	*a = (struct aliases){
		.path = has_file ? path : NULL,
		.may_be_missing = has_file && !strcmp(path, "/etc/aliases"),
		.local_recipients = local_recipients ? local_recipients : "",
	};
}

static bool read_once(struct aliases *a, alias_fault_fn *report, void *taker,
		      struct error *err)
{
	if (!a->is_read && a->path)
		aliases_read(a, report, taker, &a->failure);
	a->is_read = true;
	if (a->failure.kind == ERROR_NONE)
		return true;
	*err = a->failure;
	return false;
}

bool aliases_resolve(struct aliases *a, const char *name, struct address_list *list,
		     struct error *err)
{
	OWNED_ADDRESSES found = { 0 };
	struct walk w = { .aliases = a, .list = &found, .err = err };
	struct target asked = { 0 };
	char shown[SHOWN_SIZE];

	if (!read_once(a, NULL, NULL, err))
		return error_context(err, "recipient \"%s\"", text_show(name, shown));
	a->round++;
	if (!follow_name(&w, &asked, name))
		return error_context(err, "recipient \"%s\"", text_show(name, shown));
	for (size_t i = 0; i < found.count; i++) {
		grow((void **)&list->items, &list->room, list->count, sizeof(*list->items));
		list->items[list->count++] = found.items[i];
	}
	found.count = 0;	/* they were handed on */
	return true;
}

/* Who cannot be looked up now may be one. */
static bool is_user(const char *name)
{
	errno = 0;
	return getpwnam(name) || errno_is_lack(errno);
}

bool aliases_know(struct aliases *a, const char *name)
{
	OWNED_TEXT key = text_copy(name);
	struct error unheard;

	text_lower(key);
	return !read_once(a, NULL, NULL, &unheard) || find(a, key) || is_user(name);
}

bool aliases_check(struct aliases *a, alias_fault_fn *report, void *taker,
		   struct error *err)
{
	struct error fault = { 0 };

	if (!read_once(a, report, taker, err))
		return false;
	a->round++;
	for (size_t i = 0; i < a->count; i++) {
		OWNED_ADDRESSES found = { 0 };
		struct walk w = { .aliases = a, .list = &found, .report = report,
				  .taker = taker, .err = &fault };

		if (i > 0 && !strcmp(a->items[i - 1].name, a->items[i].name))
			refuse_double(&w, &a->items[i]);
		if (a->items[i].round != a->round)
			follow_alias(&w, &a->items[i]);
	}
	return true;
}

void aliases_free(struct aliases *a)
{
	for (size_t i = 0; i < a->count; i++) {
		free(a->items[i].name);
		free(a->items[i].targets);
	}
	free(a->items);
	*a = (struct aliases){ 0 };
}
