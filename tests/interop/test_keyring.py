# SPDX-License-Identifier: GPL-3.0-or-later
"""GNOME's keyring itself, on a bus of its own: unlocked, locked, absent, and msmtp's items."""

import os
import subprocess

import pytest

from arrived import SENDER
from helpers.bus import SessionBus
from helpers.person import Person
from helpers.waiting import wait_until

MESSAGE = f"From: {SENDER}\nTo: a@example.org\n\nbody\n"
PASSWORD = "correct horse; battery#staple"
STATUS_OK, STATUS_SECRET, STATUS_CONFIG = 0, 77, 78
MSMTP = ["host", "localhost", "service", "smtp", "user", "contoso-smtp"]


class Desktop:
    """A session with a login keyring, whose password is typed when somebody logs in."""

    def __init__(self, packages, library_path):
        self.packages = packages
        self.bus = SessionBus()
        self.home = self.bus.directory / "home"
        self.home.mkdir(mode=0o700)
        self.variables = {
            "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.bus.directory),
            "XDG_DATA_HOME": str(self.home / "share"), "LANG": "C.UTF-8",
            "DBUS_SESSION_BUS_ADDRESS": self.bus.address, "LD_LIBRARY_PATH": library_path,
        }
        self.daemon = None

    def log_in(self, unlock=True):
        words = [self.packages / "usr/bin/gnome-keyring-daemon", "--foreground",
                 "--components=secrets", *(["--unlock"] if unlock else [])]
        self.daemon = self.bus.run(words, b"login password" if unlock else b"",
                                   **self.variables)
        wait_until(lambda: self.bus.has("org.freedesktop.secrets"), "the keyring",
                   process=self.daemon)

    def log_out(self):
        self.daemon.terminate()
        self.daemon.wait()

    def secret_tool(self, *words, secret=None):
        return subprocess.run(
            [str(self.packages / "usr/bin/secret-tool"), *words], capture_output=True,
            input=secret.encode() if secret else None, timeout=60, check=False, env={"PATH": os.environ["PATH"], **self.variables})

    def store_for_msmtp(self, secret, *more):
        """As msmtp's manual says."""
        done = self.secret_tool("store", "--label=msmtp", *MSMTP, *more, secret=secret)
        assert done.returncode == 0, done.stderr

    @property
    def user(self):
        """What a program of this session finds in its environment."""
        return {"DBUS_SESSION_BUS_ADDRESS": self.bus.address}


@pytest.fixture
def desktop(packages, caller_environment, sendmail):
    if not (sendmail.parents[1] / "libexec/acsmtp/keyring").exists():
        pytest.skip("built without libsecret")
    one = Desktop(packages, caller_environment["LD_LIBRARY_PATH"])
    yield one
    print(one.bus.log)
    one.bus.stop()


@pytest.fixture
def account(acs, config):
    """The emulator, and an account of it that has no password but the keyring's."""
    server = acs(senders=(SENDER,), password=PASSWORD)
    return server, config(server, password=None)


@pytest.fixture
def send(account, run):
    return lambda desktop, **env: run(["-C", account[1], "-t"], input=MESSAGE,
                                      env=desktop.user | env)


@pytest.fixture
def password(account, run):
    """password("set", desktop): the command for people."""
    return lambda word, desktop, text="": run(
        ["password", word, "--config", account[1]], input=text, program="acsmtp",
        env=desktop.user)


def test_stored_and_sent_and_removed(desktop, account, send, password):
    server, _ = account
    desktop.log_in()
    done = password("set", desktop, PASSWORD + "\n")
    assert (done.status, done.stderr) == (STATUS_OK, "")
    assert done.stdout == ("account test: stored in the keyring for contoso-smtp at "
                           f"localhost:{server.port}\n")
    assert password("test", desktop).stdout == "account test: 29 bytes from keyring\n"
    result = send(desktop)
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted
    # Once more in its place, not beside it.
    assert password("set", desktop, "another one\n").status == STATUS_OK
    assert password("test", desktop).stdout == "account test: 11 bytes from keyring\n"
    assert password("clear", desktop).stdout == "account test: removed from the keyring\n"
    gone = password("test", desktop)
    assert gone.status == STATUS_CONFIG
    assert "the keyring has nothing for user contoso-smtp" in gone.stderr


def test_stored_as_others_see_it(desktop, account, password):
    """secret-tool and Seahorse show by these what is whose."""
    server, _ = account
    desktop.log_in()
    assert password("set", desktop, PASSWORD).status == STATUS_OK
    seen = desktop.secret_tool("search", "host", "localhost")
    text = (seen.stdout + seen.stderr).decode()
    for line in ("label = acsmtp: contoso-smtp at localhost", f"secret = {PASSWORD}",
                 "schema = org.acsmtp.Password", "attribute.account = test",
                 "attribute.application = acsmtp",
                 "attribute.host = localhost", f"attribute.port = {server.port}",
                 "attribute.user = contoso-smtp"):
        assert line in text


@pytest.mark.parametrize("end", ["", "\n"])
def test_what_msmtp_users_have(desktop, account, send, end):
    server, _ = account
    desktop.log_in()
    desktop.store_for_msmtp(PASSWORD + end)
    result = send(desktop)
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted


def test_ours_comes_first(desktop, send, password):
    desktop.log_in()
    desktop.store_for_msmtp("an old one")
    assert password("set", desktop, PASSWORD).status == STATUS_OK
    assert send(desktop).status == STATUS_OK
    # Only ours is removed: msmtp may still be in use.
    assert password("clear", desktop).status == STATUS_OK
    assert password("test", desktop).stdout == "account test: 10 bytes from keyring\n"
    again = password("clear", desktop)
    assert again.status == STATUS_CONFIG
    assert "nothing that was stored by acsmtp" in again.stderr


def test_several(desktop, account, send):
    server, _ = account
    desktop.log_in()
    desktop.store_for_msmtp(PASSWORD)
    desktop.store_for_msmtp("another", "port", "587")
    result = send(desktop)
    assert result.status == STATUS_CONFIG
    assert "the keyring has several secrets for user contoso-smtp" in result.stderr
    assert server.sessions == []


def test_nothing_there(desktop, send):
    desktop.log_in()
    result = send(desktop)
    assert result.status == STATUS_CONFIG
    assert "the keyring has nothing for user contoso-smtp" in result.stderr
    assert "run `acsmtp password set`" in result.stderr


@pytest.fixture
def locked(desktop, password):
    """A session that began by itself: the secret is there, and its keyring is locked."""
    desktop.log_in()
    assert password("set", desktop, PASSWORD).status == STATUS_OK
    desktop.log_out()
    desktop.log_in(unlock=False)
    return desktop


def test_locked(locked, account, send):
    server, _ = account
    result = send(locked)
    assert result.status == STATUS_SECRET
    assert "the keyring is locked, and nobody is here to unlock it; unlock it" in result.stderr
    assert server.sessions == []


def test_locked_with_a_display(locked, send):
    """A prompt is asked for; here nothing can show it."""
    result = send(locked, DISPLAY=":none")
    assert result.status == STATUS_SECRET
    assert "the keyring is locked, and its prompt was dismissed or not shown" in result.stderr


def test_locked_without_it(locked, send, password, config, run):
    """For another user there is nothing; it says that it cannot be sure."""
    result = run(["password", "test", "--config", config(password=None, user="other")],
                 program="acsmtp", env=locked.user)
    assert result.status == STATUS_SECRET
    assert "the keyring is locked and shows nothing for user other" in result.stderr


def test_locked_when_stored(locked, password):
    result = password("set", locked, "another one")
    assert result.status == STATUS_SECRET
    assert "the keyring is locked, and nobody is here to unlock it" in result.stderr
    assert password("clear", locked).status == STATUS_SECRET


def test_unlocked_again(locked, send):
    """What waited goes when its owner has logged in."""
    assert send(locked).status == STATUS_SECRET
    locked.log_out()
    locked.log_in()
    assert send(locked).status == STATUS_OK


def test_logged_out(desktop, send, password):
    desktop.log_in()
    assert password("set", desktop, PASSWORD).status == STATUS_OK
    desktop.log_out()
    result = send(desktop)
    assert result.status == STATUS_SECRET
    assert "no keyring service is on the session bus" in result.stderr


def test_from_cron(desktop, account, send, password):
    """Nothing of the session in the environment but where the user's bus is by agreement."""
    server, _ = account
    desktop.log_in()
    assert password("set", desktop, PASSWORD).status == STATUS_OK
    result = send(desktop, DBUS_SESSION_BUS_ADDRESS=None, XDG_RUNTIME_DIR=desktop.bus.directory)
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted


def test_waits_in_the_queue(locked, account, config, run, tmp_path):
    """Taken while the keyring is locked, and gone when its owner has logged in."""
    server, _ = account
    path = config(server, password=None, extra=f"""
[delivery]
queue = on
spool = {tmp_path}/spool
""")
    taken = run(["-C", path, "-t"], input=MESSAGE, env=locked.user)
    assert taken.status == STATUS_OK, taken.stderr
    flush = ["queue", "run", "--flush", "--config", path]
    still = run(flush, program="acsmtp", env=locked.user)
    assert server.sessions == [], still
    locked.log_out()
    locked.log_in()
    # Who asks is tried at once, whatever the account's pause.
    gone = run(flush, program="acsmtp", env=locked.user)
    assert gone.status == STATUS_OK, gone.stderr
    assert server.message.data.endswith(b"\r\n\r\nbody\r\n")
    for file in (tmp_path / "spool").rglob("*"):
        assert not file.is_file() or PASSWORD.encode() not in file.read_bytes()


def test_a_person_s_login(desktop, acs, identity, config, run):
    """It goes into the keyring, and so does each token that takes the place of the last."""
    them = identity(rotates=True)
    server = acs(mechanisms=("XOAUTH2",), senders=(SENDER,), token=them.accepts)
    desktop.log_in()
    path = config(server, password=None, token="refresh", tenant="organizations",
                  client_id=them.client_id, token_authority=them.authority,
                  token_ca_file=them.ca)
    done = run(["login", "--config", path], program="acsmtp", env=desktop.user)
    assert (done.status, done.stderr) == (STATUS_OK, "")
    assert "logged in; that is kept in the keyring" in done.stdout
    for _ in range(2):
        them.revoke()
        sent = run(["-C", path, "-t"], input=MESSAGE, env=desktop.user)
        assert (sent.status, sent.stderr) == (STATUS_OK, "")
        kept = desktop.secret_tool("lookup", "application", "acsmtp", "account", "test")
        assert kept.stdout.decode().strip() == them.refresh_token
    assert len(server.messages) == 2


def test_setup(desktop, acs, run, pki, home, sendmail):
    """The whole way of a newcomer on a desktop: setup, the keyring, a message."""
    server = acs(senders=(SENDER,), password=PASSWORD)
    desktop.log_in()
    path = home / "new.ini"
    path.touch(0o600)
    path.write_text(f"[defaults]\ntls_ca_file = {pki.ca}\nlog = off\n"
                    "[delivery]\nqueue = off\naliases = off\n")
    variables = {"HOME": str(home), "PATH": os.environ["PATH"], "TERM": "xterm",
                 "LANG": "C.UTF-8"} | desktop.user
    one = Person([str(sendmail.resolve()), "setup", "--config", str(path), "--host",
                  server.host, "--port", str(server.port)], variables, home)
    try:
        one.answer("Service [acs]: ", "")
        one.answer("SMTP username: ", "contoso-smtp")
        one.answer("Sender: ", SENDER)
        one.answer("Name of the sender: ", "")
        one.answer("Where is the secret kept [keyring]: ", "")
        one.answer("End of the secret: ", "")
        one.secret("Secret: ", PASSWORD)
        assert one.end() == STATUS_OK
    finally:
        print(one.screen)
        one.leave()
    assert "Its secret is in the keyring." in one.words
    assert PASSWORD not in one.screen
    assert PASSWORD not in path.read_text()
    assert not [found for found in home.rglob("*")
                if found.is_file() and PASSWORD.encode() in found.read_bytes()]
    seen = desktop.secret_tool("lookup", "application", "acsmtp", "account", "default",
                               "port", str(server.port))
    assert seen.stdout.decode() == PASSWORD
    result = run(["-C", path, "-t"], input=MESSAGE, env=desktop.user)
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted


def test_setup_unattended(desktop, acs, run, pki, home):
    """By a script, into the keyring; and into none that is locked."""
    server = acs(senders=(SENDER,), password=PASSWORD)
    path = home / "new.ini"
    path.touch(0o600)
    path.write_text(f"[defaults]\ntls_ca_file = {pki.ca}\n")
    words = ["setup", "--config", path, "--host", server.host, "--port", str(server.port),
             "--user", "contoso-smtp", "--from", SENDER, "--keep-secret", "keyring"]
    desktop.log_in(unlock=False)
    refused = run(words, input=PASSWORD, program="acsmtp", env=desktop.user)
    assert refused.status == STATUS_SECRET
    assert "nothing was written: there is no default keyring yet" in refused.stderr
    assert "[account" not in path.read_text()
    desktop.log_out()
    desktop.log_in()
    done = run(words, input=PASSWORD, program="acsmtp", env=desktop.user)
    assert (done.status, done.stderr) == (STATUS_OK, ""), done.stdout
    assert PASSWORD not in path.read_text() + done.stdout
