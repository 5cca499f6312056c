/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where we run: on which bus, whether anybody is looking, and for how long. */
#include "keyring/keyring.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"

enum { PATH_LIMIT = 4096 };

static bool is_set(const char *name)
{
	const char *value = getenv(name);

	return value && *value;
}

/* A percent sign for what the D-Bus specification does not let stand as it is. */
static void add_escaped(struct buf *address, const char *path)
{
	for (; *path; path++) {
		unsigned char c = (unsigned char)*path;
		bool is_plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
				(c >= '0' && c <= '9') || c == '-' || c == '_' ||
				c == '/' || c == '.';

		if (is_plain)
			buf_add_char(address, (char)c);
		else
			buf_addf(address, "%%%02x", c);
	}
}

/* A bus of somebody else would get to see our secrets. */
static bool use_bus_in(const char *directory)
{
	OWNED_BUF path = BUF_INIT(PATH_LIMIT), address = BUF_INIT(3 * PATH_LIMIT);
	struct stat st;

	buf_addf(&path, "%s/bus", directory);
	if (*directory != '/' || buf_is_full(&path) || stat(buf_text(&path), &st) < 0 ||
	    !S_ISSOCK(st.st_mode) || st.st_uid != geteuid())
		return false;
	buf_add(&address, "unix:path=");
	add_escaped(&address, buf_text(&path));
	return !buf_is_full(&address) &&
	       setenv("DBUS_SESSION_BUS_ADDRESS", buf_text(&address), 1) == 0;
}

/* sudo -E keeps the address of whoever called it, and buses let root in. */
static bool names_anothers_bus(void)
{
	static const char kind[] = "unix:path=";
	const char *address = getenv("DBUS_SESSION_BUS_ADDRESS");
	OWNED_TEXT path = NULL;
	struct stat st;

	if (!address || strncmp(address, kind, sizeof(kind) - 1) != 0)
		return false;
	address += sizeof(kind) - 1;
	path = text_copy_n(address, strcspn(address, ",;"));
	return stat(path, &st) == 0 && st.st_uid != geteuid();
}

bool keyring_bus_find(void)
{
	const char *directory = getenv("XDG_RUNTIME_DIR");
	char usual[40];

	if (is_set("DBUS_SESSION_BUS_ADDRESS") && !names_anothers_bus())
		return true;
	if (directory && use_bus_in(directory))
		return true;
	snprintf(usual, sizeof(usual), "/run/user/%ld", (long)geteuid());
	if (use_bus_in(usual))
		return true;
	/* Or GLib would go to the one that was just refused. */
	unsetenv("DBUS_SESSION_BUS_ADDRESS");
	return false;
}

bool keyring_person_is_there(void)
{
	OWNED_FD terminal = -1;

	if (is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
		return true;
	/*
	 * Our standard streams are acsmtp's pipes: this opens where the process has a
	 * terminal at all, whatever they are.
	 */
	terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	return terminal >= 0;
}

/* Global, as a signal handler is given nothing else. */
static volatile sig_atomic_t shows_prompt;

_Noreturn void keyring_give_up(enum keyring_end end, const char *text)
{
	(void)write_patiently(STDERR_FILENO, text, strlen(text), 1000);
	(void)write_patiently(STDERR_FILENO, "\n", 1, 1000);
	_exit(end);
}

/*
 * In the middle of whatever GLib does: system calls, and no function that may hold a
 * lock.
 */
static void on_alarm(int number)
{
	(void)number;
	if (shows_prompt)
		keyring_give_up(KEYRING_DISMISSED,
				"the keyring is locked, and nobody answered its prompt");
	keyring_give_up(KEYRING_NO_ANSWER, "the keyring did not answer in time");
}

void keyring_watch(unsigned seconds, bool is_prompt)
{
	const struct sigaction action = { .sa_handler = on_alarm };

	shows_prompt = is_prompt;
	sigaction(SIGALRM, &action, NULL);
	alarm(seconds + KEYRING_GRACE_SECONDS);
}
