# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet of machines that share one quota, on a simulated clock: what each may do is
decided by acsmtp's own code, what the service takes by the emulator's windows."""

import ctypes
import heapq
import os
import random
import shlex
import subprocess
from pathlib import Path

from emulator.rates import Rates

TOP = Path(__file__).resolve().parents[2]
SOURCES = ["tests/pacing/fleet.c", "src/delivery/throttle.c", "src/delivery/retry.c",
           "src/spool/account_state.c", "src/spool/state_name.c", "src/spool/pace.c", "src/spool/files.c",
           "src/spool/codec.c"]
# Of these files only what a machine of the fleet calls.
FLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-O2", "-shared", "-fPIC", "-fvisibility=hidden",
         "-ffunction-sections", "-fdata-sections", "-Wl,--gc-sections", "-I", TOP / "src",
         '-DACSMTP_LOCALEDIR="/nonexistent"', '-DACSMTP_BINDIR="/nonexistent"',
         '-DGNUTLS_SONAME="libgnutls.so.30"']
DIALOGUE = 2        # seconds that a message takes
START = 1_800_000_000
HOUR = 3600


def build(directory):
    """Compiles what a machine does into a library."""
    library = Path(directory) / "fleet.so"
    sources = [TOP / name for name in SOURCES] + sorted((TOP / "src/base").glob("*.c"))
    subprocess.run([*shlex.split(os.environ.get("CC", "cc")), *FLAGS, "-o", library,
                    *sources], check=True)
    code = ctypes.CDLL(str(library))
    code.fleet_seed.argtypes = [ctypes.c_uint64]
    code.fleet_host.argtypes = [ctypes.c_char_p, ctypes.c_long, ctypes.c_long]
    code.fleet_host.restype = ctypes.c_void_p
    for name in "fleet_ask", "fleet_accepted", "fleet_refused", "fleet_unreachable":
        function = getattr(code, name)
        function.argtypes = [ctypes.c_void_p, ctypes.c_long]
        function.restype = ctypes.c_long
    return code


class Host:
    """A machine: its queue holds the moments when messages arrived."""

    def __init__(self, handle):
        self.handle = handle
        self.queue = []
        self.delays = []
        self.accepted = []          # when
        self.refused = []
        self.is_awake = False


class Fleet:
    def __init__(self, code, directory, size, per_minute, per_hour, seed=1):
        self.code = code
        self.now = START
        self.random = random.Random(seed)
        self.service = Rates(per_minute, per_hour, clock=lambda: self.now)
        self.events = []
        self.hosts = []
        self.count = 0
        self.outage = None          # (from, until): there is no connection
        code.fleet_seed(seed)
        for number in range(size):
            spool = Path(directory) / f"{per_hour}-{seed}-{number}"
            spool.mkdir(mode=0o700)
            self.hosts.append(Host(code.fleet_host(str(spool).encode(), per_minute,
                                                   per_hour)))

    def at(self, when, action, *arguments):
        self.count += 1
        heapq.heappush(self.events, (when, self.count, action, arguments))

    def load(self, messages, hosts=None, at=0):
        """So many for each, within a minute."""
        for host in hosts or self.hosts:
            for _ in range(messages):
                self.at(START + at + self.random.random() * 60, self.take_in, host)

    def steady(self, per_hour, begin, end):
        """By chance, for any of them; how many these were."""
        count, when = 0, START + begin * HOUR
        while (when := when + self.random.expovariate(per_hour / HOUR)) < START + end * HOUR:
            self.at(when, self.take_in, self.random.choice(self.hosts))
            count += 1
        return count

    def take_in(self, host):
        host.queue.append(self.now)
        if not host.is_awake:
            host.is_awake = True
            self.run_queue(host)

    def run_queue(self, host):
        """What the runner does: asks, sends, or sleeps as long as it is told."""
        if not host.queue:
            host.is_awake = False
            return
        later = self.code.fleet_ask(host.handle, int(self.now))
        if later:
            self.at(later + self.random.random(), self.run_queue, host)
        else:
            self.at(self.now + DIALOGUE * self.random.uniform(0.5, 1.5), self.send, host)

    def send(self, host):
        if self.outage and self.outage[0] <= self.now < self.outage[1]:
            self.code.fleet_unreachable(host.handle, int(self.now))
        elif self.service.take():
            host.delays.append(self.now - host.queue.pop(0))
            host.accepted.append(self.now)
            self.code.fleet_accepted(host.handle, int(self.now))
        else:
            host.refused.append(self.now)
            self.code.fleet_refused(host.handle, int(self.now))
        self.run_queue(host)

    def run(self, hours):
        end = START + hours * HOUR
        while self.events and self.events[0][0] <= end:
            when, _, action, arguments = heapq.heappop(self.events)
            self.now = max(self.now, when)
            action(*arguments)
        self.now = end

    def between(self, begin, end, what="accepted"):
        """How many messages were accepted, or refused, in these hours."""
        begin, end = START + begin * HOUR, START + end * HOUR
        return sum(begin <= when < end for host in self.hosts
                   for when in getattr(host, what))

    def delays(self):
        return [delay for host in self.hosts for delay in host.delays]

    def waiting(self):
        return sum(len(host.queue) for host in self.hosts)
