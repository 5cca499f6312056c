# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory as a machine of its own: processes and mounts are its own and end with it, its
network is this machine's. What is written to it is written to memory, so that the directory
serves many tests."""

import os
import signal
import subprocess
from pathlib import Path

# Its first process waits for the end; pivot_root, as some things are refused in a chroot.
BEGIN = """\
set -eu
root=$1
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs "$2"
mkdir "$2/upper" "$2/work" "$2/root"
mount -t overlay -o "lowerdir=$root,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
cd "$2/root"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p .old
pivot_root . .old
umount -l .old
hash -r
echo ready
read -r _
"""
PATIENCE = 120


class Machine:
    def __init__(self, root, directory):
        self.base = root
        self.directory = directory / "machine"
        self.directory.mkdir()

    def __enter__(self):
        self.process = subprocess.Popen(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "bash", "-c", BEGIN, "bash",
             self.base, self.directory],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        self.first = children.read_text().split()[0]
        self.root = Path(f"/proc/{self.first}/root")
        return self

    def run(self, *command, user=None, input="", check=False, env=None, network=None):
        """`network`: the PID of a process that is in it."""
        change = []
        if user is not None:
            uid, gid = user
            change = ["setpriv", f"--reuid={uid}", f"--regid={gid}", "--clear-groups"]
        return subprocess.run(
            ["nsenter", *([f"--net=/proc/{network}/ns/net"] if network else []),
             "-t", self.first, "-m", "-p", "-r", "-w", *change, *map(str, command)],
            input=input, capture_output=True, text=True, check=check, timeout=PATIENCE,
            env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/nonexistent",
                 "DEBIAN_FRONTEND": "noninteractive", **(env or {})})

    def shell(self, script, **more):
        return self.run("sh", "-c", script, **more)

    def __exit__(self, *_):
        os.kill(int(self.first), signal.SIGKILL)
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
