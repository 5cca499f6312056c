# SPDX-License-Identifier: GPL-3.0-or-later
"""What a process costs the machine; root alone may look at one that guards its secrets."""

import re
from pathlib import Path


def memory(pid, what="Pss"):
    """KiB: Pss, what is its own and its part of what it shares; Rss; Anonymous, what it wrote."""
    facts = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(re.search(rf"\n{what}: *(\d+) kB", facts)[1])
