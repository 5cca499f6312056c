# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts that log in with access tokens: where these come from, how often they are asked for,
and what becomes of an account whose token is not taken."""

import base64
import json
import os
import re
import stat
import subprocess
from datetime import date, timedelta

import pytest

from emulator.faults import Fault
from helpers.daemon import Local, text
from helpers.program import environment, installed
from helpers.waiting import wait_for
from outcome import (HELLO, assert_failed, assert_nobody_called, assert_not_in, assert_sent,
                     only_session)

UNAVAILABLE, TEMPFAIL, NOPERM, CONFIG = 69, 75, 77, 78


@pytest.fixture
def mail(acs, identity, send, home, run, config):
    """mail(*args, env=..., **keys) sends; mail.server takes the tokens that mail.identity
    gives, and the account is one of a client secret unless the keys say otherwise."""
    class Mail:
        def __init__(self):
            self.begin()

        def begin(self, server=None, **options):
            self.identity = identity(**options)
            self.server = acs(**{"mechanisms": ("XOAUTH2",), "token": self.identity.accepts,
                                 **(server or {})})

        def keys(self, **keys):
            return {"password": self.identity.client_secret, "token": "client-secret",
                    "tenant": "contoso", "client_id": self.identity.client_id,
                    "token_authority": self.identity.authority,
                    "token_ca_file": self.identity.ca, **keys}

        def config(self, **keys):
            return config(self.server, **self.keys(**keys))

        def __call__(self, *args, env=None, path=None, **keys):
            return run(["-C", path or self.config(**keys), *(args or ["-t"])], input=HELLO,
                       env=env)

        @property
        def asked(self):
            return len(self.identity.asked("token"))

    return Mail()


def logins(server):
    return [command.split()[1].decode() for session in server.sessions
            for command in session.commands if command.upper().startswith(b"AUTH")]


# --- where tokens come from

def test_client_secret(mail):
    assert_sent(mail())
    assert only_session(mail.server).mechanism == "XOAUTH2"
    form = mail.identity.asked("token")[0].form
    assert form["scope"] == "https://communication.azure.com/.default"
    assert mail.identity.asked("token")[0].path == "/contoso/oauth2/v2.0/token"


@pytest.mark.parametrize("place", ["password_file", "password_command"])
def test_the_secret_stands_where_a_password_may(mail, home, place):
    path = home / "secret"
    path.touch(mode=0o600)
    path.write_text(mail.identity.client_secret + "\n")
    value = path if place == "password_file" else f"cat {path}"
    assert_sent(mail(password=None, **{place: value}))


def test_managed_identity(mail):
    mail.begin(client_id="of-the-identity", identities={"of-the-identity"})
    assert_sent(mail(password=None, token="managed-identity", tenant=None, client_id=None,
                     identity="of-the-identity", env=mail.identity.machine("imds")))
    assert mail.identity.asked("metadata")[0].query["client_id"] == "of-the-identity"
    assert mail.asked == 0


def test_managed_identity_for_an_application(mail):
    """The exchange in two steps: the token that the server sees is the application's."""
    mail.identity.identities = {"of-the-identity"}
    assert_sent(mail(password=None, token="managed-identity", identity="of-the-identity",
                     env=mail.identity.machine("imds")))
    assert mail.identity.asked("metadata")[0].query["resource"] == \
        "api://AzureADTokenExchange"
    assert mail.asked == 1


def test_workload_identity(mail, home):
    (home / "federated").write_text("the-federated-token")
    mail.identity.federated = "the-federated-token"
    env = {"AZURE_FEDERATED_TOKEN_FILE": str(home / "federated"),
           "AZURE_CLIENT_ID": mail.identity.client_id, "AZURE_TENANT_ID": "contoso",
           "AZURE_AUTHORITY_HOST": mail.identity.authority}
    assert_sent(mail(password=None, token="workload-identity", tenant=None, client_id=None,
                     token_authority=None, env=env))
    assert mail.asked == 1


def test_a_person(mail):
    assert_sent(mail(token="refresh", password=mail.identity.refresh_token))
    form = mail.identity.asked("token")[0].form
    assert form["grant_type"] == "refresh_token" and "offline_access" in form["scope"]


def test_another_provider(mail, home):
    """Its endpoints stand in the account, and its application has a secret besides."""
    (home / "application").touch(mode=0o600)
    (home / "application").write_text("secret of the application\n")
    assert_sent(mail(service="other", token="refresh", tenant=None, token_authority=None,
                     password=mail.identity.refresh_token,
                     token_scope="https://communication.azure.com/.default",
                     client_secret_file=home / "application",
                     token_endpoint=f"{mail.identity.authority}/some/where/token"))
    request, = mail.identity.asked("token")
    assert request.path == "/some/where/token"
    assert request.form["client_secret"] == "secret of the application"


@pytest.mark.parametrize("keys, offered, mechanism", [
    ({}, {"mechanisms": ("XOAUTH2", "OAUTHBEARER")}, "XOAUTH2"),
    ({}, {"mechanisms": ("OAUTHBEARER",)}, "OAUTHBEARER"),
    ({}, {"mechanisms": ("XOAUTH2",), "listed": ("LOGIN",)}, "XOAUTH2"),
    ({"auth": "oauthbearer"}, {"mechanisms": ("XOAUTH2", "OAUTHBEARER")}, "OAUTHBEARER"),
    ({"auth": "oauthbearer"}, {"mechanisms": ("OAUTHBEARER",), "listed": ()}, "OAUTHBEARER"),
    ({"auth": "xoauth2"}, {"mechanisms": ("XOAUTH2",), "listed": ()}, "XOAUTH2"),
])
def test_mechanisms(mail, keys, offered, mechanism):
    mail.begin(server=offered)
    assert_sent(mail(**keys))
    assert logins(mail.server) == [mechanism]


def test_a_password_all_the_same(mail):
    """`auth = login` says what is meant."""
    mail.begin(server={"mechanisms": ("LOGIN",)})
    assert_sent(mail(auth="login", password=mail.server.options.password))
    assert mail.asked == 0


# --- what is kept

def test_asked_for_once(mail):
    path = mail.config()
    for _ in range(3):
        assert_sent(mail(path=path))
    assert mail.asked == 1


def test_what_is_kept_needs_no_secret(mail, home):
    """Neither the file nor a keyring is asked while the token lasts."""
    secret = home / "secret"
    secret.touch(mode=0o600)
    secret.write_text(mail.identity.client_secret)
    path = mail.config(password=None, password_file=secret)
    assert_sent(mail(path=path))
    secret.unlink()
    assert_sent(mail(path=path))
    assert mail.asked == 1


def test_of_another_application(mail):
    """A token is never used for anything else than it was fetched for."""
    assert_sent(mail())
    mail.identity.client_id = "another"
    assert_sent(mail(client_id="another"))
    assert mail.asked == 2


# --- a token that is refused

def test_renewed_once(mail):
    path = mail.config()
    assert_sent(mail(path=path))
    mail.identity.revoke()
    assert_sent(mail(path=path))
    assert mail.asked == 2
    assert logins(mail.server) == ["XOAUTH2"] * 3
    assert_sent(mail(path=path))
    assert mail.asked == 2


def test_too_near_to_its_end(mail):
    """As High Volume Email says it."""
    mail.begin(server={"faults": (Fault(
        "auth", connection=2, times=1,
        reply="501 5.5.127 Invalid XOAUTH2 auth data - Token will expire soon"),)})
    path = mail.config()
    assert_sent(mail(path=path))
    assert_sent(mail(path=path))
    assert mail.asked == 2


def test_two_logins_at_most(mail):
    path = mail.config()
    assert_sent(mail(path=path))
    mail.server.options.token = "none of these"
    result = mail(path=path)
    assert_failed(result, NOPERM, "AUTH XOAUTH2: 535 5.7.3", "status 401")
    assert mail.asked == 2
    assert logins(mail.server) == ["XOAUTH2"] * 3


def test_one_that_is_new_is_not_renewed(mail):
    mail.server.options.token = "none of these"
    assert_failed(mail(), NOPERM, "535 5.7.3")
    assert (mail.asked, logins(mail.server)) == (1, ["XOAUTH2"])


def test_a_server_that_hangs_up_after_its_refusal(mail):
    """The new token is said over another connection."""
    mail.begin(server={"faults": (
        Fault("auth", reply="535 5.7.3 No", action="close", connection=2),)})
    path = mail.config()
    assert_sent(mail(path=path))
    assert_sent(mail(path=path))
    assert mail.asked == 2
    assert len(mail.server.sessions) == 3 and len(mail.server.messages) == 2


def test_the_refusal_stays_when_there_is_no_other(mail):
    path = mail.config()
    assert_sent(mail(path=path))
    mail.identity.revoke()
    mail.identity.fail("token", aadsts=7000222, times=None)
    assert_failed(mail(path=path), NOPERM, "535 5.7.3")
    assert logins(mail.server) == ["XOAUTH2"] * 2


def test_what_the_token_says_of_itself(mail):
    """535 has one text for all causes."""
    result = mail(token_scope="https://outlook.office365.com/.default")
    assert_failed(result, NOPERM, "535 5.7.3",
                  f"a token of application {mail.identity.client_id} for "
                  "https://outlook.office365.com")
    assert_not_in(mail.identity.issued[0], result.stderr)


# --- a refresh token that changes

def test_a_new_refresh_token_stays_in_its_file(mail, home):
    mail.identity.rotates = True
    path = home / "person"
    path.touch(mode=0o600)
    path.write_text(mail.identity.refresh_token + "\n")
    assert_sent(mail(token="refresh", password=None, password_file=path))
    assert path.read_text() == mail.identity.refresh_token + "\n" == "refresh.token.0\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [name for name in os.listdir(home) if name.startswith("person")] == ["person"]


def test_a_new_refresh_token_stays_in_the_ini_file(mail):
    mail.identity.rotates = True
    path = mail.config(token="refresh", password=mail.identity.refresh_token)
    assert_sent(mail(path=path))
    with open(path, encoding="utf-8") as file:
        text = file.read()
    assert re.search(r'(?m)^password = "?refresh\.token\.0"?$', text)
    assert "token = refresh" in text and "the.person" not in text


# --- what can be wrong

@pytest.mark.parametrize("keys, words", [
    ({"tenant": None}, ("`tenant` is missing", "token = client-secret")),
    ({"client_id": None}, ("`client_id` is missing",)),
    ({"token": "client-certificate"}, ("`certificate_file` is missing",)),
    ({"token": "managed-identity", "tenant": None}, ("`tenant` is missing",)),
    ({"token": "workload-identity", "client_id": None}, ("`client_id` is missing",)),
    ({"token": "refresh", "client_id": None}, ("`client_id` is missing",)),
    ({"service": "other"}, ("`token_scope` is missing",)),
    ({"token_command": "printf x"}, ("token", "token_command", "line")),
    ({"token": "managed-identiy"}, ('did you mean "managed-identity"',)),
    ({"token_authority": "http://localhost"}, ("token_authority", "https://")),
    ({"token_endpoint": "localhost/token"}, ("token_endpoint", "https://")),
    ({"password_expires": "2027-02-30"}, ("password_expires", "2027-03-01")),
    ({"password_expires": "soon"}, ("password_expires", "2027-03-01")),
    ({"password": None, "keyring": "off"}, ("no password was found",)),
])
def test_an_account_that_makes_no_sense(mail, keys, words):
    assert_failed(mail(**keys), CONFIG, *words)
    assert_nobody_called(mail.server)


def test_a_secret_that_is_wrong(mail):
    assert_failed(mail(password="another"), NOPERM, "7000215")
    assert_nobody_called(mail.server)


def test_an_identity_server_that_is_not_there(mail, queued):
    mail.identity.stop()
    assert_failed(mail(), TEMPFAIL, "token = client-secret")
    queue = queued(mail.server, **mail.keys())
    assert queue.send(HELLO).status == 0
    assert len(queue.entries()) == 1
    assert_nobody_called(mail.server)


def test_own_words_before_those_of_all(mail):
    """[defaults] name a source of tokens; an account with a password of its own has none."""
    mail.begin(server={"mechanisms": ("LOGIN",)})
    everybody = "[defaults]\ntoken = managed-identity\n"
    assert_sent(mail(token=None, password=mail.server.options.password, extra=everybody))
    assert mail.asked == 0


def test_a_secret_of_one_s_own_for_the_source_of_all(mail):
    assert_sent(mail(token=None, extra="[defaults]\ntoken = client-secret\n"))
    assert mail.asked == 1


def test_a_command_of_one_s_own(mail):
    mail.server.options.token = "token"
    assert_sent(mail(token=None, password=None, token_command="printf token",
                     extra="[defaults]\ntoken = client-secret\n"))
    assert mail.asked == 0


# --- acsmtp check

@pytest.fixture
def check(mail, run):
    """check(**keys) -> (its result, {name of the step: step})"""
    def look(**keys):
        result = run(["check", "--json", "--config", mail.config(**keys)], program="acsmtp")
        return result, {step["name"]: step for step in json.loads(result.stdout)["steps"]}

    return look


def test_check_shows_what_there_is(mail, check):
    result, steps = check()
    figures = steps["secret"]["figures"]
    assert figures["source"] == "token" and figures["token"] == "client-secret"
    assert figures["application"] == mail.identity.client_id
    assert figures["audience"] == "https://communication.azure.com"
    assert 3000 < figures["seconds_left"] <= 3599
    assert "client-secret" in steps["secret"]["text"]
    assert f"application {mail.identity.client_id}" in steps["secret"]["text"]
    assert "for 59 more minutes" in steps["secret"]["text"]
    assert [source["name"] for source in figures["sources"]][:2] == ["token", "password"]
    assert steps["auth"]["figures"]["mechanism"] == "XOAUTH2"
    assert_not_in(mail.identity.issued[0], result.stdout)
    assert_not_in(mail.identity.client_secret, result.stdout)


def test_check_explains_a_refusal(mail, check):
    mail.server.options.token = "none of these"
    _, steps = check(client_id=mail.identity.client_id)
    advice = "\n".join(steps["auth"]["advice"])
    assert (f"it says that it is of application {mail.identity.client_id} in tenant contoso, "
            "for https://communication.azure.com, until") in advice


@pytest.mark.parametrize("days, words", [
    (12, "ends on"), (-3, "ended on"), (40, None),
])
def test_the_end_of_a_secret(mail, check, home, days, words):
    day = (date.today() + timedelta(days=days)).isoformat()
    _, steps = check(password_expires=day)
    advice = "\n".join(steps["secret"]["advice"])
    assert steps["secret"]["figures"]["password_expires"] == day
    assert (steps["secret"]["state"] == "ok") == (words is None)
    assert (f"the secret {words} {day}" in advice) == (words is not None)
    for _ in range(2):
        assert_sent(mail(password_expires=day, log=home / "log"))
    lines = [line for line in (home / "log").read_text().splitlines() if day in line]
    assert len(lines) == (1 if words else 0)
    assert all("account test: its secret " in line for line in lines)


@pytest.mark.parametrize("days", [12, 40])
def test_the_end_of_a_certificate(mail, check, pki, days):
    """It says itself when that is."""
    file = pki.application(f"ends-{days}", days=days)
    mail.identity.certificate = file
    _, steps = check(token="client-certificate", certificate_file=file, password=None)
    advice = "\n".join(steps["secret"]["advice"])
    assert (f"the certificate {file} ends on" in advice) == (days < 30), steps
    assert steps["secret"]["state"] == ("warning" if days < 30 else "ok")


# --- where it must not be seen

def test_nothing_is_printed_or_logged(mail, home):
    path = mail.config(log=home / "log")
    for _ in range(2):
        result = mail("-tv", "-X", home / "transcript", path=path)
        assert result.status == 0
        seen = (result.stdout + result.stderr + (home / "log").read_text()
                + (home / "transcript").read_text())
        assert "AUTH XOAUTH2" in seen
        assert_not_in(mail.identity.client_secret, seen)
        assert_not_in(mail.identity.issued[0], seen)
        for word in re.findall(r"[A-Za-z0-9+/]{12,}", seen):
            assert b"Bearer" not in base64.b64decode(word[:len(word) // 4 * 4])


@pytest.mark.as_root      # a guarded process is closed to strace, too
def test_command_lines_and_environments(mail, home, tmp_path):
    """Of the program and of every program that it starts."""
    trace = tmp_path / "trace"
    done = subprocess.run(
        ["strace", "-f", "-v", "-s", "20000", "-e", "trace=execve", "-o", trace,
         installed("sendmail"), "-C", mail.config(), "-t"],
        input=HELLO.encode(), env=environment(home, {}),
        check=False, timeout=60)
    assert done.returncode == 0
    seen = trace.read_text()
    assert "/acsmtp/token" in seen
    assert_not_in(mail.identity.client_secret, seen)
    assert_not_in(mail.identity.issued[0], seen)


def test_a_kept_token_starts_no_program(mail, home, tmp_path):
    path = mail.config()
    counts = []
    for number in range(2):
        trace = tmp_path / f"trace-{number}"
        assert subprocess.run(
            ["strace", "-f", "-e", "trace=execve", "-o", trace, installed("sendmail"), "-C",
             path, "-t"], input=HELLO.encode(), env=environment(home, {}), check=False,
            timeout=60).returncode == 0
        counts.append(trace.read_text().count("execve("))
    assert counts == [2, 1]


@pytest.mark.as_root
def test_memory(mail, home):
    """While a message is sent with a kept token: what it was fetched with is nowhere, and the
    token stands in memory that is neither swapped nor dumped."""
    mail.begin(server={"faults": (Fault("mail", action="silence", connection=2),)})
    path = mail.config(timeout=60)
    assert_sent(mail(path=path))
    token = mail.identity.issued[0].encode()
    (home / "message").write_text(HELLO)
    with open(home / "message", encoding="utf-8") as message, subprocess.Popen(
            [installed("sendmail"), "-C", path, "-t"], stdin=message,
            env=environment(home, {})) as process:
        try:
            assert wait_for(lambda: len(mail.server.sessions) == 2 and
                            mail.server.sessions[1].user)
            places = found_in_memory(process.pid, token)
            assert places and all({"lo", "dd"} <= flags for flags in places), places
            assert found_in_memory(process.pid, mail.identity.client_secret.encode()) == []
        finally:
            process.kill()


def found_in_memory(pid, bytes_):
    """The flags of each mapping of the process in which they stand."""
    found, maps = [], []
    with open(f"/proc/{pid}/smaps", encoding="utf-8") as smaps:
        for line in smaps:
            begin = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r\S+)", line)
            if begin:
                maps.append((int(begin[1], 16), int(begin[2], 16)))
            elif line.startswith("VmFlags:") and maps:
                maps[-1] += (set(line.split()[1:]),)
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for start, end, flags in (one for one in maps if len(one) == 3):
            try:
                memory.seek(start)
                if bytes_ in memory.read(end - start):
                    found.append(flags)
            except (OSError, ValueError, OverflowError):
                pass        # [vvar] and its like
    return found


def test_cost(mail, config, home, tmp_path):
    """A kept token may cost 0.3 million instructions more than a password."""
    def count(path):
        log = tmp_path / "valgrind.log"
        done = subprocess.run(
            ["valgrind", "--vgdb=no", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             f"--log-file={log}", installed("sendmail"), "-C", path, "-t"],
            input=HELLO.encode(), env=environment(home, {}), cwd=home, timeout=300,
            check=False)
        assert done.returncode == 0
        return int(re.search(r"Collected : (\d+)", log.read_text())[1])

    mail.begin(server={"mechanisms": ("PLAIN", "XOAUTH2")})
    path = mail.config(timeout=60)
    assert_sent(mail(path=path))
    # Beside the same settings, so that the table and the file cost the same.
    password = mail.config(auth="plain", password=mail.server.options.password, timeout=60)
    assert count(path) - count(password) <= 300_000
    assert mail.asked == 1


# --- the daemon

def test_the_daemon(mail, daemon, home):
    """The keeper has the secret, and what it sends by asks for the token."""
    one = daemon(mail.server, start=False)
    one.keys = {**mail.keys(), "password": f'"{mail.identity.client_secret}"',
                "token_ca_file": one.top / "ca.pem"}
    one.write()
    assert one.start(), one.process.stderr.read().decode()
    with Local(one.socket) as client:
        client.sendmail("a@contoso.com", ["b@example.org"], text())
    assert wait_for(lambda: mail.server.messages)
    assert mail.asked == 1
    assert logins(mail.server) == ["XOAUTH2"]
