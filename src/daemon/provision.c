/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The door's user may not open the files of settings, as secrets stand in them; the
 * keeper's may. So the one asks the other.
 */
#include "daemon/provision.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/self.h"
#include "base/text.h"
#include "daemon/handover.h"
#include "net/net.h"
#include "net/tls_server.h"
#include "secret/users.h"

enum {
	PATIENCE = 30,			/* seconds */
	SOON = 14 * SECONDS_OF_DAY,	/* a certificate that ends by then is spoken of */
};

/* --- the door asks */

/* A file in memory: it has no name that others could open. */
static int make_file(const char *text, size_t len, struct error *err)
{
	int fd = memfd_create("acsmtp-settings", MFD_CLOEXEC);

	if (fd < 0 || fchmod(fd, 0400) < 0 || !write_all(fd, text, len) || lseek(fd, 0, SEEK_SET) < 0) {
		error_errno(err, ERROR_SYSTEM, "the settings of the door");
		fd_cleanup(&fd);
	}
	return fd;
}

/* What settings and their places are in; they are read afterwards. */
struct answer {
	size_t len, places_len;
	char *text, *places;
};

static void free_answer(struct answer *a)
{
	free(a->text);
	free(a->places);
}

static bool ask(int keeper, struct answer *a, struct error *err)
{
	static const char question[] = "SETTINGS\n";
	char line[HANDOVER_LINE_MAX];

	if (!write_patiently(keeper, question, strlen(question), PATIENCE * 1000) ||
	    !handover_read_line(keeper, line, PATIENCE)) {
		error_set(err, ERROR_LATER, "the daemon's queue does not answer");
		return error_advise(err, "it gives settings to the user that is named in [daemon] "
				    "door_user");
	}
	if (sscanf(line, "SETTINGS %zu %zu", &a->len, &a->places_len) != 2 ||
	    a->len > PROVISION_MAX || a->places_len > PROVISION_MAX) {
		handover_read_refusal(line, err);
		if (err->kind == ERROR_DATA)
			err->kind = ERROR_CONFIG;
		return false;
	}
	a->text = xcalloc(1, a->len + 1);
	a->places = xcalloc(1, a->places_len + 1);
	if (!handover_read(keeper, a->text, a->len, PATIENCE) ||
	    !handover_read(keeper, a->places, a->places_len, PATIENCE))
		return error_set(err, ERROR_LATER, "the daemon's queue does not answer");
	/* Its end: so that we do not count as a client afterwards. */
	(void)handover_read(keeper, line, 1, PATIENCE);
	return true;
}

static bool read_answer(struct config *config, struct answer *a, struct error *err)
{
	OWNED_FD fd = make_file(a->text, a->len, err);

	if (fd < 0 || !config_read_opened(config, fd, "the settings of the door", err))
		return false;
	/* Where they stand is for people to mend: in the keeper's files. */
	free(config->daemon.places);
	config->daemon.places = text_copy(a->places);
	return true;
}

static bool read_settings(struct door *door, int seconds, struct error *err)
{
	OWNED_FD keeper = handover_await(door->keeper, seconds, err);
	struct answer answer = { .text = NULL };
	bool ok = keeper >= 0 && ask(keeper, &answer, err) &&
		  read_answer(&door->config, &answer, err);

	free_answer(&answer);
	return ok;
}

/* --- files of its own */

static void warn_of_end(const struct tls_identity *identity, const char *file)
{
	time_t begins, ends, now = time(NULL);

	tls_identity_validity(identity, &begins, &ends);
	if (now < begins)
		log_problem("warning: %s: the certificate is not valid yet", file);
	else if (ends <= now)
		log_problem("warning: %s: the certificate has expired; clients that look will not "
			    "send", file);
	else if (ends < now + SOON)
		log_problem("warning: %s: the certificate expires in %ld days", file,
			    (long)((ends - now) / SECONDS_OF_DAY));
}

/* Whether it is its mode or its owner that keeps us from taking what is in it. */
static bool is_closed_to_us(const char *file, bool is_secret)
{
	OWNED_FD fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct error unheard;
	struct stat st;

	if (fd < 0)
		return errno == EACCES;
	return is_secret && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       !file_is_private(fd, &st, &unheard);
}

/*
 * A door that is another user than root's daemon takes what is root's and its group's; that
 * of a user's own daemon what is that user's alone. The string lives for ever, as advice
 * must.
 */
static const char *what_to_do(const struct daemon_settings *s, const char *file,
			      bool others_can_read)
{
	const char *more = others_can_read ?
			   ", and change the secret if others may have seen it" : "";
	static char text[2 * PATH_MAX + 256];
	const struct passwd *user = getpwnam(s->door_user);
	bool is_systems = user && user->pw_uid == self_user();
	const struct group *group;
	struct stat st;

	user = is_systems ? user : getpwuid(self_user());
	group = user ? getgrgid(user->pw_gid) : NULL;
	if (!group)
		return NULL;
	if (stat(file, &st) < 0)
		snprintf(text, sizeof(text), "keep it in a directory that the user %s may enter",
			 user->pw_name);
	else if (is_systems)
		snprintf(text, sizeof(text), "%s%s %s; chmod 640 %s%s",
			 st.st_uid == 0 ? "chgrp " : "chown root:", group->gr_name, file, file,
			 more);
	else if (self_owns(&st))
		snprintf(text, sizeof(text), "chmod 600 %s%s", file, more);
	else
		snprintf(text, sizeof(text), "chown %s %s; chmod 600 %s", user->pw_name, file, file);
	return text;
}

static bool blame_file(const struct daemon_settings *s, const char *name, const char *file,
		       struct error *err)
{
	const char *advice = is_closed_to_us(file, strcmp(name, "listen_cert") != 0) ?
			     what_to_do(s, file, err->advice != NULL) : NULL;

	if (advice)
		err->advice = advice;
	return daemon_settings_blame(s, name, err);
}

static bool load_files(struct door *door, struct error *err)
{
	const struct daemon_settings *s = &door->config.daemon;
	bool is_key;

	if (*s->listen_cert) {
		door->identity = tls_identity_load(s->listen_cert, s->listen_key, &is_key, err);
		if (!door->identity)
			return err->kind != ERROR_CONFIG ? false : is_key ?
			       blame_file(s, "listen_key", s->listen_key, err) :
			       blame_file(s, "listen_cert", s->listen_cert, err);
		warn_of_end(door->identity, s->listen_cert);
	}
	if (*s->listen_users) {
		door->logins = users_load(s->listen_users, err);
		if (!door->logins)
			return blame_file(s, "listen_users", s->listen_users, err);
	}
	return true;
}

/* --- all of it */

bool provision_get(struct door *door, int seconds, struct error *err)
{
	const struct daemon_settings *s = &door->config.daemon;

	if (!read_settings(door, seconds, err))
		return false;
	log_open(config_log(&door->config), "acsmtp");
	if (!allowed_users_parse(s->allow_users, &door->users, err))
		return daemon_settings_blame(s, "allow_users", err);
	if (!networks_parse(*s->allow_from ? s->allow_from : "127.0.0.0/8 ::1/128",
			    &door->networks, err))
		return daemon_settings_blame(s, "allow_from", err);
	door->name = net_host_name();
	return load_files(door, err);
}

void provision_free(struct door *door)
{
	tls_identity_free(door->identity);
	users_free(door->logins);
	free(door->name);
	config_free(&door->config);
}
