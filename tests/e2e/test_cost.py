# SPDX-License-Identifier: GPL-3.0-or-later
"""The cost of long headers grows as they do: instructions are counted, and no time taken.

Each shape is sent in three sizes, each twice the one before. What the third adds must be
about twice what the second added; were the cost quadratic, it would be four times. The
shapes are what a parser reads, and what may become a loop within a loop.
"""

import os
import re
import shutil
import subprocess

import pytest

from helpers.program import environment, installed

MANY = 10_000                   # recipients
LARGE = 1024 * 1024             # bytes of a header
GROWTH_MAX = 2.5
IN_FULL = {"recipients", "fields"}      # the others in a quarter of it, which shows as much

AUTHOR = "From: DoNotReply@contoso.com\n"
TO = "To: a@example.org\n"


def per_recipient(separator, form, field="To"):
    """MANY recipients in one field."""
    return lambda share: AUTHOR + f"{field}: " + separator.join(
        form.format(i) for i in range(int(MANY * share))) + "\n"


def large(before, unit, after="\n"):
    """A header of LARGE bytes."""
    size = len(unit.encode())
    return lambda share: AUTHOR + before + unit * int(LARGE * share / size) + after


SHAPES = {
    "recipients": per_recipient(",\n ", "u{}@example.org"),
    "recipients in a line": per_recipient(", ", '"Sur, N{0}" <u{0}@example.org>'),
    "a field each": lambda share: AUTHOR + "".join(
        f"Bcc: u{i}@example.org\n" for i in range(int(MANY * share))),
    "resent": lambda share: AUTHOR + "".join(
        f"Resent-To: u{i}@example.org\n" for i in range(int(MANY * share))),
    "other alphabets": per_recipient(",\n ", "Jörg <u{}@bücher.example>"),
    "local names": per_recipient(",\n ", "root, u{}@example.org", "Cc"),
    "malformed": lambda share: AUTHOR + "To: " + ",\n ".join(
        f"u{i}@example.org" if i % 20 else f"u{i}@" for i in range(int(MANY * share))) + "\n",
    "a bracket closed late": lambda share: AUTHOR + TO + "Cc: a@example.org, <" + (
        "b, " * int(LARGE * share / 3)) + ">\nBcc: b@example.org\n",
    "fields": large(TO, "X-Field: some words of text\n", ""),
    "text": large(TO + "Subject:", "\n wörd and words"),
    "one word": large(TO + "Subject: ", "ö"),
    "references": large(TO + "References: ", "<1234567890@example.org> "),
    "parameters": large(TO + "Content-Type: text/plain", ";\n name=ö"),
    "comments": large("To: a@example.org", " (c)"),
    "parentheses": large(TO + "Cc: a@example.org ö", "("),
}


@pytest.fixture
def count(tmp_path, home):
    """count(arguments, message) -> (instructions, exit status)"""
    if not shutil.which("valgrind"):
        pytest.skip("valgrind is missing")

    def run(arguments, message):
        # A log of its own: the program's words on standard error are its own, too.
        log = tmp_path / "valgrind.log"
        done = subprocess.run(
            ["valgrind", "--vgdb=no", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             f"--log-file={log}", installed("sendmail"), *arguments],
            input=message.encode(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=environment(home, {}), cwd=home, timeout=300, check=False)
        found = re.search(r"Collected : (\d+)", log.read_text())
        assert found, log.read_text()
        return int(found[1]), done.returncode

    return run


@pytest.mark.parametrize("shape", SHAPES)
def test_cost(acs, config, count, shape):
    server = acs(without=("8BITMIME", "SMTPUTF8"), max_recipients=100000)
    arguments = ["-C", config(server, max_recipients=100000, max_size=0, timeout=120,
                              extra="[delivery]\nlocal_recipients = r@contoso.com\n"), "-t"]
    costs = []
    for part in (4, 2, 1):
        share = 1 / part / (1 if shape in IN_FULL else 4)
        cost, status = count(arguments, SHAPES[shape](share) + "\nbody\n")
        costs.append(cost)
        assert status in (0, os.EX_DATAERR)
    assert len(server.messages) == 3        # at a fault no more than some are refused
    growth = (costs[2] - costs[1]) / (costs[1] - costs[0])
    assert growth < GROWTH_MAX, costs
