# SPDX-License-Identifier: GPL-3.0-or-later
"""Installed over another mailer in a fresh system that has no systemd."""

import pytest

from helpers.waiting import wait_until
from packages.steps import INSTALL, PURGE, install, sendmail, set_up, subjects, trust

pytestmark = pytest.mark.as_root

WWW_DATA = 33, 33


def without_its_daemon(machine, server):
    """Root sends by itself, and leaves nothing in a queue that is not root's; whoever cannot
    is told what to start."""
    start = "`systemctl start acsmtp.socket acsmtp`, or `acsmtp daemon`"
    machine.run("acsmtp", "daemon", "stop", check=True)
    queue = machine.shell("ls -A /var/spool/acsmtp").stdout
    for flags in [], ["-odq"], ["-odb"], ["-FCronDaemon", "-odi", "-oem", "-f", "root"]:
        before = len(server.messages)
        done = machine.run("/usr/sbin/sendmail", "-i", *flags, "a@example.org", input="x\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert len(server.messages) == before + 1
        done = machine.run("/usr/sbin/sendmail", "-i", *flags, "a@example.org", input="x\n",
                           user=WWW_DATA)
        assert done.returncode == 75 and f"start it, as root: {start}" in done.stderr
    server.stop()
    commands = ["mailq"], ["sendmail", "-q"], ["acsmtp", "daemon", "status"], \
        ["sendmail", "a@example.org"], ["sendmail", "-odq", "a@example.org"]
    for command in commands:
        done = machine.run(*command, input="x\n")
        assert done.returncode == 75 and start in done.stderr, done
    assert machine.shell("ls -A /var/spool/acsmtp").stdout == queue


def test_its_life(acs, pki, machine):
    """Over another mailer in one command; every user sends; an upgrade keeps all."""
    server = acs()
    assert machine.shell("readlink /usr/sbin/sendmail").stdout == "../bin/msmtp\n"
    said = install(machine)
    assert "msmtp-mta" in said and "acsmtp setup" in said
    assert machine.shell("readlink /usr/sbin/sendmail").stdout == "../bin/acsmtp\n"
    assert machine.shell("stat -c '%U %a' /var/spool/acsmtp").stdout == "acsmtp 700\n"
    trust(machine, pki)
    said = set_up(machine, server)
    assert "no systemd here" in said and "root: you@example.org" in said
    assert machine.shell("stat -c '%U %G %a' /etc/acsmtp.ini").stdout == "root acsmtp 640\n"
    for user, subject in ((0, 0), "root"), (WWW_DATA, "php"):
        done = sendmail(machine, subject, user)
        assert done.returncode == 0, done.stderr
    wait_until(lambda: subjects(server) == ["php", "root"], "both arrive")
    # The same again is an upgrade: the daemon is another one afterwards, and works.
    install(machine, "dpkg -i /packages/*.deb")
    done = sendmail(machine, "upgraded", WWW_DATA, "/usr/lib/sendmail")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "upgraded" in subjects(server), "it arrives")
    without_its_daemon(machine, server)
    # Removed it keeps its settings; purged it leaves nothing.
    install(machine, "apt-get remove -qy acsmtp acsmtp-mta")
    assert machine.shell("ls /etc/acsmtp.ini /var/spool/acsmtp").returncode == 0
    assert "acsmtp" not in machine.shell("cat /proc/[0-9]*/comm").stdout
    install(machine, PURGE)
    left = machine.shell("find /etc /var /run /usr -xdev -name '*acsmtp*' ! -path '/var/lib/dpkg/*'"
                         " ! -path '/var/log/*' ! -path '/var/lib/apt/*'; "
                         "grep acsmtp /etc/passwd /etc/group")
    assert left.stdout == ""


def test_broken_settings(machine):
    """It is installed, and says so."""
    (machine.root / "etc/acsmtp.ini").write_text("[account a]\nhots = x\n")
    said = install(machine)
    assert "/etc/acsmtp.ini, line 2" in said and "until /etc/acsmtp.ini is mended" in said
    assert machine.shell("dpkg-query -W -f '${db:Status-Status}' acsmtp").stdout == "installed"


def test_purge_keeps_mail(acs, machine):
    """Of another mailer, too."""
    queue = machine.root / "var/spool/postfix/deferred"
    queue.mkdir(parents=True)
    (queue / "ABC").write_text("mail")
    install(machine)
    server = acs()
    server.stop()
    set_up(machine, server)
    done = sendmail(machine, "waits", WWW_DATA)
    assert done.returncode == 0, done.stderr
    said = install(machine, PURGE)
    assert "mail is waiting in /var/spool/acsmtp" in said
    assert machine.shell("ls /var/spool/acsmtp/*.msg && grep acsmtp /etc/passwd").returncode == 0
    assert (queue / "ABC").read_text() == "mail"


def test_full_disk(machine):
    """Nothing half is left; with room again it is installed."""
    machine.shell("mount -t tmpfs -o size=200k tmpfs /usr/libexec", check=True)
    done = machine.shell(f"{INSTALL.rsplit(' ', 1)[0]} /packages/acsmtp_*.deb")
    assert done.returncode != 0 and "No space left" in done.stdout + done.stderr
    machine.shell("umount /usr/libexec", check=True)
    install(machine)
    assert machine.run("acsmtp", "version").returncode == 0
