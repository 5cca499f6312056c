# SPDX-License-Identifier: GPL-3.0-or-later
"""Postfix's smtp-source against our TCP listener and against Postfix's smtpd."""

import contextlib
import subprocess
from pathlib import Path

from figures import in_turns, seconds_of, tell
from helpers.ports import port_for_us
from helpers.stream import RECIPIENT, SENDER
from namespaces import unshare_command
from postfix import Postfix
from unpacked import directory_of, path_list

GET_PACKAGES = Path(__file__).parents[1] / "interop/get-packages"
MESSAGES = 2000
# Nobody works on what is on hold.
HOLD = "smtpd_recipient_restrictions = static:HOLD, permit\n"


@contextlib.contextmanager
def postfix(scene, packages, name, extra):
    """Its queue is on the disk that ours is on."""
    directory = scene.work / name
    directory.mkdir()
    directory.chmod(0o755)
    server = Postfix(unshare_command()[0], packages, directory, on_disk=True)
    try:
        server.start(scene.pki.chain("good"), "u", "p", "plain", next_port=scene.sink.port,
                     extra=extra)
        yield server
    finally:
        server.stop()


class Source:
    def __init__(self, packages, directory, messages):
        self.words = [packages / "usr/sbin/smtp-source", "-s", "8", "-m", str(messages),
                      "-l", "2048", "-f", SENDER, "-t", RECIPIENT]
        libraries = path_list("usr/lib/*-linux-gnu*", "usr/lib/postfix", under=packages)
        self.env = {"LD_LIBRARY_PATH": libraries, "MAIL_CONFIG": str(directory / "postfix")}

    def __call__(self, port):
        subprocess.run([*self.words, f"127.0.0.1:{port}"], env=self.env, check=True)


def compare(scene, options, packages, held):
    port = port_for_us()
    limits = {"rate_per_minute": 1, "rate_per_hour": 1} if held else {}
    scene.serve(f"listen = 127.0.0.1:{port}\n", **limits)
    with postfix(scene, packages, "held" if held else "relay", HOLD if held else "") as server:
        source = Source(packages, server.directory, options.source)

        def against(port):
            goal = scene.sink.taken + options.source
            took = seconds_of(source, port)
            if not held:
                scene.sink.wait_for(goal)
            return took

        found = in_turns(options.rounds or 3, ours=lambda: against(port),
                         postfix=lambda: against(server.port))
    what = "nobody sends on" if held else "both send on"
    tell("source", f"smtp-source, {options.source} messages, {what}", found["ours"],
         found["postfix"], "s", most=0.5, asked="at most 0.5")


def source(scene, options):
    """smtp-source -s 8 -m 2000 -l 2048: our listener, and Postfix with its queue on this disk."""
    cache = directory_of("ACSMTP_PACKAGES", "the directory given to get-packages")
    subprocess.run([GET_PACKAGES, cache], check=True)
    for held in True, False:    # nothing is deleted in the first
        compare(scene, options, cache / "root", held)
