# SPDX-License-Identifier: GPL-3.0-or-later
"""Completion in bash, zsh and fish themselves, compared with what --help lists."""

import json
import os
import re
import shutil
import subprocess

import pytest

from helpers.program import environment, installed
from helpers.person import Person

FILES = {"bash": "share/bash-completion/completions/acsmtp",
         "zsh": "share/zsh/site-functions/_acsmtp",
         "fish": "share/fish/vendor_completions.d/acsmtp.fish"}
SHELLS = list(FILES)
WITH_TO = "To: a@example.org\n\nbody\n"

# What bash does when somebody presses the tab key behind these words.
DRIVER = r"""
compopt() { :; }
source "$1"; shift
# "=" is a word of its own, as in $COMP_WORDBREAKS.
COMP_WORDS=()
for word; do
	while [[ $word == --*=* ]]; do
		COMP_WORDS+=("${word%%=*}" =); word=${word#*=}
		[[ $word ]] || break
	done
	[[ $word || ${COMP_WORDS[-1]} != = ]] && COMP_WORDS+=("$word")
done
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
completion=$(complete -p acsmtp | sed 's/.*-F \([^ ]*\) .*/\1/')
"$completion" acsmtp "$word" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


def file_of(shell):
    return installed("acsmtp").parents[1] / FILES[shell]


@pytest.fixture(params=["bash", "fish"])
def complete(request, home):
    """complete("queue", "li"): what the shell offers for the last word."""
    shell = request.param
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")

    def press_tab(*words):
        words = ["acsmtp", *words]
        if shell == "bash":
            command = ["bash", "--norc", "-c", DRIVER, "bash", str(file_of("bash")), *words]
        else:
            line = " ".join(words)
            command = ["fish", "--no-config", "-c",
                       f"source {file_of('fish')}; complete -C '{line}'"]
        path = f"{installed('acsmtp').parent}:{os.environ['PATH']}"
        done = subprocess.run(command, capture_output=True, check=False, timeout=60, cwd=home,
                              env=environment(home, {"PATH": path}))
        assert done.stderr == b""
        lines = done.stdout.decode().splitlines()
        prefix = "" if shell == "bash" or not words[-1].startswith("--") or "=" not in words[-1] \
            else words[-1].split("=")[0] + "="
        return {line.split("\t")[0].removeprefix(prefix) for line in lines if line}

    return press_tab


def subs_of(text):
    lines = text.split("\nCommands:\n")[1].split("\n\n")[0].splitlines()
    result = {}
    for line in lines:
        usage = re.split(r"  +", line.strip())[0].split()
        result.setdefault(usage[0], set())
        if len(usage) > 1 and re.fullmatch("[a-z]+", usage[1]):
            result[usage[0]].add(usage[1])
    return result


@pytest.fixture
def table(run):
    """{"queue": {"list", ...}, "check": set()}"""
    result = subs_of(run(["help"], program="acsmtp").stdout)
    assert "list" in result["queue"] and result["check"] == set()
    return result


def flags_of(run, *command):
    text = run([*command, "--help"], program="acsmtp").stdout
    return set(re.findall(r"^  (--[a-z-]+)", text, re.M))


@pytest.mark.parametrize("shell", SHELLS)
def test_installed(run, shell):
    printed = run(["help", "completion", shell], program="acsmtp")
    assert (printed.status, printed.stderr) == (0, "")
    assert printed.stdout == file_of(shell).read_text()


@pytest.mark.parametrize("shell", SHELLS)
def test_syntax(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    done = subprocess.run([shell, "-n", file_of(shell)], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.parametrize("words", [["completion"], ["completion", "csh"], ["nonsense"],
                                   ["settings", "bash"], ["completion", "bash", "zsh"]])
def test_unknown_topic(run, words):
    result = run(["help", *words], program="acsmtp")
    assert (result.status, result.stdout) == (64, "")


def test_commands(complete, table):
    assert complete("") == set(table) | {"send"}
    assert complete("ch") == {"check"}
    for word, subs in table.items():
        if subs:
            assert complete(word, "") == subs
    assert complete("queue", "re") == {"release", "remove", "retry"}


def test_flags(complete, table, run):
    for word, subs in table.items():
        for command in [(word, sub) for sub in subs] or [(word,)]:
            if command != ("explain",):     # which goes on as sendmail does
                assert complete(*command, "--") == flags_of(run, *command) | {"--help"}, command


def test_options(complete, run):
    text = run(["--help"]).stdout.split("\nOptions:\n")[1]
    options = set(re.findall(r"^  (-[^ ]+)", text, re.M))
    assert len(options) > 50
    for before in [[], ["send"], ["explain"], ["-t"]]:
        # fish does not offer one letter twice.
        assert options - {"-t"} <= complete(*before, "-")


@pytest.mark.parametrize("words, expected", [
    (["setup", "--service", "o"], {"office365", "outlook", "other"}),
    (["setup", "--service", "s"], {"sendgrid", "ses", "smtp2go", "sparkpost"}),
    (["setup", "--service=s"], {"sendgrid", "ses", "smtp2go", "sparkpost"}),
    (["setup", "--service=ac"], {"acs"}),
    (["setup", "--yes", "--keep-secret", "k"], {"keyring"}),
    (["setup", "--host", ""], set()),
    (["account", "import", "--format", "n"], {"netrc", "nullmailer"}),
    (["help", "s"], {"services", "settings"}),
    (["help", "completion", "z"], {"zsh"}),
    (["-f", ""], set()),
])
def test_values(complete, words, expected):
    assert complete(*words) == expected


def test_files(complete, home):
    (home / "two words.ini").touch()
    (home / "two.ini").touch()
    (home / "other").touch()
    for words in (["check", "--config", "tw"], ["-C", "tw"], ["account", "import", "tw"]):
        found = {name.replace("\\", "") for name in complete(*words)}
        assert found == {"two words.ini", "two.ini"}


@pytest.fixture
def known(config, home, tmp_path, run):
    """Two accounts, and two messages in the queue, whose ids come back."""
    path = config(account="work", extra="[account weekend]\nuser=x\nfrom=a@example.org\n"
                  "[defaults]\ndefault_account = work\n"
                  f"[delivery]\nqueue = on\nspool = {tmp_path}/spool\n")
    (home / ".config").mkdir()
    shutil.copy(path, home / ".config/acsmtp.ini")
    for _ in range(2):
        result = run(["-odq", "-t"], input=WITH_TO)
        assert result.status == 0, result.stderr
    listed = run(["queue", "list", "--json"], program="acsmtp").stdout
    ids = {message["id"] for message in json.loads(listed)["messages"]}
    assert len(ids) == 2
    return ids


def test_accounts(complete, known):
    for words in (["check"], ["-a"], ["--account"], ["queue", "list", "--account"],
                  ["password", "set"], ["account", "show"], ["send", "-t", "-a"]):
        assert complete(*words, "w") == {"work", "weekend"}
        assert complete(*words, "wo") == {"work"}
    assert complete("setup", "--account", "w") == set()


def test_messages(complete, known):
    one = min(known)
    for sub in ("list", "show", "retry", "hold", "release", "remove"):
        assert complete("queue", sub, "") >= known
        assert complete("queue", sub, one) == {one}


def test_zsh(home, known):
    """At a terminal: what the tab key completes, and what it lists."""
    if not shutil.which("zsh"):
        pytest.skip("zsh is not installed")
    (home / ".zshrc").write_text(
        f"fpath=({file_of('zsh').parent} $fpath)\nautoload -Uz compinit\ncompinit -u -D\n"
        "PROMPT='ready> '\nunset zle_bracketed_paste\n")
    path = f"{installed('acsmtp').parent}:{os.environ['PATH']}"
    variables = environment(home, {"PATH": path, "TERM": "xterm", "ZDOTDIR": str(home),
                                   "COLUMNS": "200"})
    one = Person([shutil.which("zsh"), "-i"], variables, home)
    try:
        one.wait_for("ready> ")
        for typed, completed in [
            ("queue rel", "ease"), ("setup --keep-secret k", "eyring"),
            ("setup --keep-secret=f", "ile"), ("check wo", "rk"), ("-a wee", "kend"),
            ("exp", "lain"), ("account import --format sas", "l_passwd"),
            (f"queue show {min(known)[:-1]}", min(known)[-1]),
        ]:
            os.write(one.terminal, f"acsmtp {typed}\t".encode())
            one.wait_for(typed)
            one.wait_for(completed)
            os.write(one.terminal, b"\x15")
        os.write(one.terminal, b"acsmtp setup --password-\t\t")
        one.wait_for("--password-command  -- it prints the secret")
        one.wait_for("--password-file  ")
        os.write(one.terminal, b"\x15exit\n")
        one.end()
    finally:
        print(one.screen)
        one.leave()
