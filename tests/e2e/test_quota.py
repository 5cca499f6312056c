# SPDX-License-Identifier: GPL-3.0-or-later
"""What the service's quota means for one who calls sendmail."""

MESSAGE = "To: a@example.org\nSubject: {}\n\nHello\n"


def test_what_is_too_much_waits_in_the_queue(acs, run, config, home):
    """The server is not asked for more than the quota, and nobody is told of a failure."""
    server = acs()
    path = config(server, rate_per_minute=2, rate_per_hour=100,
                  extra=f"[delivery]\nqueue = on\nspool = {home / 'spool'}\n")
    for number in range(3):
        result = run(["-C", path, "-t"], input=MESSAGE.format(number))
        assert result.status == 0, result.stderr
        assert result.stderr == ""
    assert len(server.messages) == 2
    assert len(list((home / "spool").glob("*.env"))) == 1
    state, = (home / "spool/accounts").iterdir()
    assert state.stat().st_mode & 0o7777 == 0o600


def test_a_damaged_count_stops_no_mail(acs, run, config, home):
    server = acs()
    path = config(server, rate_per_minute=2, rate_per_hour=100,
                  extra=f"[delivery]\nqueue = on\nspool = {home / 'spool'}\n")
    for number, damage in enumerate(["nonsense", "acsmtp-account 9\n", "\0" * 5000]):
        assert run(["-C", path, "-t"], input=MESSAGE.format(number)).status == 0
        state, = (home / "spool/accounts").iterdir()
        state.write_text(damage, encoding="ascii")
    assert len(server.messages) == 3


def test_without_a_quota_little_is_written(acs, run, config, home):
    """That it works, once."""
    server = acs()
    path = config(server, rate_per_minute=0, rate_per_hour=0,
                  extra=f"[delivery]\nqueue = on\nspool = {home / 'spool'}\n")
    assert run(["-C", path, "-t"], input=MESSAGE.format(1)).status == 0
    state, = (home / "spool/accounts").iterdir()
    written = state.stat().st_mtime_ns
    for number in range(2):
        assert run(["-C", path, "-t"], input=MESSAGE.format(number)).status == 0
    assert len(server.messages) == 3
    assert state.stat().st_mtime_ns == written


def test_a_refusal_stops_the_account(acs, run, config, home):
    """The service counts what it refuses: nobody asks it again before the pause is over."""
    server = acs(per_minute=1)
    path = config(server, rate_per_minute=30, rate_per_hour=100,
                  extra=f"[delivery]\nqueue = on\nspool = {home / 'spool'}\n")
    for number in range(4):
        result = run(["-C", path, "-t"], input=MESSAGE.format(number))
        assert result.status == 0, result.stderr
    assert len(server.messages) == 1
    assert len(server.sessions) == 2
    assert len(list((home / "spool").glob("*.env"))) == 3
