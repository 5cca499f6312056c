# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests of several folders use; the fixtures are in tests/conftest.py."""
