# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp daemon: mail of all users by one account, over its sockets to the service."""

import contextlib
import json
import os
import pwd
import shutil
import signal
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path

import pytest

from emulator.faults import Fault
from helpers.daemon import DOOR, KEEPER, PATIENCE, Local, arrived, is_asleep, is_held, text
from helpers.memory import memory
from helpers.ports import closed_port, port_for_us
from helpers.program import environment, installed
from helpers.waiting import wait_until

def wait_for(condition):
    wait_until(condition, "what is waited for")


def answers(d):
    try:
        with Local(d.socket) as client:
            return client.noop()[0] == 250
    except (smtplib.SMTPException, OSError):
        return False


def test_one_message(acs, daemon):
    server = acs()
    d = daemon(server)
    with Local(d.socket) as client:
        assert client.sendmail("me@contoso.com", ["b@example.org"], text()) == {}
    wait_for(lambda: server.messages)
    assert server.message.recipients == ["b@example.org"]


@pytest.mark.as_root
def test_another_user(daemon):
    """Who it is says the kernel, and the entry keeps it; the service is down meanwhile."""
    d = daemon()
    code = ("import smtplib, socket, sys\n"
            "class Local(smtplib.SMTP):\n"
            "    def _get_socket(self, *a):\n"
            "        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); return s\n"
            "with Local('x', 1, local_hostname='me') as c:\n"
            "    c.sendmail('a@contoso.com', ['b@example.org'], 'Subject: x\\n\\nx\\n')\n")
    user = pwd.getpwnam("games")
    done = subprocess.run(["/usr/bin/python3", "-I", "-c", code, d.socket], user=user.pw_uid,
                          group=user.pw_gid, extra_groups=[], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    wait_for(lambda: d.status()["waiting"] == 1)
    entry, = (d.top / "spool").glob("*.env")
    assert f"uid {user.pw_uid}\n" in entry.read_text().replace(": ", " ").replace("=", " ")
    assert entry.stat().st_uid == pwd.getpwnam(KEEPER).pw_uid
    assert (d.top / "spool").stat().st_mode & 0o077 == 0


@pytest.mark.as_root
def test_who_may(daemon):
    d = daemon(extra="allow_users = games\n")
    code = ("import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
            "s.connect(sys.argv[1])\nprint(s.recv(1000).decode())\n")

    def greeting(name):
        user = pwd.getpwnam(name)
        return subprocess.run(["/usr/bin/python3", "-I", "-c", code, d.socket], check=True,
                              user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                              capture_output=True, text=True).stdout

    assert greeting("games").startswith("220 ")
    assert greeting("nobody").startswith("421 ")
    assert greeting("root").startswith("220 ")


def test_tcp(acs, daemon):
    server, port = acs(), port_for_us()
    daemon(server, extra=f"listen = 127.0.0.1:{port}\n")
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        assert not client.has_extn("auth")
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_for(lambda: server.messages)


@pytest.fixture
def hub(acs, daemon):
    """A daemon that others have to log in to: as "web" with "right"."""
    server, port = acs(), port_for_us()
    d = daemon(server, start=False)
    cert, key, users = d.top / "cert.pem", d.top / "key.pem", d.top / "users"
    make_certificate(cert, key)
    made = subprocess.run(["openssl", "passwd", "-6", "right"], check=True, capture_output=True,
                          text=True).stdout
    users.write_text(f"web:{made}")
    for path in key, users:
        path.chmod(0o600)
        if d.is_root:
            os.chown(path, 0, pwd.getpwnam(DOOR).pw_gid)
            path.chmod(0o640)
    d.write(f"listen = 127.0.0.1:{port}\nlisten_cert = {cert}\nlisten_key = {key}\n"
            f"listen_users = {users}\nallow_from = 192.0.2.0/24\n")
    assert d.start(), d.process.stderr.read().decode()
    d.port, d.cert, d.emulator = port, cert, server
    return d


def make_certificate(cert, key):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "30", "-keyout", key,
                    "-out", cert], check=True, capture_output=True)
    cert.chmod(0o644)


def test_login(hub):
    with smtplib.SMTP("127.0.0.1", hub.port, timeout=PATIENCE) as client:
        client.ehlo("me")
        assert client.has_extn("starttls") and not client.has_extn("auth")
        assert client.docmd("AUTH", "PLAIN AHdlYgByaWdodA==")[0] == 538
        assert client.docmd("MAIL", "FROM:<me@contoso.com>")[0] == 530
        client.starttls(context=ssl.create_default_context(cafile=hub.cert))
        client.ehlo("me")
        assert client.esmtp_features["auth"].split() == ["PLAIN", "LOGIN"]
        assert not client.has_extn("starttls")
        with pytest.raises(smtplib.SMTPAuthenticationError) as refused:
            client.login("web", "wrong")
        assert refused.value.smtp_code == 535
    for mechanism in "auth_plain", "auth_login":
        with smtplib.SMTP("127.0.0.1", hub.port, timeout=PATIENCE) as client:
            client.starttls(context=ssl.create_default_context(cafile=hub.cert))
            client.ehlo("me")
            client.user, client.password = "web", "right"
            word = mechanism.removeprefix("auth_").upper()
            assert client.auth(word, getattr(client, mechanism))[0] == 235
            client.sendmail("me@contoso.com", ["b@example.org"], text(word))
    wait_for(lambda: arrived(hub.emulator) == ["LOGIN", "PLAIN"])


def test_guessing_ends(hub):
    with smtplib.SMTP("127.0.0.1", hub.port, timeout=PATIENCE) as client:
        client.starttls(context=ssl.create_default_context(cafile=hub.cert))
        client.ehlo("me")
        codes = [client.docmd("AUTH", "PLAIN AHdlYgB3cm9uZw==")[0] for _ in range(3)]
        assert codes == [535] * 3
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.docmd("NOOP")
            client.docmd("NOOP")


def test_ahead_of_tls(hub):
    with socket.create_connection(("127.0.0.1", hub.port), PATIENCE) as one:
        one.recv(1000)
        one.sendall(b"EHLO me\r\n")
        time.sleep(0.2)
        one.recv(1000)
        one.sendall(b"STARTTLS\r\nMAIL FROM:<a@contoso.com>\r\n")
        assert one.recv(1000).startswith(b"554 ")
        assert one.recv(1000) == b""


def refusal(d):
    """What it says when it cannot begin, and its status."""
    assert not d.start()
    return d.process.wait(PATIENCE), d.process.stderr.read().decode()


def test_no_relay_by_mistake(daemon):
    d = daemon(extra=f"listen = 0.0.0.0:{port_for_us()}\n", start=False)
    status, words = refusal(d)
    assert status == 78
    assert "others than this machine reach 0.0.0.0:" in words and "allow_from" in words


@pytest.mark.parametrize("settings, words", [
    ("listen = 127.0.0.1\n", "[daemon] listen: \"127.0.0.1\" does not end in a port"),
    ("listen = localhost:25\n", "\"localhost\" is no address"),
    ("allow_from = 10.0.0.1/8\n", "[daemon] allow_from: \"10.0.0.1/8\": the address has bits"),
    ("allow_users =\n", "[daemon] allow_users: it names nobody; name who may send"),
    ("allow_from = \"\"\n", "[daemon] allow_from: it names nobody; name who may send"),
    ("allow_users = nobody-at-all\n", "[daemon] allow_users: there is no user"),
    ("allow_users = @nobody-at-all\n", "[daemon] allow_users: there is no group"),
    ("listen_cert = /nowhere/cert\n", "listen_key"),
    ("listen_key = /nowhere/key\n", "listen_cert"),
    ("listen_users = /nowhere/users\n", "under TLS alone"),
    ("listen_cert = /nowhere/cert\nlisten_key = /nowhere/key\n",
     "[daemon] listen_cert: /nowhere/cert: cannot read: No such file or directory"),
    ("max_clients = 0\n", "[daemon] max_clients"),
    ("idle_timeout = soon\n", "[daemon] idle_timeout"),
    ("sockets = /x\n", "did you mean \"socket\""),
])
def test_settings_that_make_no_sense(daemon, settings, words):
    status, said = refusal(daemon(extra=settings, start=False))
    assert words in said
    assert status == 78


def test_address_in_use(daemon):
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
        status, words = refusal(daemon(extra=f"listen = 127.0.0.1:{port}\n", start=False))
    assert status == 78
    assert f"cannot listen at 127.0.0.1:{port}" in words
    assert "another program listens there" in words


def test_no_directory_for_the_socket(daemon):
    d = daemon(start=False)
    d.socket = Path("/proc/nowhere/socket")
    d.write()
    status, words = refusal(d)
    assert status == 78
    assert "cannot make the directory /proc/nowhere: " in words


def test_a_secret_that_is_missing(daemon):
    """It is said at the start, and not when the first message waits."""
    d = daemon(start=False, log="stderr")
    text = d.config.read_text().replace('password = "p"', "password_file = /nowhere/secret")
    d.config.write_text(text)
    assert d.start()
    d.stop()
    assert ("warning: account test: password_file /nowhere/secret: cannot open it: "
            "No such file or directory; its mail waits") in d.process.stderr.read().decode()


def test_two_daemons(daemon):
    d = daemon()
    done = d.run()
    assert done.returncode == 78
    assert "somebody does already" in done.stderr
    assert d.status()["waiting"] == 0


@pytest.mark.as_root
def test_user_that_is_not_there(daemon):
    status, words = refusal(daemon(start=False, user="user = nobody-at-all\n"))
    assert status == 78
    assert "[daemon] user: there is no user \"nobody-at-all\"" in words


def test_status(acs, daemon):
    server = acs()
    d = daemon(server, rate_per_hour=100)
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_for(lambda: d.status()["last_success"] > 0)
    told = d.status()
    assert {"waiting", "due", "held", "failed", "oldest", "last_success", "accounts", "clients",
            "users", "confined"} <= told.keys()
    assert told["accounts"][0]["name"] == "test"
    assert told["accounts"][0]["left_hour"] == 99
    if d.is_root:
        assert told["users"] == {"keeper": KEEPER, "door": DOOR}
    words = d.run("status").stdout
    assert "0 messages wait" in words and "account test" in words
    metrics = d.run("status", "--prometheus").stdout
    assert "\nacsmtp_waiting 0\n" in metrics
    assert 'acsmtp_left_hour{account="test"} 99\n' in metrics
    d.stop()
    done = d.run("status")
    assert done.returncode == 75
    assert "cannot be reached" in done.stderr


def test_other_settings_than_it_has(daemon):
    """They are read when it is told, and whoever asks hears that they wait for that."""
    changed = "the settings have changed since it has read them; `acsmtp daemon reload`"
    d = daemon()
    assert d.status()["settings_changed"] is False and changed not in d.run("status").stdout
    d.write("max_clients = 7\n")
    assert d.status()["settings_changed"] is True and changed in d.run("status").stdout
    assert d.run("reload").returncode == 0
    wait_for(lambda: d.status()["settings_changed"] is False)


def test_settings_with_a_mistake_while_it_runs(daemon):
    """It is as healthy as before, and who asks hears what the next start would refuse."""
    d = daemon()
    assert d.status()["settings_problem"] is None
    d.write("max_client = 7\n")
    line = len(d.config.read_text().splitlines()) - 2 * d.is_root
    where = f"{d.config}, line {line}: "
    done = d.run("status")
    assert done.returncode == 0
    assert "0 messages wait" in done.stdout and "daemon reload" not in done.stdout
    assert "warning: the daemon runs on" in done.stderr and where in done.stderr
    assert where in d.status()["settings_problem"]
    metrics = d.run("status", "--prometheus").stdout
    assert "\nacsmtp_settings_valid 0\n" in metrics and "acsmtp_up 1\n" in metrics
    assert d.run("reload").returncode == 78
    d.stop()
    done = d.run("status")
    assert done.returncode == 78
    assert where in done.stderr and "warning" not in done.stderr


def test_a_pause_and_why(daemon):
    d = daemon()
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_for(lambda: d.status()["accounts"][0]["paused_until"] > time.time())
    assert "Connection refused" in d.status()["accounts"][0]["why"]
    # The next one waits for its account, and not for a turn of its own.
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    told = d.status()
    assert told["waiting"] == 2 and told["due"] == 0 and told["oldest"] > 0


def test_stop(daemon):
    d = daemon()
    with Local(d.socket) as client:
        client.noop()
        begun = time.monotonic()
        assert d.run("stop").returncode == 0
        d.process.wait(PATIENCE)
        assert time.monotonic() - begun < 5
    assert d.process.returncode == 0
    assert not d.socket.exists()
    assert not (d.top / "run/keeper").exists()


def test_reload(daemon):
    d = daemon(start=False, log="stderr")
    assert d.start(), d.process.stderr.read().decode()
    with Local(d.socket) as before:
        before.noop()
        d.write("max_clients_per_user = 1\n")
        assert d.run("reload").returncode == 0
        assert d.hears("RELOADING=1") and d.hears("READY=1")
        assert before.noop()[0] == 250
        with Local(d.socket) as after:
            assert after.noop()[0] == 250
            with pytest.raises(smtplib.SMTPConnectError) as refused:
                Local(d.socket)
            assert refused.value.smtp_code == 421
        # Where its socket is is for its whole life, and it says so.
        settings = d.config.read_text()
        d.config.write_text(settings.replace(f"socket = {d.socket}", f"socket = {d.socket}.new"))
        d.process.send_signal(signal.SIGHUP)
        assert d.hears("READY=1")
        # What makes no sense changes nothing.
        d.write("max_clients = none\n")
        d.process.send_signal(signal.SIGHUP)
        assert d.hears("READY=1")
        wait_for(lambda: answers(d))
    d.stop()
    assert "socket stays as it was" in d.process.stderr.read().decode()


def greets(port):
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE) as one:
            return one.recv(4) == b"220 "
    except ConnectionError:    # reset: it was about to close
        return False


def reload(d, listen):
    d.write(f"listen = {listen}\n")
    assert d.run("reload").returncode == 0
    assert d.hears("READY=1")


def test_listen_is_followed(acs, daemon):
    """By a reload, but for an address that cannot be had: then all stays as it was."""
    server, (first, second) = acs(), (port_for_us(), port_for_us())
    d = daemon(server, start=False, log="stderr")
    assert d.start(), d.process.stderr.read().decode()
    reload(d, f"127.0.0.1:{first}")
    assert greets(first)
    with smtplib.SMTP("127.0.0.1", first, timeout=PATIENCE) as stays:
        reload(d, f"127.0.0.1:{first} 127.0.0.1:{second}")
        assert greets(first) and greets(second)
        with closed_port() as taken:
            reload(d, f"127.0.0.1:{second} 127.0.0.1:{taken}")
        assert greets(first) and greets(second)
        reload(d, f"127.0.0.1:{second}")
        # Though one of its clients is still served.
        wait_for(lambda: not greets(first))
        assert greets(second) and answers(d)
        reload(d, f"0.0.0.0:{second}\nallow_from = 127.0.0.0/8")
        wait_for(lambda: greets(second))
        assert d.status()["doors"][-1]["at"] == f"0.0.0.0:{second}"
        stays.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_for(lambda: arrived(server) == ["0"])
    reload(d, "")
    wait_for(lambda: not greets(second))
    d.stop()
    heard = d.process.stderr.read().decode()
    assert heard.count("the settings stay as they were: ") == 1
    assert f"cannot listen at 127.0.0.1:{taken}: Address already in use" in heard


def test_messages_an_hour(daemon):
    d = daemon(extra="max_per_user_per_hour = 2\n")

    def send():
        with Local(d.socket) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text())

    def is_refused(most):
        with pytest.raises(smtplib.SMTPDataError) as refused:
            send()
        assert refused.value.smtp_code == 451
        assert b"%d messages an hour" % most in refused.value.smtp_error

    send()
    send()
    is_refused(2)
    # Another door counts on, be it for other settings or in the place of one that died.
    d.write("max_per_user_per_hour = 3\n")
    assert d.run("reload").returncode == 0
    assert d.hears("READY=1")
    wait_for(lambda: len(d.children()) == 2)    # the old one has ended
    send()
    is_refused(3)
    door = d.program("acsmtp-door")
    os.kill(door, signal.SIGKILL)
    wait_for(lambda: d.program("acsmtp-door") not in (None, door) and answers(d))
    is_refused(3)


def say_without_reading(path):
    """Until nothing more goes through."""
    one = socket.socket(socket.AF_UNIX)
    one.connect(str(path))
    for said in b"EHLO me\r\n", b"RSET\r\n":
        one.recv(1000)
        one.sendall(said)
    one.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            one.sendall(b"RSET\r\n" * 1000)
    return one


def test_told_that_it_ends(hub):
    """RFC 5321 section 3.8; and whoever reads nothing keeps nobody."""
    tls = smtplib.SMTP("127.0.0.1", hub.port, timeout=PATIENCE)
    tls.starttls(context=ssl.create_default_context(cafile=hub.cert))
    idle, writer, clear = Local(hub.socket), Local(hub.socket), smtplib.SMTP("127.0.0.1", hub.port)
    for client in tls, idle, writer, clear:
        client.ehlo("me")
    writer.mail("a@contoso.com")
    writer.rcpt("b@example.org")
    assert writer.docmd("DATA")[0] == 354
    writer.send("Subject: half\r\n\r\n")
    with say_without_reading(hub.socket):
        sessions = hub.children(hub.program("acsmtp-door"))
        assert len(sessions) == 5
        assert hub.run("stop").returncode == 0
        assert hub.process.wait(PATIENCE) == 0
        assert not any(Path(f"/proc/{pid}").exists() for pid in sessions)
    for client in tls, idle, writer, clear:
        code, said = client.getreply()
        assert code == 421 and said.startswith(b"4.3.2 "), said
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
        client.close()


@pytest.mark.parametrize("program", ["keeper", "acsmtp-door"])
def test_killed_and_started_again(acs, daemon, program):
    server = acs()
    d = daemon(server)
    first = d.program(program)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: d.program(program) not in (None, first))

    def is_taken():
        try:
            with Local(d.socket) as client:
                client.sendmail("me@contoso.com", ["b@example.org"], text())
            return True
        except (smtplib.SMTPException, OSError):
            return False

    wait_for(is_taken)
    wait_for(lambda: server.messages)


def test_many(acs, daemon):
    """Each that was taken arrives, and once."""
    server = acs()
    d = daemon(server, rate_per_minute=0, rate_per_hour=0)

    def send(first):
        with Local(d.socket) as client:
            for number in range(first, first + 10):
                client.sendmail("me@contoso.com", ["b@example.org"], text(number))

    threads = [threading.Thread(target=send, args=(first,)) for first in range(0, 80, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wait_for(lambda: len(server.messages) == 80)
    wait_for(lambda: d.status()["waiting"] == 0)
    assert arrived(server) == sorted(str(number) for number in range(80))


def test_spool_that_cannot_be_written(daemon):
    d = daemon()
    with Local(d.socket) as client:
        # The runner may be making a file in it.
        wait_until(lambda: shutil.rmtree(d.top / "spool", ignore_errors=True) or
                   not (d.top / "spool").exists(), "it is gone")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("me@contoso.com", ["b@example.org"], text())
        assert refused.value.smtp_code in (451, 452)
        assert client.noop()[0] == 250


def test_ended_while_the_keeper_is_asked(daemon):
    """Whose mail is on the disk hears of it: else he would send it again."""
    d = daemon()
    with Local(d.socket) as client:
        client.ehlo()
        client.mail("a@contoso.com")
        client.rcpt("b@example.org")
        assert client.docmd("DATA")[0] == 354
        session, = d.children(d.program("acsmtp-door"))
        keeper = d.program("acsmtp: keeper")
        os.kill(keeper, signal.SIGSTOP)
        client.send(text().replace("\n", "\r\n") + ".\r\n")
        wait_for(lambda: is_held(session, signal.SIGTERM))
        os.kill(session, signal.SIGTERM)
        os.kill(keeper, signal.SIGCONT)
        assert client.getreply()[0] == 250
        assert client.getreply()[0] == 421
        d.wait_for_nobody()
    assert d.status()["waiting"] == 1


def test_a_domain_beyond_ascii(acs, daemon):
    """Without a certificate no session can load what makes it ASCII: the keeper does."""
    server = acs()
    d = daemon(server)
    with Local(d.socket) as client:
        client.ehlo()
        client.sendmail("me@contoso.com", ["b@b\u00fccher.example", "c@example.org"], text(),
                        mail_options=["SMTPUTF8"])
        # One that cannot be so is told, and the session goes on.
        client.mail("me@contoso.com", ["SMTPUTF8"])
        client.rcpt("b@-\u00fc-.example")
        code, words = client.data(text())
        assert code // 100 == 5 and b".example" in words
        client.sendmail("me@contoso.com", ["d@example.org"], text())
    wait_for(lambda: len(server.messages) == 2)
    assert server.messages[0].recipients == ["b@xn--bcher-kva.example", "c@example.org"]


def test_a_member_that_dies_as_a_client_gives(daemon):
    """Its number is that of its successor at once; what was heard of it is not waited for."""
    d = daemon()
    keeper = d.program("acsmtp: keeper")
    with Local(d.socket) as client, Local(d.socket) as other:
        client.ehlo()
        other.ehlo()
        os.kill(keeper, signal.SIGSTOP)
        client.mail("me@contoso.com")
        client.rcpt("b@example.org")
        assert client.docmd("DATA")[0] == 354
        client.send(text().replace("\n", "\r\n") + ".\r\n")
        session = d.children(d.program("acsmtp-door"))[0]
        wait_for(lambda: is_held(session, signal.SIGTERM) and is_asleep(session))
        member = next(pid for pid in d.children(keeper)
                      if "takes mail in" in Path(f"/proc/{pid}/cmdline").read_text())
        os.kill(member, signal.SIGKILL)
        wait_for(lambda: is_over(member))
        os.kill(keeper, signal.SIGCONT)
        assert client.getreply()[0] == 250
        other.sendmail("me@contoso.com", ["b@example.org"], text())
    assert d.status()["waiting"] == 2


def is_over(pid):
    """It has died, and waits for its parent."""
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"


@pytest.mark.as_root	# who else may not look at what it has open
def test_its_addresses_are_free_when_it_has_ended(acs, daemon):
    """Whoever still waits for a server's answer does not keep them."""
    server = acs(faults=(Fault("body", action="silence"),))
    port = port_for_us()
    d = daemon(server, extra=f"listen = 127.0.0.1:{port}\n")
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_for(lambda: server.sessions)
    keeper = d.program("acsmtp: keeper")
    tree = [keeper, *d.children(keeper)]
    tree += [pid for runner in tree[1:] for pid in d.children(runner)]
    listening = sockets_at(port)
    assert listening
    for pid in tree:
        assert not {os.readlink(fd) for fd in Path(f"/proc/{pid}/fd").iterdir()} & listening


def sockets_at(port):
    """As /proc/PID/fd names those that listen there."""
    rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {f"socket:[{row[9]}]" for row in rows
            if row[1] == f"0100007F:{port:04X}" and row[3] == "0A"}


@pytest.mark.as_root
def test_the_keeper_sleeps_while_mail_waits(daemon):
    """Somebody asks for a runner while one works: the next one comes when it ends."""
    d = daemon()
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    keeper, = (pid for pid in d.children() if pid != d.program("acsmtp-door"))
    wait_for(lambda: d.children(keeper))
    pipe = next(f for f in Path(f"/proc/{keeper}/fd").iterdir()
                if int(f.name) > 2 and f.lstat().st_mode & 0o200
                and os.readlink(f).startswith("pipe:"))
    pipe.write_bytes(b"x")

    def slept():
        words = Path(f"/proc/{keeper}/status").read_text().split()
        return int(words[words.index("voluntary_ctxt_switches:") + 1])

    before = slept()
    time.sleep(0.5)
    assert slept() - before < 50


@pytest.mark.as_root
def test_more_clients_than_the_keeper_may_have_open(daemon):
    """Those who say nothing do not take what the others need."""
    d = daemon(extra="max_clients_per_user = 200\n", start=False)
    assert d.start("prlimit", "--nofile=128:128", "setpriv", "--bounding-set=-sys_resource")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Local(d.socket)) for _ in range(140)]
        assert d.status()["clients"] == 140
        for client in clients[0], clients[-1]:
            client.sendmail("me@contoso.com", ["b@example.org"], text())


def test_few_descriptors(daemon):
    """It does with what it has; and where that is too little it says of what, and what to do."""
    d = daemon(start=False)

    def starts(number):
        words = ["prlimit", f"--nofile={number}:{number}"]
        # Who has that right raises the limit himself.
        return d.start(*words, *(["setpriv", "--bounding-set=-sys_resource"] if d.is_root else []))

    for number in 80, 20:
        assert starts(number), d.process.stderr.read().decode()
        with Local(d.socket) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text())
        d.close_process()
    assert not starts(7)
    assert d.process.wait(PATIENCE) == 75
    assert_says_what_to_do(d.process.stderr.read().decode())
    door = installed("acsmtp").parents[1] / "libexec/acsmtp/acsmtp-door"
    done = subprocess.run(["prlimit", "--nofile=4:4", door, "--apart", d.top / "run/keeper"],
                          user=DOOR if d.is_root else None, capture_output=True, text=True,
                          check=False, timeout=PATIENCE, env=environment(d.home, None))
    assert done.returncode == 75
    assert_says_what_to_do(done.stderr)


def assert_says_what_to_do(said):
    assert "Too many open files; " in said and "LimitNOFILE=" in said and "ulimit -n" in said, said


@pytest.mark.as_root	# who else may not look at its memory
def test_idle_sessions_are_in_nobodys_way(daemon):
    """They cost little memory, even with all that a sanitizer adds, and others send."""
    d = daemon(extra="max_clients_per_user = 100\n")
    keeper = d.program("acsmtp: keeper")
    alone = memory(keeper)
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(Local(d.socket)).ehlo()
        sessions = d.children(d.program("acsmtp-door"))
        assert len(sessions) == 60 and len(takers(d)) == 1
        room = 4096 if "ASAN_OPTIONS" in os.environ else 256
        assert sum(memory(pid) for pid in sessions) < 60 * room
        assert memory(keeper) < alone + 2 * room    # what others share with it varies
        with Local(d.socket) as client:
            client.sendmail("a@contoso.com", ["b@example.org"], text())
    d.wait_for_nobody()
    assert d.status()["waiting"] == 1


def takers(d):
    titles = (Path(f"/proc/{pid}/cmdline") for pid in d.children(d.program("acsmtp: keeper")))
    return [title for title in titles if title.exists() and "takes mail in" in title.read_text()]


def test_confined(daemon):
    d = daemon(start=False)
    # No leaks can be looked for behind walls.
    assert d.start(env={"LSAN_OPTIONS": None}), d.process.stderr.read().decode()
    with Local(d.socket) as client:
        client.noop()
        door = d.program("acsmtp-door")
        session, = d.children(door)
        facts = dict(line.split(":\t", 1) for line in
                     Path(f"/proc/{session}/status").read_text().splitlines())
        assert facts["NoNewPrivs"] == "1"
        if "seccomp" in d.status()["confined"]:
            assert facts["Seccomp"] == "2"
        if d.is_root:
            assert set(facts["Uid"].split()) == {str(pwd.getpwnam(DOOR).pw_uid)}
            assert int(facts["CapPrm"], 16) == 0
        # Who is not root cannot even look what it has open.
        if not d.is_root:
            with pytest.raises(PermissionError):
                list(Path(f"/proc/{session}/fd").iterdir())
            return
        # Nothing of it leads to the queue.
        opened = {os.readlink(fd) for fd in Path(f"/proc/{session}/fd").iterdir()}
        assert not [path for path in opened if str(d.top / "spool") in path]


def test_sockets_of_systemd(acs, daemon):
    server = acs()
    d = daemon(server, start=False)
    (d.top / "run").mkdir()
    local, network = socket.socket(socket.AF_UNIX), socket.create_server(("127.0.0.1", 0))
    local.bind(str(d.socket))
    d.socket.chmod(0o666)
    local.listen()
    os.dup2(local.fileno(), 103)
    os.dup2(network.fileno(), 104)
    d.heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    d.heard.bind(str(d.top / "notify"))
    d.heard.settimeout(0.1)
    script = ("exec 3<&103 4<&104 103<&- 104<&-; LISTEN_PID=$$ LISTEN_FDS=2 "
              "LISTEN_FDNAMES=socket:listen exec \"$@\"")
    d.process = subprocess.Popen(
        ["/bin/bash", "-c", script, "sh", installed("acsmtp"), "daemon", "-C", d.config],
        pass_fds=(103, 104), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=d.home,
        env=environment(d.home, {"NOTIFY_SOCKET": d.top / "notify"}))
    for fd in 103, 104:
        os.close(fd)
    assert d.hears("READY=1"), d.process.stderr.read().decode()
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text(1))
    with smtplib.SMTP(*network.getsockname(), timeout=PATIENCE) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text(2))
    wait_for(lambda: arrived(server) == ["1", "2"])
    d.stop()
    # It was not ours to remove.
    assert d.socket.exists()
    local.close()
    network.close()


@pytest.mark.parametrize("words", [["acsmtp", "daemon", "--background"], ["sendmail", "-bd"],
                                   ["sendmail", "-bd", "-q30m"], ["smtpd"]])
def test_in_the_background(daemon, words):
    d = daemon(start=False)
    (d.top / "smtpd").symlink_to(installed("acsmtp"))
    program = d.top / "smtpd" if words == ["smtpd"] else installed(words[0])
    done = subprocess.run([program, *words[1:], "-C", d.config], capture_output=True,
                          text=True, check=False, timeout=PATIENCE,
                          env=environment(d.home, None))
    assert done.returncode == 0, done.stderr
    assert d.status()["clients"] == 0
    assert d.run("stop").returncode == 0
    assert not d.socket.exists()


@pytest.mark.as_root
def test_a_new_spool_is_on_the_disk(daemon, tmp_path):
    """Before mail is in it: its name, and those of the directories on the way."""
    d = daemon(start=False)
    top, spool, trace = d.top / "new", d.top / "new/er/spool", tmp_path / "trace"
    d.config.write_text(d.config.read_text().replace(f"{d.top}/spool", str(spool)))

    def calls(*inject):
        begun = d.start("strace", "-D", "-f", "-y", "-o", trace, "-e",
                        "trace=mkdir,fsync,lchown,chmod", *inject)
        d.stop()
        return begun, trace.read_text()

    begun, _ = calls("-e", "inject=fsync:error=EIO:signal=KILL:when=1")
    assert not begun and spool.stat().st_mode & 0o7777 == 0o1700
    begun, said = calls()
    assert begun
    settled = said.index(f'chmod("{spool}", 0700)')
    for directory in (d.top, top, spool.parent):
        assert f"<{directory}>)" in said[:settled]
    assert spool.stat().st_uid == pwd.getpwnam(KEEPER).pw_uid
    assert spool.stat().st_mode & 0o7777 == 0o700
    begun, said = calls()
    assert begun and f"<{spool.parent}>)" not in said


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_taken_is_in_the_log(daemon, form):
    """With its facts, in either form."""
    d = daemon(start=False, log="stderr", log_format=form)
    assert d.start(), d.process.stderr.read().decode()
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org", "c@example.org"], text())
    d.stop()
    lines = d.process.stderr.read().decode().splitlines()
    if form == "text":
        line, = [line for line in lines if ": taken: " in line]
        assert f": taken: uid={os.geteuid()} client=" in line
        assert " sender=<me@contoso.com> recipients=2 size=" in line
    else:
        fact, = [one for one in map(json.loads, lines) if one.get("event") == "taken"]
        assert fact["uid"] == os.geteuid() and fact["recipients"] == 2 and len(fact["id"]) == 16
        assert fact["sender"] == "me@contoso.com" and fact["size"] > 0
