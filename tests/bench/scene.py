# SPDX-License-Identifier: GPL-3.0-or-later
"""Where is measured: a daemon, whoever it sends to, and the command in both of its ways.

    with Scene(work) as scene:
        scene.serve("max_clients = 600\n")
        milliseconds = scene.hand_over()         # to the daemon
        milliseconds = scene.queue()             # sendmail -odb, into a queue of its own
"""

import contextlib
import os
import subprocess
import time

from emulator.pki import Pki
from helpers.daemon import Daemon
from helpers.program import environment, installed
from helpers.sink import Sink
from helpers.stream import MESSAGE, RECIPIENT, SENDER

MANY = 'n=0; while [ $n -lt "$0" ]; do "$@" < message || exit 1; n=$((n + 1)); done'
QUIET = 0.02    # seconds in which whoever sent a message has put its files away


class Scene:
    def __init__(self, work):
        self.work = work
        (work / "pki").mkdir()
        work.chmod(0o755)
        (work / "pki").chmod(0o755)
        (work / "message").write_text(MESSAGE)
        self.pki, self.daemon = Pki(work / "pki"), None
        self.sink = Sink(self.pki)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
        self.sink.stop()

    def end(self):
        if self.daemon:
            self.daemon.close_process()
            # Not deleted before the end: on ext4 without a journal files are made slowly for
            # a minute after many have been deleted.
            self.daemon.top.rename(self.work / self.daemon.top.name)
            self.daemon = None

    def serve(self, extra="", **keys):
        """A new daemon, which sends what it takes to the sink."""
        self.end()
        limits = {"rate_per_minute": 0, "rate_per_hour": 0, "sender_policy": "keep", **keys}
        d = self.daemon = Daemon(self.pki, self.sink, extra, **limits)
        if not d.start():
            raise RuntimeError(d.process.stderr.read().decode())
        account = d.config.read_text().split("[delivery]")[0]
        self.to_daemon = self._command(
            "daemon", f"[delivery]\nmode = daemon\nqueue = off\naliases = off\n"
                      f"[daemon]\nsocket = {d.socket}\n")
        self.to_queue = self._command(
            "own", f"{account}[delivery]\naliases = off\nqueue = on\nspool = {d.home}/spool\n",
            "-odb")
        return d

    def _command(self, name, ini, *options):
        path = self.daemon.home / f"{name}.ini"
        path.write_text(ini)
        path.chmod(0o600)
        return [str(installed("sendmail")), "-C", str(path), *options, "-f", SENDER, RECIPIENT]

    def hand_over(self):
        return self.call(self.to_daemon)

    def queue(self):
        return self.call(self.to_queue)

    def call(self, command):
        """Milliseconds of a caller with one message; nothing of it is left to do afterwards."""
        goal = self.sink.taken + 1
        env = environment(self.daemon.home, None)
        message = [(os.POSIX_SPAWN_OPEN, 0, str(self.work / "message"), os.O_RDONLY, 0)]
        begin = time.monotonic()
        pid = os.posix_spawn(command[0], command, env, file_actions=message)
        status = os.waitpid(pid, 0)[1]
        took = time.monotonic() - begin
        if status:
            raise RuntimeError(f"{command} ended with status {os.waitstatus_to_exitcode(status)}")
        self.sink.wait_for(goal)
        time.sleep(QUIET)
        return took * 1000

    def many(self, command, callers, each):
        """Seconds until so many callers at a time have gone, and until all has arrived."""
        goal = self.sink.taken + callers * each
        env = environment(self.daemon.home, None)
        begin = time.monotonic()
        shells = [subprocess.Popen(["sh", "-c", MANY, str(each), *command], env=env,
                                   cwd=self.work) for _ in range(callers)]
        if any([shell.wait() for shell in shells]):
            raise RuntimeError(f"{command} failed")
        took = time.monotonic() - begin
        self.sink.wait_for(goal)
        return took, time.monotonic() - begin


def processes(pid):
    """A process, and all that descend from it."""
    found = [pid]
    with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{pid}/children") as children:
        for child in children.read().split():
            found += processes(int(child))
    return found
