# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that share a quota in Valkey, where the release has it; else in Redis once more."""

import pytest

from helpers.redis import Redis

HELLO = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nHello.\n"


@pytest.fixture
def store(packages, caller_environment, pki, tmp_path):
    valkey = packages / "usr/bin/valkey-server"
    one = Redis(tmp_path, "--requirepass", "hush", tls=pki.chain("good"),
                program=valkey if valkey.exists() else None, environment=caller_environment)
    yield one
    one.stop()


def test_two_machines_share(acs, queued, store):
    server = acs()
    store.ask("AUTH", "hush")
    machines = [queued(server, quota_store=f"rediss://:hush@localhost:{store.port}",
                       rate_per_minute=3, rate_per_hour=5) for _ in range(2)]
    for _ in range(2):
        for machine in machines:
            assert machine.send(HELLO).status == 0
    assert len(server.messages) == 3
    assert [len(machine.ids()) for machine in machines] == [0, 1]
    assert store.counted() == {"minute": 3, "hour": 3}
