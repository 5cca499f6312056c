# SPDX-License-Identifier: GPL-3.0-or-later
"""The same fleet with a store: its script runs in a real Redis, on the fleet's clock."""

import ctypes
import re

import pytest

from fleet import TOP, Fleet, build
from helpers.redis import Redis


@pytest.fixture(scope="module")
def code(tmp_path_factory):
    return build(tmp_path_factory.mktemp("fleet"))


@pytest.fixture
def store(tmp_path):
    redis = Redis(tmp_path)
    yield redis
    redis.stop()


class Charge:
    """The program's own script; the clock is the last argument instead of the server's."""

    def __init__(self, store, per_minute, per_hour):
        text = (TOP / "src/delivery/quota_store.c").read_text()
        lines = re.search(r"static const char script\[\] =\n(.*?);\n\n", text, re.S)[1]
        script = "\n".join(re.findall(r'"(.*)\\n"', lines))
        clock = "tonumber(redis.call('TIME')[1])"
        assert script.count(clock) == 1
        self._store, self._limits = store, (per_minute, per_hour)
        self._sum = store.ask("SCRIPT", "LOAD", script.replace(clock, "tonumber(ARGV[4])"))

    def __call__(self, now):
        return self._store.ask("EVALSHA", self._sum, 2, "minute", "hour", 1, *self._limits, now)


@pytest.fixture
def shared(code, store):
    """The limits that the store of the fleet has."""
    function = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_long)
    kept = []

    def use(per_minute, per_hour):
        kept.append(function(Charge(store, per_minute, per_hour)))
        code.fleet_store(kept[-1])

    yield use
    code.fleet_store(None)


def test_a_fleet_uses_the_quota(code, tmp_path, shared):
    """From the first hour, with hardly a refusal, and nobody starves."""
    spools = tmp_path / "spools"
    spools.mkdir()
    hours = 16
    shared(30, 100)
    many = Fleet(code, spools, 100, 30, 100)
    many.load(100)
    many.run(hours)
    accepted, refused = many.between(0, hours), many.between(0, hours, "refused")
    print(f"{accepted / hours:.1f} of 100 an hour, {refused} of {accepted + refused} refused")
    assert accepted >= 0.97 * 100 * hours
    assert refused <= 0.005 * (accepted + refused)
    assert many.between(0, 1) >= 97
    least = min(len(host.accepted) for host in many.hosts)
    assert least >= accepted / 100 / 3, least
