/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What an attacker could do who runs code of his own in a session of the door. Preloaded into
 * acsmtp-door, it does what a client says behind the word TAKEOVER, in the session's process and
 * behind its walls, and answers in its place: 250, or 550 with the error's number.
 *
 *	read PATH  write PATH  list PATH  remove PATH  socket  connect PATH  open-mem PID
 *	peek PID  trace PID  kill PID  exec  fork  root  keeper WORDS (with | for line ends)
 *	flood
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

static char answer[1 << 16];

static int read_file(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC, 0600);

	if (fd >= 0 && !(flags & O_WRONLY))
		return read(fd, answer, sizeof(answer) - 1) < 0 ? -1 : 0;
	return fd;
}

static int open_memory(const char *pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%s/mem", pid);
	return read_file(path, O_RDONLY);
}

static int peek(const char *pid)
{
	char byte;
	struct iovec here = { &byte, 1 }, there = { (void *)0x400000, 1 };

	return (int)process_vm_readv(atoi(pid), &here, 1, &there, 1, 0);
}

/* The other end of a socket that is open already would do as well. */
static int try_to_connect(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int result = -1;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (int fd = 0; fd < 64; fd++)
		if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
			result = 0;
	return result;
}

/* What the keeper says to that: its end is the unix socket that is not the client's. */
static int ask_keeper(char *words, int client)
{
	for (char *c = words; (c = strchr(c, '|'));)
		*c = '\n';
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_un peer;
		socklen_t len = sizeof(peer);
		struct timeval patience = { .tv_sec = 2 };
		ssize_t n, used = 0;

		if (fd == client || getpeername(fd, (struct sockaddr *)&peer, &len) < 0 ||
		    peer.sun_family != AF_UNIX || len <= sizeof(sa_family_t) ||
		    !strstr(peer.sun_path, "keeper"))
			continue;
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		dprintf(fd, "%s\n", words);
		while ((n = recv(fd, answer + used, sizeof(answer) - 1 - (size_t)used, 0)) > 0)
			used += n;
		return used > 0 ? 0 : -1;
	}
	return -1;
}

/* Says over and over what a session says to the door, while the door listens. */
static int flood(int client)
{
	for (int fd = 3; fd < 64; fd++) {
		struct sockaddr_un peer;
		socklen_t len = sizeof(peer);

		if (fd == client || getpeername(fd, (struct sockaddr *)&peer, &len) < 0 ||
		    peer.sun_family != AF_UNIX || len > sizeof(sa_family_t))
			continue;
		while (send(fd, "m", 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN)
			;
	}
	return 0;
}

static int become_root(void)
{
	return setuid(0) == 0 || setresuid(0, 0, 0) == 0 || unshare(CLONE_NEWUSER) == 0 ? 0 : -1;
}

static int do_it(const char *word, char *rest, int client)
{
	if (!strcmp(word, "read"))
		return read_file(rest, O_RDONLY);
	if (!strcmp(word, "write"))
		return read_file(rest, O_WRONLY | O_CREAT);
	if (!strcmp(word, "list"))
		return opendir(rest) ? 0 : -1;
	if (!strcmp(word, "remove"))
		return unlink(rest);
	if (!strcmp(word, "socket"))
		return socket(*rest == 'u' ? AF_UNIX : AF_INET, SOCK_STREAM, 0);
	if (!strcmp(word, "connect"))
		return try_to_connect(rest);
	if (!strcmp(word, "open-mem"))
		return open_memory(rest);
	if (!strcmp(word, "peek"))
		return peek(rest);
	if (!strcmp(word, "trace"))
		return (int)ptrace(PTRACE_ATTACH, atoi(rest), 0, 0);
	if (!strcmp(word, "kill"))
		return kill(atoi(rest), SIGKILL);
	if (!strcmp(word, "exec"))
		return execl("/bin/true", "true", (char *)NULL);
	if (!strcmp(word, "fork"))
		return fork();
	if (!strcmp(word, "root"))
		return become_root();
	if (!strcmp(word, "keeper"))
		return ask_keeper(rest, client);
	if (!strcmp(word, "flood"))
		return flood(client);
	errno = EINVAL;
	return -1;
}

static void obey(char *line, int client)
{
	char none[] = "", *word = strtok(line, " \r\n"), *rest = strtok(NULL, "\r\n");

	errno = 0;
	memset(answer, 0, sizeof(answer));
	if (do_it(word, rest ? rest : none, client) < 0)
		dprintf(client, "550 %d\r\n", errno);
	else
		dprintf(client, "250 %zu\r\n%s", strlen(answer), answer);
}

ssize_t recv(int fd, void *bytes, size_t size, int flags)
{
	static ssize_t (*really)(int, void *, size_t, int);
	static const char word[] = "TAKEOVER ";
	char line[4096];
	ssize_t n;

	if (!really)
		*(void **)&really = dlsym(RTLD_NEXT, "recv");
	n = really(fd, bytes, size, flags);
	if (n <= (ssize_t)strlen(word) || n >= (ssize_t)sizeof(line) ||
	    memcmp(bytes, word, strlen(word)) != 0)
		return n;
	memcpy(line, bytes, (size_t)n);
	line[n] = '\0';
	obey(line + strlen(word), fd);
	errno = EAGAIN;
	return -1;
}
