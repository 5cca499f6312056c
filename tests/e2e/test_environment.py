# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from variables, as containers have them."""

import json
import os
import re
import subprocess

import pytest

from helpers.program import environment, installed

MESSAGE = "To: a@example.org\n\nbody\n"
FROM = "DoNotReply@contoso.com"
PASSWORD = "correct horse; \"battery\" #staple"
CONFIG = 78


@pytest.fixture
def variables(pki):
    """variables(server, **others): those of an account that leads to it; None leaves one out."""
    def make(server=None, **others):
        said = {"HOST": "localhost", "PORT": server.port if server else 1, "USER": "contoso-smtp",
                "PASSWORD": PASSWORD, "FROM": FROM, "TLS_CA_FILE": pki.ca, "LOG": "off",
                "QUEUE": "off", "ALIASES": "off", "TIMEOUT": 10, **others}
        return {f"ACSMTP_{key}": value for key, value in said.items()}
    return make


def settings_help(run):
    lines = run(["help", "settings"], program="acsmtp").stdout.splitlines()
    return [line.split("\t")[:2] for line in lines]


def test_they_alone_are_an_account(acs, run, variables):
    server = acs(password=PASSWORD)
    result = run(["-t"], input=MESSAGE, env=variables(server))
    assert (result.status, result.stderr) == (0, "")
    assert server.message.sender == FROM and server.message.recipients == ["a@example.org"]


def test_values_in_files(acs, run, variables, tmp_path):
    """With a line feed at their end, as editors leave it."""
    server = acs(password=PASSWORD)
    said = variables(server)
    for key in "HOST", "PORT", "USER", "PASSWORD", "FROM":
        file = tmp_path / key
        file.touch(0o600)
        file.write_text(f"{said.pop(f'ACSMTP_{key}')}\n")
        said[f"ACSMTP_{key}_FILE"] = file
    result = run(["-t"], input=MESSAGE, env=said)
    assert (result.status, result.stderr) == (0, "")
    assert server.message.accepted


@pytest.mark.parametrize("end", ["", "_FILE"])
def test_other_programs_names(acs, run, variables, tmp_path, end):
    server = acs(password=PASSWORD)
    said = {}
    for name, value in {"HOST": "localhost", "PORT": server.port, "USERNAME": "contoso-smtp",
                        "PASSWORD": PASSWORD, "FROM": FROM}.items():
        file = tmp_path / name
        file.touch(0o600)
        file.write_text(f"{value}\n")
        said[f"SMTP_{name}{end}"] = file if end else value
    none = dict.fromkeys(["HOST", "PORT", "USER", "PASSWORD", "FROM"])
    result = run(["-t"], input=MESSAGE, env=variables(server, **none) | said)
    assert (result.status, result.stderr) == (0, "")
    assert server.message.sender == FROM


def test_ours_win(acs, run, variables):
    server = acs(password=PASSWORD)
    said = variables(server) | {"SMTP_HOST": "nowhere.invalid", "SMTP_PORT": 1,
                                "SMTP_USERNAME": "x", "SMTP_PASSWORD": "wrong"}
    assert run(["-t"], input=MESSAGE, env=said).status == 0
    assert server.message.accepted


# What makes no sense alone.
BESIDE = {
    "password_file": {"PASSWORD": None},
    "region": {"SERVICE": "ses"},
    "proxy_password_file": {"PROXY": "socks5://jo@localhost:1080"},
    "quota_store_password_file": {"QUOTA_STORE": "redis://localhost"},
    "tls_client_cert": {"TLS_CLIENT_KEY": "/nowhere"},
    "tls_client_key": {"TLS_CLIENT_CERT": "/nowhere"},
}


def test_every_setting_has_one(run, variables):
    """Set to what it is anyway it is taken, and explain says so."""
    for _, name in settings_help(run):
        if name == "failover":      # variables make one account, and this names another
            continue
        said = explained(run, variables(**BESIDE.get(name, {}),
                                        **{name.upper(): standard(run, name)}))
        assert {"name": f"ACSMTP_{name.upper()}", "setting": name} in said["variables"]


STANDARD = {}


def standard(run, name):
    """A value that does no harm: the standard one, or else what such settings take."""
    if not STANDARD:
        lines = run(["help", "settings"], program="acsmtp").stdout.splitlines()
        STANDARD.update({line.split("\t")[1]: line.split("\t")[2] for line in lines})
    own = {"host": "localhost", "from": FROM, "sender_policy": "rewrite", "service": "acs",
           "default_account": "environment", "tls_fingerprint": "ab" * 32,
           "password_expires": "2031-01-01", "region": "eu-west-1", "local_recipients": FROM, "report_to": FROM,
           "proxy": "socks5://localhost:1080", "quota_store": "redis://localhost", "source_address": "127.0.0.1",
           "allowed_senders": FROM, "spool": "/nowhere/spool"}
    if name.endswith(("authority", "endpoint")):
        return "https://localhost/"
    return own.get(name) or STANDARD[name].strip("-") or "/nowhere"


def test_explain_says_which(run, variables):
    said = variables(LOG_FORMAT="json")
    result = run(["explain", "a@example.org"], env=said, program="acsmtp")
    assert result.status == 0, result.stderr
    for name in said:
        assert f"variable: {name} sets {name[7:].lower()}\n" in result.stdout
    assert PASSWORD not in result.stdout


@pytest.mark.parametrize("value, words", [
    ("environment", "is the account itself"), ("nobody", 'no account "nobody"'),
])
def test_failover_that_makes_no_sense(run, variables, value, words):
    result = run(["-t"], env=variables(FAILOVER=value), input=MESSAGE)
    assert result.status == CONFIG
    assert "ACSMTP_FAILOVER: account environment: failover: " in result.stderr
    assert words in result.stderr


def test_failover_to_an_account_of_a_file(run, home, variables):
    write_own(home, ACCOUNT)
    assert explained(run, variables(FAILOVER="filed"))["failover"] == ["filed"]


# --- beside files

def write_own(home, text):
    (home / ".config").mkdir(exist_ok=True)
    file = home / ".config/acsmtp.ini"
    file.touch(0o600)
    file.write_text(text)


ACCOUNT = f"[account filed]\nhost = files.invalid\nuser = u\npassword = secret\nfrom = {FROM}\n"


def explained(run, said):
    result = run(["explain", "--json", "a@example.org"], env=said, program="acsmtp")
    assert result.status == 0, result.stderr
    return json.loads(result.stdout)


def test_an_account_of_a_file_stays_as_it_is(run, home, variables):
    """Its password would follow the host."""
    write_own(home, ACCOUNT)
    none = dict.fromkeys(["USER", "PASSWORD"])
    said = explained(run, variables(HOST=None, **none))
    assert (said["account"], said["host"], said["port"]) == ("filed", "files.invalid", 587)
    assert {"name": "ACSMTP_PORT", "setting": None} in said["variables"]
    assert {"name": "ACSMTP_QUEUE", "setting": "queue"} in said["variables"]
    said = explained(run, variables(**none))
    assert (said["account"], said["user"]) == ("environment", "")
    said = explained(run, variables(DEFAULT_ACCOUNT="filed"))
    assert (said["account"], said["host"]) == ("filed", "files.invalid")


def test_other_programs_names_beside_a_file(run, home):
    write_own(home, ACCOUNT)
    said = explained(run, {"SMTP_HOST": "other.invalid", "SMTP_PASSWORD": "x"})
    assert (said["host"], said["variables"]) == ("files.invalid", [])


def test_delivery_stands_over_the_file(run, home, tmp_path):
    write_own(home, f"{ACCOUNT}[delivery]\nqueue = on\nspool = {tmp_path}/one\n")
    assert "one" in explained(run, {})["way"]
    assert f"{tmp_path}/two" in explained(run, {"ACSMTP_SPOOL": tmp_path / "two"})["way"]
    assert "given back" in explained(run, {"ACSMTP_QUEUE": "off"})["way"]


def test_not_beside_an_option(run, config, variables):
    said = run(["explain", "-C", config(None), "--json", "a@example.org"], env=variables(),
               program="acsmtp")
    assert said.status != 0     # --json stands first
    said = run(["explain", "--json", "-C", config(None), "a@example.org"], env=variables(),
               program="acsmtp")
    assert json.loads(said.stdout)["account"] == "test"
    assert json.loads(said.stdout)["variables"] == []


def test_empty_is_not_set(run, home):
    write_own(home, ACCOUNT)
    said = explained(run, {"ACSMTP_HOST": "", "ACSMTP_USER": "", "ACSMTP_TYPO": ""})
    assert (said["account"], said["variables"]) == ("filed", [])


# --- mistakes

@pytest.mark.parametrize("said, expected", [
    ({"PORT": "x"}, "ACSMTP_PORT: port: \"x\" is not a number from 1 to 65535"),
    ({"TLS": "on"}, "ACSMTP_TLS: tls: \"on\" is none of"),
    ({"FROM": "a@b\x01.example"}, "ACSMTP_FROM: from: a control character"),
    ({"QUEUE": "perhaps"}, "ACSMTP_QUEUE: queue: "),
    ({"MAX_CLIENTS": "0"}, "ACSMTP_MAX_CLIENTS: max_clients: "),
    ({"PASWORD_FILE": "/x"}, "ACSMTP_PASWORD_FILE: unknown variable; did you mean "
                            "ACSMTP_PASSWORD_FILE?"),
    ({"HOTS": "x"}, "ACSMTP_HOTS: unknown variable; did you mean ACSMTP_HOST?"),
    ({"HOST_FILE": "/x"}, "ACSMTP_HOST and ACSMTP_HOST_FILE are both set"),
    ({"PASSWORD_FILE": "/x"}, "ACSMTP_PASSWORD and ACSMTP_PASSWORD_FILE are both set"),
    ({"HOST": None, "HOST_FILE": "/nowhere/host"},
     "ACSMTP_HOST_FILE: /nowhere/host: cannot read: No such file or directory"),
    ({"HOST": None, "HOST_FILE": "/"}, "ACSMTP_HOST_FILE: /: it is no file"),
    ({"PASSWORD": None, "PASSWORD_FILE": "/nowhere/secret"},
     "ACSMTP_PASSWORD_FILE /nowhere/secret: cannot open it: No such file or directory"),
    ({"HOST": None, "SERVICE": "other"}, "ACSMTP_SERVICE: host is missing: service \"other\" "
     "knows none; set the name of the server: ACSMTP_HOST=smtp.example.org"),
    ({"HOST": None, "SERVICE": "ses"}, "; set where the service's server is: "
     "ACSMTP_REGION=eu-west-1"),
    ({"TLS_CLIENT_KEY": "/x"}, "ACSMTP_TLS_CLIENT_KEY: tls_client_key: "),
    ({"FROM": None}, "ACSMTP_FROM is missing"),
    ({"USER": None}, "ACSMTP_USER is missing"),
    ({"DEFAULT_ACCOUNT": "work"}, "there is no account \"work\"; there is environment"),
    ({"PASSWORD": "x" * 20000}, "ACSMTP_PASSWORD: it is longer than 12288 bytes"),
])
def test_mistakes(acs, run, variables, said, expected):
    server = acs()
    result = run(["-t"], input=MESSAGE, env=variables(server, **said))
    assert result.status == CONFIG
    assert expected in result.stderr, result.stderr
    assert server.messages == []


def test_what_is_nothing_to_us(run, home, variables):
    said = variables() | {"ACSMTP_ZZZZZZZZ": "x", "acsmtp_host": "y", "ACSMTP_": "z",
                          "ACSMTP_Host": "z", "SMTP_PORT": "tcp://10.0.0.1:25",
                          "ACSMTP_SERVICE_HOST": "10.0.0.1", "ACSMTP_SERVICE_PORT": "25",
                          "ACSMTP_PORT_25_TCP": "tcp://10.0.0.1:25",
                          "ACSMTP_PORT_25_TCP_PROTO": "tcp", "SMTP_WHATEVER": "x", "ACSMTP_" + "X" * 500: "y"}
    assert explained(run, said)["host"] == "localhost"
    # What Kubernetes tells of a service that is called "acsmtp".
    assert explained(run, said | {"ACSMTP_PORT": "tcp://10.0.0.1:25"})["port"] == 587


def test_none_at_all(run):
    result = run(["-t"], input=MESSAGE)
    assert result.status == CONFIG and "ACSMTP_USER" in result.stderr
    result = run(["-t"], input=MESSAGE, env={"ACSMTP_FROM": FROM})
    assert result.status == CONFIG and "no account" in result.stderr


# --- secrets

@pytest.mark.parametrize("name", ["ACSMTP_PASSWORD", "SMTP_PASSWORD"])
def test_what_it_starts_inherits_no_password(acs, run, variables, tmp_path, name):
    """Nor does /proc show it: a command looks at its own environment and its parent's."""
    server = acs(password=PASSWORD)
    seen = tmp_path / "seen"
    said = variables(server, PASSWORD=None) | {name: PASSWORD}
    command = f"cat /proc/$PPID/environ >> {seen}; env >> {seen}; echo x"
    # Of two sources the command is asked only where no password is there.
    said["ACSMTP_PASSWORD_COMMAND"] = command
    if name == "SMTP_PASSWORD":     # ours win, so it is not used, and stays another program's
        assert run(["-t"], input=MESSAGE, env=said).status != 0
        assert server.messages == []
        return
    assert run(["-t"], input=MESSAGE, env=said).status == 0
    assert not seen.exists()
    # With a file named by -C variables do not count, and are no less secret.
    ini = tmp_path / "other.ini"
    ini.touch(0o600)
    ini.write_text(f"[account o]\nhost = localhost\nport = {server.port}\nuser = u\nfrom = {FROM}\n"
                   f"tls_ca_file = {said['ACSMTP_TLS_CA_FILE']}\nlog = off\n"
                   f"password_command = '{command}'\n[delivery]\nqueue = off\naliases = off\n")
    result = run(["-C", ini, "-t"], input=MESSAGE, env=said)
    assert seen.exists(), result.stderr
    text = seen.read_text(errors="replace")
    assert "ACSMTP_USER=" in text and PASSWORD not in text


def test_proc_shows_no_password(acs, home, variables):
    """While it waits for a server that says nothing."""
    server = acs(password=PASSWORD, faults=[])
    said = environment(home, variables(server))
    with subprocess.Popen([installed("sendmail"), "-t"], stdin=subprocess.PIPE, env=said,
                          stderr=subprocess.PIPE) as process:
        process.stdin.write(b"To: a@example.org\n\n")
        process.stdin.flush()
        # It has read its settings before the message; at its very beginning nothing is there.
        while not (text := environ_of(process.pid)) or re.search(rb"PASSWORD=.*horse", text):
            assert process.poll() is None
        process.stdin.write(b"body\n")
        process.stdin.close()
        assert process.wait(30) == 0, process.stderr.read()
    assert PASSWORD.encode() not in text
    assert server.message.accepted


def environ_of(pid):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except PermissionError:     # it guards its secrets from others of its user too
        assert os.geteuid() != 0
        return b"not to be seen"
