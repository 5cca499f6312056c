# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator as a program for people: tests/emulator/acs."""

import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.client import base64_of
from emulator.options import Options

MESSAGE = b"Subject: test\r\n\r\nHello\r\n"
SENDER = "donotreply@contoso.com"


@pytest.fixture
def program(tmp_path):
    """program(*arguments) -> (process, port, file to trust)"""
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("acs")), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        running.append(process)
        where, trust = process.stdout.readline(), process.stdout.readline()
        port = re.fullmatch(r"listening on 127.0.0.1 port (\d+)\n", where)
        assert port, where
        return process, int(port[1]), re.fullmatch("trust (.*)\n", trust)[1]

    yield start
    for process in running:
        process.terminate()    # which lets it take its certificates away
        process.wait()
        process.stdout.close()


def submit(port, ca):
    with smtplib.SMTP("localhost", port) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=ca))
        smtp.login(Options.user, Options.password)
        smtp.sendmail(SENDER, "a@example.org", "Subject: test\r\n\r\nHello\r\n")


def test_the_program(program, tmp_path):
    ca = tmp_path / "root.pem"
    process, port, trust = program("--once", "--save", str(tmp_path / "mail"),
                                   "--ca-file", str(ca))
    assert trust == str(ca)
    submit(port, ca)
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "1 * c: mail from:<donotreply@contoso.com>" in output.lower()
    assert "1 * C: Hello\n" in output
    assert base64_of(Options.password) not in output
    assert (tmp_path / "mail/1.eml").read_bytes() == MESSAGE
    envelope = (tmp_path / "mail/1.envelope").read_text().splitlines()
    assert "user contoso-smtp" in envelope
    assert "recipient <a@example.org>" in envelope


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_ends_on_a_signal(program, number):
    process, _, trust = program("--quiet")
    assert os.path.exists(trust)
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == 0
    assert not os.path.exists(trust)


def test_options_of_the_program(program):
    _, port, ca = program("--per-minute", "1", "--fault", "NOOP,times=1:451 4.3.2 Later")
    submit(port, ca)
    with pytest.raises(smtplib.SMTPDataError, match="4.5.127"):
        submit(port, ca)
    with smtplib.SMTP("localhost", port) as smtp:
        assert smtp.noop() == (451, b"4.3.2 Later")


def test_help_and_mistakes():
    program = str(Path(__file__).with_name("acs"))
    done = subprocess.run([sys.executable, program, "--help"], capture_output=True,
                          text=True, check=True)
    assert "--fault STEP" in done.stdout
    done = subprocess.run([sys.executable, program, "--fault", "mial:close"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no step 'mial'" in done.stderr
