/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Owner, mode and bytes are those of one descriptor, as what has the name may be
 * another file a moment later. Our own lint goes through the text first; iniparser sees
 * what is left, which has no surprise for any of its versions, and no secret.
 */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_INIPARSER_INIPARSER_H
#include <iniparser/iniparser.h>
#else
#include <iniparser.h>
#endif

#include "base/file.h"
#include "base/sum.h"
#include "config/ini_text.h"
#include "config/value.h"

struct bytes {			/* of the file, secrets and all: wiped when done */
	char *at;
	size_t len, size;
};

static void bytes_wipe(struct bytes *b)
{
	wipe(b->at, b->size);
	free(b->at);
}
#define OWNED_BYTES	__attribute__((cleanup(bytes_wipe))) struct bytes

/* A fifo in place of the file must not hold a caller, nor a terminal become ours. */
int ini_open(const char *path)
{
	int fd;

	do
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	while (fd < 0 && errno == EINTR);
	return fd;
}

static bool check_file(const char *path, const struct stat *st, struct error *err)
{
	if (!file_is_ours(st, err))
		return error_context(err, "%s", path);
	return st->st_size <= INI_MAX_BYTES ||
	       error_set(err, ERROR_CONFIG, "%s: more than %d bytes", path, INI_MAX_BYTES);
}

static bool has_secret(const struct ini_section *section)
{
	for (size_t i = 0; i < URL_SETTINGS; i++)
		if (section->url_passwords[i].is_there)
			return true;
	return section->has_password;
}

bool ini_has_secret(const struct ini *ini)
{
	for (size_t i = 0; i < ini->count; i++)
		if (has_secret(&ini->sections[i]))
			return true;
	return false;
}

/* After the text was looked at: a file without a secret may be read by everybody. */
static bool check_readers(const struct ini *ini, int fd, const struct stat *st,
			  struct error *err)
{
	return !ini_has_secret(ini) || file_is_private(fd, st, err) ||
	       error_context(err, "%s", ini->path);
}

/* One byte more than there should be tells that the file is being changed. */
static bool read_bytes(int fd, const char *path, struct bytes *b, struct error *err)
{
	ssize_t n;

	while (b->len < b->size &&
	       (n = read_some(fd, b->at + b->len, b->size - b->len)) != 0) {
		if (n < 0)
			return error_errno(err, ERROR_IO, "%s", path);
		b->len += (size_t)n;
	}
	return b->len < b->size ||
	       error_set(err, ERROR_IO, "%s: the file changed while it was read", path);
}

/*
 * iniparser would print what it does not understand: the line itself, on standard error.
 */
static int say_nothing(const char *format, ...)
{
	(void)format;
	return 0;
}

#ifdef HAVE_INIPARSER_LOAD_FILE
static dictionary *load(struct buf *text)
{
	FILE *in = fmemopen(text->text, text->len, "r");
	dictionary *values;

	if (!in)
		out_of_memory();
	values = iniparser_load_file(in, "settings");
	fclose(in);
	return values;
}
#else
enum { PIPE_ROOM = 64 * 1024 };	/* that a pipe has without being asked for more */

/*
 * The end of a pipe that holds all of it and has no writer any more; -1: there is none.
 * It is no file, so neither a disk nor RLIMIT_FSIZE has a say.
 */
static int pipe_with(const struct buf *text)
{
	int len = (int)text->len, ends[2];
	bool fits;

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	fits = (len <= PIPE_ROOM || fcntl(ends[1], F_SETPIPE_SZ, len) >= len) &&
	       write(ends[1], text->text, text->len) == len;
	close(ends[1]);
	if (fits)
		return ends[0];
	close(ends[0]);
	return -1;
}

/* "[section]", "name=value" or nothing: all that ini_lint() leaves. */
static void enter(dictionary *values, struct span *section, struct span line)
{
	const char *equals = line.len ? memchr(line.at, '=', line.len) : NULL;
	OWNED_BUF key = BUF_INIT(2 * INI_LINE_MAX_BYTES);
	OWNED_TEXT text = NULL;
	struct span value;

	if (line.len > 0 && line.at[0] == '[')
		*section = (struct span){ line.at + 1, line.len - 2 };
	else if (equals) {
		value = value_bare((struct span){ equals + 1, (size_t)(line.at + line.len -
								     equals) - 1 });
		text = text_copy_n(value.at, value.len);
		buf_add_bytes(&key, section->at, section->len);
		buf_add_char(&key, ':');
		buf_add_bytes(&key, line.at, (size_t)(equals - line.at));
		dictionary_set(values, buf_text(&key), text);
	}
}

static dictionary *load_by_hand(const struct buf *text)
{
	dictionary *values = dictionary_new(0);
	struct span section = { "", 0 };
	const char *at = text->text, *lf;

	for (; values && (lf = strchr(at, '\n')); at = lf + 1)
		enter(values, &section, (struct span){ at, (size_t)(lf - at) });
	return values;
}

/*
 * iniparser 4.1 reads nothing but a path: that of a pipe. Where there is no /proc, as in
 * a chroot, or no descriptor left, its dictionary is filled with the same lines.
 */
static dictionary *load(struct buf *text)
{
	OWNED_FD fd = pipe_with(text);
	dictionary *values = NULL;
	char path[40];

	errno = 0;
	if (fd >= 0) {
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		values = iniparser_load(path);
	}
	return values || (fd >= 0 && !errno) ? values : load_by_hand(text);
}
#endif

static bool parse(struct ini *ini, struct error *err)
{
	buf_add_char(&ini->clean, '\n');	/* an empty file is one too */
	iniparser_set_error_callback(say_nothing);
	ini->values = load(&ini->clean);
	iniparser_set_error_callback(NULL);
	return ini->values ||
	       error_set(err, ERROR_BUG, "%s: iniparser does not understand it", ini->path);
}

bool ini_look(struct ini *ini, int fd, const char *path, struct error *err)
{
	struct stat st;
	OWNED_BYTES bytes = { 0 };

	ini->path = path;
	if (fstat(fd, &st) < 0)
		return error_errno(err, ERROR_IO, "%s", path);
	if (!check_file(path, &st, err))
		return false;
	/* Which state of the file this was: config_password() reads it once more. */
	ini->sum = file_sum(SUM_INIT, &st);
	bytes.size = (size_t)st.st_size + 1;
	bytes.at = xmalloc(bytes.size);
	return read_bytes(fd, path, &bytes, err) &&
	       ini_lint(ini, bytes.at, bytes.len, err) &&
	       check_readers(ini, fd, &st, err);
}

bool ini_read(struct ini *ini, int fd, const char *path, struct error *err)
{
	return ini_look(ini, fd, path, err) && parse(ini, err);
}

static const char *look_up(void *values, const char *section, const char *name)
{
	OWNED_BUF key = BUF_INIT(200);

	buf_add(&key, section);
	buf_add_char(&key, ':');
	buf_add(&key, name);
	return iniparser_getstring(values, buf_text(&key), NULL);
}

const char *ini_value(const struct ini *ini, const struct ini_section *section,
		      const struct setting *row)
{
	if (row->type == SETTING_SECRET || !section || !section->lines[setting_index(row)])
		return NULL;
	if (section->said)
		return section->said[setting_index(row)];
	return look_up(ini->values, section->name, row->name);
}

static void texts_free(char **texts, size_t count)
{
	for (size_t i = 0; texts && i < count; i++)
		text_cleanup(&texts[i]);
	free(texts);
}

void ini_free(struct ini *ini)
{
	for (size_t i = 0; i < ini->count; i++) {
		text_cleanup(&ini->sections[i].name);
		secret_free(&ini->sections[i].password);
		texts_free(ini->sections[i].said, SETTINGS_MAX);
		for (size_t n = 0; n < URL_SETTINGS; n++)
			secret_free(&ini->sections[i].url_passwords[n].text);
	}
	texts_free(ini->said_by, ini->said_count);
	free(ini->sections);
	buf_free(&ini->clean);
	if (ini->values)
		iniparser_freedict(ini->values);
	*ini = (struct ini){ 0 };
}
