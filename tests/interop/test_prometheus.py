# SPDX-License-Identifier: GPL-3.0-or-later
"""What Prometheus' own tool says of the figures, of the alerts and of what they are about."""

import json
import pathlib
import re
import subprocess

import pytest

from helpers.waiting import PATIENCE

DOC = pathlib.Path(__file__).resolve().parents[2] / "doc"
HELLO = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nHello.\n"


@pytest.fixture
def promtool(packages):
    def run_tool(*words, input=""):
        done = subprocess.run([packages.parent / "peers/usr/bin/promtool", *words], input=input, text=True,
                              capture_output=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run_tool


@pytest.fixture
def figures(acs, run, config, tmp_path):
    """What stands in the file behind a message that waits."""
    file = tmp_path / "acsmtp.prom"
    ini = config(acs(), rate_per_hour=100, extra=f"[delivery]\nqueue = on\n"
                 f"spool = {tmp_path}/spool\nmetrics_file = {file}\n")
    assert run(["-C", ini, "-odq", "-t"], input=HELLO).status == 0
    assert run(["queue", "hold", "--all", "--config", ini], program="acsmtp").status == 0
    return file.read_text()


def test_figures(promtool, figures):
    assert "acsmtp_held 1\n" in figures
    promtool("check", "metrics", input=figures)


def test_figures_of_the_daemon(promtool, daemon):
    promtool("check", "metrics", input=daemon().run("status", "--prometheus").stdout)


def test_alerts(promtool):
    promtool("check", "rules", DOC / "alerts.rules.yml")
    promtool("test", "rules", DOC / "alerts.test.yml")


@pytest.mark.parametrize("page", ["alerts.rules.yml", "dashboard.json"])
def test_they_are_about_what_there_is(figures, page):
    text = (DOC / page).read_text()
    if page.endswith("json"):
        json.loads(text)
    there = set(re.findall(r"(?m)^# TYPE (acsmtp_\w+) gauge$", figures))
    # Those that `acsmtp daemon status` alone tells.
    there |= {"acsmtp_clients", "acsmtp_up", "acsmtp_door_up"}
    assert set(re.findall(r"\bacsmtp_\w+", text)) <= there
