# SPDX-License-Identifier: GPL-3.0-or-later
"""Libraries that scripts send with: Perl's MIME::Lite and Email::Sender, Python's email.

Perl's find sendmail by themselves unless they are told, and none of them looks at
anything but its exit status.
"""

import pytest

from arrived import BODY, SENDER, STRANGER, assert_whole, envelope, parse, text_of

RECIPIENTS = ["copy@example.org", "hidden@example.org", "two@example.org",
              "you@example.org"]
CONTENT = bytes(range(256)) * 30


@pytest.fixture
def script(call, sendmail, tmp_path):
    """script(interpreter, text, sender): run it; it finds its text in body.txt, its
    attachment in all.bin, and what it needs to know in its environment."""
    (tmp_path / "body.txt").write_text(BODY)
    (tmp_path / "all.bin").write_bytes(CONTENT)

    def script(interpreter, text, sender=SENDER):
        (tmp_path / "script").write_text(text)
        return call(interpreter, tmp_path / "script", SENDMAIL=str(sendmail),
                    SENDER=sender)
    return script


def assert_arrived(message, subject="Größe 🎉"):
    assert envelope(message) == (SENDER, RECIPIENTS)
    assert b"hidden" not in message.data
    mail = parse(message)
    assert_whole(mail)
    assert mail["From"].addresses[0].display_name == "Jörg, Müller"
    assert mail["From"].addresses[0].addr_spec == SENDER
    assert [one.addr_spec for one in mail["To"].addresses] == [
        "you@example.org", "two@example.org"]
    assert mail["To"].addresses[1].display_name == "Two, Second"
    assert mail["Cc"].addresses[0].display_name == "Zoë"
    assert mail["Subject"] == subject
    return mail


def assert_parts(mail):
    text, attached = mail.iter_parts()
    assert text_of(text) == BODY
    assert attached.get_filename() == "all.bin"
    assert attached.get_payload(decode=True) == CONTENT


# --- MIME::Lite

MIME_LITE = """
use strict; use warnings; use utf8;
use Encode qw(encode);
use MIME::Lite;
sub word { encode("MIME-Header", $_[0]) }
sub slurp { local (@ARGV, $/) = @_; <> }
my $mail = MIME::Lite->new(
	From => word("Jörg, Müller") . " <$ENV{SENDER}>",
	To => 'you@example.org, "Two, Second" <two@example.org>',
	Cc => word("Zoë") . " <copy\\@example.org>",
	Bcc => "hidden\\@example.org",
	Subject => word("Größe 🎉"),
	%s);
$mail->attr("content-type.charset" => "UTF-8");
%s
$mail->send("sendmail", %s) or die "not sent: $?";
"""

# How long lines and dots go, in whatever way the script has chosen.
ENCODINGS = ["8bit", "binary", "quoted-printable", "base64"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_mime_lite_sends(service, script, encoding):
    """It hands its recipients over with -t, the Bcc among them."""
    done = script("perl", MIME_LITE % (
        f'Type => "text/plain", Encoding => "{encoding}", Data => slurp("body.txt")',
        "", "Sendmail => $ENV{SENDMAIL}"))
    assert done.returncode == 0
    assert text_of(assert_arrived(service.message)) == BODY


def test_mime_lite_sends_an_attachment(service, script):
    done = script("perl", MIME_LITE % (
        'Type => "multipart/mixed"', """
$mail->attach(Type => "text/plain; charset=UTF-8", Encoding => "8bit",
	Data => slurp("body.txt"));
$mail->attach(Type => "application/octet-stream", Encoding => "base64",
	Path => "all.bin", Filename => "all.bin", Disposition => "attachment");
""", "Sendmail => $ENV{SENDMAIL}"))
    assert done.returncode == 0
    assert_parts(assert_arrived(service.message))


def test_mime_lite_writes_several_fields(service, script):
    """Of a list it makes a field for each address, which RFC 5322 does not allow. All of
    them count, and they are made one. The command line is the one of its manual."""
    done = script("perl", MIME_LITE % (
        'Type => "text/plain", Encoding => "8bit", Data => slurp("body.txt")',
        '$mail->delete("To");'
        '$mail->add(To => ["you\\@example.org", "two\\@example.org"]);',
        '"$ENV{SENDMAIL} -t -oi -oem"'))
    assert done.returncode == 0
    assert envelope(service.message) == (SENDER, RECIPIENTS)
    assert b"hidden" not in service.message.data
    mail = parse(service.message)
    assert mail.get_all("To") == ["you@example.org, two@example.org"]
    assert text_of(mail) == BODY


def test_mime_lite_notices_a_refusal(service, script):
    done = script("perl", MIME_LITE % (
        'Type => "text/plain", Data => "text"', "",
        "Sendmail => $ENV{SENDMAIL}"), sender=STRANGER)
    assert done.returncode != 0
    assert b"error closing" in done.stdout
    assert service.messages == []


# --- Email::Sender

EMAIL_SENDER = """
use strict; use warnings; use utf8;
use Encode qw(encode);
use Email::Sender::Simple qw(sendmail);
use Email::Sender::Transport::Sendmail;
sub word { encode("MIME-Header", $_[0]) }
sub slurp { local (@ARGV, $/) = @_; <> }
my $text = join("\\n", "From: " . word("Jörg, Müller") . " <$ENV{SENDER}>",
	'To: you@example.org, "Two, Second" <two@example.org>',
	"Cc: " . word("Zoë") . ' <copy@example.org>', "Subject: " . word("Größe 🎉"),
	"MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8",
	"Content-Transfer-Encoding: 8bit", "", slurp("body.txt"));
sendmail($text, { %s
	transport => Email::Sender::Transport::Sendmail->new({ sendmail => $ENV{SENDMAIL} }) });
"""


def test_email_sender_sends(service, script):
    """It takes the recipients as arguments and the sender with -f."""
    done = script("perl", EMAIL_SENDER %
                  "from => $ENV{SENDER}, to => [qw(%s)]," % " ".join(RECIPIENTS))
    assert done.returncode == 0
    mail = assert_arrived(service.message)
    # Email::Abstract turns the text into a message and back; that adds no line.
    assert text_of(mail) == BODY


def test_email_sender_finds_the_recipients(service, script):
    """Without an envelope it reads To and Cc, and every address once."""
    done = script("perl", EMAIL_SENDER % "")
    assert done.returncode == 0
    assert envelope(service.message) == (
        SENDER, [one for one in RECIPIENTS if "hidden" not in one])
    assert text_of(parse(service.message)) == BODY


def test_email_sender_notices_a_refusal(service, script):
    done = script("perl", EMAIL_SENDER % "", sender=STRANGER)
    assert done.returncode != 0
    assert b"error when closing pipe to" in done.stdout
    assert service.messages == []


# --- Python's email

PYTHON = """
import email.generator, email.policy, os, pathlib, subprocess, sys
from email.headerregistry import Address
from email.message import EmailMessage

mail = EmailMessage(policy=email.policy.{policy})
mail["From"] = Address("Jörg, Müller", addr_spec=os.environ["SENDER"])
mail["To"] = 'you@example.org, "Two, Second" <two@example.org>'
mail["Cc"] = "Zoë <copy@example.org>"
mail["Bcc"] = "hidden@example.org"
mail["Subject"] = "Größe 🎉"
mail.set_content(pathlib.Path("body.txt").read_text(), cte={cte!r})
if {attach}:
    mail.add_attachment(pathlib.Path("all.bin").read_bytes(), maintype="application",
                        subtype="octet-stream", filename="all.bin")
pipe = subprocess.Popen([os.environ["SENDMAIL"], "-t", "-i", "-f", os.environ["SENDER"]],
                        stdin=subprocess.PIPE)
{write}
pipe.stdin.close()
sys.exit(pipe.wait())
"""
AS_BYTES = "pipe.stdin.write(mail.as_bytes())"
GENERATOR = "email.generator.BytesGenerator(pipe.stdin, mangle_from_={}).flatten(mail)"


@pytest.fixture
def python(script):
    def python(policy="default", cte="8bit", attach=False, write=AS_BYTES, **options):
        return script("/usr/bin/python3", PYTHON.format(
            policy=policy, cte=cte, attach=attach, write=write), **options)
    return python


@pytest.mark.parametrize("policy", ["default", "SMTP", "SMTPUTF8"])
@pytest.mark.parametrize("cte", ["8bit", "quoted-printable", "base64"])
def test_python_sends(service, python, policy, cte):
    """Lines with LF or CRLF, names in encoded words or raw."""
    assert python(policy, cte).returncode == 0
    assert text_of(assert_arrived(service.message)) == BODY


@pytest.mark.parametrize("policy", ["default", "SMTP"])
def test_python_sends_an_attachment(service, python, policy):
    assert python(policy, attach=True).returncode == 0
    assert_parts(assert_arrived(service.message))


def test_python_generates_into_the_pipe(service, python):
    assert python(write=GENERATOR.format(False)).returncode == 0
    assert text_of(assert_arrived(service.message)) == BODY


def test_python_mangles_from_lines(service, python):
    """Its own habit with mangle_from_: the line is changed before we see it, and we do
    not undo what might have been meant."""
    assert python(write=GENERATOR.format(True)).returncode == 0
    assert text_of(assert_arrived(service.message)) == \
        BODY.replace("\nFrom here", "\n>From here")


def test_python_notices_a_refusal(service, python):
    assert python(sender=STRANGER).returncode == 77
    assert service.messages == []
