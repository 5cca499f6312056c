/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The Secret Service by libsecret. Every call is an asynchronous one that is waited for
 * in the main loop, where a timer can end it; an alarm of the process stands behind that.
 */
#include "keyring/keyring.h"

#include <libsecret/secret.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/*
 * Found by "application" and not by the schema's name: as long as it is locked, GNOME's
 * keyring knows no names of schemas.
 */
static const SecretSchema ours = {
	"org.acsmtp.Password",
	SECRET_SCHEMA_DONT_MATCH_NAME,
	{
		{ "application", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "account", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "host", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "port", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ "user", SECRET_SCHEMA_ATTRIBUTE_STRING },
		{ NULL, 0 },
	},
	0,
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
	NULL,
};

struct keyring_job {
	const struct keyring_request *request;
	struct keyring_result *result;
	GDBusConnection *bus;
	SecretService *service;
	GCancellable *cancellable; /* of the step that is waited for */
	guint timer;
	GAsyncResult *answer;
};

static bool fail(struct keyring_job *job, enum keyring_end end, const char *text)
{
	job->result->end = end;
	snprintf(job->result->text, sizeof(job->result->text), "%s", text);
	text_make_printable(job->result->text);
	return false;
}

/* "WORDS user U at H:P" */
static bool fail_for_item(struct keyring_job *job, enum keyring_end end,
			  const char *words)
{
	const struct keyring_item *item = &job->request->item;
	g_autofree char *text = g_strdup_printf("%s user %s at %s:%s", words, item->user,
						item->host, item->port);

	return fail(job, end, text);
}

static bool blame(struct keyring_job *job, GError *error)
{
	g_autofree char *text = NULL;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED) ||
	    g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_TIMEOUT))
		return fail(job, KEYRING_NO_ANSWER, "the keyring did not answer in time");
	if (g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED))
		return fail(job, KEYRING_LOCKED, "the keyring is locked");
	switch (error->domain == G_DBUS_ERROR ? error->code : -1) {
	case G_DBUS_ERROR_SERVICE_UNKNOWN:
	case G_DBUS_ERROR_NAME_HAS_NO_OWNER:
	case G_DBUS_ERROR_SPAWN_EXEC_FAILED:
	case G_DBUS_ERROR_SPAWN_CHILD_EXITED:
	case G_DBUS_ERROR_SPAWN_FAILED:
		return fail(job, KEYRING_NO_SERVICE,
			    "no keyring service is on the session bus");
	case G_DBUS_ERROR_NO_REPLY:
	case G_DBUS_ERROR_DISCONNECTED:
		return fail(job, KEYRING_NO_ANSWER, "the keyring service went away");
	}
	g_dbus_error_strip_remote_error(error);
	text = g_strdup_printf("the keyring says: %s", error->message);
	return fail(job, KEYRING_FAILED, text);
}

/* Takes the error. */
static bool fail_with(struct keyring_job *job, GError *error)
{
	(void)blame(job, error);
	g_error_free(error);
	return false;
}

/* --- waiting */

static void drop(gpointer object)
{
	if (object)
		g_object_unref(object);
}

static gboolean on_time(gpointer data)
{
	struct keyring_job *job = data;

	job->timer = 0;
	g_cancellable_cancel(job->cancellable);
	return G_SOURCE_REMOVE;
}

enum step { ANSWER, PROMPT };

/* What is called from now on may take as long as that, all in all. */
static void begin(struct keyring_job *job, enum step step)
{
	unsigned seconds =
		step == PROMPT ? KEYRING_PROMPT_SECONDS : KEYRING_ANSWER_SECONDS;

	if (seconds > (unsigned)job->request->patience)
		seconds = (unsigned)job->request->patience;
	if (job->timer)
		g_source_remove(job->timer);
	drop(job->cancellable);
	job->cancellable = g_cancellable_new();
	job->timer = g_timeout_add_seconds(seconds, on_time, job);
	keyring_watch(seconds, step == PROMPT);
}

static void on_answer(GObject *source, GAsyncResult *answer, gpointer data)
{
	struct keyring_job *job = data;

	(void)source;
	job->answer = g_object_ref(answer);
}

/* The answer to the call that was just made; good until the next one. */
static GAsyncResult *answer_to(struct keyring_job *job)
{
	drop(job->answer);
	job->answer = NULL;
	while (!job->answer)
		g_main_context_iteration(NULL, TRUE);
	return job->answer;
}

/* libsecret waits for ever for the prompt of a service that is no more. */
static void on_owner(GObject *service, GParamSpec *what, gpointer data)
{
	g_autofree char *owner = g_dbus_proxy_get_name_owner(G_DBUS_PROXY(service));

	(void)what;
	(void)data;
	if (!owner)
		keyring_give_up(KEYRING_NO_ANSWER, "the keyring service went away");
}

/* What libraries have to say is nothing for the log of the mail. */
static GLogWriterOutput ignore(GLogLevelFlags level, const GLogField *fields, gsize count,
			       gpointer data)
{
	(void)level, (void)fields, (void)count, (void)data;
	return G_LOG_WRITER_HANDLED;
}

static bool connect_to_service(struct keyring_job *job)
{
	GError *error = NULL;

	begin(job, ANSWER);
	g_bus_get(G_BUS_TYPE_SESSION, job->cancellable, on_answer, job);
	job->bus = g_bus_get_finish(answer_to(job), &error);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return fail_with(job, error);
	g_clear_error(&error);
	if (!job->bus)
		return fail(job, KEYRING_NO_BUS, "the session bus cannot be reached");
	/* GLib would end us without a word. */
	g_dbus_connection_set_exit_on_close(job->bus, FALSE);
	secret_service_get(SECRET_SERVICE_NONE, job->cancellable, on_answer, job);
	job->service = secret_service_get_finish(answer_to(job), &error);
	if (!job->service)
		return fail_with(job, error);
	g_signal_connect(job->service, "notify::g-name-owner", G_CALLBACK(on_owner),
			 NULL);
	return true;
}

/* --- finding */

static void free_items(GList *items)
{
	g_list_free_full(items, g_object_unref);
}

/* The items that have the attributes, a list of names and values that NULL ends. */
static bool search(struct keyring_job *job, const char *const *attributes, GList **items)
{
	g_autoptr(GHashTable) table = g_hash_table_new(g_str_hash, g_str_equal);
	GError *error = NULL;

	for (; *attributes; attributes += 2)
		g_hash_table_insert(table, (char *)attributes[0], (char *)attributes[1]);
	secret_service_search(job->service, NULL, table, SECRET_SEARCH_ALL,
			      job->cancellable, on_answer, job);
	*items = secret_service_search_finish(job->service, answer_to(job), &error);
	return !error || fail_with(job, error);
}

/* A locked keyring may hide what it has. */
static bool report_nothing(struct keyring_job *job)
{
	GError *error = NULL;
	bool is_locked = false;
	GList *collections;

	secret_service_load_collections(job->service, job->cancellable, on_answer, job);
	if (!secret_service_load_collections_finish(job->service, answer_to(job), &error))
		return fail_with(job, error);
	collections = secret_service_get_collections(job->service);
	for (GList *at = collections; at; at = at->next)
		is_locked = is_locked || secret_collection_get_locked(at->data);
	free_items(collections);
	if (is_locked)
		return fail_for_item(job, KEYRING_CLOSED,
				     "the keyring is locked and shows nothing for");
	return fail_for_item(
		job, KEYRING_NO_MATCH,
		job->request->what == KEYRING_CLEAR
			? "the keyring has nothing that was stored by acsmtp for"
			: "the keyring has nothing for");
}

static bool search_exactly(struct keyring_job *job, GList **items)
{
	const struct keyring_item *item = &job->request->item;
	const char *const attributes[] = {
		"application", "acsmtp",   "account", item->account, "host", item->host,
		"port",	       item->port, "user",    item->user,    NULL,
	};

	return search(job, attributes, items);
}

/*
 * What was stored for this account; then for another account or port, as the same user of
 * the same host; then for msmtp, the way that its manual says.
 */
static bool find(struct keyring_job *job, GList **items)
{
	const struct keyring_item *item = &job->request->item;
	const char *const same_user[] = {
		"application", "acsmtp", "host", item->host, "user", item->user, NULL,
	};
	const char *const msmtp[] = {
		"host", item->host, "service", "smtp", "user", item->user, NULL,
	};

	if (!search_exactly(job, items) || (!*items && !search(job, same_user, items)) ||
	    (!*items && !search(job, msmtp, items)))
		return false;
	if (!*items)
		return report_nothing(job);
	return !(*items)->next ||
	       fail_for_item(job, KEYRING_SEVERAL, "the keyring has several secrets for");
}

/* --- unlocking */

/* The service's own call, which makes a prompt but does not show it. */
static bool unlock_quietly(struct keyring_job *job, GDBusProxy *object)
{
	const char *const paths[] = { g_dbus_proxy_get_object_path(object), NULL };
	g_autoptr(GVariant) reply = NULL;
	GVariant *dismissed;
	GError *error = NULL;
	const char *prompt;

	g_dbus_proxy_call(G_DBUS_PROXY(job->service), "Unlock",
			  g_variant_new("(^ao)", paths), G_DBUS_CALL_FLAGS_NONE, -1,
			  job->cancellable, on_answer, job);
	reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(job->service), answer_to(job),
					 &error);
	if (!reply)
		return fail_with(job, error);
	if (!g_variant_is_of_type(reply, G_VARIANT_TYPE("(aoo)")))
		return fail(job, KEYRING_FAILED,
			    "the keyring service does not speak its protocol");
	g_variant_get_child(reply, 1, "&o", &prompt);
	if (!strcmp(prompt, "/"))
		return true;
	g_dbus_connection_call(job->bus,
			       g_dbus_proxy_get_name(G_DBUS_PROXY(job->service)), prompt,
			       "org.freedesktop.Secret.Prompt", "Dismiss", NULL, NULL,
			       G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, job->cancellable,
			       on_answer, job);
	dismissed = g_dbus_connection_call_finish(job->bus, answer_to(job), NULL);
	if (dismissed)
		g_variant_unref(dismissed);
	return fail(job, KEYRING_LOCKED,
		    "the keyring is locked, and nobody is here to unlock it");
}

static bool unlock_with_prompt(struct keyring_job *job, GDBusProxy *object)
{
	GList list = { .data = object };
	GError *error = NULL;
	int count;

	begin(job, PROMPT);
	secret_service_unlock(job->service, &list, job->cancellable, on_answer, job);
	count = secret_service_unlock_finish(job->service, answer_to(job), NULL, &error);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)) {
		g_error_free(error);
		return fail(job, KEYRING_DISMISSED,
			    "the keyring is locked, and nobody answered its prompt");
	}
	if (error)
		return fail_with(job, error);
	begin(job, ANSWER);
	return count > 0 ||
	       fail(job, KEYRING_DISMISSED,
		    "the keyring is locked, and its prompt was dismissed or not shown");
}

static bool unlock(struct keyring_job *job, GDBusProxy *object)
{
	return job->request->may_prompt ? unlock_with_prompt(job, object)
					: unlock_quietly(job, object);
}

static bool unlock_item(struct keyring_job *job, SecretItem *item)
{
	return !secret_item_get_locked(item) || unlock(job, G_DBUS_PROXY(item));
}

/* --- the three commands */

static bool copy_secret(struct keyring_job *job, SecretItem *item)
{
	SecretValue *value = secret_item_get_secret(item);
	const char *bytes;
	gsize len;
	bool fits;

	if (!value)
		return fail(job, KEYRING_LOCKED,
			    "the keyring did not hand the secret over");
	bytes = secret_value_get(value, &len);
	fits = secret_set(job->request->secret, bytes, len);
	secret_value_unref(value);
	return fits || fail_for_item(job, KEYRING_FAILED,
				     "the keyring has too long a secret for");
}

static bool lookup(struct keyring_job *job)
{
	GError *error = NULL;
	GList *items = NULL;
	bool ok = find(job, &items) && unlock_item(job, items->data);

	if (ok) {
		secret_item_load_secret(items->data, job->cancellable, on_answer, job);
		ok = secret_item_load_secret_finish(items->data, answer_to(job), &error)
			     ? copy_secret(job, items->data)
			     : fail_with(job, error);
	}
	free_items(items);
	return ok;
}

/* Where new secrets go; it is made by a prompt where there is none yet. */
static bool open_default(struct keyring_job *job)
{
	g_autoptr(SecretCollection) collection = NULL;
	GError *error = NULL;

	secret_collection_for_alias(job->service, SECRET_COLLECTION_DEFAULT,
				    SECRET_COLLECTION_NONE, job->cancellable, on_answer,
				    job);
	collection = secret_collection_for_alias_finish(answer_to(job), &error);
	if (error)
		return fail_with(job, error);
	if (!collection)
		return job->request->may_prompt ||
		       fail(job, KEYRING_CLOSED,
			    "there is no default keyring yet, and nobody is here to make one");
	return !secret_collection_get_locked(collection) ||
	       unlock(job, G_DBUS_PROXY(collection));
}

static bool create(struct keyring_job *job, SecretValue *value)
{
	const struct keyring_item *item = &job->request->item;
	g_autoptr(GHashTable) attributes =
		secret_attributes_build(&ours, "application", "acsmtp", "account",
					item->account, "host", item->host, "port",
					item->port, "user", item->user, NULL);
	g_autofree char *label =
		g_strdup_printf("acsmtp: %s at %s", item->user, item->host);
	GError *error = NULL;

	if (!open_default(job))
		return false;
	if (job->request->may_prompt)
		begin(job, PROMPT);
	secret_service_store(job->service, &ours, attributes, SECRET_COLLECTION_DEFAULT,
			     label, value, job->cancellable, on_answer, job);
	if (secret_service_store_finish(job->service, answer_to(job), &error))
		return true;
	return error ? fail_with(job, error)
		     : fail(job, KEYRING_DISMISSED,
			    "the prompt of the keyring was dismissed or not shown");
}

/* The item itself: to put another one in its place may be a question to its owner. */
static bool change(struct keyring_job *job, SecretItem *item, SecretValue *value)
{
	GError *error = NULL;

	if (!unlock_item(job, item))
		return false;
	secret_item_set_secret(item, value, job->cancellable, on_answer, job);
	return secret_item_set_secret_finish(item, answer_to(job), &error) ||
	       fail_with(job, error);
}

static bool remove_items(struct keyring_job *job, GList *items)
{
	GError *error = NULL;

	for (; items; items = items->next) {
		if (!unlock_item(job, items->data))
			return false;
		secret_item_delete(items->data, job->cancellable, on_answer, job);
		if (!secret_item_delete_finish(items->data, answer_to(job), &error))
			return error ? fail_with(job, error)
				     : fail(job, KEYRING_DISMISSED,
					    "the prompt of the keyring was dismissed");
	}
	return true;
}

/* There is one of it afterwards. */
static bool store(struct keyring_job *job)
{
	const struct secret *secret = job->request->secret;
	SecretValue *value =
		secret_value_new(secret->bytes, (gssize)secret->len, "text/plain");
	GList *items = NULL;
	bool ok = search_exactly(job, &items);

	if (ok && items)
		ok = change(job, items->data, value) && remove_items(job, items->next);
	else if (ok)
		ok = create(job, value);
	free_items(items);
	secret_value_unref(value);
	return ok;
}

static bool clear(struct keyring_job *job)
{
	GList *items = NULL;
	bool ok = search_exactly(job, &items) && (items || report_nothing(job)) &&
		  remove_items(job, items);

	free_items(items);
	return ok;
}

void keyring_do(const struct keyring_request *request, struct keyring_result *result)
{
	static bool (*const commands[])(struct keyring_job * job) = {
		[KEYRING_LOOKUP] = lookup,
		[KEYRING_STORE] = store,
		[KEYRING_CLEAR] = clear,
	};
	struct keyring_job job = { .request = request, .result = result };

	g_log_set_writer_func(ignore, NULL, NULL);
	result->end = KEYRING_OK;
	if (connect_to_service(&job))
		(void)commands[request->what](&job);
	if (job.timer)
		g_source_remove(job.timer);
	drop(job.answer);
	drop(job.cancellable);
	drop(job.service);
	drop(job.bus);
}
