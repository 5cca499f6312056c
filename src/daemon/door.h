/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The door: it takes connections, and serves each in a process of its own. It knows how
 * mail is sent, from settings without secrets; it has the key and the file of users of
 * its listeners, and gives mail to the keeper.
 */
#ifndef DAEMON_DOOR_H
#define DAEMON_DOOR_H

/*
 * What acsmtp-door does; its exit status. Behind the path of the keeper's socket its leader
 * names the descriptor of a log that is a file.
 */
int door_run(int argc, char **argv);

#endif
