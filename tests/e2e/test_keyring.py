# SPDX-License-Identifier: GPL-3.0-or-later
"""Passwords in the keyring: whatever state it is in, in a bounded time, and with a word.

The Secret Service here is one that does what a test says, on a bus of its own; a real one
is in tests/interop/test_keyring.py.
"""

import os
import re
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from helpers.ports import bind_to_path
from helpers.program import environment, installed
from helpers.waiting import wait_for

MESSAGE = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"
PASSWORD = "correct horse; battery#staple"
STATUS_OK, STATUS_SECRET, STATUS_CONFIG = 0, 77, 78
OK, FAILED, NO_BUS, NO_SERVICE, LOCKED, DISMISSED, CLOSED, NO_MATCH, SEVERAL, NO_ANSWER = range(10)
USAGE = 64
PLACE = {"account": "test", "host": "localhost", "port": "587", "user": "contoso-smtp"}
SCHEMA = {"xdg:schema": "org.acsmtp.Password", "application": "acsmtp"}
DISPLAY = {"DISPLAY": ":none"}


@pytest.fixture(autouse=True)
def helper_is_there():
    if not installed("keyring").exists():
        pytest.skip("built without libsecret")


def item(secret=PASSWORD, **attributes):
    return {"attributes": PLACE | SCHEMA | attributes, "secret": secret}


def from_msmtp(secret=PASSWORD, schema="org.freedesktop.Secret.Generic"):
    return {"attributes": {"host": "localhost", "service": "smtp", "user": "contoso-smtp",
                           "xdg:schema": schema}, "secret": secret}


OURS = item()
OTHER_PORT = item("other port", port="25")
OTHER_ACCOUNT = item("other account", account="other")
STRANGERS = [item("wrong", user="somebody"), item("wrong", host="example.org"),
             {"attributes": {"host": "localhost", "service": "imap", "user": "contoso-smtp"},
              "secret": "wrong"}]


@pytest.fixture
def keyring(session_bus, run):
    """keyring("lookup", ...): the helper by itself, on the bus of the test."""
    def call(command, *flags, input=b"", env=None, place=None):
        words = [f"{name}={value}" for name, value in (PLACE | (place or {})).items()]
        return run([command, *flags, *words], input=input, program="keyring",
                   env={"DBUS_SESSION_BUS_ADDRESS": session_bus.address} | (env or {}))
    return call


# --- the helper: which item

@pytest.mark.parametrize("items, expected", [
    ([OURS], PASSWORD),
    ([*STRANGERS, OURS], PASSWORD),
    ([OTHER_PORT, OURS, OTHER_ACCOUNT], PASSWORD),
    ([OTHER_PORT], "other port"),
    ([OTHER_ACCOUNT], "other account"),
    ([from_msmtp()], PASSWORD),
    ([from_msmtp(schema="de.marlam.msmtp.password")], PASSWORD),
    ([from_msmtp("old"), OURS], PASSWORD),
    ([from_msmtp("old"), OTHER_PORT], "other port"),
    ([item("p\u00e4ss  \n wort\n")], "p\u00e4ss  \n wort\n"),
    ([item("x" * 12288)], "x" * 12288),
])
def test_found(session_bus, keyring, items, expected):
    session_bus.fake(items)
    result = keyring("lookup")
    assert (result.status, result.stdout, result.stderr) == (OK, expected, "")


@pytest.mark.parametrize("items, status, says", [
    ([], NO_MATCH, "nothing for user contoso-smtp at localhost:587"),
    (STRANGERS, NO_MATCH, "nothing for"),
    ([OURS, OURS], SEVERAL, "several secrets for"),
    ([OTHER_PORT, OTHER_ACCOUNT], SEVERAL, "several secrets for"),
    ([from_msmtp("a"), from_msmtp("b")], SEVERAL, "several secrets for"),
    ([item("x" * 12289)], FAILED, "too long a secret"),
])
def test_not_found(session_bus, keyring, items, status, says):
    session_bus.fake(items)
    result = keyring("lookup")
    assert (result.status, result.stdout) == (status, "")
    assert says in result.stderr and result.stderr.count("\n") == 1


# --- the helper: in which state it is

@pytest.mark.parametrize("options, env, flags, status, says, called, never", [
    ({}, {}, [], OK, "", "GetSecret", "Unlock"),
    ({"locked": True}, {}, [], LOCKED, "nobody is here", "Dismiss", "Prompt"),
    ({"locked": True}, DISPLAY, ["--no-prompt"], LOCKED, "nobody is here", "Dismiss", "Prompt"),
    ({"locked": True, "quietly": True}, {}, [], OK, "", "Unlock", "Prompt"),
    ({"locked": True}, DISPLAY, [], DISMISSED, "was dismissed", "Prompt", "GetSecret"),
    ({"locked": True}, {"WAYLAND_DISPLAY": "w"}, [], DISMISSED, "dismissed", "Prompt", "GetSecret"),
    ({"locked": True, "prompt": "unlock"}, DISPLAY, [], OK, "", "Prompt", "Dismiss"),
    ({"locked": True, "prompt": "ignore"}, DISPLAY, ["--patience=1"], DISMISSED, "nobody answered",
     "Dismiss", "GetSecret"),
    ({"locked": True, "prompt": "hang"}, DISPLAY, ["--patience=1"], DISMISSED, "nobody answered",
     "Dismiss", "GetSecret"),
    ({"locked": True, "hides": True}, DISPLAY, [], CLOSED, "is locked and shows nothing",
     "SearchItems", "Prompt"),
    ({"fails": True}, {}, [], FAILED, "the keyring says: it is on fire", "SearchItems", "Unlock"),
])
def test_states(session_bus, keyring, options, env, flags, status, says, called, never):
    session_bus.fake([OURS], **options)
    result = keyring("lookup", *flags, env=env)
    assert result.status == status, result.stderr
    assert result.stdout == (PASSWORD if status == OK else "")
    assert says in result.stderr and result.stderr.count("\n") == (status != OK)
    assert called in session_bus.calls and never not in session_bus.calls


def test_no_service(keyring):
    result = keyring("lookup")
    assert result.status == NO_SERVICE
    assert result.stderr == "no keyring service is on the session bus\n"


def test_hanging_service(session_bus, keyring):
    session_bus.hang(session_bus.fake([OURS]))
    result = keyring("lookup", "--patience=1")
    assert result.status == NO_ANSWER
    assert result.stderr == "the keyring did not answer in time\n"


def test_hanging_bus(keyring, tmp_path):
    with socket.socket(socket.AF_UNIX) as mute:
        bind_to_path(mute, tmp_path / "mute")
        mute.listen()
        result = keyring("lookup", "--patience=1",
                         env={"DBUS_SESSION_BUS_ADDRESS": f"unix:path={tmp_path}/mute"})
    assert result.status == NO_ANSWER
    assert "did not answer in time" in result.stderr


def test_service_that_goes_away(session_bus, keyring):
    service = session_bus.fake([OURS], locked=True, prompt="ignore")
    with subprocess.Popen(
            [installed("keyring"), "lookup", *(f"{k}={v}" for k, v in PLACE.items())],
            stderr=subprocess.PIPE, text=True, env=environment(Path("/"), {
                "DBUS_SESSION_BUS_ADDRESS": session_bus.address} | DISPLAY)) as process:
        assert wait_for(lambda: "Prompt" in session_bus.calls)
        service.kill()
        said = process.communicate(timeout=60)[1]
    assert process.returncode == NO_ANSWER
    assert said == "the keyring service went away\n"


# --- the helper: which bus

def bus_error(keyring, **env):
    result = keyring("lookup", env=env)
    assert result.status == NO_BUS, result.stderr
    return result.stderr


def test_bus_of_the_runtime_directory(session_bus, keyring):
    """cron and ssh set no address; the bus is where the user's is by agreement."""
    session_bus.fake([OURS])
    result = keyring("lookup", env={"DBUS_SESSION_BUS_ADDRESS": None,
                                    "XDG_RUNTIME_DIR": session_bus.directory})
    assert (result.status, result.stdout) == (OK, PASSWORD)
    awkward = session_bus.directory / "a,b;c=d %"
    awkward.mkdir()
    (awkward / "bus").symlink_to(session_bus.socket)
    result = keyring("lookup", env={"DBUS_SESSION_BUS_ADDRESS": None,
                                    "XDG_RUNTIME_DIR": awkward})
    assert (result.status, result.stdout) == (OK, PASSWORD)


def test_bus_of_the_usual_directory(session_bus, home):
    """A service that runs as the user has not even the runtime directory's name."""
    session_bus.fake([OURS])
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else [
        "unshare", "-Um", "--map-current-user", "--keep-caps"]
    script = """mount -t tmpfs tmpfs /run && mkdir -p "/run/user/$(id -u)" || exit 99
        ln -s "$1" "/run/user/$(id -u)/bus" && shift && exec "$@" """
    done = subprocess.run(
        [*unshare, "sh", "-c", script, "sh", session_bus.socket, installed("keyring"), "lookup",
         *(f"{name}={value}" for name, value in PLACE.items())],
        capture_output=True, text=True, timeout=60, check=False,
        env=environment(home, {"DBUS_SESSION_BUS_ADDRESS": None, "XDG_RUNTIME_DIR": None}))
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr!r}")
    assert (done.returncode, done.stdout) == (OK, PASSWORD), done.stderr


def test_no_bus(keyring, tmp_path):
    assert "cannot be reached" in bus_error(
        keyring, DBUS_SESSION_BUS_ADDRESS=f"unix:path={tmp_path}/none")
    if Path(f"/run/user/{os.geteuid()}/bus").exists():
        pytest.skip("this user has a session")
    for directory in (None, "", "relative", str(tmp_path)):
        assert "there is no session bus" in bus_error(
            keyring, DBUS_SESSION_BUS_ADDRESS=None, XDG_RUNTIME_DIR=directory)
    (tmp_path / "bus").touch()      # no socket
    assert "there is no session bus" in bus_error(
        keyring, DBUS_SESSION_BUS_ADDRESS=None, XDG_RUNTIME_DIR=str(tmp_path))


def test_bus_of_another_user(session_bus, keyring):
    """It would get to see our secrets. Only root can give his socket away."""
    session_bus.fake([OURS])
    if os.geteuid() != 0:
        return
    os.chown(session_bus.socket, 65534, 65534)
    if Path(f"/run/user/{os.geteuid()}/bus").exists():
        pytest.skip("this user has a session")
    assert "there is no session bus" in bus_error(
        keyring, DBUS_SESSION_BUS_ADDRESS=None, XDG_RUNTIME_DIR=str(session_bus.directory))


# --- the helper: its command line, and what it shows of itself

@pytest.mark.parametrize("words", [
    [], ["lookup"], ["steal", "account=a", "host=h", "port=1", "user=u"],
    ["lookup", "account=a", "host=h", "port=1"],
    ["lookup", "account=a", "host=h", "port=1", "user=u", "user=v"],
    ["lookup", "account=a", "host=h", "port=1", "user=u", "password=p"],
    ["lookup", "account=a", "host=h", "port=1", "user=\udcff"],
    ["lookup", "--patience=0", "account=a", "host=h", "port=1", "user=u"],
])
def test_usage(run, words):
    result = run(words, program="keyring")
    assert result.status == USAGE
    assert result.stderr.startswith("usage: ")


@pytest.mark.parametrize("input", ["", "x" * 12289])
def test_store_wants_a_secret(session_bus, keyring, input):
    session_bus.fake()
    result = keyring("store", input=input)
    assert result.status == USAGE
    assert session_bus.calls == []


@pytest.mark.parametrize("options, env, status, says", [
    ({"locked": True}, {}, LOCKED, "nobody is here to unlock it"),
    ({"locked": True}, DISPLAY, DISMISSED, "was dismissed"),
    ({"default": False}, {}, CLOSED, "no default keyring"),
])
def test_store_in_what_is_closed(session_bus, keyring, options, env, status, says):
    session_bus.fake(**options)
    result = keyring("store", input=PASSWORD, env=env)
    assert result.status == status
    assert says in result.stderr and PASSWORD not in result.stderr


def test_clear(session_bus, keyring):
    session_bus.fake([OURS, OURS, OTHER_PORT, from_msmtp()])
    assert keyring("clear").status == OK
    assert session_bus.calls.count("Delete") == 2
    again = keyring("clear")
    assert again.status == NO_MATCH
    assert "nothing that was stored by acsmtp" in again.stderr


@pytest.fixture
def busy_helper(session_bus, config, home):
    """`acsmtp password set` while the keyring lets it wait, and its helper."""
    session_bus.hang(session_bus.fake())
    with subprocess.Popen(
            [installed("acsmtp"), "password", "set", "--config", config(password=None)],
            stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            env=environment(home, {"DBUS_SESSION_BUS_ADDRESS": session_bus.address})) as process:
        process.stdin.write(PASSWORD.encode() + b"\n")
        process.stdin.close()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        helper = lambda: [Path(f"/proc/{child}") for child in children.read_text().split()
                          if b"store" in Path(f"/proc/{child}/cmdline").read_bytes()]
        assert wait_for(helper)
        yield helper()[0], Path(f"/proc/{process.pid}")
        process.terminate()


def test_helper_shows_no_secret(busy_helper):
    for process in busy_helper:
        shown = (process / "cmdline").read_bytes()
        if os.geteuid() == 0:
            shown += (process / "environ").read_bytes()
        assert b"battery" not in shown
    helper, _ = busy_helper
    assert b"user=contoso-smtp" in (helper / "cmdline").read_bytes()


def test_helper_is_guarded(busy_helper):
    helper, mailer = busy_helper
    for process in busy_helper:
        assert wait_for(lambda: re.search(r"Max core file size +0 +0 ",
                                          (process / "limits").read_text()))
        assert wait_for(lambda: (process / "mem").stat().st_uid == 0)


# --- the mailer

@pytest.fixture
def send_on_bus(run, config, session_bus):
    """send_on_bus(server, env, **keys): a message, with no password but the keyring's."""
    def call(server, env=None, **keys):
        path = config(server, **{"password": None, "host": "localhost", **keys})
        return run(["-C", path, "-t"], input=MESSAGE, env={
            "DBUS_SESSION_BUS_ADDRESS": session_bus.address} | (env or {}))
    return call


@pytest.mark.parametrize("found", [item("{}"), item("{}", port="1"), from_msmtp("{}")])
def test_message_goes(acs, session_bus, send_on_bus, found):
    server = acs()
    session_bus.fake([found | {"secret": server.options.password}])
    result = send_on_bus(server)
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.data.endswith(b"\r\n\r\nbody\r\n")


def test_keyring_is_not_touched_without_need(acs, session_bus, send_on_bus):
    server = acs()
    session_bus.fake([OURS])
    result = send_on_bus(server, password=server.options.password)
    assert result.status == STATUS_OK, result.stderr
    assert session_bus.calls == []


@pytest.mark.parametrize("items, options, status, says", [
    ([OURS, OURS], {}, STATUS_CONFIG, "several secrets for user contoso-smtp at localhost"),
    ([OURS], {"locked": True}, STATUS_SECRET, "is locked, and nobody is here to unlock it; unlock"),
    ([OURS], {"locked": True, "hides": True}, STATUS_SECRET, "is locked and shows nothing"),
    ([OURS], {"fails": True}, STATUS_SECRET, "it is on fire"),
    ([], {}, STATUS_CONFIG, "has nothing for user contoso-smtp"),
    ([item("")], {}, STATUS_CONFIG, "nothing on its first line"),
])
def test_message_stays(acs, session_bus, send_on_bus, items, options, status, says):
    server = acs()
    # The port of the emulator is any; the same user at the same host is meant.
    session_bus.fake(items, **options)
    result = send_on_bus(server)
    assert result.status == status
    assert says in result.stderr and result.stderr.count("\n") == 1
    assert server.sessions == []


def test_no_keyring_service(acs, send_on_bus):
    result = send_on_bus(acs())
    assert result.status == STATUS_SECRET
    assert "no keyring service is on the session bus" in result.stderr


def test_no_session_bus(acs, send_on_bus, home):
    result = send_on_bus(acs(), {"DBUS_SESSION_BUS_ADDRESS": f"unix:path={home}/none"})
    assert result.status == STATUS_SECRET
    assert "the session bus cannot be reached" in result.stderr


def test_keyring_that_hangs(acs, session_bus, send_on_bus):
    """A bounded wait, and what stands behind the keyring is asked."""
    session_bus.hang(session_bus.fake([OURS]))
    result = send_on_bus(acs())
    assert result.status == STATUS_SECRET
    assert "the keyring did not answer in time" in result.stderr
    assert "there is no ~/.netrc" in result.stderr


def test_keyring_is_off(acs, session_bus, send_on_bus):
    session_bus.fake([OURS])
    result = send_on_bus(acs(), keyring="off")
    assert result.status == STATUS_CONFIG
    assert "the keyring is switched off" in result.stderr
    assert session_bus.calls == []


@pytest.mark.as_root
def test_the_daemon_has_another(session_bus, run, config, tmp_path):
    """What root finds in a keyring is not there for the daemon, which is another user."""
    session_bus.fake([OURS])
    spool = tmp_path / "spool"
    spool.mkdir(0o700)
    shutil.chown(spool, "mail")
    path = config(password=None, host="localhost",
                  extra=f"[delivery]\nspool = {spool}\n[daemon]\nuser = mail\n")
    done = run(["password", "test", "--config", path], program="acsmtp",
               env={"DBUS_SESSION_BUS_ADDRESS": session_bus.address})
    assert done.status == STATUS_OK, done.stderr
    assert "bytes from keyring\n" in done.stdout
    assert "the daemon, user mail, does not see this keyring: set password_file" in done.stdout
