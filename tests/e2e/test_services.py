# SPDX-License-Identifier: GPL-3.0-or-later
"""The services that are known: their rows, their regions, and the end of one."""

import re

import pytest

OK, CONFIG = 0, 78
# As their makers say it: where each submits to.
HOSTS = {
    "acs": "smtp.azurecomm.net", "hve": "smtp-hve.office365.com",
    "office365": "smtp.office365.com", "sendgrid": "smtp.sendgrid.net",
    "mailgun": "smtp.mailgun.org", "postmark": "smtp.postmarkapp.com",
    "brevo": "smtp-relay.brevo.com", "mailjet": "in-v3.mailjet.com",
    "smtp2go": "mail.smtp2go.com", "sparkpost": "smtp.sparkpostmail.com",
    "resend": "smtp.resend.com", "zeptomail": "smtp.zeptomail.com",
    "gmail": "smtp.gmail.com", "fastmail": "smtp.fastmail.com",
}


@pytest.fixture
def show(run, tmp_path):
    """show(text) -> what acsmtp account show says of an ini file with that account."""
    def show_account(text):
        ini = tmp_path / "one.ini"
        ini.write_text(f"[account one]\nuser = me\nfrom = a@example.org\n{text}")
        return run(["account", "show", "--config", ini], program="acsmtp"), ini

    return show_account


def settings_of(result):
    assert result.status == OK, result.stderr
    return dict(re.findall(r"(?m)^(\w+) = (.*)$", result.stdout))


def test_listed(run):
    result = run(["help", "services"], program="acsmtp")
    assert (result.status, result.stderr) == (OK, "")
    lines = {line.split()[0]: line for line in result.stdout.splitlines()}
    for name, host in HOSTS.items():
        assert f" {host}:" in lines[name]
    assert list(lines)[0] == "acs" and list(lines)[-1] == "other"
    assert "2028-09-30" in lines["acs"]
    assert "us, eu" in lines["mailgun"]


@pytest.mark.parametrize("name", HOSTS)
def test_shown(show, name):
    settings = settings_of(show(f"service = {name}\n")[0])
    assert settings["host"] == HOSTS[name]
    assert (settings["port"], settings["tls"]) == (("465", "implicit") if name == "fastmail"
                                                   else ("587", "starttls"))
    assert settings["auth"] == ("xoauth2" if name == "office365" else "auto")


@pytest.mark.parametrize("text, host", [
    ("service = mailgun\nregion = eu\n", "smtp.eu.mailgun.org"),
    ("service = mailgun\nregion = EU\n", "smtp.eu.mailgun.org"),
    ("service = ses\nregion = eu-west-1\n", "email-smtp.eu-west-1.amazonaws.com"),
    ("service = mailgun\nregion = eu\nhost = mx.example.org\n", "mx.example.org"),
    ("service = mailgun\n[defaults]\nregion = eu\n", "smtp.eu.mailgun.org"),
])
def test_region(show, text, host):
    assert settings_of(show(text)[0])["host"] == host


@pytest.mark.parametrize("text, line, words", [
    ("service = mailgun\nregion = mars\n", 5, 'no "mars"; there are us, eu'),
    ("service = ses\nregion = evil.example/\n", 5, 'no "evil.example/"'),
    ("service = acs\nregion = eu\n", 5, 'service "acs" has no regions'),
    ("service = ses\n", 1, "region = eu-west-1"),
    ("service = mailgun\n[defaults]\n\nregion = mars\n", 7, "there are us, eu"),
])
def test_no_region(show, text, line, words):
    result, ini = show(text)
    assert result.status == CONFIG
    assert f"{ini}, line {line}" in result.stderr and words in result.stderr


def test_set_up(run, tmp_path):
    ini = tmp_path / "new.ini"
    result = run(["setup", "--config", ini, "--service", "ses", "--region", "eu-west-1", "--user",
                  "AKIA", "--from", "a@example.org", "--keep-secret", "ini", "--yes",
                  "--no-check"], input="secret\n", program="acsmtp")
    assert result.status == OK, result.stderr
    shown = run(["account", "show", "--config", ini], program="acsmtp")
    assert settings_of(shown)["host"] == "email-smtp.eu-west-1.amazonaws.com"


def test_set_up_without_its_region(run, tmp_path):
    result = run(["setup", "--config", tmp_path / "new.ini", "--service", "ses", "--user", "AKIA",
                  "--from", "a@example.org", "--keep-secret", "ini", "--no-check"],
                 input="secret\n", program="acsmtp")
    assert (result.status, "--region is missing" in result.stderr) == (64, True)


@pytest.mark.parametrize("service, told", [("acs", True), ("resend", False)])
def test_set_up_tells_of_the_end(run, tmp_path, service, told):
    result = run(["setup", "--config", tmp_path / "new.ini", "--service", service, "--user", "me",
                  "--from", "a@example.org", "--keep-secret", "ini", "--yes", "--no-check"],
                 input="secret\n", program="acsmtp")
    assert result.status == OK, result.stderr
    assert ("2028-09-30" in result.stdout) == told
    assert ("failover" in result.stdout) == told


@pytest.mark.parametrize("host, lines", [
    ("smtp.eu.mailgun.org", ["service = mailgun", "region = eu"]),
    ("email-smtp.eu-west-1.amazonaws.com", ["service = ses", "region = eu-west-1"]),
    ("smtp.fastmail.com", ["service = fastmail"]),
])
def test_imported(run, tmp_path, host, lines):
    rc = tmp_path / "msmtprc"
    rc.touch(0o600)
    rc.write_text(f"account one\nhost {host}\nport 587\nauth on\ntls on\nuser me\n"
                  "password secret\nfrom a@example.org\n")
    result = run(["account", "import", "--format", "msmtp", rc], program="acsmtp")
    assert result.status == OK, result.stderr
    for line in lines:
        assert f"\n{line}\n" in result.stdout
    assert "\nhost =" not in result.stdout


# What a program's file says of one server, and what it is called.
FORMATS = {
    "msmtp": "account one\nhost {host}\nport {port}\nauth on\ntls on\nuser me\n"
             "password secret\nfrom a@example.org\n",
    "postfix": "relayhost = [{host}]:{port}\nsmtp_sasl_auth_enable = yes\n"
               "smtp_sasl_password_maps = static:me:secret\n"
               "smtp_tls_security_level = encrypt\n",
    "ssmtp": "mailhub={host}:{port}\nUseSTARTTLS=YES\nAuthUser=me\nAuthPass=secret\n",
    "nullmailer": "{host} smtp --port={port} --starttls --user=me --pass=secret\n",
    "dma": "SMARTHOST {host}\nPORT {port}\nSECURETRANSFER\nSTARTTLS\nAUTHPATH auth.conf\n",
}


@pytest.mark.parametrize("name", FORMATS)
def test_all_are_known_by_their_servers(run, home, name):
    """Whatever configuration names a server: its service's rows hold from then on."""
    listed = run(["help", "services"], program="acsmtp").stdout.splitlines()
    known = [re.match(r"(\w+) +(\S+):(\d+) +tls=(\w+)", line) for line in listed[:-1]]
    assert len(known) == len(listed) - 1 > 20
    for service, host, port, tls in (row.groups() for row in known):
        file = home / name
        file.touch(0o600)
        host = host.replace("*", "eu-west-1")
        text = FORMATS[name].format(host=host, port=port)
        if tls == "implicit":
            text = re.sub("STARTTLS=YES", "TLS=YES", text).replace("--starttls", "--ssl")
            text = text.replace("tls on", "tls on\ntls_starttls off").replace("\nSTARTTLS", "")
        file.write_text(text)
        result = run(["account", "import", "--format", name, file], program="acsmtp")
        assert f"\nservice = {service}\n" in result.stdout, result.stdout + result.stderr
        assert "\nhost =" not in result.stdout
