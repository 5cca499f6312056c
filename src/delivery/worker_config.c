/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which configuration, account and log a message of the queue goes with. */
#include "delivery/worker.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"
#include "delivery/by_daemon.h"
#include "delivery/local.h"

static void open_log(struct worker *w, struct log_place place)
{
	struct log_place now = { w->logged, w->logged_format };

	if (w->logged && log_place_is_same(now, place))
		return;
	log_open(place, "acsmtp");
	free(w->logged);
	w->logged = text_copy(place.where);
	w->logged_format = place.format;
}

void worker_open_log(struct worker *w)
{
	if (w->log.where)
		open_log(w, w->log);
}

void worker_hang_up(struct worker *w)
{
	connection_close(&w->connection);
	w->is_used = false;
}

void worker_forget_config(struct worker *w)
{
	if (!w->config_path)
		return;
	worker_hang_up(w);
	aliases_free(&w->aliases);
	config_free(&w->config);
	text_cleanup(&w->config_path);
	w->config_path = NULL;
}

/* The one at `file`; NULL: this user's usual files. */
static bool load_config(struct worker *w, const char *file, struct error *err)
{
	if (w->config_path && !strcmp(w->config_path, file ? file : ""))
		return true;
	worker_forget_config(w);
	/* The daemon sends what is in its own queue, whatever its users are to do. */
	if (!by_daemon_load(&w->config, file, err) &&
	    (config_free(&w->config), !config_load(&w->config, file, err))) {
		config_free(&w->config);
		return false;
	}
	w->config_path = text_copy(file ? file : "");
	w->loaded = time(NULL);
	local_init(&w->aliases, &w->config);
	return true;
}

/*
 * Where an account of that name is gone: the one with its login; for mail that nobody
 * gave to that one, today's default. What was given to one goes through no other unasked.
 */
static const struct account *successor(const struct worker *w, const struct entry *e)
{
	const struct config *config = &w->config;
	struct error unheard;

	for (size_t i = 0; e->login && i < config->count; i++) {
		OWNED_TEXT login = queue_login(&config->accounts[i]);

		if (!strcmp(login, e->login))
			return &config->accounts[i];
	}
	return e->is_default ? config_default(config, &unheard) : NULL;
}

/*
 * Given to the daemon once: the daemon's own queue has no such mail, whatever its
 * settings say.
 */
static const struct account *daemon_for(const struct worker *w, const struct entry *e)
{
	return e->login && *e->login == '/' ? w->config.by_daemon : NULL;
}

static bool say_how_to_move(const struct entry *e, struct error *err)
{
	const struct error gone = *err;

	return error_set(err, ERROR_CONFIG, "%.500s; `acsmtp queue move %s --account NAME` moves it",
			 gone.text, e->id);
}

bool worker_find_account(struct worker *w, const struct entry *e,
			 const struct account **account, struct error *err)
{
	if (!load_config(w, *e->config ? e->config : w->config_file, err))
		return false;
	*account = daemon_for(w, e);
	if (!*account)
		*account = config_account(&w->config, e->account, err);
	if (!*account)
		*account = successor(w, e);
	/* The log that is open is the one for it. */
	if (!*account)
		return say_how_to_move(e, err);
	open_log(w, account_log(*account));
	return true;
}

/*
 * One that cannot be read (any more) says nothing of its accounts, so another one's will
 * do.
 */
const struct account *worker_substitute(struct worker *w)
{
	struct error unheard;
	const struct account *account;

	if (!w->config_path && !(w->config_file && load_config(w, w->config_file, &unheard)) &&
	    !load_config(w, NULL, &unheard))
		return NULL;
	account = config_default(&w->config, &unheard);
	return account || w->config.count == 0 ? account : &w->config.accounts[0];
}
