# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp account import of the files that Debian's mail programs come with."""

import re
import subprocess

import pytest

from unpacked import directory_of


@pytest.fixture(scope="session")
def peers(packages):
    """Where the packages' files are: those of Postfix are with the real servers."""
    return [packages.parent / "peers", packages]


@pytest.fixture
def account_import(home):
    program = directory_of("ACSMTP_PREFIX", "where acsmtp is installed") / "bin/acsmtp"

    def run(*args):
        return subprocess.run([program, "account", "import", *args], cwd=home,
                              capture_output=True, text=True, check=False, timeout=60,
                              env={"HOME": str(home), "LANG": "C.UTF-8"})
    return run


# The file, the program (a later release may have it no more), the accounts in it, and
# words that must be said. A file in which all is commented out names no server.
SHIPPED = [
    ("usr/share/doc/msmtp/examples/msmtprc-user.example", "usr/bin/msmtp",
     {"freemail": "smtp.freemail.example", "freemail2": "smtp.freemail.example",
      "company": "mail.company.example"}, ["password of company: missing"]),
    ("usr/share/doc/msmtp/examples/msmtprc-system.example", "usr/bin/msmtp",
     {"default": "mail.oursite.example"}, ["from: changed: a pattern"]),
    ("usr/share/doc/esmtp/examples/sample.esmtprc", "usr/bin/esmtp",
     {"default": "localhost", "myself@somewhere.com": "smtp.somewhere.com"},
     ["mda: not taken"]),
    ("usr/share/dma/dma.conf", "usr/sbin/dma", {}, ["no server is named"]),
    ("etc/dma/auth.conf", "usr/sbin/dma", {}, ["no server is named"]),
    ("etc/ssmtp/revaliases", "usr/sbin/ssmtp", {}, ["no server is named"]),
    ("usr/share/postfix/main.cf.debian", "usr/sbin/postfix", {},
     ["smtpd_banner: not taken", "no server is named"]),
    ("usr/share/postfix/main.cf.dist", "usr/sbin/postfix", {},
     ["compatibility_level: not taken", "no server is named"]),
    ("usr/share/postfix/main.cf.tls", "usr/sbin/postfix", {},
     ["smtp_tls_security_level: changed", "no server is named"]),
]


@pytest.mark.parametrize("path, program, accounts, words", SHIPPED,
                         ids=[path for path, *_ in SHIPPED])
def test_shipped(peers, account_import, home, path, program, accounts, words):
    root = next((root for root in peers if (root / program).exists()), None)
    if not root:
        pytest.skip(f"this release has no {program}")
    result = account_import("--output", "new.ini", root / path)
    assert result.returncode == (0 if accounts else 78), result.stderr
    for word in words:
        assert word in result.stderr
    ini = home / "new.ini"
    text = ini.read_text(encoding="utf-8") if accounts else ""
    assert dict(re.findall(r"^\[account (.*)\]\n(?:(?!\[).*\n)*?host = (.*)$", text,
                           re.M)) == accounts
    assert ini.exists() == bool(accounts)


def shipped_lines(peers, path):
    """The settings that stand in a file, commented out or not."""
    for root in peers:
        if (root / path).exists():
            return re.findall(r"(?m)^#?([A-Z_]{4,})(?: (.*))?$", (root / path).read_text())
    pytest.skip(f"this release has no {path}")
    return None


def test_everything_of_dma_is_known(peers, account_import, home):
    """Each setting that the package's file has in a comment, switched on."""
    lines = shipped_lines(peers, "usr/share/dma/dma.conf")
    assert len(lines) > 10
    (home / "dma.conf").write_text("".join(f"{name} {value}\n" for name, value in lines))
    result = account_import("dma.conf")
    assert result.returncode == 0, result.stderr
    assert "\nhost = mail.example.com\n" in result.stdout
    assert "knows no such setting" not in result.stderr
