/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Files with a mistake are refused as a whole. But whoever asks how the daemon does, which
 * goes on with what it read before, must find it: so what says where it is, and whose, is
 * looked for line by line.
 */
#include "config/account.h"

#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/text.h"
#include "config/config.h"
#include "config/file.h"
#include "config/ini_text.h"
#include "config/types.h"
#include "config/value.h"

/* What cannot be read stays as it was. */
static void take(struct config *config, struct span name, struct span value)
{
	static const char *const wanted[] = { "socket", "user", "door_user" };
	const struct setting *row = NULL;
	OWNED_TEXT text = NULL;
	struct error unheard;

	name = span_trim(name);
	for (size_t i = 0; i < COUNT_OF(wanted); i++)
		if (strlen(wanted[i]) == name.len && !strncasecmp(name.at, wanted[i], name.len))
			row = setting_find(SECTION_DAEMON, wanted[i]);
	if (!row || !value_lint(row, &value, &unheard))
		return;
	value = value_bare(value);
	text = text_copy_n(value.at, value.len);
	if (*text)
		(void)setting_apply(row, config, text, &unheard);
}

static void take_lines(struct config *config, const char *at)
{
	static const char head[] = "[daemon]";
	bool is_daemons = false;

	for (size_t len; *at; at += len + (at[len] == '\n')) {
		struct span line = { at, len = strcspn(at, "\n") };
		const char *equals = memchr(at, '=', len);

		line = span_trim(line);
		if (line.len > 0 && *line.at == '[')
			is_daemons = !strncasecmp(line.at, head, strlen(head));
		else if (is_daemons && equals)
			take(config, (struct span){ at, (size_t)(equals - at) },
			     (struct span){ equals + 1, (size_t)(at + len - equals) - 1 });
	}
}

static void salvage(struct config *config, const char *path)
{
	OWNED_FD fd = path ? ini_open(path) : -1;
	struct buf text = BUF_INIT(INI_MAX_BYTES);
	struct error unheard;
	struct stat st;

	/* Room for all of it at once: a buffer that grows leaves what it held behind. */
	(void)buf_reserve(&text, INI_MAX_BYTES);
	if (fd >= 0 && fstat(fd, &st) == 0 && file_is_ours(&st, &unheard) &&
	    file_read(fd, &text, &unheard))
		take_lines(config, buf_text(&text));
	wipe(text.text, text.len);
	buf_free(&text);
}

void config_salvage(struct config *config, const char *path)
{
	OWNED_TEXT own = path ? NULL : config_own_file();

	config_free(config);
	*config = (struct config){ 0 };
	config_init(config);
	salvage(config, path ? path : ACSMTP_SYSCONFDIR "/acsmtp.ini");
	salvage(config, own);
}
