# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon as systemd runs it, on a machine that was booted for it."""

import contextlib
import re
import smtplib
import socket
import threading
from pathlib import Path

import pytest

from helpers.booted import Booted
from helpers.ports import port_for_us
from helpers.waiting import wait_until

pytestmark = pytest.mark.as_root

# As a program of a user does it, over the daemon's socket; its arguments are subjects.
SEND = """\
import smtplib, socket, sys
class Local(smtplib.SMTP):
    def _get_socket(self, *a):
        s = socket.socket(socket.AF_UNIX); s.connect("/run/acsmtp/socket"); return s
with Local("x", 1, local_hostname="me") as c:
    for subject in sys.argv[1:]:
        c.sendmail("web@contoso.com", ["b@example.org"], f"Subject: {subject}\\n\\nx\\n")
"""
SECRET = "the password of the account"


@pytest.fixture
def machine(pki, tmp_path):
    """With its units enabled, an account that leads to the emulator if there is one, and the
    secret in a file for the keeper alone."""
    with Booted(tmp_path) as one:
        one.install("acsmtp.socket", "acsmtp.service")
        one.sysconf = Path(condition(one))
        one.spool = one.prefix / "var/spool/acsmtp"
        one.write("etc/ca.pem", Path(pki.ca).read_text())
        # The units see no /tmp, where the program of the tests is.
        for unit, mounts in (("acsmtp", f"BindReadOnlyPaths={one.prefix} {one.sysconf}\n"
                                        f"BindPaths={one.spool}\n"),
                             ("acsmtp-door", f"BindReadOnlyPaths={one.prefix}\n")):
            one.write(f"etc/systemd/system/{unit}.service.d/tests.conf", f"[Service]\n{mounts}")
        yield one


def condition(machine):
    unit = (machine.root / "usr/lib/systemd/system/acsmtp.service").read_text()
    return unit.split("ConditionPathExists=")[1].split("/acsmtp.ini")[0]


def configure(machine, server=None, extra="", **keys):
    keys = {"host": "localhost", "port": server.port if server else 1,
            "tls_ca_file": "/etc/ca.pem", "timeout": 10,
            "user": server.options.user if server else "u",
            "password": f'"{server.options.password if server else SECRET}"',
            "from": "DoNotReply@contoso.com", **keys}
    text = "[account test]\n" + "".join(f"{k} = {v}\n" for k, v in keys.items() if v)
    machine.write(machine.sysconf / "acsmtp.ini",
                  f"{text}[delivery]\naliases = off\n[daemon]\n{extra}", 0o640, "acsmtp")


def send(machine, *subjects, user="www-data"):
    return machine.run("/usr/bin/python3", "-I", "-c", SEND, *subjects, user=user)


def sendmail(machine, subject, *words, user="www-data"):
    """As PHP calls it."""
    return machine.run(machine.prefix / "sbin/sendmail", "-t", "-i", *words, user=user,
                       input=f"To: b@example.org\nSubject: {subject}\n\nx\n")


def arrived(server):
    return sorted(m.data.split(b"Subject: ")[1].split(b"\r\n")[0].decode() for m in server.messages)


def daemon(machine, *words, user=None):
    return machine.run(machine.prefix / "bin/acsmtp", "daemon", *words, user=user)


def start(machine):
    done = machine.systemctl("start", "acsmtp.socket", "acsmtp.service")
    assert done.returncode == 0, machine.said()


def is_up(machine, unit, other_than="0"):
    return machine.show(unit, "MainPID") not in ("0", other_than) and \
        machine.show(unit, "ActiveState") == "active"


def test_its_life(acs, machine):
    server = acs()
    machine.boot()
    # Not before there is an account.
    assert machine.show("acsmtp.socket", "ActiveState") == "inactive"
    assert machine.show("acsmtp.service", "ActiveState") == "inactive"
    # Whoever writes it by hand need do no more, and may mend what was wrong with it.
    configure(machine, server, extra="nonsense = 1\n")
    wait_until(lambda: machine.show("acsmtp.service", "ExecMainStatus") == "78", "it is read",
               machine.said)
    configure(machine, server)
    wait_until(lambda: {machine.show(unit, "ActiveState")
                        for unit in ("acsmtp.socket", "acsmtp.service")} == {"active"},
               "it starts by itself", machine.said)
    # The door comes with its first client: one who cannot read the secret.
    assert machine.show("acsmtp-door.service", "ActiveState") == "inactive"
    ini = machine.sysconf / "acsmtp.ini"
    assert machine.run("cat", ini, user="www-data").returncode != 0
    done = send(machine, "first")
    assert done.returncode == 0, done.stderr + machine.said()
    wait_until(lambda: arrived(server) == ["first"], "it arrives", machine.said)
    # From behind its walls the session has told the log who that was.
    assert f": taken: uid={machine.ids('www-data')[0]} client=www-data" in machine.said()
    assert "kept by acsmtp, clients are served by acsmtp-door" in daemon(machine, "status").stdout
    for unit in "acsmtp.service", "acsmtp-door.service":
        before = machine.show(unit, "MainPID")
        machine.run("kill", "-KILL", before, check=True)
        wait_until(lambda: is_up(machine, unit, before), f"{unit} is back", machine.said)  # noqa: B023
        done = send(machine, f"after {unit}")
        assert done.returncode == 0, done.stderr + machine.said()
    wait_until(lambda: len(server.messages) == 3, "they arrive", machine.said)


# In the middle of a message the keeper is restarted, and with it the door.
RESTART = """\
import subprocess
def systemctl(*words):
    return subprocess.run(["systemctl", *words], capture_output=True, text=True).stdout.strip()
def restarts(client):
    systemctl("--no-block", "restart", "acsmtp.service")
    while systemctl("show", "--value", "-p", "ActiveState", "acsmtp-door.service") == "active":
        pass
    return client
with Local("x", 1, local_hostname="me") as c, Local("x", 1, local_hostname="me") as idle:
    idle.sendmail("web@contoso.com", ["b@example.org"], "Subject: one\\n\\nx\\n")
    c.ehlo()
    c.mail("web@contoso.com")
    c.rcpt("b@example.org")
    print(restarts(c).data("Subject: two\\n\\nx\\n")[0], c.noop()[0])
    print(idle.getreply()[0])
"""


def test_restart(acs, machine):
    """Who gives a message ends it, who does not is told that it ends, and who comes waits."""
    server = acs()
    configure(machine, server)
    machine.boot()
    script = SEND.split("with Local")[0] + RESTART
    done = machine.run("/usr/bin/python3", "-I", "-c", script)
    assert done.stdout == "250 421\n421\n", done.stderr + machine.said()
    assert send(machine, "three").returncode == 0, machine.said()
    wait_until(lambda: arrived(server) == ["one", "three", "two"], "they arrive", machine.said)


def test_reload_and_stop(machine):
    configure(machine)
    machine.boot()
    assert send(machine, "one").returncode == 0, machine.said()
    configure(machine, extra="allow_users = games\n")
    done = daemon(machine, "reload")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: send(machine, "two").returncode != 0, "the door reads them", machine.said)
    assert send(machine, "two", user="games").returncode == 0, machine.said()
    # What makes no sense changes nothing, and is said.
    before = [machine.show(unit, "MainPID") for unit in ("acsmtp.service", "acsmtp-door.service")]
    configure(machine, extra="allow_users = nobody-at-all\n")
    machine.systemctl("reload", "acsmtp.service")
    wait_until(lambda: "there is no user \"nobody-at-all\"" in machine.said(), "it says so")
    assert send(machine, "three", user="games").returncode == 0, machine.said()
    assert before == [machine.show(unit, "MainPID")
                      for unit in ("acsmtp.service", "acsmtp-door.service")]
    # Some of "two" went before the door had read them.
    waiting = re.match(r"(\d+) messages wait", daemon(machine, "status").stdout)[0]
    # Result: whoever had to be killed after five seconds is no success.
    done = daemon(machine, "stop")
    assert done.returncode == 0, done.stderr
    for unit in "acsmtp.socket", "acsmtp-door.service", "acsmtp.service":
        assert machine.show(unit, "ActiveState") == "inactive", unit
        assert machine.show(unit, "Result") == "success", unit
    assert not (machine.root / "run/acsmtp/socket").exists()
    assert daemon(machine, "status").returncode == 75
    assert send(machine, "four").returncode != 0
    # Whoever has stopped it may change the settings.
    assert machine.show("acsmtp.path", "ActiveState") == "inactive"
    machine.shell("systemctl --no-block start acsmtp-begin; sleep 0.3; systemctl stop acsmtp-begin")
    # In its condition, or behind it: either way nothing has failed.
    assert machine.show("acsmtp-begin.service", "ActiveState") == "inactive"
    assert machine.show("acsmtp-begin.service", "Result") in ("success", "exec-condition")
    assert "status=15/TERM" not in machine.said()
    assert machine.show("acsmtp.service", "ActiveState") == "inactive"
    # What was taken is there when it begins again.
    start(machine)
    assert daemon(machine, "status").stdout.startswith(waiting)
    assert machine.show("acsmtp.path", "ActiveState") == "active"
    # Who sets another account up hears that nobody starts it at the next boot.
    machine.systemctl("disable", "acsmtp.socket", "acsmtp.service")
    configure(machine)
    done = machine.run(machine.prefix / "bin/acsmtp", "setup", "--service", "other", "--host",
                       "localhost", "--account", "second", "--user", "u", "--from", "u@example.org",
                       "--keep-secret", "ini", "--yes", "--no-check", input="secret\n")
    assert done.returncode == 0, done.stderr
    assert "The daemon runs" in done.stdout
    assert "systemctl enable --now acsmtp.socket acsmtp.service" in done.stdout
    wait_until(lambda: "account second" in daemon(machine, "status").stdout, "it is read")


def test_a_keeper_that_is_away(acs, machine):
    """Clients are told, and nothing has to be mended when it is back."""
    server = acs()
    configure(machine)
    (machine.root / str(machine.sysconf).lstrip("/") / "acsmtp.ini").chmod(0o600)
    machine.boot()
    assert machine.show("acsmtp.service", "ExecMainStatus") == "78"
    assert "as `acsmtp setup` does: chgrp acsmtp, and chmod 640" in machine.said()
    done = send(machine, "one")
    assert done.returncode != 0 and "the keeper of the mail is not there" in done.stderr
    configure(machine, server)
    machine.systemctl("restart", "acsmtp.service")
    wait_until(lambda: send(machine, "two").returncode == 0, "the door goes on", machine.said)
    wait_until(lambda: arrived(server) == ["two"], "it arrives", machine.said)


def test_addresses_and_a_credential(acs, machine):
    """A port below 1024 without a right, and a secret that systemd hands over."""
    server = acs()
    configure(machine, server, password=None,
              password_file="/run/credentials/acsmtp.service/password")
    machine.write("etc/acsmtp.password", server.options.password, 0o600)
    machine.write("etc/systemd/system/acsmtp.service.d/secret.conf",
                  "[Service]\nLoadCredential=password:/etc/acsmtp.password\n")
    port = port_for_us()
    machine.write("etc/systemd/system/acsmtp-listen.socket.d/where.conf",
                  f"[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\n")
    machine.boot()
    assert machine.systemctl("start", "acsmtp-listen.socket").returncode == 0, machine.said()
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], "Subject: by TCP\n\nx\n")
    assert send(machine, "by the socket").returncode == 0, machine.said()
    wait_until(lambda: arrived(server) == ["by TCP", "by the socket"], "they arrive", machine.said)


def test_listen_of_the_settings(acs, machine):
    """The door has no network: the keeper opens what they say, and anew when they change."""
    server, ports = acs(), [port_for_us(), port_for_us()]
    configure(machine, server, f"listen = 127.0.0.1:{ports[0]}\n")
    # It waits for no client.
    machine.enable("acsmtp-door.service")
    machine.boot()
    wait_until(lambda: is_open(ports[0]), "it listens there", machine.said)
    for port in ports:
        configure(machine, server, f"listen = 127.0.0.1:{port} 127.0.0.1:{ports[0]}\n"
                  if port != ports[0] else f"listen = 127.0.0.1:{port}\n")
        assert machine.systemctl("reload", "acsmtp.service").returncode == 0
        wait_until(lambda: is_open(port), "it listens there", machine.said)  # noqa: B023
        assert is_open(ports[0])
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], f"Subject: {port}\n\nx\n")
    # A door that died gets them again; one that cannot have them says so, and keeps its own.
    wait_until(lambda: machine.show("acsmtp-door.service", "ActiveState") == "active", "all is read",
               machine.said)
    before = machine.show("acsmtp-door.service", "MainPID")
    machine.run("kill", "-KILL", before, check=True)
    wait_until(lambda: is_up(machine, "acsmtp-door.service", before), "it is back", machine.said)
    assert is_open(ports[1])
    configure(machine, server, f"listen = 127.0.0.1:{ports[1]} 127.0.0.1:25\n")
    wrong = "ports below 1024 are for root"
    for count in 1, 2:
        machine.systemctl("reload", "acsmtp.service")
        wait_until(lambda: machine.said().count(wrong) >= count, "it says so",  # noqa: B023
                   machine.said)
    done = send(machine, "by the socket")
    assert done.returncode == 0, done.stderr + machine.said()
    assert all(map(is_open, ports))
    # From one address to all of them at its port; the other one goes.
    configure(machine, server, f"listen = 0.0.0.0:{ports[1]}\nallow_from = 127.0.0.0/8\n")
    machine.systemctl("reload", "acsmtp.service")
    wait_until(lambda: not is_open(ports[0]), "it is closed", machine.said)
    assert is_open(ports[1])
    assert machine.show("acsmtp-door.service", "NRestarts") == "1"
    wait_until(lambda: len(server.messages) == 3, "they arrive", machine.said)


def is_open(port):
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
            return client.noop()[0] == 250
    except (OSError, smtplib.SMTPException):
        return False


def test_addresses_that_cannot_be_had(acs, machine):
    """Who comes to the socket is served nevertheless; all is said, and mended by itself."""
    server, port = acs(), port_for_us()
    configure(machine, server, f"listen = 127.0.0.1:{port}\n")
    alone = "clients are served at the socket alone: "
    with socket.create_server(("127.0.0.1", port)) as other:
        threading.Thread(target=greet, args=[other], daemon=True).start()
        machine.boot()
        done = send(machine, "one")
        assert done.returncode == 0, done.stderr + machine.said()
        assert alone in machine.said() and "another program listens there" in machine.said()
        done = daemon(machine, "status")
        assert done.returncode == 75 and "clients are served at /run/acsmtp/socket" in done.stdout
        assert f"nobody serves clients at 127.0.0.1:{port}: another program answers there; end that" \
            in done.stderr
    wait_until(lambda: is_open(port), "it is served, too", machine.said)
    assert daemon(machine, "status").returncode == 0
    # Nobody runs a relay by mistake: that waits for other settings.
    configure(machine, server, f"listen = 0.0.0.0:{port}\n")
    machine.systemctl("restart", "acsmtp.service")
    wait_until(lambda: send(machine, "two").returncode == 0, "it goes on", machine.said)
    assert f"{alone}" in machine.said().split("others than this machine reach 0.0.0.0:")[0]
    assert not is_open(port) and daemon(machine, "status").returncode == 75
    configure(machine, server, f"listen = 0.0.0.0:{port}\nallow_from = 127.0.0.0/8\n")
    assert machine.systemctl("reload", "acsmtp.service").returncode == 0
    wait_until(lambda: is_open(port), "it is served", machine.said)
    wait_until(lambda: arrived(server) == ["one", "two"], "they arrive", machine.said)


def greet(listener):
    """As another mailer does."""
    with contextlib.suppress(OSError):
        while True:
            with listener.accept()[0] as client:
                client.sendall(b"220 localhost ESMTP Postfix\r\n")
                client.recv(100)


def test_an_address_for_all(machine):
    """Nobody runs a relay by mistake, by a unit either."""
    configure(machine)
    machine.write("etc/systemd/system/acsmtp-listen.socket.d/where.conf",
                  f"[Socket]\nListenStream=\nListenStream=0.0.0.0:{port_for_us()}\n")
    machine.boot()
    assert machine.systemctl("start", "acsmtp-listen.socket").returncode == 0, machine.said()
    assert machine.systemctl("start", "acsmtp-door.service").returncode != 0
    assert machine.show("acsmtp-door.service", "ExecMainStatus") == "78"
    assert "others than this machine reach 0.0.0.0:" in machine.said()


def test_walls(machine):
    """What the units keep from the two, whatever runs there."""
    configure(machine)
    machine.boot()
    assert send(machine, "one").returncode == 0, machine.said()
    ini, spool = machine.sysconf / "acsmtp.ini", machine.spool
    for unit, refused, allowed in (
            ("acsmtp-door", [f"cat {ini}", f"ls {spool}", "touch /etc/x", "cat /etc/shadow",
                             "touch /run/acsmtp/x", "ls /root"],
             ["cat /etc/passwd", "ls /run/acsmtp"]),
            ("acsmtp", ["cat /etc/shadow", "touch /etc/x", f"touch {ini}", "ls /root"],
             [f"cat {ini}", f"ls {spool}", "touch /run/acsmtp/x"])):
        for command in refused + allowed:
            done = inside(machine, unit, command)
            assert (done.returncode == 0) == (command in allowed), (unit, command, done.stderr)
    # The door has no network but what it was given.
    assert inside(machine, "acsmtp-door", "cat /proc/self/net/dev").stdout.count("\n") == 3


def inside(machine, unit, command):
    """As the user of the unit, where its first process is."""
    pid = machine.show(f"{unit}.service", "MainPID")
    uid, gid = machine.ids(unit)
    return machine.run("nsenter", "-t", pid, "-m", "-n", "setpriv", f"--reuid={uid}",
                       f"--regid={gid}", "--clear-groups", "--bounding-set=-all", *command.split())


def test_a_program_of_a_user(acs, machine):
    """It calls sendmail, and never sees the secret: through all that happens to the units."""
    server = acs()
    configure(machine)
    machine.boot()
    for subject in "one", "two":
        done = sendmail(machine, subject)
        assert done.returncode == 0 and done.stderr == "", done.stderr + machine.said()
    done = sendmail(machine, "three", user="games")
    assert done.returncode == 0, done.stderr
    # Each sees the own mail, root all of it.
    for user, count in ("www-data", 2), ("games", 1), (None, 3):
        done = machine.run(machine.prefix / "bin/mailq", user=user)
        assert done.returncode == 0 and done.stdout.count("b@example.org") == count, done.stdout
    machine.systemctl("stop", "acsmtp.socket", "acsmtp-door.service", "acsmtp.service")
    done = sendmail(machine, "four")
    assert done.returncode == 75 and "acsmtp" in done.stderr, done.stderr
    configure(machine, server)
    start(machine)
    done = machine.run(machine.prefix / "sbin/sendmail", "-q")
    assert done.returncode == 0, done.stderr
    wait_until(lambda: arrived(server) == ["one", "three", "two"], "all arrive", machine.said)
    # What cron has to say as root is kept where all mail is.
    configure(machine)
    assert daemon(machine, "reload").returncode == 0
    done = sendmail(machine, "root's", user=None)
    assert done.returncode == 0, done.stderr
    assert "root's" not in arrived(server)
    configure(machine, server)
    assert daemon(machine, "reload").returncode == 0
    assert machine.run(machine.prefix / "sbin/sendmail", "-q").returncode == 0
    wait_until(lambda: "root's" in arrived(server), "root's arrives", machine.said)
    # Without the daemon root sends as before.
    machine.systemctl("stop", "acsmtp.socket", "acsmtp-door.service", "acsmtp.service")
    assert sendmail(machine, "at once", user=None).returncode == 0
    assert "at once" in arrived(server)
