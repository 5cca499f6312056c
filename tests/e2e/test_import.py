# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp account import: what other programs' files become, and what is not taken."""

import os
import re
import shutil
from pathlib import Path

import pytest

DATA = Path(__file__).parent.parent / "data" / "import"

# The files that are given; what else is in the directory the program finds by itself.
CASES = {
    "dma": ["dma.conf"],
    "dma-auth": ["auth.conf"],
    "esmtp": ["esmtprc"],
    "msmtp-azure": ["msmtprc"],
    "msmtp-many": ["msmtprc"],
    "msmtp-netrc": ["msmtprc", "netrc"],
    "netrc": [".netrc"],
    "nullmailer": ["remotes"],
    "postfix": ["main.cf"],
    "postfix-azure": ["main.cf"],
    "sasl-passwd": ["sasl_passwd"],
    "ssmtp": ["ssmtp.conf"],
    "ssmtp-debian": ["ssmtp.conf"],
}
SECRET = re.compile(r'^password = "(.*)"$', re.M)


@pytest.fixture
def account_import(run):
    def run_import(*args, **keys):
        return run(["account", "import", *args], program="acsmtp", **keys)
    return run_import


@pytest.fixture
def case(home):
    """case(name): the files of a case, in the directory that the program is run in."""
    def copy(name):
        for file in (DATA / name).iterdir():
            if file.name not in ("ini", "notes"):
                shutil.copy(file, home / file.name)
        return CASES[name]
    return copy


def expected(name, file):
    return (DATA / name / file).read_text(encoding="utf-8")


def test_every_case_is_known():
    assert sorted(CASES) == sorted(path.name for path in DATA.iterdir())


@pytest.mark.parametrize("name", CASES)
def test_case(account_import, case, name):
    result = account_import("--show-secrets", *case(name))
    assert result.status == 0, result.stderr
    assert result.stdout == expected(name, "ini")
    assert result.stderr == expected(name, "notes")


@pytest.mark.parametrize("name", CASES)
def test_secrets_are_hidden(account_import, case, name):
    result = account_import(*case(name))
    assert result.status == 0, result.stderr
    secrets = SECRET.findall(expected(name, "ini"))
    for secret in secrets:
        assert secret not in re.sub(r"(?m)^(acsmtp: .*|# imported .*|user = .*)$", "",
                                    result.stdout)
        assert f'"{secret}"' not in result.stderr
    assert result.stdout.count("# password: it stands in ") == len(secrets)
    assert "\npassword = " not in result.stdout
    assert "--output" in result.stdout or not secrets


@pytest.mark.parametrize("name", CASES)
def test_output_is_understood(account_import, case, run, home, name):
    """The same as what is printed, in a file of its own that our reader takes."""
    result = account_import("--output", "new.ini", *case(name))
    assert result.status == 0, result.stderr
    assert result.stderr == expected(name, "notes")
    written = home / "new.ini"
    assert written.read_text(encoding="utf-8") == expected(name, "ini")
    assert written.stat().st_mode & 0o7777 == 0o600
    names = re.findall(r"^\[account (.*)\]$", expected(name, "ini"), re.M)
    assert result.stdout == "".join(f"account {name}\n" for name in names)
    for account in names:
        seen = run(["-C", written, "-a", account, "-f", "a@example.org", "--dry-run",
                    "b@example.org"], input="Subject: x\n\nx\n")
        assert seen.status == 0 or "`from` is missing" in seen.stderr, seen.stderr
    assert [path.name for path in home.glob(".new.ini*")] == []


# --- to a file of ours

OURS = """\
# what was here
[defaults]
timeout = 5   ; seconds
tls = implicit

[account old]
user = me
password = "kept"   # mine
"""


@pytest.fixture
def ours(home):
    path = home / "ours.ini"
    path.touch(mode=0o600)
    path.write_text(OURS)
    return path


def test_appended(account_import, case, ours):
    result = account_import("--output", ours, *case("msmtp-netrc"))
    assert result.status == 0, result.stderr
    text = ours.read_text()
    assert text.startswith(OURS + "\n# imported from msmtprc, line 1\n[account work]\n")
    # What the file's defaults say has no say in an account that comes from elsewhere.
    assert "\ntimeout =\n" in text[len(OURS):]
    assert "\ntls = implicit\n" in text[len(OURS):]


def test_not_over_an_account(account_import, case, ours):
    files = case("msmtp-netrc")
    assert account_import("--output", ours, *files).status == 0
    before = ours.read_bytes()
    again = account_import("--output", ours, *files)
    assert again.status == 78
    assert 'account "work" is there already' in again.stderr
    assert "--replace" in again.stderr
    assert ours.read_bytes() == before
    replaced = account_import("--replace", "--output", ours, *files)
    assert replaced.status == 0, replaced.stderr
    assert ours.read_bytes() == before


def test_default_account_stays(account_import, case, ours):
    files = case("msmtp-azure")
    ours.write_text(OURS.replace("timeout", "default_account = old\ntimeout"))
    result = account_import("--output", ours, *files)
    assert result.status == 0, result.stderr
    assert "keeps its own default_account" in result.stderr
    assert "default_account = old\n" in ours.read_text()
    assert "default_account = azure" not in ours.read_text()
    replaced = account_import("--replace", "--output", ours, *files)
    assert replaced.status == 0, replaced.stderr
    assert "default_account = azure\n" in ours.read_text()


def test_broken_file_of_ours(account_import, case, ours):
    ours.write_text(OURS + "hots = x\n")
    result = account_import("--output", ours, *case("msmtp-netrc"))
    assert result.status == 78
    assert 'did you mean "host"?' in result.stderr and "ours.ini, line 9" in result.stderr
    assert ours.read_text() == OURS + "hots = x\n"


@pytest.mark.as_user    # root may write everywhere
def test_directory_that_is_closed(account_import, case, home):
    files = case("ssmtp")
    (home / "closed").mkdir(mode=0o500)
    result = account_import("--output", "closed/new.ini", *files)
    assert result.status == 73
    assert "closed/new.ini" in result.stderr


# --- options

def test_name(account_import, case):
    result = account_import("--name", "Office", *case("ssmtp"))
    assert result.status == 0, result.stderr
    assert "\n[account office]\n" in result.stdout


def test_name_of_several(account_import, case):
    result = account_import("--name", "x", *case("sasl-passwd"))
    names = re.findall(r"^\[account (.*)\]$", result.stdout, re.M)
    assert names == ["x", "x-2", "x-3"]


def test_name_that_is_none(account_import, case):
    result = account_import("--name", "a b", *case("ssmtp"))
    assert result.status == 78
    assert result.stdout == "" and "--name: " in result.stderr


@pytest.mark.parametrize("name, format", [
    ("dma", "dma"), ("dma-auth", "dma-auth"), ("esmtp", "esmtp"), ("msmtp-many", "msmtp"),
    ("netrc", "netrc"), ("nullmailer", "nullmailer"), ("postfix", "postfix"),
    ("sasl-passwd", "sasl_passwd"), ("ssmtp", "ssmtp"),
])
def test_format_by_content(account_import, case, home, name, format):
    """A file with a name that says nothing is known by what is in it."""
    os.rename(home / case(name)[0], home / "x")
    known = account_import("x")
    assert known.status == 0, known.stderr
    assert "acsmtp: x: read as " in known.stderr.splitlines()[0]
    assert f"(--format {format})" in known.stderr.splitlines()[0]
    told = account_import("--format", format, "x")
    assert told.status == 0
    assert told.stdout == known.stdout
    assert told.stderr.splitlines() == known.stderr.splitlines()[1:]


@pytest.mark.parametrize("text", ["", "\n# nothing\n", "hello\n"])
def test_format_that_cannot_be_told(account_import, home, text):
    (home / "x").write_text(text)
    result = account_import("x")
    assert result.status == 78
    assert "x: it cannot be told what this file is; --format NAME" in result.stderr
    assert "nullmailer" in result.stderr


def test_format_that_is_none(account_import, case):
    result = account_import("--format", "mstmp", *case("msmtp-many"))
    assert result.status == 64
    assert 'did you mean "msmtp"?' in result.stderr


def test_usage(account_import):
    result = account_import()
    assert result.status == 64
    assert "account import: too few arguments" in result.stderr


def test_help(account_import):
    result = account_import("--help")
    assert result.status == 0
    assert result.stdout.startswith("usage: acsmtp account import ")
    for flag in ("--format NAME", "--name NAME", "--output FILE", "--replace",
                 "--show-secrets"):
        assert f"\n  {flag} " in result.stdout


# --- files that are broken, or want to break something

MSMTP = b"account a\nhost mail.example.org\n"


@pytest.mark.parametrize("content, format, says", [
    (MSMTP + b"user a\0b\n", "msmtp", "x, line 3: a control character"),
    (b"\x7fELF\x02\x01\x01\x00" * 100, "msmtp", "x, line 1: a control character"),
    (bytes(range(1, 256)) * 40, "nullmailer", "x, line 1: a control"),
    (b"host " + b"a" * 20000, "msmtp", "x, line 1: a line of more than 16384 bytes"),
    (b"#\n" * 600000, "ssmtp", "x: more than 1048576 bytes"),
    (b"a\n" * 5000, "ssmtp", "x: more than 2000 things in it are not understood"),
    (b"host a\n", "msmtp", "x, line 1: a setting before any account"),
    (b"account a : b\n", "msmtp", 'x, line 1: account "b" is not defined above'),
    (b"account a : a\n", "msmtp", 'x, line 1: account "a" is not defined above'),
    (MSMTP + b"account b : a\naccount a : b\n", "msmtp", "x, line 4: an account that is"),
    (b"account\n", "msmtp", "x, line 1: an account without a name"),
    (MSMTP + b"account b : " + b"a," * 60, "msmtp", "x, line 3: more than 50 accounts"),
    (b"".join(b"account a%d\n" % n for n in range(600)), "msmtp", "more than 500 accounts"),
    (b"host smtp pass='a\n", "nullmailer", "x, line 1: a quote is not closed"),
    (b"hostname = \"a\n", "esmtp", "x, line 1: a quote is not closed"),
    (b"hostname = \"a\" b\n", "esmtp", "x, line 1: text follows the closing quote"),
    (b"relayhost\n", "postfix", "x, line 1: a line without \"=\""),
    (b"user:s3cret\n", "dma-auth", "x, line 1: it is not user|host:password"),
    (b"mail.example.org s3cret\n", "sasl_passwd", "x, line 1: it is not host user:password"),
    (b"machine m login u password a s3cret\n", "netrc", "x, line 1: an unknown word"),
    (b"machine m login\n", "netrc", "x, line 1: login is the last word"),
    (b"machine m port 99999\n", "netrc", "x, line 1: port: it is no port"),
    (b"", "msmtp", "x: no server is named there"),
    (b"mailhub=\n", "ssmtp", "x: no server is named there"),
    (b"mailhub=[a:25\n", "ssmtp", "mailhub: not taken: it is no host with a port"),
    (b"mailhub=a:b\n", "ssmtp", "mailhub: not taken: it is no host with a port"),
])
def test_broken(account_import, home, content, format, says):
    (home / "x").write_bytes(content)
    result = account_import("--format", format, "--output", "new.ini", "x")
    assert result.status == 78, (result.stdout, result.stderr)
    assert says in result.stderr
    assert result.stdout == "" and "s3cret" not in result.stderr
    assert result.stderr.isascii() and "\n\n" not in result.stderr
    assert not (home / "new.ini").exists()


@pytest.mark.parametrize("make, says", [
    (lambda path: None, "No such file"), (os.mkdir, "not a regular file"),
    (os.mkfifo, "not a regular file"), (lambda path: path.symlink_to(path), "symbolic"),
])
@pytest.mark.parametrize("format", [["--format", "msmtp"], []])
def test_no_file(account_import, home, make, says, format):
    make(home / "x")
    result = account_import(*format, "x")
    assert result.status == 78
    assert "x: " in result.stderr and says in result.stderr


def test_companion_that_cannot_be_read(account_import, case, home):
    """What another file names may be missing: the rest is worth having, and it is said."""
    files = case("dma")
    (home / "auth.conf").unlink()
    conf = home / "dma.conf"
    conf.write_text(conf.read_text().replace("/etc/dma/auth.conf", str(home / "none")))
    result = account_import(*files)
    assert result.status == 0, result.stderr
    assert re.search(r"dma.conf: AUTHPATH: not taken: .*none: No such file", result.stderr)
    assert "service = fastmail\n" in result.stdout


@pytest.mark.parametrize("password, quoted", [
    ('a"b', 'a"b'), ("a;b", "a;b"), ("a#b", "a#b"), ("a\\", "a\\"), ("'a'", "'a'"),
    ("p" * 3000, "p" * 3000),
])
def test_password(account_import, home, password, quoted):
    (home / "msmtprc").write_bytes(MSMTP + b"tls on\nauth on\nuser u\npassword "
                                   + password.encode() + b"\n")
    result = account_import("--show-secrets", "msmtprc")
    assert result.status == 0, result.stderr
    assert f'\npassword = "{quoted}"\n' in result.stdout


def test_password_that_cannot_be_written(account_import, home):
    (home / "msmtprc").write_bytes(MSMTP + b"auth on\nuser u\npassword s3c\" #ret\n")
    result = account_import("--show-secrets", "msmtprc")
    assert result.status == 0
    assert "password = " not in result.stdout
    assert "msmtprc, line 5: password: not taken: password: it holds" in result.stderr
    assert "s3c" not in result.stderr


def test_nothing_harmful_reaches_the_terminal(account_import, home):
    """Names with escape sequences in them, of C1, and with marks of direction."""
    (home / "msmtprc").write_text("account \u202ework\u009b31m\nhost a.example\n"
                                  "from \u009b31m\nuser \u009b2J\n"
                                  "tls_trust_file /\u009b2J\nfrob\u009bnicate x\n")
    result = account_import("msmtprc")
    assert result.status == 0
    for output in (result.stdout, result.stderr):
        assert "\u009b" not in output and "\u202e" not in output
    assert "line 4: user: not taken: user: a control character" in result.stderr
    assert "frob" not in result.stderr


# --- and mail goes

def write_msmtp(home, server, ca):
    (home / ".msmtprc").write_text(
        f"defaults\nauth on\ntls on\ntls_trust_file {ca}\n\n"
        f"account azure\nhost {server.host}\nport {server.port}\n"
        f"from DoNotReply@contoso.com\nuser {server.options.user}\n"
        f'password "{server.options.password}"\nallow_from_override off\n\n'
        "account default : azure\n")
    return [".msmtprc"]


def write_ssmtp(home, server, ca):
    (home / "ssmtp.conf").write_text(
        f"mailhub={server.host}:{server.port}\nUseSTARTTLS=YES\nTLS_CA_File={ca}\n"
        f"AuthUser={server.options.user}\nAuthPass={server.options.password}\n"
        "FromLineOverride=YES\n")
    return ["ssmtp.conf"]


def write_nullmailer(home, server, ca):
    (home / "remotes").write_text(
        f"{server.host} smtp --port={server.port} --starttls --x509cafile={ca} "
        f"--user={server.options.user} --pass='{server.options.password}'\n")
    (home / "allmailfrom").write_text("DoNotReply@contoso.com\n")
    return ["remotes"]


def write_postfix(home, server, ca):
    (home / "main.cf").write_text(
        f"relayhost = [{server.host}]:{server.port}\nsmtp_tls_security_level = secure\n"
        f"smtp_tls_CAfile = {ca}\nsmtp_sasl_auth_enable = yes\n"
        "smtp_sasl_password_maps = hash:/etc/postfix/sasl_passwd\n")
    (home / "sasl_passwd").write_text(
        f"[{server.host}]:{server.port} {server.options.user}:{server.options.password}\n")
    return ["main.cf", "sasl_passwd"]


def write_netrc(home, server, ca):
    """With an msmtprc that leaves the password to it."""
    write_msmtp(home, server, ca)
    msmtprc = home / ".msmtprc"
    msmtprc.write_text(re.sub("(?m)^password.*\n", "", msmtprc.read_text()))
    (home / ".netrc").write_text(f"machine {server.host} login {server.options.user} "
                                 f'password "{server.options.password}"\n')
    return [".msmtprc", ".netrc"]


@pytest.mark.parametrize("write", [write_msmtp, write_ssmtp, write_nullmailer,
                                   write_postfix, write_netrc])
def test_imported_account_sends(account_import, acs, pki, run, home, write):
    """Files as somebody has them, but for where the server is."""
    # ssmtp knows no password with a blank.
    server = acs(**{"password": "horse;battery#staple"} if write is write_ssmtp else {})
    password = server.options.password
    files = write(home, server, pki.ca)
    imported = account_import("--output", ".config/acsmtp.ini", *files)
    assert imported.status == 0, imported.stderr
    assert password not in imported.stdout + imported.stderr
    with open(home / ".config/acsmtp.ini", "a", encoding="utf-8") as ini:
        ini.write("\n[delivery]\nqueue = off\naliases = off\n")
    sent = run(["-t", "-f", "DoNotReply@contoso.com"],
               input="From: DoNotReply@contoso.com\nTo: a@example.org\n\nHello\n")
    assert (sent.status, sent.stdout, sent.stderr) == (0, "", "")
    assert server.message.recipients == ["a@example.org"]
    assert server.message.sender == "DoNotReply@contoso.com"


def test_what_tls_may_use(account_import, home):
    """msmtp's priorities are GnuTLS's, and so are ours."""
    (home / "msmtprc").write_text("account a\nhost mail.example.org\nfrom a@example.org\n"
                                  "tls_priorities NORMAL:-VERS-TLS1.3\n")
    result = account_import("--format", "msmtp", "msmtprc")
    assert result.status == 0, result.stderr
    assert "\ntls_priorities = NORMAL:-VERS-TLS1.3\n" in result.stdout
    assert "tls_priorities" not in result.stderr
