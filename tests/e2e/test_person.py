# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp login: a person, a browser, and an account that sends afterwards."""

import os
import re
import shutil
import stat
import subprocess

import pytest

from helpers.person import Person
from helpers.program import environment, installed
from helpers.waiting import wait_until
from outcome import HELLO, assert_nobody_called, assert_not_in, assert_sent

USAGE, CREATE, NOPERM, CONFIG = 64, 73, 77, 78


@pytest.fixture
def person(acs, identity, config, run, home):
    """The account of somebody who has not logged in yet."""
    class Account:
        def __init__(self):
            self.identity = identity()
            self.server = acs(mechanisms=("XOAUTH2",), token=self.identity.accepts)
            self.file = home / "person"

        def config(self, **keys):
            self.path = config(self.server, **{
                "token": "refresh", "password": None, "password_file": self.file,
                "tenant": "organizations", "client_id": self.identity.client_id,
                "token_authority": self.identity.authority,
                "token_ca_file": self.identity.ca, **keys})
            return self.path

        def login(self, *args, env=None, **keys):
            return run(["login", "--config", self.config(**keys), *args], env=env,
                       program="acsmtp")

        def send(self):
            return run(["-C", self.path, "-t"], input=HELLO)

        @property
        def grants(self):
            return [request.form["grant_type"].rsplit(":", 1)[-1]
                    for request in self.identity.asked("token") if request.status == 200]

    return Account()


@pytest.fixture
def at_terminal(home):
    """at_terminal(*words, **environment): the program with somebody at it."""
    made = []

    def begin(*words, **more):
        made.append(Person([str(installed("acsmtp")), *words],
                           environment(home, more), home))
        return made[-1]

    yield begin
    for one in made:
        one.leave()


def curl(identity, address, *more):
    """As a browser does it: to the identity server, and from there back to this machine."""
    return subprocess.run(["curl", "-s", "-S", "-L", "--max-time", "20", "--noproxy", "*",
                           "--cacert", str(identity.ca), *more, address],
                          capture_output=True, check=False, text=True)


# --- by a code

@pytest.mark.parametrize("arguments", [(), ("--device",)])
def test_by_a_code(person, arguments):
    result = person.login(*arguments)
    assert result.status == 0, result.stderr
    assert f"{person.identity.authority}/device" in result.stdout
    assert "ABCD-1234" in result.stdout
    assert f"account test: logged in; that is kept in {person.file}" in result.stdout
    assert person.file.read_text() == person.identity.refresh_token + "\n"
    assert stat.S_IMODE(person.file.stat().st_mode) == 0o600
    assert_not_in(person.identity.refresh_token, result.stdout + result.stderr)
    assert "offline_access" in person.identity.asked("devicecode")[0].form["scope"]
    # The token that came with it is good for the first message.
    assert_sent(person.send())
    assert person.grants == ["device_code"]
    assert len(person.server.messages) == 1


def test_the_next_token(person, home):
    assert person.login().status == 0
    shutil.rmtree(home / ".cache")
    assert_sent(person.send())
    assert person.grants == ["device_code", "refresh_token"]


def test_into_the_file_of_accounts(person):
    """Where there is neither a file for it nor a keyring."""
    result = person.login(password_file=None)
    assert result.status == 0, result.stderr
    assert f"kept in {person.path}" in result.stdout
    assert_sent(person.send())
    with open(person.path, encoding="utf-8") as file:
        assert f'password = {person.identity.refresh_token}' in file.read().replace('"', "")


def test_in_place_of_the_old_one(person):
    person.file.touch(mode=0o600)
    person.file.write_text("the old one\n")
    assert person.login().status == 0
    assert person.file.read_text() == person.identity.refresh_token + "\n"


def test_an_account_without_a_source(person):
    """It becomes one of tokens."""
    result = person.login(token=None, password_file=None)
    assert result.status == 0, result.stderr
    with open(person.path, encoding="utf-8") as file:
        assert re.search("(?m)^token = refresh$", file.read())
    assert_sent(person.send())


# --- in a browser

def test_in_a_browser(person, at_terminal):
    me = at_terminal("login", "--config", person.config())
    me.wait_for("https://")
    me.wait_for("Waiting")
    address = re.search(r"https://\S+", me.screen)[0]
    answer = curl(person.identity, address)
    assert "You are logged in" in answer.stdout, answer
    assert me.end() == 0, me.screen
    assert "logged in; that is kept in" in me.words
    query = person.identity.asked("authorize")[0].query
    assert query["code_challenge_method"] == "S256" and query["login_hint"] == "contoso-smtp"
    assert re.match(r"http://(localhost|127\.0\.0\.1):\d+", query["redirect_uri"])
    assert_sent(person.send())
    assert person.grants == ["authorization_code"]


def test_the_desktop_s_browser(person, at_terminal, home):
    """xdg-open opens the page where there is a desktop."""
    tools = home / "bin"
    tools.mkdir()
    (tools / "xdg-open").write_text(
        f"#!/bin/sh\necho $# > {home}/count\nexec curl -s -L --noproxy '*' --cacert "
        f"{person.identity.ca} -o {home}/answer \"$1\"\n")
    (tools / "xdg-open").chmod(0o755)
    me = at_terminal("login", "--config", person.config(), DISPLAY=":99",
                     PATH=f"{tools}:{os.environ['PATH']}")
    assert me.end() == 0, me.screen
    assert (home / "count").read_text() == "1\n"
    wait_until(lambda: "logged in" in (home / "answer").read_text(), "an answer")
    assert_sent(person.send())


CHROMIUM = ("chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--no-proxy-server",
            "--ignore-certificate-errors", "--virtual-time-budget=5000")


def test_chromium(person, at_terminal, home):
    """A browser that people have follows all of the way."""
    me = at_terminal("login", "--config", person.config())
    me.wait_for("Waiting")
    address = re.search(r"https://\S+", me.screen)[0]
    seen = subprocess.run([*CHROMIUM, f"--user-data-dir={home}/chromium", "--dump-dom",
                           address], capture_output=True, check=False, text=True, timeout=60,
                          env={**environment(home, {}), "HOME": str(home)})
    assert "You are logged in" in seen.stdout, seen
    assert me.end() == 0, me.screen
    assert_sent(person.send())


def test_who_says_no(person, at_terminal):
    person.identity.person = "no"
    me = at_terminal("login", "--config", person.config())
    me.wait_for("Waiting")
    curl(person.identity, re.search(r"https://\S+", me.screen)[0])
    assert me.end() == NOPERM
    assert not person.file.exists()
    assert person.grants == []


def test_an_answer_of_another_login(person, at_terminal):
    """It is not redeemed; the right one, which may still come, is."""
    person.identity.person = "other-state"
    me = at_terminal("login", "--config", person.config())
    me.wait_for("Waiting")
    address = re.search(r"https://\S+", me.screen)[0]
    curl(person.identity, address)
    assert person.grants == []
    curl(person.identity, address)
    assert me.end() == 0, me.screen
    assert person.grants == ["authorization_code"]


# --- what is found out before anybody has typed anything

@pytest.mark.parametrize("keys, status, words", [
    ({"client_id": None}, CONFIG, "`client_id` is missing"),
    ({"tenant": None}, CONFIG, "`tenant` is missing"),
    ({"token": "managed-identity"}, CONFIG, "token = managed-identity"),
    ({"token": None}, CONFIG, "set `token = refresh`"),
    ({"password_file": None, "password_command": "cat x"}, CONFIG, "password_command"),
    ({"password_file": "/nonexistent/file"}, CREATE, "/nonexistent: "),
])
def test_what_makes_no_sense(person, keys, status, words):
    result = person.login(**keys)
    assert result.status == status
    assert words in result.stderr and "account test" in result.stderr
    assert person.identity.requests == []


def test_an_identity_server_that_refuses(person):
    person.identity.fail("devicecode", aadsts=7000218, times=None)
    result = person.login()
    assert result.status == CONFIG
    assert "7000218" in result.stderr
    assert not person.file.exists()
    assert_nobody_called(person.server)
