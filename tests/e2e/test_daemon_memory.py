# SPDX-License-Identifier: GPL-3.0-or-later
"""What the daemon's programs keep of the messages that have gone: nothing. scripts/bench looks
longer, and tells the figures."""

import pytest

from helpers.sink import Sink
from helpers.stream import costs, give, keep_runner

MESSAGES, ROOM = 500, 96    # KiB: less than 200 bytes of each
FILES = 16      # which the keeper and the runner may have open for more helpers


@pytest.fixture
def sink(pki):
    one = Sink(pki)
    yield one
    one.stop()


@pytest.mark.as_root	# who else may not look at its memory
def test_memory_over_many_messages(daemon, sink):
    d = daemon(sink, rate_per_minute=0, rate_per_hour=0)
    keep_runner(d)
    give(d, sink, 200, each=1)
    early = costs(d)
    give(d, sink, MESSAGES, each=1)
    late = costs(d)
    assert {"leader", "door", "keeper", "runner"} <= early.keys() & late.keys()
    for name in early.keys() & late.keys():
        print(name, early[name], late[name])
        assert late[name].pid == early[name].pid or name in ("taker", "sender")
        assert late[name].anonymous <= early[name].anonymous + ROOM, name
        assert late[name].files <= early[name].files + FILES, name
