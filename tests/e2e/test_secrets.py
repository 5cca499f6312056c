# SPDX-License-Identifier: GPL-3.0-or-later
"""Where passwords come from, and where they must never be seen."""

import base64
import os
import re
import resource
import subprocess
from pathlib import Path

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from helpers.waiting import wait_for

MESSAGE = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"
PASSWORD = "correct horse; battery#staple"
STATUS_OK, STATUS_SECRET, STATUS_CONFIG = 0, 77, 78


def write_secret(path, text, mode=0o600):
    path.touch(0o600)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


# --- password_file

@pytest.mark.parametrize("text", ["{}", "{}\n", "{}\r\n", "{}\nsecond line\n"])
def test_password_file(acs, send, home, text):
    server = acs()
    path = write_secret(home / "secret", text.format(PASSWORD))
    result = send(server, MESSAGE, password=None, password_file=path)
    assert result.status == STATUS_OK, result.stderr
    assert server.message.recipients == ["a@example.org"]


@pytest.mark.parametrize("text, mode, expected", [
    (PASSWORD, 0o644, "others"), (PASSWORD, 0o620, "others"), (PASSWORD, 0o604, "others"),
    ("", 0o600, "nothing"), ("\n" + PASSWORD, 0o600, "nothing"),
    ("x" * 100000, 0o600, "longer"),
])
def test_password_file_that_will_not_do(acs, send, home, text, mode, expected):
    server = acs()
    path = write_secret(home / "secret", text, mode)
    result = send(server, MESSAGE, password=None, password_file=path)
    assert result.status == STATUS_CONFIG
    assert str(path) in result.stderr and expected in result.stderr
    assert server.sessions == []


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, None])
def test_password_file_that_is_none(acs, send, home, make):
    server = acs()
    if make:
        make(home / "secret", 0o600)
    result = send(server, MESSAGE, password=None, password_file=home / "secret")
    assert result.status == STATUS_CONFIG
    assert "password_file" in result.stderr
    assert server.sessions == []


# --- password_command, token_command

@pytest.fixture
def command(home):
    """command(script): a value for password_command that runs the script."""
    def write(script):
        path = home / "command"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return path
    return write


@pytest.mark.parametrize("script", [
    f'printf "%s" "{PASSWORD}"', f'echo "{PASSWORD}"; echo more',
    f'echo noise >&2; printf "%s\\r\\n" "{PASSWORD}"',
    f'read nothing || echo "{PASSWORD}"', f'cat; echo "{PASSWORD}"',
])
def test_password_command(acs, send, command, script):
    """Its standard input is not ours: the message would be gone."""
    server = acs()
    result = send(server, MESSAGE, password=None, password_command=command(script))
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.data.endswith(b"\r\n\r\nbody\r\n")


@pytest.mark.parametrize("script, expected", [
    ("exit 3", ["exit status 3"]),
    (f'echo "{PASSWORD}"; exit 1', ["exit status 1"]),
    ("echo the store is locked >&2; exit 2", ["exit status 2", "the store is locked"]),
    ("printf \"\\033[31mred\\n\" >&2; exit 2", ["exit status 2", "red"]),
    ("kill -TERM $$", ["exit status 143"]),
    ("no-such-command-of-ours", ["exit status 127", "no-such-command-of-ours"]),
    ("true", ["nothing on its first line"]),
    ("echo; echo x", ["nothing on its first line"]),
    ("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", ["more than"]),
    ("head -c 10000000 /dev/zero >&2; exit 4", ["exit status 4"]),
])
@pytest.mark.parametrize("key", ["password_command", "token_command"])
def test_command_that_fails(acs, send, command, key, script, expected):
    server = acs()
    keys = {"auth": "xoauth2"} if key == "token_command" else {}
    result = send(server, MESSAGE, password=None, **{key: command(script)}, **keys)
    assert result.status == STATUS_SECRET
    for text in (key, *expected):
        assert text in result.stderr
    assert "\033" not in result.stderr
    assert PASSWORD not in result.stderr and len(result.stderr) < 1000
    assert server.sessions == []


def test_command_that_leaves_somebody_behind(acs, send, command, home):
    """A child that keeps no pipe of ours may live on; nothing waits for it."""
    server = acs()
    script = f'(exec >/dev/null 2>&1; sleep 0.2; touch {home}/later) & echo "{PASSWORD}"'
    result = send(server, MESSAGE, password=None, password_command=command(script))
    assert result.status == STATUS_OK, result.stderr
    assert server.message.accepted
    assert wait_for((home / "later").exists)


def test_command_sees_the_environment_as_it_was(acs, run, command, config, home):
    server = acs()
    path = config(server, password=None, password_command=command(
        f'env | sort > {home}/seen; echo "{PASSWORD}"'))
    result = run(["-C", path, "-t"], input=MESSAGE, env={"EXTRA": "kept as it is"})
    assert result.status == STATUS_OK
    seen = (home / "seen").read_text()
    assert "EXTRA=kept as it is\n" in seen
    assert PASSWORD not in seen
    names = {line.split("=")[0] for line in seen.splitlines()}
    # What the shell adds by itself.
    ours = {"EXTRA", *environment(home, None)}
    assert names - ours <= {"_", "PWD", "SHLVL", "OLDPWD"}


def test_command_inherits_nothing_else(acs, send, command, home):
    """No descriptor but the standard ones: not the configuration, not the message."""
    server = acs()
    script = f'ls -l /proc/self/fd > {home}/seen; echo "{PASSWORD}"'
    big = MESSAGE + "x" * 70 * 1024
    result = send(server, big * 30, "-i", "a@example.org", password=None,
                  password_command=command(script))
    assert result.status == STATUS_OK, result.stderr
    seen = (home / "seen").read_text()
    open_ = {int(line.split()[-3]) for line in seen.splitlines() if "->" in line}
    assert open_ <= {0, 1, 2, 3}, seen
    assert "deleted" not in seen and ".ini" not in seen


def test_command_in_the_file(acs, send):
    """Run by the shell, with quotes and all."""
    server = acs()
    words = " ".join(f'"{word}"' for word in PASSWORD.split())
    result = send(server, MESSAGE, password=None,
                  extra=f"password_command = 'set -- {words}; echo \"$*\"'\n")
    assert result.status == STATUS_OK, result.stderr


def test_token_command(acs, send):
    server = acs(mechanisms=("XOAUTH2",))
    result = send(server, MESSAGE, password=None, token_command="printf token")
    assert result.status == STATUS_OK, result.stderr
    assert server.sessions[0].mechanism == "XOAUTH2"


@pytest.mark.parametrize("keys, expected", [
    ({"keyring": "off"}, "set password, password_file or password_command"),
    ({"auth": "xoauth2"}, "token_command"),
    ({"user": "", "password": "x"}, "`user` is missing"),
    ({"tls": "off", "auth": "login", "password": "x"}, "never sent without TLS"),
])
def test_nothing_to_log_in_with(acs, send, keys, expected):
    server = acs()
    result = send(server, MESSAGE, **{"password": None, **keys})
    assert result.status == STATUS_CONFIG
    assert expected in result.stderr
    assert server.sessions == []


# --- where a secret must not be

SHAPES = [PASSWORD, base64.b64encode(PASSWORD.encode()).decode(),
          base64.b64encode(f"\0contoso-smtp\0{PASSWORD}".encode()).decode(), "battery"]


@pytest.mark.parametrize("faults", [(), (Fault("auth", reply="535 5.7.3 No"),),
                                    (Fault("auth", action="close"),)])
@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN", "XOAUTH2"])
def test_nothing_is_printed_or_logged(acs, send, command, home, faults, mechanism):
    server = acs(mechanisms=(mechanism,), faults=faults, token=PASSWORD)
    keys = {}
    if mechanism == "XOAUTH2":
        keys = {"auth": "xoauth2", "password": None,
                "token_command": command(f'echo "{PASSWORD}"')}
    result = send(server, MESSAGE, "-tv", "-X", home / "transcript",
                  log=home / "log", **keys)
    assert (result.status == STATUS_OK) == (not faults)
    seen = (result.stdout + result.stderr + (home / "log").read_text()
            + (home / "transcript").read_text())
    assert f"AUTH {mechanism}" in seen
    shapes = SHAPES + [base64.b64encode(
        f"user=contoso-smtp\1auth=Bearer {PASSWORD}\1\1".encode()).decode()]
    for shape in shapes:
        assert shape not in seen
    for word in re.findall(r"[A-Za-z0-9+/]{12,}", seen):
        assert b"battery" not in base64.b64decode(word[:len(word) // 4 * 4])


def test_what_the_command_printed_is_not_shown(acs, send, command):
    result = send(acs(), MESSAGE, "-tv", password=None,
                  password_command=command(f'echo "{PASSWORD}"; exit 9'))
    assert result.status == STATUS_SECRET
    assert "battery" not in result.stdout + result.stderr


def want_cores():
    """As large a core file as may be, so that there is something to switch off."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))


@pytest.fixture
def waiting(acs, config, home):
    """The process while the server keeps it waiting for the reply to MAIL."""
    server = acs(faults=(Fault("mail", action="silence"),))
    message = home / "message"
    message.write_text(MESSAGE)
    with message.open() as file, subprocess.Popen(
            [installed("sendmail"), "-C", config(server, timeout=60), "-t"], stdin=file,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(home, None), preexec_fn=want_cores) as process:
        try:
            assert wait_for(lambda: server.sessions and server.sessions[0].user), \
                "it did not log in"
            yield process
        finally:
            process.kill()


def test_process_shows_no_secret(waiting):
    """What ps shows to everybody; root may look at the environment of anybody too."""
    shown = Path(f"/proc/{waiting.pid}/cmdline").read_bytes()
    if os.geteuid() == 0:
        shown += Path(f"/proc/{waiting.pid}/environ").read_bytes()
    assert b"sendmail" in shown
    assert b"battery" not in shown


def test_process_leaves_no_core(waiting):
    limits = Path(f"/proc/{waiting.pid}/limits").read_text()
    assert re.search(r"Max core file size +0 +0 ", limits)


def test_process_is_closed_to_others_of_its_user(waiting):
    """What is not dumpable belongs to root; root himself can look into everything."""
    path = Path(f"/proc/{waiting.pid}/mem")
    assert path.stat().st_uid == 0
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            path.read_bytes()


def test_limit_of_cores_reaches_the_command(acs, config, command, home):
    """What it prints is a secret in its memory too."""
    path = config(acs(), password=None, password_command=command(
        f'ulimit -c > {home}/seen; echo "{PASSWORD}"'))
    done = subprocess.run([installed("sendmail"), "-C", path, "-t"], input=MESSAGE, text=True,
                          capture_output=True, env=environment(home, None), timeout=60,
                          check=False, preexec_fn=want_cores)
    assert done.returncode == STATUS_OK, done.stderr
    assert (home / "seen").read_text() == "0\n"


@pytest.mark.parametrize("words", [["account", "list"], ["account", "show"]])
def test_a_list_of_accounts_is_guarded(home, config, words, full_pipe):
    """They read the file that has passwords. Nobody reads what it prints, so it is there to look at."""
    path = config(allowed_senders=",".join(f"a{n}@example.org" for n in range(60)),
                  extra="".join(f"[account a{n}]\nuser = {'u' * 900}\nfrom = a@example.org\n"
                                for n in range(100)), default_account=None)
    with subprocess.Popen([installed("acsmtp"), *words, "--config", path,
                           *(["test"] if words[1] == "show" else [])],
                          stdout=full_pipe, env=environment(home, None)) as process:
        limits = Path(f"/proc/{process.pid}/limits")
        assert wait_for(lambda: re.search(r"Max core file size +0 +0 ", limits.read_text()))
        assert process.poll() is None
        process.kill()
