# SPDX-License-Identifier: GPL-3.0-or-later
"""A session bus of its own, and a Secret Service on it that does what a test says.

Nothing of the machine is on that bus: it starts no services, and no other bus is used.
"""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

from .waiting import wait_until

CONFIG = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

class SessionBus:
    """Its socket is `bus` in a directory of its own, as in a user's runtime directory."""

    def __init__(self, daemon="dbus-daemon", environment=None):
        # Not below pytest's directories: the path of a socket has to be short.
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="bus-"))
        self.socket = self.directory / "bus"
        self.address = f"unix:path={self.socket}"
        self.processes = []
        self.environment = environment or {"PATH": os.environ["PATH"],
                                           "HOME": str(self.directory)}
        config = self.directory / "bus.conf"
        config.write_text(CONFIG.format(socket=self.socket))
        bus = self.run([daemon, f"--config-file={config}", "--nofork", "--nosyslog"])
        try:
            wait_until(self.socket.exists, "the bus", process=bus)
        except AssertionError:
            self.stop()
            raise

    def run(self, command, input=None, **environment):
        """A program that lives as long as the bus."""
        process = subprocess.Popen(
            [str(word) for word in command],
            stdin=subprocess.DEVNULL if input is None else subprocess.PIPE,
            stdout=(self.directory / "log").open("ab"), stderr=subprocess.STDOUT,
            env=self.environment | {"DBUS_SESSION_BUS_ADDRESS": self.address} | environment)
        self.processes.append(process)
        if input is not None:
            process.stdin.write(input)
            process.stdin.close()
        return process

    def fake(self, items=(), **options):
        """A Secret Service; see secret_service.py for the options."""
        ready, calls = self.directory / "ready", self.directory / "calls"
        script = pathlib.Path(__file__).with_name("secret_service.py")
        state = json.dumps({"items": list(items), "ready": str(ready),
                            "calls": str(calls), **options})
        calls.touch()
        service = self.run([sys.executable, script, state])
        wait_until(ready.exists, "the Secret Service", process=service)
        return service

    def has(self, name):
        """Whether somebody owns that name on the bus."""
        return subprocess.run(
            ["dbus-send", f"--bus={self.address}", "--print-reply",
             "--dest=org.freedesktop.DBus", "/", "org.freedesktop.DBus.GetNameOwner",
             f"string:{name}"], capture_output=True, check=False).returncode == 0

    def hang(self, service):
        """It keeps its name on the bus and does nothing more."""
        os.kill(service.pid, signal.SIGSTOP)

    @property
    def calls(self):
        """The names of the methods that the fake service was called by."""
        return (self.directory / "calls").read_text().split()

    @property
    def log(self):
        return (self.directory / "log").read_text(errors="replace")

    def stop(self):
        for process in reversed(self.processes):
            process.kill()
            process.wait()
        shutil.rmtree(self.directory)
