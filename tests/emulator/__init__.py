# SPDX-License-Identifier: GPL-3.0-or-later
"""An emulator of the service that acsmtp submits mail to.

For tests: the fixture `acs` in tests/conftest.py. For people: tests/emulator/acs --help.
"""
