# SPDX-License-Identifier: GPL-3.0-or-later
"""Whom an account's pause holds, what ends it, and who hears of it."""

import json
import os
import pty
import re
import shutil
import subprocess
import time
from datetime import datetime

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_sent
from helpers.ports import black_hole, closed_port

NOHOST, PROTOCOL, NOPERM = 68, 76, 77
LATER = "454 4.7.0 Temporary authentication failure"
NO = "535 5.7.3 Authentication unsuccessful"
CAUSES = {
    "login later": Fault("auth", reply=LATER, times=1),
    "login": Fault("auth_response", reply=NO, times=1),
    "barred": Fault("connect", reply="554 5.7.1 Client host blocked", times=1),
    "quota": Fault("mail", reply="450 4.5.127 Excessive message rate", times=1),
    "busy": Fault("connect", reply="421 4.3.2 Busy", times=1),
    "network": Fault("connect", action="close", times=1),
}


# --- who asks is tried once

ASKING = {
    "sendmail -q": lambda queue: queue.flush(),
    "queue run": lambda queue: queue.run(),
    "queue run ID": lambda queue: queue.run(queue.ids()[0]),
    "queue retry": lambda queue: (queue.acsmtp("retry", "--all"), queue.run())[1],
}


@pytest.mark.parametrize("way", ASKING)
@pytest.mark.parametrize("cause", CAUSES)
def test_who_asks_is_tried_at_once(acs, queued, cause, way):
    server = acs(faults=(CAUSES[cause],))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    assert len(queue.ids()) == 1 and queue.pause("test") > time.time()
    assert ASKING[way](queue).status == 0
    assert len(server.messages) == 1 and queue.files() == []


def test_retry_ends_the_pause_of_another_configuration_s_account(acs, queued, config):
    """An entry goes through the account of the file that it came with."""
    server = acs(faults=(Fault("auth", reply=LATER, times=1),))
    queue = queued(acs())
    usual = queue.ini
    queue.ini = config(server, extra=f"[delivery]\nqueue = on\nspool = {queue.path}\n")
    assert_sent(queue.send(HELLO, "-oem", "-t"))
    assert len(queue.ids()) == 1
    queue.ini = usual
    assert queue.acsmtp("retry", "--all").status == 0
    assert queue.run("--background", timeout=20).status == 0
    assert len(server.messages) == 1 and queue.files() == []


def test_once_and_the_pause_grows(acs, queued):
    server = acs(faults=(Fault("auth", reply=LATER),))
    queue = queued(server)
    for _ in range(3):
        assert_sent(queue.send(HELLO, "-odq", "-t"))
    for sessions, seconds in (1, 60), (2, 120), (3, 300):
        assert_sent(queue.flush())
        assert len(server.sessions) == sessions
        assert seconds - 10 <= queue.pause("test") - time.time() <= seconds * 5 / 4


# --- what it says, and what is done where no pause can be kept

def said_to_wait_until(queue):
    stamp = re.findall(r"waits: not before (\S+)", queue.log)[-1]
    return datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S%z").timestamp()


@pytest.mark.parametrize("cause", CAUSES)
def test_the_log_says_when_it_is_tried_again(acs, queued, cause):
    queue = queued(acs(faults=(CAUSES[cause],)))
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    queue.run()
    assert said_to_wait_until(queue) == queue.pause("test") > time.time()


@pytest.mark.parametrize("cause", CAUSES)
def test_what_is_kept_directly_says_so_too(acs, queued, cause):
    queue = queued(acs(faults=(CAUSES[cause],)))
    assert_sent(queue.send(HELLO))
    stamp, = re.findall(r": queued: .* not-before=(\S+)", queue.log)
    said = datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%S%z").timestamp()
    assert said == queue.pause("test")


def spoil_state(queue, how):
    accounts = queue.path / "accounts"
    if how == "no directory":
        shutil.rmtree(accounts)
        accounts.touch()
    else:
        queue.state("test").chmod(0o644)


@pytest.mark.parametrize("how", ["no directory", "of others"])
def test_without_a_pause_messages_wait_by_themselves(acs, queued, how):
    """Or a runner would log in every second."""
    server = acs(faults=(Fault("auth_response", reply=NO),))
    queue = queued(server)
    for _ in range(2):
        assert_sent(queue.send(HELLO, "-odq", "-t"))
    spoil_state(queue, how)
    assert queue.run().status == 0
    tried = [entry for entry in queue.entries() if entry.why]
    assert len(server.sessions) == len(tried) == 1
    assert tried[0].next == said_to_wait_until(queue) >= time.time() + 290
    assert "its quota" in queue.log


def test_who_lacks_something_waits(acs, queued, home):
    """The account need not, but to try at once would fail again."""
    queue = queued(acs(), password=None, password_command="true")
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    for files in range(6, 20):
        subprocess.run(["prlimit", f"--nofile={files}", installed("acsmtp"), "queue", "run",
                        "--config", queue.ini], env=environment(home, None), cwd=home,
                       check=False, capture_output=True, timeout=30)
        if "Too many open files" in queue.only().why:
            break
    assert queue.only().next == said_to_wait_until(queue) >= time.time() + 50


def test_the_windows_hold_for_who_asks(acs, queued):
    server = acs()
    queue = queued(server, rate_per_minute=2, rate_per_hour=100)
    for _ in range(3):
        assert_sent(queue.send(HELLO))
    assert_sent(queue.flush())
    assert queue.run().status == 0
    assert len(server.messages) == 2 and len(queue.ids()) == 1


def test_a_runner_asks_nobody(acs, queued):
    """It stays by itself, and a pause is a pause for it."""
    server = acs(faults=(Fault("auth", reply=LATER),))
    queue = queued(server, {"background": "on"})
    assert_sent(queue.send(HELLO))
    queue.wait_for_runner()
    for _ in range(3):
        queue.ring()
        time.sleep(0.05)
    assert len(server.sessions) == 1


# --- what has changed

@pytest.mark.parametrize("cause", [cause for cause in CAUSES if cause != "quota"])
def test_another_configuration_ends_a_pause(acs, queued, cause):
    server = acs(faults=(CAUSES[cause],))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    queue.configure(server, timeout=11)
    assert_sent(queue.send(HELLO))    # directly
    assert len(server.messages) == 1
    assert queue.acsmtp("run", "--background", timeout=30).status == 0
    assert len(server.messages) == 2 and queue.files() == []


def paused_until(queue, run):
    """By queue list, and by check."""
    listed, = json.loads(queue.acsmtp("list", "--json").stdout)["accounts"]
    checked = json.loads(run(["check", "--config", queue.ini, "--json"], program="acsmtp").stdout)
    quota, = (step for step in checked["steps"] if step["name"] == "quota")
    return listed["paused_until"], quota["figures"]["paused_until"]


def test_what_is_shown_knows_that_the_pause_is_over(acs, queued, run):
    server = acs(faults=(Fault("auth", reply=LATER, times=1),))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    assert all(until > time.time() for until in paused_until(queue, run))
    queue.configure(server, timeout=11)
    assert paused_until(queue, run) == (0, 0)


def test_another_password_file_ends_a_pause(acs, queued, home):
    secret = home / "secret"
    secret.touch(mode=0o600)
    secret.write_text("wrong\n")
    server = acs()
    queue = queued(server, password=None, password_file=secret)
    assert_sent(queue.send(HELLO))
    assert_sent(queue.send(HELLO))
    assert len(server.sessions) == 1    # the login is not tried again
    secret.write_text(server.options.password + "\n")
    assert_sent(queue.send(HELLO))
    assert len(server.messages) == 1


def test_the_pause_of_a_quota_outlasts_another_configuration(acs, queued):
    server = acs(faults=(CAUSES["quota"],))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    queue.configure(server, timeout=11)
    assert_sent(queue.send(HELLO))
    assert server.messages == [] and len(queue.ids()) == 2


def test_no_secret_is_kept_with_the_pause(acs, queued):
    """Nor anything that it could be guessed by: what it was about is which file it was."""
    states = []
    for password in ("wrong one", "wrong two"):
        queue = queued(acs(), password=password)
        assert_sent(queue.send(HELLO))
        text = queue.state().read_text()
        states.append(re.search("(?m)^about ([0-9a-f]{16})$", text)[1])
        before = os.stat(queue.ini)
        queue.due()
        with open(queue.ini, "r+", encoding="utf-8") as file:
            text = file.read().replace(password, "x" * len(password))
            file.seek(0)
            file.write(text)
        os.utime(queue.ini, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert_sent(queue.send(HELLO))
        assert re.search("(?m)^about ([0-9a-f]{16})$", queue.state().read_text())[1] == states[-1]


# --- whose it is

def test_another_file_s_mistake_is_not_this_one_s(acs, queued, run, config):
    """The same user at the same server, with another password for a test."""
    server = acs()
    queue = queued(server)
    bad = config(server, password="wrong", extra=f"[delivery]\nqueue = on\n"
                 f"background = off\nspool = {queue.path}\n")
    assert run(["-C", bad, "-t"], input=HELLO).status == 0
    assert_sent(queue.send(HELLO))
    assert len(server.messages) == 1


def test_another_server_s_trouble_is_not_this_one_s(acs, queued, run, config):
    server = acs()
    queue = queued(server)
    other = config(host="localhost", port=1, account="test", extra="[delivery]\nqueue = on\n"
                   f"background = off\nspool = {queue.path}\n")
    assert run(["-C", other, "-odq", "-t"], input=HELLO).status == 0
    assert run(["-C", other, "-q"]).status == 0
    assert_sent(queue.send(HELLO))
    assert len(server.messages) == 1


def test_two_names_are_one_quota(acs, queued, run, config):
    server = acs()
    queue = queued(server, rate_per_minute=2, rate_per_hour=100)
    twin = config(server, account="twin", rate_per_minute=2, rate_per_hour=100,
                  extra=f"[delivery]\nqueue = on\nbackground = off\nspool = {queue.path}\n")
    for number in range(4):
        ini = twin if number % 2 else queue.ini
        assert run(["-C", ini, "-t"], input=HELLO).status == 0
    assert len(server.messages) == 2


def test_a_direct_sender_tries_in_spite_of_the_network_s_pause(acs, queued):
    """Whose network it was nobody knows; and what waited goes as well then."""
    server = acs(faults=(Fault("connect", action="close", connection=1),))
    queue = queued(server)
    assert_sent(queue.send(HELLO))
    assert_sent(queue.send(HELLO))
    assert len(server.messages) == 1
    assert queue.acsmtp("run", "--background", timeout=30).status == 0
    assert len(server.messages) == 2


def test_its_success_wakes_the_runner(acs, queued):
    server = acs(faults=(Fault("connect", action="close", times=1),))
    queue = queued(server, {"background": "on"})
    assert_sent(queue.send(HELLO))
    queue.wait_for_runner()
    assert_sent(queue.send(HELLO))
    queue.wait_until(lambda: len(server.messages) == 2, "the other message")
    queue.wait_until_empty()


def test_files_of_before_are_taken_over(acs, queued):
    """They were called by the account's name; the quota is known still, and nothing is left."""
    server = acs()
    queue = queued(server, rate_per_minute=2, rate_per_hour=100)
    for _ in range(2):
        assert_sent(queue.send(HELLO))
    queue.state().rename(queue.path / "accounts/test")
    assert_sent(queue.send(HELLO))
    assert len(server.messages) == 2 and len(queue.ids()) == 1
    assert [file.name for file in (queue.path / "accounts").iterdir()] == [queue.state().name]


def test_a_secret_that_cannot_be_had_costs_nothing(acs, queued, home):
    server = acs()
    queue = queued(server, rate_per_minute=2, rate_per_hour=100, password=None,
                   password_command=f"cat {home}/secret")
    for _ in range(3):
        assert_sent(queue.send(HELLO))
    (home / "secret").write_text(server.options.password)
    assert_sent(queue.flush())
    assert len(server.messages) == 2    # as many as the quota lets through


# --- an account that has never sent

NEVER = {
    "wrong secret": ({"password": "wrong"}, NOPERM, "535 5.7.3"),
    "no secret": ({"password": None, "password_command": "false"}, NOPERM, "the command failed"),
    "no such host": ({"host": "mail.example.invalid"}, NOHOST, "mail.example.invalid"),
    "not trusted": ({"tls_ca_file": None}, PROTOCOL, "certificate"),
    "no TLS there": ({}, PROTOCOL, "STARTTLS"),
}


@pytest.mark.parametrize("name", NEVER)
def test_an_account_that_never_sent_hears_why(acs, queued, name):
    """Whoever sets it up would look in vain for mail that is kept in silence."""
    keys, status, words = NEVER[name]
    server = acs(without="STARTTLS") if name == "no TLS there" else acs()
    queue = queued(server, proven=False, **keys)
    for _ in range(2):    # the second one in spite of the pause, or because of it
        assert_failed(queue.send(HELLO), status, words)
        assert queue.ids() == []
    assert_sent(queue.send(HELLO, "-oem", "-t"))    # as who waits for mail asks for it
    assert len(queue.ids()) == 1


@pytest.mark.parametrize("what", ["refused", "no connection"])
def test_no_network_is_no_mistake(acs, queued, what):
    """Its first message may be one of a machine that boots: it would be lost."""
    with closed_port() as closed, black_hole() as hole:
        queue = queued(acs(), proven=False, host="127.0.0.1", timeout=1,
                       port=closed if what == "refused" else hole)
        for _ in range(2):
            assert_sent(queue.send(HELLO))
        assert len(queue.ids()) == 2 and what in queue.entries()[0].why


@pytest.mark.parametrize("fault", [Fault("connect", reply="421 4.3.2 Busy"),
                                   Fault("auth", reply=LATER),
                                   Fault("connect", reply="554 5.7.1 Client host blocked"),
                                   Fault("mail", reply="451 4.3.0 Not now")])
def test_what_the_server_asks_for_is_done_for_a_new_account_too(acs, queued, fault):
    queue = queued(acs(faults=(fault,)), proven=False)
    assert_sent(queue.send(HELLO))
    assert len(queue.ids()) == 1


@pytest.mark.parametrize("rate", [0, 30])
def test_one_message_is_enough(acs, queued, rate):
    """From then on what fails is kept."""
    server = acs(faults=(Fault("auth_response", reply=NO, connection=2),))
    queue = queued(server, proven=False, rate_per_minute=rate, rate_per_hour=rate)
    for _ in range(2):
        assert_sent(queue.send(HELLO))
    assert len(server.messages) == 1 and len(queue.ids()) == 1


# --- a person at a terminal

def send_at_terminal(queue, home, *args):
    """What standard error is told, and the status."""
    leader, follower = pty.openpty()
    with subprocess.Popen([installed("sendmail"), "-C", queue.ini, *(args or ["-t"])],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=follower,
                          env=environment(home, None)) as process:
        process.communicate(HELLO.encode(), timeout=30)
    os.close(follower)
    heard = b""
    try:
        while piece := os.read(leader, 4096):
            heard += piece
    except OSError:
        pass
    os.close(leader)
    return process.returncode, heard.decode()


@pytest.mark.parametrize("what, words", [
    ({"password": "wrong"}, NO), ({"host": "mail.example.invalid"}, "mail.example.invalid"),
    ({"password": None, "password_command": "false"}, "the command failed"),
    ({"tls_ca_file": None}, "certificate"),
])
def test_a_terminal_hears_that_it_waits(acs, queued, home, what, words):
    queue = queued(acs(), **what)
    status, heard = send_at_terminal(queue, home)
    assert status == 0
    assert re.fullmatch(rf"sendmail: queued as {queue.only().id}, not before \S+: .*\r\n", heard)
    assert words in heard


def test_a_terminal_hears_what_to_do(acs, queued, home):
    queue = queued(acs(faults=(Fault("ehlo", reply="501 5.5.4 Invalid name"),)))
    status, heard = send_at_terminal(queue, home)
    assert status == 0 and heard.count("\n") == 1
    assert "501 5.5.4" in heard and "`domain`" in heard


def test_a_terminal_hears_nothing_of_what_is_queued_as_told(acs, queued, home):
    queue = queued(acs())
    assert send_at_terminal(queue, home, "-odq", "-t") == (0, "")
    assert send_at_terminal(queue, home) == (0, "")    # sent
