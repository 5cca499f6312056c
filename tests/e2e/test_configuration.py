# SPDX-License-Identifier: GPL-3.0-or-later
"""The ini file: which one is read, which account is meant, and what is wrong with it."""

import os
import re

import pytest

MESSAGE = "Subject: s\n\nbody\n"
RECIPIENT = "a@example.org"
STATUS_OK, STATUS_CONFIG = 0, 78
IS_ROOT = os.geteuid() == 0

ACCOUNT = "[account work]\nhost = localhost\nport = 1\nfrom = a@contoso.com\n"
NO_SERVER = "[account work]\nfrom_name = x\ndomain = x\nfrom = a@contoso.com\n"


@pytest.fixture
def refused(run, tmp_path):
    """refused(text): the sentence that a file with this text gets, and status 78.
    A dry run, so that a file that is taken does not go looking for its server."""
    def refuse(text, mode=0o600):
        path = tmp_path / "acsmtp.ini"
        path.touch(0o600)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        result = run(["-C", path, "--dry-run", RECIPIENT], input=MESSAGE)
        assert result.status == STATUS_CONFIG, result
        assert result.stderr.count("\n") == 1
        assert str(path) in result.stderr
        return result.stderr.replace(str(path), "FILE")
    return refuse


# --- what is wrong with a file: it is named, with the line and what to do

@pytest.mark.parametrize("line, expected", [
    ("hots = x", "host"),
    ("passwrod = x", "password"),
    ("Frmo = x@y", "from"),
    ("max_recipient = 5", "max_recipients"),
    ("port = 0", "65535"),
    ("port = 65536", "65535"),
    ("port = smtp", "65535"),
    ("port = 25x", "65535"),
    ("port = -1", "65535"),
    ("tls = startls", "starttls"),
    ("tls = on", "implicit"),
    ("auth = digest", "xoauth2"),
    ("service = acss", "acs"),
    ("sender_policy = kepp", "keep"),
    ("timeout = 0", "number"),
    ("tls_session_cache = maybe", "on"),
    ("tls_fingerprint = abc", "SHA-256"),
    ("log = sylog", "syslog"),
    ("host = smtp.example.org:587", "port"),
    ("password = a;b", "quotes"),
    ("password = a#b", "quotes"),
    ('password = "a', "quote"),
    ("user = Orders; invoices\\", ";"),
    ("user = a;b", "quotes"),
    ("user = a\\", "backslash"),
    ("user", "="),
    ("= x", "unknown setting"),
    ("user = " + "x" * 1100, "10"),
    ("domain = again", "line 3"),
    ("DOMAIN = again", "line 3"),
    ("From_Name = again", "line 2"),
    ("[account work]", "line 1"),
    ("[Account WORK]", "line 1"),
    ("[acount other]", "account"),
    ("[account]", "name"),
    ("[account a b]", "name"),
    ("[account x", "]"),
    ("[nothing of the kind]", "section"),
    ("user = a\x01b", "control"),
])
def test_wrong_line(refused, line, expected):
    sentence = refused(f"{NO_SERVER}{line}\n")
    assert "FILE, line 5: " in sentence
    assert expected in sentence


@pytest.mark.parametrize("text, line", [
    ("user = before any section\n" + ACCOUNT, 1),
    ("[delivery]\nlocal_recipient = a@b\n" + ACCOUNT, 2),
    ("[delivery]\nhost = x\n" + ACCOUNT, 2),
    ("[defaults]\ndefault_acount = work\n" + ACCOUNT, 2),
    (ACCOUNT + "[delivery]\n[delivery]\n", 6),
    ("\n\n# a comment\n[account x]\nservice = other\n", 4),
    (b"\xef\xbb\xbf" + ACCOUNT.encode(), 1),
    (b"\xff\xfe" + ACCOUNT.encode("utf-16-le"), 1),
    (ACCOUNT.encode() + b"user = J\xf6rg\n", 5),
    (ACCOUNT.encode() + b"user = a\0b\n", 5),
])
def test_wrong_file(refused, text, line):
    assert f"line {line}" in refused(text)


def test_byte_order_mark_is_called_by_its_name(refused):
    assert "byte-order mark" in refused(b"\xef\xbb\xbf" + ACCOUNT.encode())


def test_no_host(refused):
    assert "host" in refused("[account x]\nservice = other\n")


def test_no_from(acs, send):
    server = acs()
    result = send(server, MESSAGE, RECIPIENT, from_=None)
    assert result.status == STATUS_CONFIG
    assert "`from` is missing" in result.stderr
    assert server.sessions == []


@pytest.mark.parametrize("text", ["", "\n", "# nothing\n", "[defaults]\nuser = x\n"])
def test_no_account(refused, text):
    assert "no account" in refused(text)


def test_too_big(refused):
    assert "bytes" in refused(ACCOUNT + "# comment\n" * 120000)


# --- who may read and write it

@pytest.mark.parametrize("mode", [0o604, 0o644, 0o606, 0o660, 0o602])
def test_secret_that_others_can_read(refused, mode):
    assert "chmod 600" in refused(ACCOUNT + "password = x\n", mode)


def test_group_of_root_may_read(run, config):
    """root:mail with 0640 is how a machine shares an account; no user may do that."""
    path = config()
    os.chmod(path, 0o640)
    result = run(["-C", path, "--dry-run", RECIPIENT], input=MESSAGE)
    assert result.status == (STATUS_OK if IS_ROOT else STATUS_CONFIG)


def test_file_without_a_secret_may_be_read(acs, run, config):
    server = acs(mechanisms=())
    path = config(server, password=None, auth="off")
    os.chmod(path, 0o644)
    assert run(["-C", path, RECIPIENT], input=MESSAGE).status == STATUS_OK
    assert server.message.recipients == [RECIPIENT]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_not_a_regular_file(run, tmp_path, make):
    make(tmp_path / "ini", 0o600)
    result = run(["-C", tmp_path / "ini", RECIPIENT], input=MESSAGE)
    assert result.status == STATUS_CONFIG
    assert "regular file" in result.stderr


def test_device(run):
    result = run(["-C", "/dev/null", RECIPIENT], input=MESSAGE)
    assert result.status == STATUS_CONFIG


def test_unreadable_file(run, config):
    """root reads everything: for root the file is one that belongs to somebody else."""
    path = config()
    if IS_ROOT:
        os.chown(path, 65534, 65534)
    else:
        os.chmod(path, 0)
    result = run(["-C", path, RECIPIENT], input=MESSAGE)
    assert result.status == STATUS_CONFIG
    assert ("belongs" if IS_ROOT else "Permission denied") in result.stderr


@pytest.mark.parametrize("name", ["missing.ini", "no/such/directory.ini"])
def test_missing_file(run, tmp_path, name):
    result = run(["-C", tmp_path / name, RECIPIENT], input=MESSAGE)
    assert result.status == STATUS_CONFIG
    assert name in result.stderr and "No such file" in result.stderr


# --- which file

def put_user_file(home, text):
    directory = home / ".config"
    directory.mkdir()
    path = directory / "acsmtp.ini"
    path.touch(0o600)
    path.write_text(text)
    return directory


@pytest.mark.parametrize("env", [
    {}, {"XDG_CONFIG_HOME": None}, {"XDG_CONFIG_HOME": ""},
    {"XDG_CONFIG_HOME": "relative"},
])
def test_user_file(acs, run, config, home, env):
    server = acs()
    with open(config(server), encoding="utf-8") as made:
        put_user_file(home, made.read())
    assert run([RECIPIENT], input=MESSAGE, env=env).status == STATUS_OK
    assert server.message.recipients == [RECIPIENT]


def test_other_place_of_the_user_file(acs, run, config, home):
    server = acs()
    with open(config(server), encoding="utf-8") as made:
        place = put_user_file(home, made.read()).rename(home / "elsewhere")
    result = run([RECIPIENT], input=MESSAGE, env={"XDG_CONFIG_HOME": place})
    assert result.status == STATUS_OK, result.stderr
    assert server.message.recipients == [RECIPIENT]


def test_c_replaces_the_user_file(acs, run, config, home):
    server = acs()
    put_user_file(home, "this is no ini file\n")
    assert run(["-C", config(server), RECIPIENT], input=MESSAGE).status == STATUS_OK
    result = run([RECIPIENT], input=MESSAGE)
    assert result.status == STATUS_CONFIG
    assert "line 1" in result.stderr


def test_no_configuration_at_all(run, home):
    """What to do stands there, and where."""
    result = run([RECIPIENT], input=MESSAGE)
    assert result.status == STATUS_CONFIG
    assert f"{home}/.config/acsmtp.ini" in result.stderr
    assert "[account" in result.stderr and "acsmtp setup" in result.stderr


# --- which account

TWO = """
[account second]
host = localhost
port = 1
from = b@contoso.com
allowed_senders = c@contoso.com, @example.net
"""


@pytest.mark.parametrize("arguments, header, account", [
    (["-a", "second"], "", "second"),
    (["-asecond"], "", "second"),
    (["--account", "second"], "", "second"),
    (["--account=SECOND"], "", "second"),
    (["-a", "second", "-f", "DoNotReply@contoso.com"], "", "second"),
    (["-f", "b@contoso.com"], "", "second"),
    (["-f", "c@contoso.com"], "", "second"),
    (["-f", "C <c@CONTOSO.com>"], "", "second"),
    (["-f", "any@example.net"], "", "second"),
    (["-f", "any@sub.example.net"], "", "test"),
    ([], "From: B <b@contoso.com>\n", "second"),
    ([], "From: (any) any@example.net\n", "second"),
    (["-f", "donotreply@contoso.com"], "From: b@contoso.com\n", "test"),
    (["-f", "x@example.com"], "From: b@contoso.com\n", "second"),
    ([], "From: x@example.com\n", "test"),
    ([], "", "test"),
])
def test_choice(run, config, arguments, header, account):
    path = config(extra=TWO + "[defaults]\ndefault_account = test\n",
                  allowed_senders="donotreply@contoso.com")
    result = run(["-C", path, "--dry-run", *arguments, RECIPIENT], input=header + MESSAGE)
    assert result.status == STATUS_OK, result.stderr
    assert re.search(rf"^account: {account}\b", result.stdout)


@pytest.mark.parametrize("name, extra, arguments, expected", [
    ("test", TWO, ["-a", "nobody"], ['"nobody"', "test", "second"]),
    ("test", "", ["--account=nobody"], ['"nobody"', "test"]),
    ("test", TWO, [], ["test", "second", "-a", "default_account"]),
    ("test", "[defaults]\ndefault_account = nobody\n", [], ["nobody", "test"]),
])
def test_no_such_account(acs, send, name, extra, arguments, expected):
    server = acs()
    result = send(server, MESSAGE, *arguments, RECIPIENT, account=name, extra=extra)
    assert result.status == STATUS_CONFIG
    for word in expected:
        assert word in result.stderr
    assert server.sessions == []


def test_account_named_default(acs, send):
    server = acs()
    assert send(server, MESSAGE, RECIPIENT, account="default", extra=TWO).status == 0
    assert server.message.sender == "DoNotReply@contoso.com"


def test_defaults_hold_for_accounts(acs, run, config):
    server = acs()
    path = config(server, user=None, from_=None, extra=(
        "[defaults]\nuser = contoso-smtp ; a comment\nfrom = 'DoNotReply@contoso.com'\n"))
    assert run(["-C", path, RECIPIENT], input=MESSAGE).status == STATUS_OK
    assert server.message.sender == "DoNotReply@contoso.com"


# --- passwords with all that ini files make trouble of

@pytest.mark.parametrize("password", [
    "a;b", "a#b", "a b", '"', 'a"b', "a\\", "\\", "'", "a'b", ";", "#", "a=b", "[x]",
    "%s", 'a"b;c#d\\', "Пароль", "x" * 900, "$(id)", "~Q8", " a ", "\t",
])
def test_password_arrives_whole(acs, send, password):
    server = acs(password=password)
    result = send(server, MESSAGE, RECIPIENT, password=f'"{password}"')
    assert result.status == STATUS_OK, result.stderr
    assert server.sessions[0].user == "contoso-smtp"
