/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a fuzz target on the files of its folder of seeds, for make check, where no
 * fuzzer is needed. Speaks TAP.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "fuzz.h"

static void replay(const char *folder, const char *name)
{
	OWNED_BUF bytes = BUF_INIT(16 * 1024 * 1024), path = BUF_INIT(PATH_MAX);
	struct error err = { 0 };
	OWNED_FD fd = -1;

	buf_addf(&path, "%s/%s", folder, name);
	fd = open(buf_text(&path), O_RDONLY | O_CLOEXEC);
	MUST(fd >= 0 && file_read(fd, &bytes, &err));
	fprintf(stderr, "# %s\n", buf_text(&path));
	LLVMFuzzerTestOneInput((const uint8_t *)buf_text(&bytes), bytes.len);
}

int main(int argc, char **argv)
{
	const char *srcdir = getenv("srcdir"), *name = strrchr(argv[0], '/');
	OWNED_BUF folder = BUF_INIT(PATH_MAX);
	struct dirent *entry;
	size_t count = 0;
	DIR *dir;

	name = name ? name + 1 : argv[0];
	if (argc > 1)
		buf_add(&folder, argv[1]);
	else
		buf_addf(&folder, "%s/tests/fuzz/seeds/%s", srcdir ? srcdir : ".", name);
	dir = opendir(buf_text(&folder));
	MUST(dir);
	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.') {
			replay(buf_text(&folder), entry->d_name);
			count++;
		}
	closedir(dir);
	printf("%s 1 - %zu seeds of %s\n1..1\n", count ? "ok" : "not ok", count, name);
	return count ? 0 : 1;
}
