# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something that happens elsewhere, without a fixed pause."""

import time

UNTIL = 20    # seconds that something may take on a machine that is busy


def wait_for(condition):
    """Until it holds; False: it never did. The caller says what that means."""
    until = time.monotonic() + UNTIL
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.01)
    return False
