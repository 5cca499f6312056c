# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports that tests/unit/report.c proves, read as programs read them that are not ours."""

import email
import email.policy
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data" / "report"
REPORTS = sorted([*DATA.glob("*.report"), *DATA.glob("*.7bit")])


def facts(path):
    """What became of the recipients: (mailbox, status or None) in order."""
    lines = path.with_suffix(".facts").read_text().splitlines()
    delayed = "kind delayed" in lines
    wanted = {"none", "later", "unknown"} if delayed else {"refused"}
    return delayed, [line.split(" ", 2)[2] for line in lines
                     if line.startswith("rcpt ") and line.split()[1] in wanted]


def address(field):
    """A Final-Recipient without its type, RFC 6533's escapes resolved."""
    kind, text = field.split(";", 1)
    while kind == "utf-8" and "\\x{" in text:
        before, rest = text.split("\\x{", 1)
        code, after = rest.split("}", 1)
        text = before + chr(int(code, 16)) + after
    return text.strip()


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.name)
def test_report_is_read_by_others(path):
    report = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    assert report.get_content_type() == "multipart/report"
    assert report.get_param("report-type") == "delivery-status"
    assert report["Auto-Submitted"] == "auto-replied"
    assert not [part.defects for part in report.walk() if part.defects]
    text, status, original = report.iter_parts()

    delayed, recipients = facts(path)
    words = text.get_content()
    assert all(recipient in words for recipient in recipients)

    assert status.get_content_type() == "message/delivery-status"
    whole, *each = status.get_payload()
    assert whole["Reporting-MTA"] == "dns; host.example"
    assert [address(fields["Final-Recipient"]) for fields in each] == recipients
    for fields in each:
        assert fields["Action"] == ("delayed" if delayed else "failed")
        assert fields["Status"][0] == ("4" if delayed else "5")
        assert "X-Fake" not in fields

    source = email.message_from_bytes(path.with_suffix(".eml").read_bytes())
    if original.get_content_type() == "message/rfc822":
        returned = original.get_payload(0)
        body = returned.get_payload(decode=True).replace(b"\r\n", b"\n")
        assert body == source.get_payload(decode=True)
        assert returned["Subject"] == source["Subject"]
    else:
        content = original.get_payload(decode=True)
        if content is None:     # message/global is a message to Python, encoded or not
            content = original.get_payload(0).as_bytes()
        assert b"Subject" in content or not source["Subject"]


def test_there_are_reports():
    assert len(REPORTS) > 10
