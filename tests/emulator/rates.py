# SPDX-License-Identifier: GPL-3.0-or-later
"""The two windows in which the service counts messages."""

import threading
import time
from collections import deque

MINUTE = 60
HOUR = 3600


class Rates:
    """Of one account, so of all sessions. What is refused counts too, as with the
    service: whoever tries again and again stays locked out."""

    def __init__(self, per_minute, per_hour, clock=time.monotonic):
        self._windows = [(seconds, most, deque())
                         for seconds, most in ((MINUTE, per_minute), (HOUR, per_hour))
                         if most is not None]
        self._clock = clock
        self._lock = threading.Lock()

    def take(self):
        """Counts one message; False if that is one too many."""
        now = self._clock()
        allowed = True
        with self._lock:
            for seconds, most, times in self._windows:
                while times and times[0] <= now - seconds:
                    times.popleft()
                times.append(now)
                allowed = allowed and len(times) <= most
        return allowed
