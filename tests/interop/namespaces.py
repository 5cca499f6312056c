# SPDX-License-Identifier: GPL-3.0-or-later
"""A machine of its own for programs that want to be root and to stand in /usr.

Mount and process namespaces: the unpacked packages lie over /usr with our sendmail in
front of them, a few files lie over /etc, and /run and /var/spool are empty. Nothing
outside changes, and all of it ends with its first process. The network is that of the
machine outside.
"""

import contextlib
import os
import pathlib
import shutil
import subprocess

from helpers.waiting import PATIENCE

NAMESPACES = ["--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]

# What PAM asks of a login; none of it is to be done here.
PAM = """\
auth sufficient pam_permit.so
account required pam_permit.so
session required pam_permit.so
"""

START = """\
set -eu
exec 3<&0 < /dev/null
packages=$1
mount -t overlay -o "ro,lowerdir=usr:$packages/usr:/usr" overlay /usr
mount -t overlay -o ro,lowerdir=etc:/etc overlay /etc
mount -t tmpfs -o mode=755 tmpfs /etc/cron.d
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=755 tmpfs /var/spool
"""

# The first process, and with it all others, lives as long as somebody holds the other
# end of its standard input.
STAY = """
read -r _ <&3 || true
"""


def unshare_command():
    """How namespaces are made here, or the reason why that is not possible."""
    command = ["unshare", *NAMESPACES]
    if os.geteuid() != 0:
        # One user would not do: what runs in there changes to others.
        command[1:1] = ["--user", "--map-root-user", "--map-auto"]
    tried = subprocess.run([*command, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        return None, f"{' '.join(command)}: {tried.stderr.strip()}"
    return command, None


class Machine:
    """`directory` holds what lies over /usr and /etc, and the output of what runs there;
    `home` is the home of root.

    write(name, text)   a file to lie over the machine's
    running(script)     a context: first the shell script with the rights of root, then
                        what it has started in the background goes on
    """

    def __init__(self, unshare, packages, sendmail, directory, home):
        self.unshare = unshare
        self.packages = packages
        self.directory = directory
        self.home = home
        (directory / "etc/cron.d").mkdir(parents=True)      # there, so that it is covered
        # Containers mount these one by one, which an overlay does not look through.
        for name in ("hosts", "hostname", "resolv.conf"):
            if pathlib.Path("/etc", name).exists():
                shutil.copy(f"/etc/{name}", directory / "etc" / name)
        self.write("etc/passwd", self._passwd())
        # Both places where programs look for it.
        for place in ("usr/sbin", "usr/lib"):
            (directory / place).mkdir(parents=True)
            (directory / place / "sendmail").symlink_to(sendmail)

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(mode)
        return path

    @contextlib.contextmanager
    def running(self, script):
        with open(self.directory / "log", "ab") as output:
            process = subprocess.Popen(
                [*self.unshare, "bash", "-c", START + script + STAY, "bash",
                 self.packages],
                cwd=self.directory, stdin=subprocess.PIPE, stdout=output, stderr=output,
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8",
                     "HOME": str(self.home)})
        try:
            yield
        finally:
            process.stdin.close()
            try:
                process.wait(PATIENCE)
            finally:
                process.kill()
            print(self.log())
        assert process.returncode == 0

    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def _passwd(self):
        """The machine's users, with root at home where our configuration is."""
        lines = pathlib.Path("/etc/passwd").read_text().splitlines()
        others = [line for line in lines if not line.startswith("root:")]
        root = f"root:x:0:0:Charlie &:{self.home}:/bin/sh"
        return "\n".join([root, *others, ""])
