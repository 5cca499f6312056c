# SPDX-License-Identifier: GPL-3.0-or-later
"""The packages for Fedora and its kin, by Debian's rpm."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from packages.steps import NOWHERE, sendmail, set_up
from packages.test_files import output

SPEC = Path(__file__).parents[2] / "scripts/rpm/acsmtp.spec"
# What none has before it is signed, and what Fedora no longer has.
UNSAID = ("no-signature|no-packager-tag|no-group-tag|no-changelogname-tag|hardcoded-library-path"
          "|spelling-error .'sendmail'")
LINKS = ("/usr/sbin/sendmail", "/usr/lib/sendmail", "/usr/bin/mailq", "/usr/bin/newaliases",
         "/usr/share/man/man8/sendmail.8.gz")
# What Fedora calls so is Debian's update-alternatives; semanage is only listened to.
FEDORA = """\
set -e
apt-get purge -qy msmtp-mta
ln -s update-alternatives /usr/bin/alternatives
printf '#!/bin/sh\\necho "$@" >> /semanage.log\\n' > /usr/bin/semanage
printf '#!/bin/sh\\n' > /usr/bin/restorecon
chmod +x /usr/bin/semanage /usr/bin/restorecon
"""


def asked(dist, *options, package="acsmtp"):
    return output("rpm", "-qp", "--nosignature", *options, dist / f"{package}-0.1-1.x86_64.rpm")


def test_rpmlint(dist):
    done = subprocess.run(["rpmlint", *dist.glob("*.rpm"), SPEC], capture_output=True, text=True,
                          check=False)
    errors = [line for line in done.stdout.splitlines() if ": E: " in line]
    assert "3 packages and 1 specfiles checked" in done.stdout
    assert [line for line in errors if not re.search(UNSAID, line)] == []


def test_nothing_tells_when_and_where(dist):
    """All of it is of the time that the source is of, and of no machine."""
    epoch = os.environ["SOURCE_DATE_EPOCH"]
    for rpm in dist.glob("*.rpm"):
        said = output("rpm", "-qp", "--nosignature", "--qf",
                      "%{BUILDTIME} %{BUILDHOST}\n[%{FILEMTIMES}\n]", rpm).splitlines()
        assert said[0] == f"{epoch} localhost" and len(said) > 1
        assert all(int(time) <= int(epoch) for time in said[1:])


def test_who_has_what(dist):
    """Another mailer may be installed beside it."""
    files = set(asked(dist, "-l").splitlines())
    assert not files & set(LINKS) and not any(file.startswith("/etc") for file in files)
    for unit in ("acsmtp.socket", "acsmtp.service", "acsmtp-door.service", "acsmtp-listen.socket",
                 "acsmtp.path", "acsmtp-begin.service", "acsmtp-queue.service", "acsmtp-queue.timer"):
        assert f"/usr/lib/systemd/system/{unit}" in files
    assert {"/usr/lib/sysusers.d/acsmtp.conf", "/usr/lib/tmpfiles.d/acsmtp.conf",
            "/usr/share/man/man8/acsmtp-sendmail.8.gz"} <= files
    for helper in "keyring", "token":
        files = asked(dist, "-l", package=f"acsmtp-{helper}").splitlines()
        assert f"/usr/libexec/acsmtp/{helper}" in files
        assert "acsmtp = 0.1-1" in asked(dist, "-R", package=f"acsmtp-{helper}")
    assert not re.search("libsecret|libcurl|libglib", asked(dist, "-R"))


def test_users(dist, unpacked_rpms):
    """They are made before the file that says so is there."""
    said = asked(dist, "--scripts")
    for line in (unpacked_rpms / "acsmtp/usr/lib/sysusers.d/acsmtp.conf").read_text().splitlines():
        assert line.startswith("#") or line in said.splitlines()


@pytest.mark.as_root
def test_its_life(dist, machine, tmp_path):
    """One of the mailers that alternatives chooses from; mail and settings stay behind."""
    machine.shell(FEDORA, check=True)
    # Its library takes the machine's root for ours: both have the directory.
    database = tmp_path / "rpms"
    for directory in database, machine.root / str(database)[1:]:
        directory.mkdir(parents=True)

    def rpm(*arguments):
        # Debian's packages are none to it, but those that it needs are there.
        done = subprocess.run(["nsenter", "-t", machine.first, "-p", "rpm", "--root", machine.root,
                               "--dbpath", database, "--nodeps", "--nosignature", *arguments],
                              capture_output=True, text=True, check=False)
        said = done.stderr.replace("warning: private mounts in chroot not implemented\n", "")
        assert (done.returncode, "warning" in said) == (0, False), said
        return done.stdout

    assert "acsmtp setup" in rpm("-i", *dist.glob("*.rpm"))
    assert {machine.shell(f"readlink -f {link}").stdout for link in LINKS} == {
        "/usr/bin/acsmtp\n", "/usr/share/man/man8/acsmtp-sendmail.8.gz\n"}
    assert (machine.root / "semanage.log").read_text() == (
        "fcontext -a -t sendmail_exec_t /usr/bin/acsmtp\n")
    set_up(machine, NOWHERE)
    assert sendmail(machine, "waits", user=(65534, 65534)).returncode == 0
    assert machine.shell("stat -c '%U %G %a' /etc/acsmtp.ini").stdout == "root acsmtp 640\n"
    rpm("-U", "--replacepkgs", *dist.glob("*.rpm"))
    assert "a@example.org" in machine.run("mailq").stdout
    rpm("-e", "acsmtp", "acsmtp-keyring", "acsmtp-token")
    assert not any((machine.root / link[1:]).is_symlink() for link in LINKS)
    assert machine.shell("ls /etc/acsmtp.ini /var/spool/acsmtp/*.msg").returncode == 0
    assert "fcontext -d /usr/bin/acsmtp\n" in (machine.root / "semanage.log").read_text()
