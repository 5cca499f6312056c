# SPDX-License-Identifier: GPL-3.0-or-later
"""What an administrator does with the packages, on a Machine or a Booted one."""

import shutil
from pathlib import Path
from types import SimpleNamespace

FROM = "DoNotReply@contoso.com"
INSTALL = "apt-get install -qy --no-install-recommends /packages/*.deb"
# A server where nobody answers.
NOWHERE = SimpleNamespace(port=1, options=SimpleNamespace(user="u", password="secret"))
PURGE = "apt-get purge -qy 'acsmtp*'"
MESSAGE = "To: a@example.org\nSubject: {}\n\nx\n"


def bring(machine, dist):
    """The packages, to /packages."""
    (machine.root / "packages").mkdir()
    for deb in dist.glob("*.deb"):
        shutil.copy(deb, machine.root / "packages")


def install(machine, script=INSTALL):
    done = machine.shell(f"{script} 2>&1")
    assert done.returncode == 0, done.stdout
    return done.stdout


def trust(machine, pki):
    (machine.root / "usr/local/share/ca-certificates/tests.crt").write_text(
        Path(pki.ca).read_text(encoding="ascii"))
    machine.run("update-ca-certificates", check=True)


def set_up(machine, server):
    """As a script does it."""
    done = machine.run("acsmtp", "setup", "--service", "other", "--host", "localhost", "--port",
                       server.port, "--user", server.options.user, "--from", FROM,
                       "--keep-secret", "ini", "--yes", "--no-check",
                       input=server.options.password + "\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def sendmail(machine, subject, user=None, program="/usr/sbin/sendmail"):
    return machine.run(program, "-t", "-i", user=user, input=MESSAGE.format(subject))


def subjects(server):
    return sorted(m.data.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for m in server.messages)
