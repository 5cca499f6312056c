# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine that systemd has booted, with acsmtp in it as `make install` leaves it, or a
package.

Its files are this machine's or those of a directory, with what is written to them in memory, and
its network is this machine's. All of it ends with its first process, and nothing of it is left.

    with Booted(tmp_path) as machine:
        machine.install("acsmtp.socket")
        machine.boot()
        machine.systemctl("start", "acsmtp.socket")
        machine.run("id", user="www-data").stdout
"""

import os
import shutil
import signal
import subprocess
from pathlib import Path

from helpers.program import installed
from helpers.waiting import PATIENCE, wait_until

# All is mounted in a namespace of its own, which ends with it.
BOOT = """\
set -eu
root=$1 files=$2
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir "$root/upper" "$root/work" "$root/root"
mount -t overlay -o "lowerdir=$files,upperdir=$root/upper,workdir=$root/work" \\
	overlay "$root/root"
# Only what we enable is enabled.
[ "$files" != / ] || mount -t tmpfs -o mode=755 tmpfs "$root/root/etc/systemd/system"
echo mounted
export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 SYSTEMD_NSPAWN_TMPFS_TMP=0
while read -r _; do
	# Without that right services would get no networks of their own.
	systemd-nspawn --quiet --register=no --keep-unit --link-journal=no --console=pipe \\
		--capability=CAP_NET_ADMIN --directory="$root/root" --boot -- \\
		--unit=multi-user.target --show-status=false < /dev/null >&2 || true
	echo off
done
"""

# What a machine of tests can do without.
MASKED = ("tmp.mount", "getty.target", "console-getty.service", "systemd-logind.service",
          "dbus.service", "dbus.socket", "systemd-user-sessions.service", "e2scrub_reap.service",
          "systemd-update-utmp.service", "systemd-update-utmp-runlevel.service",
          "systemd-resolved.service", "ldconfig.service", "systemd-hwdb-update.service",
          "systemd-journal-catalog-update.service", "systemd-network-generator.service")


class Booted:
    def __init__(self, directory, files="/"):
        self.files = files
        self.directory = directory / "machine"
        self.directory.mkdir()
        self.log = directory / "machine.log"
        self.prefix = installed("acsmtp").parent.parent
        self.first = None

    # --- before it runs

    def __enter__(self):
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "bash", "-c", BOOT, "bash", self.directory, self.files],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, bufsize=0)
        assert self.process.stdout.readline() == b"mounted\n", self.log.read_text()
        # Seen through the namespace that it is mounted in.
        self.root = Path(f"/proc/{self.process.pid}/root{self.directory}/root")
        return self

    def write(self, path, text, mode=0o644, group="root"):
        file = self.root / str(path).lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)
        if group != "root":
            os.chown(file, 0, self.ids(group)[1])

    def ids(self, user):
        """Uid and gid of a user of the machine."""
        for line in (self.root / "etc/passwd").read_text().splitlines():
            if line.startswith(f"{user}:"):
                return [int(word) for word in line.split(":")[2:4]]
        raise KeyError(user)

    def install(self, *enabled):
        """The program where it is here, and its files where systemd looks for them; its
        users are made, as a package does."""
        # /tmp may be a file system of its own here.
        there = self.root / str(self.prefix).lstrip("/")
        if not there.exists():
            shutil.copytree(self.prefix, there, symlinks=True)
        for kind in "systemd/system", "sysusers.d", "tmpfiles.d":
            shutil.copytree(self.prefix / "lib" / kind, self.root / "usr/lib" / kind,
                            dirs_exist_ok=True)
        # It would empty /tmp, where the program is.
        self.write("etc/tmpfiles.d/tmp.conf", "")
        for unit in MASKED:
            (self.root / "etc/systemd/system" / unit).symlink_to("/dev/null")
        self._offline("systemd-sysusers", "acsmtp.conf")
        self.enable(*enabled)

    def enable(self, *units):
        self._offline("systemctl", "enable", *units)

    def _offline(self, program, *arguments):
        done = subprocess.run(["nsenter", "-t", str(self.process.pid), "-m", program,
                               f"--root={self.directory}/root", *arguments],
                              capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    def boot(self):
        self.process.stdin.write(b"\n")
        self.first = wait_until(self._first, "the machine's first process", self.log.read_text,
                                process=self.process)
        wait_until(lambda: self.systemctl("is-system-running").stdout.strip() in
                   ("running", "degraded"), "the machine runs", self.said, seconds=PATIENCE,
                   process=self.process)

    def _first(self):
        """It is a child of systemd-nspawn's, and alone there is called so."""
        try:
            return next((pid for child in children(self.process.pid) for pid in children(child)
                         if Path(f"/proc/{pid}/comm").read_text() == "systemd\n"), None)
        except OSError:     # it has ended
            return None

    def reboot(self):
        """As its administrator does it; what it has in memory is written first."""
        self.systemctl("reboot")
        self._is_off()
        self.boot()

    def _is_off(self):
        assert self.process.stdout.readline() == b"off\n", self.log.read_text()
        self.first = None

    # --- while it runs

    def run(self, *command, user=None, check=False, **more):
        """A command in it, as that user."""
        change = []
        if user:
            uid, gid = self.ids(user)
            change = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        try:
            return subprocess.run(
                ["nsenter", "-t", str(self.first), "-m", "-p", "-u", "-i", "-C", "-r", "-w",
                 *change, *map(str, command)], capture_output=True, text=True, check=check,
                timeout=PATIENCE, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
                                       "LANG": "C.UTF-8",
                                       "DEBIAN_FRONTEND": "noninteractive"}, **more)
        except subprocess.TimeoutExpired:
            if command[0] != "journalctl":
                print(self.said())
            raise

    def shell(self, script, **more):
        return self.run("sh", "-c", script, **more)

    def systemctl(self, *arguments):
        return self.run("systemctl", *arguments)

    def show(self, unit, what):
        return self.systemctl("show", "--value", "-p", what, unit).stdout.strip()

    def said(self):
        """What there is to read when something went wrong."""
        return self.run("journalctl", "--no-pager", "-o", "cat", "-n", "200").stdout

    def __exit__(self, *_):
        self.process.stdin.close()
        if self.first:
            os.kill(self.first, signal.SIGKILL)
        self.process.wait(PATIENCE)
        self.process.stdout.close()


def children(pid):
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
