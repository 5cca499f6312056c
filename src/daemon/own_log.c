/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In a directory like /var/log root alone can make a file, and a file of root's is none
 * that the keeper can write. One that has lines already is left as it is: somebody else
 * may be at work on it.
 */
#include "daemon/own_log.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/append.h"
#include "base/as_user.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"

enum { WARNING_MAX = 2 * ERROR_TEXT_MAX };

static void warn(const struct launch_plan *plan, const char *path, const struct error *err)
{
	const struct daemon_settings *daemon = &plan->config.daemon;
	OWNED_BUF text = BUF_INIT(WARNING_MAX);

	buf_addf(&text, "warning: log %s: the user %s, as whom the daemon sends, cannot write it "
		 "(%s), and what becomes of mail is not logged there; give it to that user, "
		 "`chown %s %s`, and then `acsmtp daemon reload`", path, daemon->user, err->text,
		 daemon->user, path);
	/* Root's own lines come there, and who misses those of mail looks there. */
	log_problem("%s", buf_text(&text));
	if (!log_is_standard(config_log(&plan->config).where))
		dprintf(self_complaints(), "%s: %s\n", self_name(), buf_text(&text));
}

static void make(const struct launch_plan *plan, const char *path)
{
	struct error unheard;
	OWNED_FD fd = append_open_for(path, plan->keeper_uid, &unheard);

	(void)fd;	/* that it is there is enough */
}

/* Each file once, though many accounts name it. */
static bool is_first(const struct config *config, size_t which)
{
	for (size_t i = 0; i < which; i++)
		if (!strcmp(config->accounts[i].log, config->accounts[which].log))
			return false;
	return log_is_file(config->accounts[which].log);
}

static void for_each_file(const struct launch_plan *plan,
			  void (*visit)(const struct launch_plan *plan, const char *path))
{
	for (size_t i = 0; i < plan->config.count; i++)
		if (is_first(&plan->config, i))
			visit(plan, plan->config.accounts[i].log);
}

static void look(const struct launch_plan *plan, const char *path)
{
	struct error err;

	if (!as_user_try(plan->keeper_uid, log_try, path, &err))
		warn(plan, path, &err);
}

void own_log_open(const struct launch_plan *plan)
{
	struct log_place place = config_log(&plan->config);
	bool is_for_another = plan->is_root && plan->keeper_uid != 0;

	if (is_for_another)
		for_each_file(plan, make);
	/*
	 * Log and complaints go one way then: the door, too, has its standard output for
	 * other things.
	 */
	if (!strcmp(place.where, "stdout"))
		(void)dup2(STDOUT_FILENO, STDERR_FILENO);
	log_open(place, "acsmtp");
	if (is_for_another)
		for_each_file(plan, look);
}
