/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The door's user may not open the files of settings, as secrets stand in them; the
 * keeper's may. So the one asks the other.
 */
#include "daemon/provision.h"

#include <inttypes.h>
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

static bool load_files(struct door *door, struct error *err)
{
	const struct daemon_settings *s = &door->config.daemon;

	if (*s->listen_cert) {
		door->identity = tls_identity_load(s->listen_cert, s->listen_key, err);
		if (!door->identity)
			return daemon_settings_blame(s, "listen_cert", err);
		warn_of_end(door->identity, s->listen_cert);
	}
	if (*s->listen_users) {
		door->logins = users_load(s->listen_users, err);
		if (!door->logins)
			return daemon_settings_blame(s, "listen_users", err);
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
