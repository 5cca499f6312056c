# SPDX-License-Identifier: GPL-3.0-or-later
"""Installed over another mailer in a fresh system that has no systemd."""

import pytest

from helpers.waiting import wait_until

pytestmark = pytest.mark.as_root

WWW_DATA = 33, 33
FROM = "DoNotReply@contoso.com"
INSTALL = "apt-get install -qy --no-install-recommends /packages/*.deb"
MESSAGE = "To: a@example.org\nSubject: {}\n\nx\n"


def install(machine, script=INSTALL):
    done = machine.shell(f"{script} 2>&1")
    assert done.returncode == 0, done.stdout
    return done.stdout


def set_up(machine, server, pki):
    """As a script does it."""
    (machine.root / "usr/local/share/ca-certificates/tests.crt").write_text(
        open(pki.ca, encoding="ascii").read())
    machine.run("update-ca-certificates", check=True)
    done = machine.run("acsmtp", "setup", "--service", "other", "--host", "localhost", "--port",
                       server.port, "--user", server.options.user, "--from", FROM,
                       "--keep-secret", "ini", "--yes", "--no-check",
                       input=server.options.password + "\n")
    assert done.returncode == 0, done.stderr
    return done.stdout


def subjects(server):
    return sorted(m.data.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for m in server.messages)


def test_its_life(acs, pki, machine):
    """Over another mailer in one command; every user sends; an upgrade keeps all."""
    server = acs()
    assert machine.shell("readlink /usr/sbin/sendmail").stdout == "../bin/msmtp\n"
    said = install(machine)
    assert "msmtp-mta" in said and "acsmtp setup" in said
    assert machine.shell("readlink /usr/sbin/sendmail").stdout == "../bin/acsmtp\n"
    assert machine.shell("stat -c '%U %a' /var/spool/acsmtp").stdout == "acsmtp 700\n"
    assert "systemd" in set_up(machine, server, pki)
    assert machine.shell("stat -c '%U %G %a' /etc/acsmtp.ini").stdout == "root acsmtp 640\n"
    for user, subject in ((0, 0), "root"), (WWW_DATA, "php"):
        done = machine.run("/usr/sbin/sendmail", "-t", "-i", user=user,
                           input=MESSAGE.format(subject))
        assert done.returncode == 0, done.stderr
    wait_until(lambda: subjects(server) == ["php", "root"], "both arrive")
    # The same again is an upgrade: the daemon is another one afterwards, and works.
    install(machine, "dpkg -i /packages/*.deb")
    done = machine.run("/usr/lib/sendmail", "-t", user=WWW_DATA, input=MESSAGE.format("upgraded"))
    assert done.returncode == 0, done.stderr
    wait_until(lambda: "upgraded" in subjects(server), "it arrives")
    # Removed it keeps its settings; purged it leaves nothing.
    install(machine, "apt-get remove -qy acsmtp acsmtp-mta")
    assert machine.shell("ls /etc/acsmtp.ini /var/spool/acsmtp").returncode == 0
    assert "acsmtp" not in machine.shell("cat /proc/[0-9]*/comm").stdout
    install(machine, "apt-get purge -qy 'acsmtp*'")
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


def test_purge_keeps_mail(acs, pki, machine):
    """Of another mailer, too."""
    queue = machine.root / "var/spool/postfix/deferred"
    queue.mkdir(parents=True)
    (queue / "ABC").write_text("mail")
    install(machine)
    server = acs()
    server.stop()
    set_up(machine, server, pki)
    done = machine.run("/usr/sbin/sendmail", "-t", user=WWW_DATA, input=MESSAGE.format("waits"))
    assert done.returncode == 0, done.stderr
    said = install(machine, "apt-get purge -qy 'acsmtp*'")
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
