# SPDX-License-Identifier: GPL-3.0-or-later
"""Installed over another mailer in a fresh system that systemd has booted, where PHP and cron
send."""

import os
import re
import subprocess

import pytest

from helpers.waiting import wait_until
from packages.steps import INSTALL, PURGE, install, sendmail, set_up, subjects, trust

pytestmark = pytest.mark.as_root

UNITS = "acsmtp.socket", "acsmtp.service", "acsmtp-door.service"
# The door comes with its first client.
OFF, ON, BUSY = ["inactive"] * 3, ["active", "active", "inactive"], ["active"] * 3
# What other programs write meanwhile.
NOT_OURS = ("var/log/", "var/cache/", "var/lib/apt/", "var/lib/systemd/timers/",
            "var/spool/cron/", "var/tmp/", "tmp/", "run/", "newer/")
# Said where the test has stopped the service or there is no account yet, and by a systemd that is
# in a container.
EXPECTED = r": not (sent|taken): .*(Connection refused|no account)|kill control group .*ignoring"


# Each line that it says is a subject and the status that it came to.
SENDER = """\
until [ -e /var/tmp/stop ]; do
	n=$((n + 1))
	printf 'To: a@example.org\\nSubject: %s-%d\\n\\nx\\n' "$0" "$n" | /usr/sbin/sendmail -t
	echo "$0-$n $?"
	sleep 0.05
done
echo ended
"""
PHP_SENDER = """\
<?php
for ($n = 1; !file_exists("/var/tmp/stop"); $n++) {
	$status = mail("a@example.org", "php-$n", "x") ? 0 : 75;
	echo "php-$n $status\\n";
	usleep(50000);
}
echo "ended\\n";
"""


def states(machine):
    return [machine.show(unit, "ActiveState") for unit in UNITS]


def processes(machine):
    return [machine.show(unit, "MainPID") for unit in UNITS[1:]]


def files(machine):
    """All of them, and the lines of those that tell who is a user."""
    found = set()
    for directory, _, names in os.walk(machine.root):
        place = os.path.relpath(directory, machine.root) + "/"
        if not place.startswith(NOT_OURS):
            found.update(place + name for name in ("", *names))
    for name in "etc/passwd", "etc/group", "etc/shadow":
        found.update((machine.root / name).read_text().splitlines())
    return found


def complaints(machine):
    """Of our programs and units, in the journal of all boots."""
    said = machine.run("journalctl", "--no-pager", "-o", "short", "-p", "warning").stdout
    return [line for line in said.splitlines()
            if "acsmtp" in line and not re.search(EXPECTED, line)]


def php(machine, subject):
    """Its mail(), as a web server's user; 0 is true."""
    done = machine.run("php", "-r", f"exit(mail('a@example.org', '{subject}', 'x') ? 0 : 1);",
                       user="www-data")
    return done.returncode


def arrive(machine, server, *expected):
    """All of them once, and nothing else."""
    wait_until(lambda: len(server.messages) >= len(expected), "they arrive", machine.said)
    assert subjects(server) == sorted(expected)


def test_its_life(acs, pki, dist, booted, tmp_path):
    """One machine for all of it."""
    trust(booted, pki)
    booted.write("etc/aliases", "root: admin@example.org\n")
    before = files(booted)
    server = acs()
    installed_and_set_up(booted, server)
    walled_in(booted)
    bring_newer(booted, dist, tmp_path)
    upgraded_while_mail_flows(booted, server)
    server.stop()
    server = rebooted_with_mail_waiting(acs, booted, server)
    # Removed it is gone, and nobody has been told twice; its settings and its mail are kept.
    install(booted, "systemctl enable --now acsmtp-queue.timer; apt-get remove -qy acsmtp")
    assert booted.shell("systemctl list-units --no-legend 'acsmtp*'").stdout == ""
    assert "acsmtp" not in booted.shell("cat /proc/[0-9]*/comm").stdout
    install(booted)
    assert states(booted) == ON, booted.said()
    purged_with_mail_waiting(acs, booted, server)
    install(booted, PURGE)
    assert sorted(files(booted) - before) == []
    assert complaints(booted) == []


def installed_and_set_up(booted, server):
    """In two commands, and neither a reboot nor systemctl."""
    assert booted.shell("readlink /usr/sbin/sendmail").stdout == "../bin/msmtp\n"
    said = install(booted)
    assert "msmtp-mta" in said and "acsmtp setup" in said
    # It runs when there is an account, and not before.
    assert states(booted) == OFF
    done = sendmail(booted, "nobody's", "www-data")
    assert done.returncode == 78 and "run `acsmtp setup`" in done.stderr
    said = set_up(booted, server)
    assert "The daemon runs" in said and "you@example.org` into" not in said
    assert states(booted) == ON, booted.said()
    assert php(booted, "php") == 0, booted.said()
    arrive(booted, server, "php")
    assert states(booted) == BUSY
    assert booted.run("cat", "/etc/acsmtp.ini", user="www-data").returncode != 0
    assert booted.run("ls", "/var/spool/acsmtp", user="www-data").returncode != 0


def walled_in(booted):
    """The units as they are installed; a reload works where no package brings a kill(1)."""
    done = booted.run("systemd-analyze", "security", "--no-pager", "--threshold=15", *UNITS[1:])
    assert done.returncode == 0, done.stdout
    before = processes(booted)
    booted.shell("rm -f /bin/kill", check=True)
    done = booted.run("acsmtp", "daemon", "reload")
    assert done.returncode == 0, done.stderr
    assert processes(booted) == before


def bring_newer(machine, dist, directory):
    """The same packages with the number of a later version, to /newer."""
    (machine.root / "newer").mkdir()
    for deb in dist.glob("*.deb"):
        tree = directory / deb.name
        subprocess.run(["dpkg-deb", "-R", deb, tree], check=True)
        control = tree / "DEBIAN/control"
        control.write_text(control.read_text().replace("0.1-1", "0.1-2"))
        subprocess.run(["dpkg-deb", "-b", "-Znone", tree, machine.root / "newer"], check=True,
                       stdout=subprocess.DEVNULL)


def upgraded_while_mail_flows(booted, server):
    """Nobody hears of it: none is refused or lost, and none comes twice."""
    settings = booted.shell("cat /etc/acsmtp.ini; stat /etc/acsmtp.ini").stdout
    before = processes(booted)
    booted.write("var/tmp/sender", SENDER)
    booted.write("var/tmp/sender.php", PHP_SENDER)
    for name, user in ("one", "www-data"), ("two", "games"), ("root", None):
        booted.shell(f"sh -c '. /var/tmp/sender' {name} > /var/tmp/{name}.log 2>&1 &", user=user)
    booted.shell("php /var/tmp/sender.php > /var/tmp/php.log 2>&1 &", user="www-data")
    wait_until(lambda: len(server.messages) > 9, "they send", booted.said)
    install(booted, INSTALL.replace("packages", "newer"))
    count = len(server.messages)
    wait_until(lambda: len(server.messages) > count + 9, "they go on", booted.said)
    booted.write("var/tmp/stop", "")
    wait_until(lambda: booted.shell("cat /var/tmp/*.log").stdout.count("ended\n") == 4, "they end")
    said = booted.shell("cat /var/tmp/*.log").stdout
    statuses = dict(re.findall(r"(?m)^(\S+-\d+) (\d+)$", said))
    assert set(statuses.values()) == {"0"}, said
    arrive(booted, server, "php", *statuses)
    # All of that was another version in the end, with the settings as they were.
    assert booted.shell("dpkg-query -W -f '${Version}' acsmtp").stdout == "0.1-2"
    assert states(booted) == BUSY
    assert not set(before) & set(processes(booted))
    assert "deleted" not in booted.shell("readlink /proc/[0-9]*/exe").stdout
    assert booted.shell("cat /etc/acsmtp.ini; stat /etc/acsmtp.ini").stdout == settings


def rebooted_with_mail_waiting(acs, booted, server):
    """Cron has something to say before anybody has logged in; its daemon sends it, once."""
    assert sendmail(booted, "waits", "www-data").returncode == 0
    for user, more in ("www-data", "MAILTO=admin@example.org\n"), ("root", ""):
        done = booted.run("crontab", "-u", user, "-", input=f"{more}@reboot echo from {user}\n")
        assert done.returncode == 0, done.stderr
    booted.reboot()
    wait_until(lambda: booted.run("mailq").stdout.count("admin@example.org\n") == 2,
               "cron's mail waits", booted.said)
    assert states(booted) == BUSY
    server = acs(port=server.port)
    done = booted.run("sendmail", "-q")
    assert done.returncode == 0, done.stderr
    host = booted.run("uname", "-n").stdout.strip()
    arrive(booted, server, "waits", *(f"Cron <{user}@{host}> echo from {user}"
                                      for user in ("www-data", "root")))
    return server


def purged_with_mail_waiting(acs, booted, server):
    """Another installation sends it."""
    server.stop()
    assert php(booted, "left") == 0
    said = install(booted, PURGE)
    assert "mail is waiting in /var/spool/acsmtp" in said
    assert not (booted.root / "etc/acsmtp.ini").exists()
    install(booted)
    assert states(booted) == OFF
    server = acs(port=server.port)
    set_up(booted, server)
    arrive(booted, server, "left")
