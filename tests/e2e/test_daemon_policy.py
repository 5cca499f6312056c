# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may send by the daemon, as whom, and how much at a time."""

import contextlib
import grp
import os
import pwd
import signal
import smtplib
import socket
import subprocess
import threading

import pytest

from emulator.faults import Fault
from helpers.daemon import DOOR, PATIENCE, Local, arrived, being, text
from helpers.ports import port_for_us
from helpers.program import environment, installed
from helpers.waiting import wait_until

GREET = """\
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
print(s.recv(1000).decode())
"""


def greeting(d, name):
    """What that user is greeted with."""
    user = pwd.getpwnam(name)
    return subprocess.run(["/usr/bin/python3", "-I", "-c", GREET, d.socket], check=True,
                          user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                          capture_output=True, text=True).stdout


@pytest.mark.as_root
@pytest.mark.parametrize("allowed, lets_in, keeps_out", [
    ("games", ["games", "root"], ["nobody"]),
    (pwd.getpwnam("games").pw_uid, ["games"], ["nobody"]),
    (f"@{grp.getgrgid(pwd.getpwnam('games').pw_gid).gr_name}", ["games"], ["nobody"]),
    ("nobody, games", ["games", "nobody"], ["daemon"]),
    ("*", ["games", "nobody"], []),
])
def test_users(daemon, allowed, lets_in, keeps_out):
    d = daemon(extra=f"allow_users = {allowed}\n")
    for name in lets_in:
        assert greeting(d, name).startswith("220 "), name
    for name in keeps_out:
        assert greeting(d, name).startswith("421 "), name


@contextlib.contextmanager
def visit(name, host, port):
    """A connection of that user's, and the greeting."""
    with being(name):
        client = socket.create_connection((host, port), PATIENCE)
    with client:
        yield client.recv(1000).decode()


def netlink_of(pid):
    """What that process can ask the kernel by."""
    known = {f"socket:[{row.split()[-1]}]" for row in open("/proc/net/netlink")}
    return [fd for fd in os.listdir(f"/proc/{pid}/fd")
            if os.readlink(f"/proc/{pid}/fd/{fd}") in known]


@pytest.mark.as_root
@pytest.mark.parametrize("host, listen", [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]"),
                                          ("::1", "[::]"), ("127.0.0.1", "0.0.0.0")])
def test_users_of_this_machine_over_tcp(daemon, host, listen):
    """Each is one client, whichever way it comes, and none takes the place of another."""
    port = port_for_us()
    d = daemon(extra=f"listen = {listen}:{port}\nallow_from = 127.0.0.0/8 ::1/128\n"
                     "max_clients_per_user = 1\n")
    with visit("games", host, port) as one, visit("nobody", host, port) as other:
        assert one.startswith("220 ") and other.startswith("220 ")
        with visit("games", host, port) as again:
            assert again.startswith("421 4.7.0 you are here too often")
        assert greeting(d, "games").startswith("421 4.7.0 you are here too often")
        assert greeting(d, "root").startswith("220 ")
        # Only the door asks whose they are.
        door = d.program("acsmtp-door")
        assert len(netlink_of(door)) == 1
        assert not [pid for pid in d.children(door) if netlink_of(pid)]


@contextlib.contextmanager
def door_without_network(d):
    """As the service manager starts it, with a keeper beside it."""
    options = {"stderr": subprocess.DEVNULL, "env": environment(d.home, None)}
    path, program = d.top / "run/keeper", installed("acsmtp").parents[1] / "libexec/acsmtp/acsmtp-door"
    with subprocess.Popen([installed("acsmtp"), "daemon", "--keeper", "-C", d.config],
                          **options) as keeper:
        wait_until(path.exists, "the keeper is there")
        with subprocess.Popen(["unshare", "--net", "setpriv", "--reuid", DOOR, "--regid", DOOR,
                               "--clear-groups", program, "--apart", path],
                              **options) as door:
            try:
                yield door.pid
            finally:
                door.terminate()
                door.wait(PATIENCE)
                keeper.terminate()


def is_there(port):
    with contextlib.suppress(ConnectionRefusedError), visit("games", "127.0.0.1", port) as said:
        return said.startswith("220 ")


@pytest.mark.as_root
def test_users_of_a_machine_whose_door_has_no_network(daemon):
    port = port_for_us()
    d = daemon(extra=f"listen = 127.0.0.1:{port}\nmax_clients_per_user = 1\n", start=False)
    with door_without_network(d) as door:
        wait_until(lambda: is_there(port), "the door is there")
        wait_until(lambda: not d.children(door), "its sessions have ended")
        with visit("games", "127.0.0.1", port) as one, visit("nobody", "127.0.0.1", port) as other:
            assert one.startswith("220 ") and other.startswith("220 ")
            with visit("games", "127.0.0.1", port) as again:
                assert again.startswith("421 4.7.0 you are here too often")


@pytest.mark.as_root
def test_messages_an_hour_over_tcp(daemon):
    """Those of one user of this machine are not another's."""
    port = port_for_us()
    d = daemon(extra=f"listen = 127.0.0.1:{port}\nmax_per_user_per_hour = 1\n")

    def send(name):
        with being(name):
            client = smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE)
        with client:
            client.sendmail("me@contoso.com", ["b@example.org"], text())

    send("games")
    with pytest.raises(smtplib.SMTPDataError) as refused:
        send("games")
    assert refused.value.smtp_code == 451
    send("nobody")


@pytest.mark.as_root
def test_a_further_group(daemon, tmp_path):
    """Of a user whose process does not have it: the system's word counts."""
    group = next((g for g in grp.getgrall() if any(is_user(m) for m in g.gr_mem)), None)
    if group is None:
        # No user of this machine is in a second group: one is, in a copy of its file.
        group = grp.getgrnam("tape")
        (tmp_path / "group").write_text(
            open("/etc/group").read().replace(f"tape:x:{group.gr_gid}:",
                                              f"tape:x:{group.gr_gid}:games"))
        member, wrap = "games", ["unshare", "-m", "sh", "-c",
                                 f"mount --bind {tmp_path}/group /etc/group && exec \"$@\"", "sh"]
    else:
        member, wrap = next(m for m in group.gr_mem if is_user(m)), []
    d = daemon(extra=f"allow_users = @{group.gr_name}\n", start=False)
    assert d.start(*wrap), d.process.stderr.read().decode()
    assert greeting(d, member).startswith("220 ")
    assert greeting(d, "nobody").startswith("421 ")


def is_user(name):
    try:
        return pwd.getpwnam(name).pw_uid != 0
    except KeyError:
        return False


def test_clients_at_a_time(daemon):
    d = daemon(extra="max_clients = 2\n")
    with Local(d.socket) as one, Local(d.socket):
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            Local(d.socket)
        assert refused.value.smtp_code == 421
        one.quit()
        wait_until(lambda: is_served(d), "there is room again")


def is_served(d):
    try:
        with Local(d.socket):
            return True
    except smtplib.SMTPConnectError:
        return False


def test_networks(daemon):
    """Of those who have no login; and there is one who may."""
    port = port_for_us()
    d = daemon(extra=f"listen = 127.0.0.1:{port}\nallow_from = 192.0.2.0/24\n")
    with pytest.raises(smtplib.SMTPConnectError) as refused:
        smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE)
    assert refused.value.smtp_code == 421
    assert b"nobody may send mail from 127.0.0.1" in refused.value.smtp_error
    d.write(f"listen = 127.0.0.1:{port}\nallow_from = 192.0.2.0/24 127.0.0.0/8\n")
    assert d.run("reload").returncode == 0
    assert d.hears("RELOADING=1") and d.hears("READY=1")
    with smtplib.SMTP("127.0.0.1", port, timeout=PATIENCE) as client:
        assert client.noop()[0] == 250


@pytest.mark.parametrize("policy", ["refuse", "rewrite", "keep"])
def test_senders(acs, daemon, policy):
    """The account's rule holds for who sends by the daemon."""
    server = acs(senders=("DoNotReply@contoso.com", "web@fabrikam.com"))
    d = daemon(server, sender_policy=policy)
    with Local(d.socket) as client:
        if policy == "refuse":
            with pytest.raises(smtplib.SMTPResponseException) as refused:
                client.sendmail("web@fabrikam.com", ["b@example.org"], foreign())
            assert refused.value.smtp_code == 550
            assert b"DoNotReply@contoso.com" in refused.value.smtp_error
            return
        client.sendmail("web@fabrikam.com", ["b@example.org"], foreign())
    wait_until(lambda: server.messages, "it arrives")
    if policy == "keep":
        assert server.message.sender == "web@fabrikam.com"
        assert b"From: Web <web@fabrikam.com>" in server.message.data
    else:
        assert server.message.sender == "DoNotReply@contoso.com"
        assert b'Web <DoNotReply@contoso.com>' in server.message.data
        assert b"Reply-To:" in server.message.data


def foreign():
    return text().replace("From: a@contoso.com", "From: Web <web@fabrikam.com>")


def refusal(d):
    """What it says when it cannot begin, and its status."""
    assert not d.start()
    return d.process.wait(PATIENCE), d.process.stderr.read().decode()


@pytest.mark.parametrize("settings, words", [
    ("listen = 0.0.0.0:PORT\n", "[daemon] listen: others than this machine reach"),
    ("listen = 127.0.0.1\n", "[daemon] listen: "),
    ("listen_users = /nowhere/users\n", "[daemon] listen_users: "),
    ("listen_key = /nowhere/key\n", "[daemon] listen_key: "),
    ("allow_users = nobody-at-all\n", "[daemon] allow_users: "),
    ("allow_from = 10.0.0.1/8\n", "[daemon] allow_from: "),
    ("listen_cert = /nowhere/cert\nlisten_key = /nowhere/key\n", "[daemon] listen_cert: "),
])
def test_where_the_mistake_is(daemon, settings, words):
    settings = settings.replace("PORT", str(port_for_us()))
    d = daemon(extra=settings, start=False)
    line = d.config.read_text().splitlines().index(settings.splitlines()[0]) + 1
    status, said = refusal(d)
    assert status == 78
    assert f"{d.config}, line {line}: {words}" in said


def key_files(d):
    cert, key, users = d.top / "cert.pem", d.top / "key.pem", d.top / "users"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x", "-keyout", key, "-out",
                    cert], check=True, capture_output=True)
    users.write_text("web:$6$salt$x\n")
    for path in cert, key, users:
        path.chmod(0o600)
        if d.is_root:
            os.chown(path, 0, pwd.getpwnam(DOOR).pw_gid)
            path.chmod(0o640)
    d.write(f"listen = 127.0.0.1:{port_for_us()}\nlisten_cert = {cert}\nlisten_key = {key}\n"
            f"listen_users = {users}\n")


def said_of(d, name):
    """What is said of that setting's file, and in its line."""
    line = next(i for i, row in enumerate(d.config.read_text().splitlines(), 1)
                if row.startswith(f"{name} ="))
    status, said = refusal(d)
    d.close_process()
    assert status == 78
    assert f"{d.config}, line {line}: [daemon] {name}: " in said
    return said


FILES = {"listen_cert": "cert.pem", "listen_key": "key.pem", "listen_users": "users"}


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_the_door_is_junk(daemon, name):
    d = daemon(start=False)
    key_files(d)
    (d.top / FILES[name]).write_text("junk\n")
    assert f"{d.top / FILES[name]}: " in said_of(d, name)
    (d.top / FILES[name]).unlink()
    assert f"{d.top / FILES[name]}: cannot read: No such file" in said_of(d, name)


def test_the_key_of_another_certificate(daemon):
    d = daemon(start=False)
    key_files(d)
    (d.top / "key.pem").write_bytes(subprocess.run(
        ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
        check=True, capture_output=True).stdout)
    assert "is not that of the certificate" in said_of(d, "listen_key")


@pytest.mark.parametrize("name", ["listen_key", "listen_users"])
def test_a_file_of_the_door_is_everybodys(daemon, name):
    d = daemon(start=False)
    key_files(d)
    path = d.top / FILES[name]
    path.chmod(0o644)
    said = said_of(d, name)
    assert "others can read it (mode 0644)" in said
    assert said.endswith(", and change the secret if others may have seen it\n")
    follow(d, path, said)


def follow(d, path, said):
    """What the error advises is all that is needed."""
    group = grp.getgrgid(pwd.getpwnam(DOOR).pw_gid).gr_name
    advice = f"chgrp {group} {path}; chmod 640 {path}" if d.is_root else f"chmod 600 {path}"
    assert advice in said
    subprocess.run(advice, shell=True, check=True)
    assert d.start(), d.process.stderr.read().decode()


@pytest.mark.as_root
@pytest.mark.parametrize("name", FILES)
def test_a_file_that_the_door_may_not_read(daemon, name):
    d = daemon(start=False)
    key_files(d)
    path = d.top / FILES[name]
    os.chown(path, 0, 0)
    path.chmod(0o600)
    said = said_of(d, name)
    assert "cannot read: Permission denied" in said
    follow(d, path, said)


@pytest.mark.as_root
def test_a_directory_that_the_door_may_not_enter(daemon):
    d = daemon(start=False)
    key_files(d)
    closed = d.top / "closed"
    closed.mkdir(0o700)
    (d.top / "key.pem").rename(closed / "key.pem")
    d.config.write_text(d.config.read_text().replace(f"{d.top}/key.pem", f"{closed}/key.pem"))
    assert f"keep it in a directory that the user {DOOR} may enter" in said_of(d, "listen_key")


@pytest.mark.parametrize("taken", ["file", "socket"])
def test_socket_path_in_use(daemon, taken):
    d = daemon(start=False)
    (d.top / "run").mkdir()
    one = socket.socket(socket.AF_UNIX)
    if taken == "file":
        d.socket.write_text("x")
    else:
        one.bind(str(d.socket))
        one.listen()
    status, said = refusal(d)
    one.close()
    assert status == 78
    assert f"cannot listen at {d.socket}: " in said
    assert ("something else has that name" if taken == "file" else "somebody does already") in said
    # What was there is there.
    assert d.socket.exists()


def test_a_socket_that_was_left_behind(daemon):
    """By a daemon that died with its machine: it gives way."""
    d = daemon()
    for pid in [*d.children(), d.process.pid]:
        os.kill(pid, signal.SIGKILL)
    d.process.wait(PATIENCE)
    assert d.socket.exists()
    wait_until(lambda: all(is_refused(path) for path in (d.socket, d.top / "run/keeper")),
               "nobody is left")
    restart(d)
    with Local(d.socket) as client:
        assert client.noop()[0] == 250


def is_refused(path):
    with socket.socket(socket.AF_UNIX) as one, contextlib.suppress(ConnectionRefusedError):
        one.connect(str(path))
        return False
    return True


def restart(d):
    d.process.stdout.close()
    d.process.stderr.close()
    d.heard.close()
    assert d.start(), d.process.stderr.read().decode()


@pytest.mark.as_user
def test_one_user(daemon):
    """Who is not root is both, and says so."""
    d = daemon()
    user = pwd.getpwuid(os.geteuid()).pw_name
    assert d.status()["users"] == {"keeper": user, "door": user}
    assert f"both the queue and the clients are served by {user}" in d.run("status").stdout


def test_a_new_keeper(acs, daemon):
    """A session cannot find it: its client hears that, and comes again."""
    server = acs()
    d = daemon(server)
    with Local(d.socket) as client:
        client.ehlo("me")
        first = d.program("keeper")
        # One that it has not let in yet would find the next.
        wait_until(lambda: d.status()["clients"] == 1, "it knows the session")
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: d.program("keeper") not in (None, first), "there is a new one")
        client.mail("me@contoso.com")
        client.rcpt("b@example.org")
        assert client.data(text())[0] == 451
        assert client.docmd("MAIL", "FROM:<me@contoso.com>")[0] == 421
        with pytest.raises(smtplib.SMTPServerDisconnected):
            client.noop()
            client.noop()
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    wait_until(lambda: server.messages, "it arrives")


@pytest.mark.parametrize("what", [signal.SIGHUP, signal.SIGTERM])
def test_told_while_an_answer_is_awaited(acs, daemon, what):
    """Whether the message is there is known before it goes on: it is sent once."""
    asked, go = threading.Event(), threading.Event()

    def wait(_session, _line):
        asked.set()
        go.wait(PATIENCE)
        return False

    server = acs(faults=(Fault("body", reply="250 2.6.0 Queued", when=wait),))
    d = daemon(server)
    with Local(d.socket) as client:
        client.sendmail("me@contoso.com", ["b@example.org"], text())
    assert asked.wait(PATIENCE)
    d.process.send_signal(what)
    assert d.hears("READY=1" if what == signal.SIGHUP else "STOPPING=1")
    go.set()
    if what == signal.SIGTERM:
        assert d.process.wait(PATIENCE) == 0
        restart(d)
    wait_until(lambda: d.status()["waiting"] == 0, "all is sent")
    assert len(server.messages) == 1


def test_what_comes_along_is_not_understood(acs, daemon):
    """Without it, it would be another message; its sendmail keeps it."""
    server = acs()
    d = daemon(server)
    with Local(d.socket) as client:
        client.ehlo()
        assert client.mail("me@contoso.com", ["XACSMTP=Z"])[0] == 250
        assert client.rcpt("b@example.org")[0] == 250
        code, words = client.data(text())
        assert code == 451 and b"not understood" in words
    assert d.status()["waiting"] == 0 and not arrived(server)
