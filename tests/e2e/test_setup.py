# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp setup: by a person at a terminal, and by a script with flags."""

import os
import re
import stat
import subprocess

import pytest

from helpers.program import environment, installed
from helpers.person import Person

SENDER = "DoNotReply@mail.contoso.com"
SECRET = "aB8~correct.horse;battery#staple"
GUID = "0f8fad5b-d9cb-469f-a165-70867728950e"
OTHER_GUID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"
MESSAGE = f"From: {SENDER}\nTo: a@example.org\n\nbody\n"
OK, USAGE, UNAVAILABLE, CANTCREAT, NOPERM, CONFIG = 0, 64, 69, 73, 77, 78
KEPT = "Where is the secret kept"
END = "End of the secret: "
LAST = "Secret: "


@pytest.fixture
def server(acs):
    return acs(senders=(SENDER,), password=SECRET, user="contoso-smtp")


@pytest.fixture
def ini(pki, tmp_path):
    """A file with what setup does not ask for: whom to trust, and no queue."""
    path = tmp_path / "new.ini"
    path.touch(0o644)
    path.write_text(f"# ours\n[defaults]\ntls_ca_file = {pki.ca}\nlog = off\ntimeout = 10\n"
                    "[delivery]\nqueue = off\naliases = off\n")
    return path


@pytest.fixture
def flags(server, ini):
    """Those of a script; more and other ones can follow, and the last one wins."""
    return ["--config", ini, "--host", server.host, "--port", str(server.port),
            "--user", "contoso-smtp", "--from", SENDER]


@pytest.fixture
def setup(run):
    return lambda *words, secret="", env=None: run(["setup", *words], input=secret,
                                                   program="acsmtp", env=env)


@pytest.fixture
def person(home):
    """person(*words): somebody who types them after "acsmtp setup"."""
    people = []

    def sit_down(*words, env=None):
        variables = environment(home, {"TERM": "xterm"} | (env or {}))
        people.append(Person([str(installed("acsmtp")), "setup", *map(str, words)],
                             variables, home))
        return people[-1]

    yield sit_down
    for one in people:
        print(one.screen)
        one.leave()


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def everything_below(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


# --- a person

def test_first_account(person, server, ini, run):
    """Answers as a newcomer gives them; what the flags say is not asked."""
    one = person("--config", ini, "--host", server.host, "--port", server.port)
    one.answer("Service [acs]: ", "")
    one.answer("SMTP username: ", "contoso-smtp")
    one.answer("Sender: ", "mail.contoso.com")
    one.answer("Name of the sender: ", "Contoso")
    one.answer(f"{KEPT} [ini]: ", "")
    one.answer(END, "2027-02-30")
    one.wait_for("it is no day such as 2027-03-01")
    one.answer(END, "2097-03-01")
    one.secret(LAST, SECRET)
    assert one.end() == OK
    assert "Communication Services resource > Email > SMTP credentials" in one.words
    assert "The value of the client secret, and not its id." in one.words
    assert "App registrations" in one.words
    assert f"Account default is in {ini}." in one.words
    assert "AUTH" in one.words.split("Does it work?")[1]
    assert f"| acsmtp -C {ini} -t" in one.words
    assert SECRET not in one.screen
    assert mode(ini) == 0o600
    text = ini.read_text()
    assert text.startswith("# ours\n[defaults]\n")
    assert "[account default]" in text and f"from = {SENDER}\n" in text
    assert "from_name = Contoso\n" in text and SECRET in text
    assert "password_expires = 2097-03-01\n" in text
    result = run(["-C", ini, "-t"], input=MESSAGE)
    assert (result.status, result.stderr) == (OK, "")
    assert server.message.accepted and server.message.sender == SENDER


def test_wrong_answers(person, server, ini):
    """Each is told at once, and asked for again."""
    one = person("--config", ini)
    one.answer("Service [acs]: ", "sengrid")
    one.wait_for('did you mean "sendgrid"?')
    one.answer("Service [acs]: ", "other")
    one.answer("Server: ", "")
    one.wait_for("an answer is needed")
    one.answer("Server: ", "smtp://localhost")
    one.wait_for("it is the name of a server alone")
    one.answer("Server: ", f" {server.host} ")
    one.answer("Port [587]: ", "99999")
    one.wait_for("not a number from 1 to 65535")
    one.answer("Port [587]: ", str(server.port))
    one.answer("User name: ", "contoso-smtp")
    one.answer("Sender: ", "Somebody <a@example.org>")
    one.wait_for("it is no address alone")
    one.answer("Sender: ", "mail.contoso.com")      # a domain is one for ACS alone
    one.wait_for("it is no address alone")
    one.answer("Sender: ", "x" * 1200)
    one.wait_for("longer than 1000 bytes")
    one.answer("Sender: ", SENDER)
    one.answer("Name of the sender: ", "")
    one.answer(f"{KEPT} [ini]: ", "drawer")
    one.wait_for("it is none of keyring, ini, file, command, none")
    one.answer(f"{KEPT} [ini]: ", "keyring")
    one.wait_for("! ")
    one.answer(f"{KEPT} [ini]: ", "ini")
    one.secret(LAST, "")
    one.wait_for("nothing was typed")
    one.secret(LAST, SECRET)
    assert one.end() == OK
    text = ini.read_text()
    assert f"service = other\nhost = {server.host}\nport = {server.port}\n" in text
    assert "from_name" not in text


def test_nothing_is_typed(person, server, ini):
    """Enter, where nothing is proposed, brings the question again, whichever it is."""
    one = person("--config", ini, "--host", server.host, "--port", server.port)
    one.answer("Service [acs]: ", "")
    one.answer("SMTP username: ", "")
    one.wait_for("an answer is needed")
    one.answer("SMTP username: ", "x" * 1200)
    one.wait_for("longer than 1000 bytes")
    one.answer("SMTP username: ", "contoso-smtp")
    one.answer("Sender: ", "")
    one.wait_for("an answer is needed")
    one.answer("Sender: ", SENDER)
    one.answer("Name of the sender: ", "")
    one.answer(f"{KEPT} [ini]: ", "")
    one.answer(END, "")
    one.secret(LAST, SECRET)
    assert one.end() == OK


def test_secret_id(person, flags, ini):
    """Its id, pasted by mistake, and the value then."""
    one = person(*flags, "--from-name", "", "--keep-secret", "ini", "--service", "acs")
    one.secret(LAST, GUID)
    one.wait_for("it looks like the secret's id and not like its value")
    one.answer("Take it all the same? [y/N]: ", "")
    one.secret(LAST, SECRET)
    assert one.end() == OK
    assert GUID not in ini.read_text() and GUID not in one.screen


@pytest.mark.parametrize("delimiter", ".|")
def test_old_user_name(person, flags, ini, delimiter):
    user = delimiter.join(["contoso", GUID, OTHER_GUID])
    one = person("--config", ini, "--no-check", "--service", "acs", "--keep-secret", "ini")
    one.answer("SMTP username: ", delimiter.join(["contoso", GUID, GUID]))
    one.wait_for("the same id for the application and for the tenant")
    one.answer("Take it all the same? [y/N]: ", "n")
    one.answer("SMTP username: ", user)
    one.wait_for("This is the old form of user name")
    one.answer("Sender: ", SENDER)
    one.answer("Name of the sender: ", "")
    one.secret(LAST, SECRET)
    assert one.end() == OK
    assert user in ini.read_text()


def test_sender_is_proposed(person, ini):
    one = person("--config", ini, "--no-check", "--service", "acs", "--keep-secret", "none")
    one.answer("SMTP username: ", "post@mail.contoso.com")
    one.answer(f"Sender [{SENDER}]: ", "")
    one.answer("Name of the sender: ", "")
    assert one.end() == OK
    assert f"from = {SENDER}\n" in ini.read_text()
    assert "LoadCredential=acsmtp.default:FILE" in one.words


def test_account_is_there(person, setup, flags, ini):
    assert setup(*flags, "--keep-secret", "ini", secret=SECRET).status == OK
    before = ini.read_bytes()
    one = person(*flags, "--service", "acs", "--from-name", "Second", "--keep-secret", "ini")
    one.answer("Account [acs]: ", "DEFAULT")
    one.wait_for("an account of this name is in the file already")
    one.answer("Replace it? [y/N]: ", "no")
    assert ini.read_bytes() == before
    one.answer("Account [acs]: ", "two words]")
    one.wait_for("! ")
    one.answer("Account [acs]: ", "second")
    one.secret(LAST, SECRET)
    assert one.end() == OK
    assert ini.read_bytes().startswith(before)
    assert f"| acsmtp -C {ini} -a second -t" in one.words
    one = person(*flags, "--service", "acs", "--from-name", "Third", "--keep-secret", "ini")
    one.answer("Account [acs]: ", "default")
    one.answer("Replace it? [y/N]: ", "y")
    one.secret(LAST, SECRET)
    assert one.end() == OK
    text = ini.read_text()
    assert text.count("[account default]") == 1 and text.count("from_name = ") == 2


QUESTIONS = [("Service [acs]: ", "other"), ("Server: ", "localhost"), ("Port [587]: ", ""),
             ("User name: ", "contoso-smtp"), ("Sender: ", SENDER), ("Name of the sender: ", ""),
             (f"{KEPT} [ini]: ", "file"), ("File for the secret [", "")]


@pytest.mark.parametrize("key, expected", [("\x03", -2), ("\x04", UNAVAILABLE)],
                         ids=["Ctrl-C", "Ctrl-D"])
@pytest.mark.parametrize("count", range(len(QUESTIONS) + 1))
def test_left_in_the_middle(person, ini, tmp_path, home, key, expected, count):
    """Nothing is written, and the terminal shows again what is typed."""
    before = everything_below(tmp_path)
    one = person("--config", ini)
    for question, text in QUESTIONS[:count]:
        one.answer(question, text)
    if count < len(QUESTIONS):
        one.answer(QUESTIONS[count][0], "", key)
    else:
        one.wait_for(LAST)
        while one.echoes():
            one.look(0)
        os.write(one.terminal, key.encode())
    assert one.end() == expected
    assert one.echoes()
    assert everything_below(tmp_path) == before
    if key == "\x04":
        assert "nothing was written" in one.words


@pytest.mark.as_user
def test_usual_file(person, home):
    one = person("--no-check")
    one.wait_for(f"This makes an account in {home}/.config/acsmtp.ini.")
    for question, text in [("Service", "sendgrid"), ("Region [us]", ""),
                           ("User name [apikey]", ""),
                           ("Sender", "a@example.org"), ("Name", ""), (KEPT, "")]:
        one.answer(question, text)
    one.secret(LAST, SECRET)
    assert one.end() == OK
    assert mode(home / ".config/acsmtp.ini") == 0o600
    assert "| acsmtp -t" in one.words


def test_keyring_that_takes_nothing(person, flags, ini, session_bus):
    """It is there, but locked, and nobody opens it: another place is asked for."""
    if not installed("keyring").exists():
        pytest.skip("built without libsecret")
    session_bus.fake([], locked=True)
    one = person(*flags, "--from-name", "", "--service", "acs",
                 env={"DBUS_SESSION_BUS_ADDRESS": session_bus.address})
    one.answer(f"{KEPT} [keyring]: ", "")
    one.answer(END, "")
    one.secret(LAST, SECRET)
    one.wait_for("the keyring is locked")
    one.answer(KEPT, "ini")
    assert one.end() == OK
    assert SECRET in ini.read_text()


# --- a script

def test_unattended(setup, flags, ini, server, run):
    result = setup(*flags, "--from-name", "Contoso; Ltd", "--keep-secret", "ini",
                   secret=SECRET + "\nmore\n")
    assert result.status == OK and result.stderr == ""
    assert SECRET not in result.stdout and "SMTP username:" not in result.stdout
    assert mode(ini) == 0o600
    assert run(["-C", ini, "-t"], input=MESSAGE).status == OK
    assert server.message.accepted


@pytest.mark.parametrize("sender, is_managed", [
    (f"{GUID}.azurecomm.net", True), (f"info@{GUID.upper()}.azurecomm.net", True),
    ("mail.azurecomm.net", False), ("mail.contoso.com", False),
])
def test_quota_of_a_managed_domain(setup, flags, ini, sender, is_managed):
    """It is smaller than the service's usual one, and known from the domain."""
    result = setup(*flags, "--from", sender, "--keep-secret", "none", "--no-check")
    assert (result.status, result.stderr) == (OK, "")
    assert ("rate_per_minute = 5\nrate_per_hour = 10\n" in ini.read_text()) == is_managed


def test_person_hears_of_the_quota(person, ini):
    one = person("--config", ini, "--user", "contoso-smtp", "--no-check")
    one.answer("Service [acs]: ", "")
    one.answer("Sender: ", f"{GUID}.azurecomm.net")
    one.wait_for("5 messages a minute and 10 an hour")
    one.answer("Name of the sender: ", "")
    one.answer(f"{KEPT} [ini]: ", "none")
    assert one.end() == OK


def test_new_file(setup, flags, tmp_path):
    """In a directory that is to be made; closed to others, and root is told how to open it."""
    path = tmp_path / "new directory" / "acsmtp.ini"
    secret = tmp_path / "secret"
    result = setup(*flags, "--config", path, "--password-file", secret, "--no-check",
                   secret=SECRET)
    assert (result.status, result.stderr) == (OK, "")
    assert mode(path) == mode(secret) == 0o600 and mode(path.parent) == 0o700
    for file in (path, secret):
        told = f"chgrp GROUP {file} && chmod 640 {file}" in result.stdout
        assert told == (os.geteuid() == 0)


@pytest.mark.parametrize("missing", ["user", "from"])
def test_missing(setup, flags, ini, missing):
    at = flags.index(f"--{missing}")
    before = ini.read_bytes()
    result = setup(*flags[:at], *flags[at + 2:], "--keep-secret", "ini", secret=SECRET)
    assert result.status == USAGE
    assert f"--{missing} is missing; standard input is no terminal" in result.stderr
    assert ini.read_bytes() == before


@pytest.mark.parametrize("words, status, said", [
    (["--service", "azure"], CONFIG, '--service: service: "azure" is none of acs'),
    (["--port", "0"], CONFIG, "--port: port: "),
    (["--from", "nobody"], CONFIG, "--from: from: it is no address alone"),
    (["--from", ""], CONFIG, "--from: an answer is needed"),
    (["--user", GUID], CONFIG, "--user: it is an id alone"),
    (["--account", "a b]c"], CONFIG, "--account: "),
    (["--keep-secret", "safe"], CONFIG, "--keep-secret: it is none of keyring"),
    (["--keep-secret", "keyring"], NOPERM, "--keep-secret: "),
    (["--password-file", "secret"], CONFIG, "--password-file: it is not the whole path"),
    (["--password-file", "/no/such/directory/file"], CANTCREAT, "/no/such/directory/file"),
    (["--service", "other", "--host", "a/b"], CONFIG, "--host: host: "),
    (["--service", "office365"], USAGE, "--token-command is missing"),
    (["extra"], USAGE, "too many arguments"),
    (["--secret", SECRET], USAGE, "unknown flag --secret"),
])
def test_wrong_flags(setup, flags, ini, tmp_path, words, status, said):
    if words[1:] == ["keyring"] and not installed("keyring").exists():
        status = UNAVAILABLE
    before = everything_below(tmp_path)
    result = setup(*flags, *words, secret=SECRET)
    assert (result.status, result.stdout) == (status, "")
    assert said in result.stderr and SECRET not in result.stderr
    assert everything_below(tmp_path) == before


@pytest.mark.parametrize("secret, said", [
    ("", "nothing is on its first line"), (GUID, "it looks like the secret's id"),
    (" " + SECRET, "it begins with a blank"), ("x" * 12289, "longer than 12288 bytes"),
])
def test_wrong_secret(setup, flags, ini, secret, said):
    before = ini.read_bytes()
    result = setup(*flags, "--keep-secret", "ini", secret=secret)
    assert result.status != OK and said in result.stderr
    assert "nothing was written" in result.stderr
    assert ini.read_bytes() == before


def test_taken_all_the_same(setup, flags, ini):
    result = setup(*flags, "--keep-secret", "ini", "--yes", "--no-check", secret=GUID)
    assert result.status == OK
    assert GUID in ini.read_text()


def test_replaced_on_demand_only(setup, flags, ini):
    flags += ["--keep-secret", "ini", "--no-check"]
    assert setup(*flags, "--from-name", "First", secret="first").status == OK
    before = ini.read_bytes()
    for more in [[], ["--yes"]]:
        result = setup(*flags, *more, "--account", "default", secret=SECRET)
        assert result.status == CONFIG
        assert "already; --replace puts the new one in its place" in result.stderr
        assert ini.read_bytes() == before
    assert setup(*flags, "--account", "default", "--replace", secret=SECRET).status == OK
    text = ini.read_text()
    assert SECRET in text and "first" not in text and "First" not in text


def test_file_of_its_own(setup, flags, ini, tmp_path, server, run):
    path = tmp_path / "secret"
    result = setup(*flags, "--password-file", path, secret=SECRET)
    assert result.status == OK, result.stderr
    assert (mode(path), path.read_text()) == (0o600, SECRET + "\n")
    assert f"Its secret is in {path}." in result.stdout
    assert SECRET not in ini.read_text() and mode(ini) == 0o644
    assert run(["-C", ini, "-t"], input=MESSAGE).status == OK
    # Once more: the file is there, and is asked for nothing.
    again = setup(*flags, "--password-file", path, "--account", "second")
    assert again.status == OK and path.read_text() == SECRET + "\n"
    path.chmod(0o644)
    refused = setup(*flags, "--password-file", path, "--account", "third")
    assert refused.status == CONFIG and "--password-file: " in refused.stderr


def test_command(setup, flags, ini, tmp_path):
    path = tmp_path / "secret"
    path.write_text(SECRET)
    result = setup(*flags, "--password-command", f"cat {path}")
    assert result.status == OK, result.stdout
    assert SECRET not in ini.read_text()


def test_token(setup, ini):
    result = setup("--config", ini, "--service", "office365", "--user", "a@example.org",
                   "--token-command", "echo token", "--no-check")
    assert result.status == OK, result.stderr
    assert "token_command = echo token\nfrom = a@example.org\n" in ini.read_text()


# --- without a password

@pytest.mark.parametrize("env", [
    {"IDENTITY_ENDPOINT": "http://127.0.0.1:9/msi/token", "IDENTITY_HEADER": "x"},
    {"AZURE_POD_IDENTITY_AUTHORITY_HOST": "http://127.0.0.1:9"},
])
def test_a_machine_with_an_identity(setup, flags, ini, env):
    """It is proposed first, and what nobody answers is taken."""
    result = setup(*flags, "--no-check", env=env)
    assert (result.status, result.stderr) == (OK, "")
    text = ini.read_text()
    assert "token = managed-identity\n" in text and "password" not in text


def test_whoever_names_a_place_for_the_password_has_one(setup, flags, ini):
    result = setup(*flags, "--keep-secret", "ini", "--no-check", secret=SECRET,
                   env={"IDENTITY_ENDPOINT": "http://127.0.0.1:9/", "IDENTITY_HEADER": "x"})
    assert result.status == OK, result.stderr
    assert SECRET in ini.read_text() and "token" not in ini.read_text()


def test_a_workload(setup, flags, ini):
    """What the variables say is written."""
    result = setup(*flags, "--no-check", env={
        "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
        "AZURE_CLIENT_ID": GUID, "AZURE_TENANT_ID": OTHER_GUID})
    assert (result.status, result.stderr) == (OK, "")
    text = ini.read_text()
    assert f"token = workload-identity\ntenant = {OTHER_GUID}\nclient_id = {GUID}\n" in text


def test_a_person_hears_of_the_identity(person, ini):
    one = person("--config", ini, "--service", "acs", "--user", "contoso-smtp", "--from",
                 SENDER, "--from-name", "", "--no-check",
                 env={"IDENTITY_ENDPOINT": "http://127.0.0.1:9/", "IDENTITY_HEADER": "x"})
    one.answer("Where do tokens come from [managed-identity]: ", "")
    one.answer("Application id: ", GUID)
    one.answer("Tenant: ", "contoso.com")
    one.answer("Identity: ", OTHER_GUID)
    assert one.end() == OK, one.screen
    text = ini.read_text()
    assert (f"token = managed-identity\ntenant = contoso.com\nclient_id = {GUID}\n"
            f"identity = {OTHER_GUID}\n") in text


@pytest.mark.parametrize("words, written", [
    (("--token", "client-secret", "--keep-secret", "ini", "--password-expires", "2097-01-02"),
     ("token = client-secret", "password_expires = 2097-01-02", SECRET)),
    (("--token", "client-certificate", "--certificate-file", "/etc/acsmtp.pem"),
     ("token = client-certificate", "certificate_file = /etc/acsmtp.pem")),
    (("--token", "managed-identity"), ("token = managed-identity",)),
    (("--token", "refresh", "--password-file", "/nowhere/person"),
     ("token = refresh", "password_file = /nowhere/person")),
])
def test_sources_by_flags(setup, flags, ini, words, written):
    result = setup(*flags, "--no-check", "--client-id", GUID, "--tenant", "contoso.com", *words,
                   secret=SECRET)
    assert (result.status, result.stderr) == (OK, "")
    text = ini.read_text()
    for line in ("tenant = contoso.com", f"client_id = {GUID}", *written):
        assert line in text
    assert ("acsmtp login default" in result.stdout) == ("refresh" in words)


@pytest.mark.parametrize("words, missing", [
    (("--token", "client-secret"), "--client-id"),
    (("--token", "client-secret", "--client-id", GUID), "--tenant"),
    (("--token", "client-certificate", "--client-id", GUID, "--tenant", "x"),
     "--certificate-file"),
    (("--token", "password"), "--token: "),
])
def test_what_a_source_needs(setup, flags, words, missing):
    result = setup(*flags, *words, "--keep-secret", "ini", "--no-check", secret=SECRET)
    assert result.status in (USAGE, CONFIG)
    assert missing in result.stderr and "nothing was written" in result.stderr


def test_a_mailbox_of_a_person(person, acs, identity, ini, run, pki):
    """From nothing to a message that is sent, with one login between them."""
    them = identity()
    server = acs(mechanisms=("XOAUTH2",), token=them.accepts, user="me@example.org",
                 senders=("me@example.org",))
    ini.write_text(ini.read_text().replace(
        "[defaults]\n", f"[defaults]\ntoken_authority = {them.authority}\n"
        f"token_ca_file = {pki.ca}\n"
        "token_scope = https://communication.azure.com/.default offline_access\n"))
    one = person("--config", ini, "--service", "office365", "--host", server.host, "--port",
                 server.port, "--user", "me@example.org", "--from", "me@example.org",
                 "--from-name", "", "--no-check")
    one.answer("Where do tokens come from [refresh]: ", "")
    one.answer("Application id: ", them.client_id)
    one.answer("Tenant [organizations]: ", "")
    one.answer(f"{KEPT} [ini]: ", "")
    one.wait_for("Waiting for")
    address = re.search(r"https://localhost\S+", one.screen)[0]
    subprocess.run(["curl", "-s", "-L", "--noproxy", "*", "--cacert", pki.ca, address],
                   check=True, stdout=subprocess.DEVNULL, timeout=30)
    assert one.end() == OK
    assert "Now send a message" in one.words
    result = run(["-C", ini, "-t"], input="To: a@example.org\n\nbody\n")
    assert (result.status, result.stderr) == (OK, "")
    assert server.message.sender == "me@example.org"


def test_without_login(setup, ini, acs):
    server = acs(senders=(SENDER,))
    result = setup("--config", ini, "--service", "other", "--host", server.host, "--port",
                   str(server.port), "--user", "", "--from", SENDER, "--no-check")
    assert result.status == OK, result.stderr
    assert "auth = off\n" in ini.read_text()


def test_implicit_tls(setup, ini):
    result = setup("--config", ini, "--service", "other", "--host", "mail.example.org", "--port",
                   "465", "--user", "me", "--from", "me@example.org", "--keep-secret", "none",
                   "--no-check")
    assert result.status == OK, result.stderr
    assert "port = 465\ntls = implicit\n" in ini.read_text()


def test_check_fails(setup, flags, ini):
    """The account is written, and its status says that it does not work."""
    result = setup(*flags, "--keep-secret", "ini", secret="wrong")
    assert result.status == NOPERM
    assert "The account is written, and does not work yet." in result.stdout
    assert "[account default]" in ini.read_text()


def test_file_that_makes_no_sense(setup, flags, ini):
    ini.write_text("[account work]\nuser = x\nnonsense = y\n")
    result = setup(*flags, "--keep-secret", "ini", secret=SECRET)
    assert result.status == CONFIG and "nonsense" in result.stderr
    assert ini.read_text() == "[account work]\nuser = x\nnonsense = y\n"


@pytest.mark.as_user
def test_directory_that_is_not_ours(setup, flags):
    result = setup(*flags, "--config", "/etc/acsmtp-of-nobody.ini", secret=SECRET)
    assert (result.status, result.stdout) == (CANTCREAT, "")
    assert "/etc: Permission denied" in result.stderr


def test_secret_is_nowhere_else(setup, flags, ini, tmp_path, home):
    """Neither in arguments nor in the environment of what runs on its behalf."""
    seen = tmp_path / "seen"
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ncat /proc/$PPID/cmdline /proc/$$/environ > {seen} 2> /dev/null\n"
                   f"cat {tmp_path}/kept\n")
    spy.chmod(0o700)
    (tmp_path / "kept").write_text(SECRET)
    result = setup(*flags, "--password-command", spy)
    assert result.status == OK, result.stdout
    holders = {path for path, content in everything_below(tmp_path).items()
               if SECRET.encode() in content}
    assert holders == {tmp_path / "kept"}
    assert seen.stat().st_size > 0
