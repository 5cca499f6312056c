/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The full name is asked of nobody: a name server may take its time, and answers for
 * other machines. It is the system's own name, or what /etc/hosts makes of it, as
 * Debian writes it there: "127.0.1.1 host.example.org host". What follows the @ of its
 * users may be another name, which Debian keeps in /etc/mailname (policy 11.6).
 */
#include "net/net.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"

enum {
	NAME_MAX_LEN = 253,
	FILE_MAX = 64 * 1024	/* of a longer file only the beginning counts */
};

/* Letters, digits and hyphens between dots: RFC 5321 section 4.1.2, Domain. */
static bool is_domain(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > NAME_MAX_LEN || name[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		bool at_start = i == 0 || name[i - 1] == '.';
		bool at_end = i + 1 == len || name[i + 1] == '.';

		if (name[i] == '.' ? at_start : name[i] == '-' ? at_start || at_end :
		    !isascii((unsigned char)name[i]) || !isalnum((unsigned char)name[i]))
			return false;
	}
	return true;
}

/* The name with a dot on the line of /etc/hosts that has `short_name` too, or NULL. */
static char *full_name_in(char *line, const char *short_name)
{
	char *name, *full = NULL;
	bool has_short_name = false;

	line[strcspn(line, "#\r")] = '\0';
	(void)strsep(&line, " \t");		/* the address */
	while ((name = strsep(&line, " \t"))) {
		has_short_name = has_short_name || text_is(name, short_name);
		if (!full && strchr(name, '.') && is_domain(name))
			full = name;
	}
	return has_short_name ? full : NULL;
}

/* The beginning of the file; "" when there is none to read. The caller frees. */
static char *read_file(const char *path)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNED_BUF text = BUF_INIT(FILE_MAX);
	struct error unheard;

	if (fd >= 0)
		(void)file_read(fd, &text, &unheard);
	return text_copy(buf_text(&text));
}

/*
 * A message asks several times, and a process may have many of them: a file is read again
 * when the second has passed in which it was read.
 */
static const char *text_of(const char *path)
{
	static struct {
		const char *path;
		char *text;
		time_t read;
	} files[3];	/* as many as are named below */
	time_t now = time(NULL);
	size_t i = 0;

	while (files[i].path && strcmp(files[i].path, path) != 0)
		i++;
	if (!files[i].path || files[i].read != now) {
		free(files[i].text);
		files[i].path = path;
		files[i].text = read_file(path);
		files[i].read = now;
	}
	return files[i].text;
}

/* The first answer that a line of the file gives; NULL: none. The caller frees. */
static char *find_in_file(const char *path, char *(*find)(char *line, const char *name),
			  const char *name)
{
	OWNED_TEXT text = text_copy(text_of(path));
	char *line, *next, *found = NULL;

	for (line = text; line && !found; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		found = find(line, name);
	}
	return found ? text_copy(found) : NULL;
}

static char *find_in_hosts(const char *short_name)
{
	return find_in_file("/etc/hosts", full_name_in, short_name);
}

/*
 * This machine's name as the system has it, perhaps a short one; false: none that makes
 * sense.
 */
static bool own_name(char name[NAME_MAX_LEN + 2])
{
	name[0] = name[NAME_MAX_LEN + 1] = '\0';
	return gethostname(name, NAME_MAX_LEN + 1) == 0 && is_domain(name);
}

/* The line of /etc/mailname without white space, if it is a full name. */
static char *mail_name_in(char *line, const char *unused)
{
	char *name = line + strspn(line, " \t\r");

	(void)unused;
	name[strcspn(name, " \t\r")] = '\0';
	return strchr(name, '.') && is_domain(name) ? name : NULL;
}

static char *find_mail_name(void)
{
	return find_in_file("/etc/mailname", mail_name_in, NULL);
}

/* The same if it begins with the machine's own short name. */
static char *find_own_mail_name(const char *short_name)
{
	size_t label = strlen(short_name);
	char *name = find_mail_name();

	if (name && strncasecmp(name, short_name, label) == 0 && name[label] == '.')
		return name;
	free(name);
	return NULL;
}

char *net_host_name(void)
{
	char name[NAME_MAX_LEN + 2], *full;

	if (!own_name(name))
		return text_copy("localhost");
	if (strchr(name, '.'))
		return text_copy(name);
	full = find_in_hosts(name);
	if (!full)
		full = find_own_mail_name(name);
	return full ? full : text_copy(name);
}

char *net_mail_name(void)
{
	char *name = find_mail_name();

	return name ? name : net_host_name();
}

/* `domain` if the line of /etc/resolv.conf puts it behind short names. */
static char *search_domain_in(char *line, const char *domain)
{
	char *word = strsep(&line, " \t");

	if (strcmp(word, "search") != 0 && strcmp(word, "domain") != 0)
		return NULL;
	while ((word = strsep(&line, " \t\r")))
		if (text_is(word, domain))
			return word;
	return NULL;
}

bool net_is_this_host(const char *name)
{
	char own[NAME_MAX_LEN + 2];
	OWNED_TEXT full = NULL;
	OWNED_TEXT of_mail = NULL;
	OWNED_TEXT domain = NULL;
	size_t label;

	if (!own_name(own))
		return false;
	if (text_is(name, own))
		return true;
	/* Most names end the question here: nothing has been read yet. */
	label = strcspn(own, ".");
	if (strncasecmp(name, own, label) != 0 || (name[label] && name[label] != '.'))
		return false;
	if (!name[label] || own[label])
		return !name[label];
	full = find_in_hosts(own);
	if (full && text_is(name, full))
		return true;
	of_mail = find_own_mail_name(own);
	if (of_mail && text_is(name, of_mail))
		return true;
	domain = find_in_file("/etc/resolv.conf", search_domain_in, name + label + 1);
	return domain != NULL;
}
