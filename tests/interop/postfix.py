# SPDX-License-Identifier: GPL-3.0-or-later
"""A submission server: Postfix, with Dovecot for the passwords, from unpacked packages.

Both want to be root, to have users of their own, and to stand where their package puts
them. So they run in mount and process namespaces, where the packages lie over /usr, the
users exist, and /tmp is the server's directory. Nothing outside changes, and all of it
ends with its first process. The network is that of the machine: the server listens at a
free port of the loopback interface.
"""

import pathlib
import socket
import subprocess
from dataclasses import dataclass

from helpers.waiting import PATIENCE, wait_for, wait_until

# Users that no machine has: name and number, of the group as well.
ACCOUNTS = {"postfix": 61801, "postdrop": 61802, "dovecot": 61803, "dovenull": 61804,
            "filer": 61805}

MAIN_CF = """\
compatibility_level = 3.6
queue_directory = /tmp/run/queue
data_directory = /tmp/run/data
meta_directory = /tmp/postfix
maillog_file = /tmp/log/postfix
maillog_file_prefixes = /tmp/log
inet_protocols = ipv4
myhostname = localhost
smtpd_error_sleep_time = 0
mydestination =
mynetworks =
local_transport = file
default_transport = file
alias_maps =
message_size_limit = 10485760
smtpd_tls_security_level = encrypt
smtpd_tls_auth_only = yes
smtpd_tls_chain_files = /tmp/tls.pem
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_relay_restrictions = permit_sasl_authenticated, reject
"""

# Service, type, private, unprivileged, chroot, wake-up time, processes, command.
MASTER_CF = """\
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
file unix - n n - - pipe
  flags= user=filer argv=/bin/sh /tmp/file ${{sender}} ${{recipient}}
"""

# Everything that it takes from this machine goes to another server, without a password.
RELAY_CF = """\
compatibility_level = 3.6
queue_directory = /tmp/run/queue
data_directory = /tmp/run/data
meta_directory = /tmp/postfix
maillog_file = /tmp/log/postfix
maillog_file_prefixes = /tmp/log
inet_protocols = ipv4
myhostname = relay.example.net
mydestination =
mynetworks = 127.0.0.0/8
alias_maps =
relayhost = [127.0.0.1]:{next_port}
"""
RELAY_MASTER_CF = """\
smtp unix - - n - - smtp
relay unix - - n - - smtp
scache unix - - n - 1 scache
"""

DOVECOT_CONF = """\
protocols =
base_dir = /tmp/run/dovecot
state_dir = /tmp/run/dovecot
log_path = /tmp/log/dovecot
ssl = no
auth_mechanisms = {mechanisms}
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service auth {{
  unix_listener /tmp/run/queue/private/auth {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
"""

# The two ways that Dovecot wants to be told of a file of passwords.
DOVECOT_2_3 = """\
passdb {
  driver = passwd-file
  args = /tmp/passwords
}
"""
DOVECOT_2_4 = """\
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
passdb passwd-file {
  passwd_file_path = /tmp/passwords
}
"""

# What becomes of a message: a file with the envelope in its first line.
FILE = """\
umask 022
{ echo "$*"; cat; } > "/tmp/mail/.$$" && mv "/tmp/mail/.$$" "/tmp/mail/$$"
"""

# The first process: it ends, and with it all others, when one of the servers does or
# when nobody holds the other end of its standard input any more.
START = """\
set -eu
exec 3<&0 < /dev/null
server=$PWD
cd "$1"
mount -t overlay -o ro,lowerdir=usr:/usr overlay /usr
mount --bind "$server" /tmp
mount --bind /tmp/passwd /etc/passwd
mount --bind /tmp/group /etc/group
cd /tmp
chmod 755 .
mkdir -p mail run
chmod 777 mail
# What belongs to the servers' users vanishes with them.
[ "$2" ] || mount -t tmpfs -o mode=755 tmpfs run
mkdir run/data run/dovecot run/queue
chown postfix run/data
cd run/queue
mkdir active bounce corrupt defer deferred flush hold incoming private saved trace
chown postfix *
chmod 700 *
mkdir maildrop pid public
chown postfix:postdrop maildrop public
chmod 730 maildrop
chmod 710 public
cd /tmp
case $(dovecot --version) in
2.[0-3].*) cat dovecot-2.3 dovecot-any > dovecot.conf ;;
*) cat dovecot-2.4 dovecot-any > dovecot.conf ;;
esac
dovecot -F -c /tmp/dovecot.conf 3<&- &
until [ -S run/queue/private/auth ]; do
	kill -0 $!
	sleep 0.02
done
/usr/lib/postfix/sbin/master -d -c /tmp/postfix 3<&- &
cat <&3 &
wait -n
"""

def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def with_accounts(path, line):
    """The system's list of users or groups with those of the servers."""
    kept = [entry for entry in pathlib.Path(path).read_text().splitlines(keepends=True)
            if entry.split(":")[0] not in ACCOUNTS]
    return "".join(kept) + "".join(
        line.format(name=name, number=number) for name, number in ACCOUNTS.items())


@dataclass
class Mail:
    sender: str
    recipients: list
    data: bytes         # with the line ends of this side, after Postfix's own fields


class Postfix:
    """A server in `directory` that takes mail from one user with a password.

    With `on_disk` its queue is on the disk of the directory, and its files stay there.

    host, port      where it listens
    received()      the message that it takes next, or has taken already
    log()           what the servers have to say
    """

    host = "localhost"

    def __init__(self, unshare, packages, directory, on_disk=False):
        self.unshare = unshare
        self.packages = packages
        self.directory = directory
        self.on_disk = on_disk
        self.process = None

    def start(self, chain, user, password, mechanisms, next_port=None, extra=""):
        """With `next_port` it is another Postfix: it relays what comes from this machine.
        `extra` are more of its settings then."""
        self._write_files(chain, user, password, mechanisms)
        master = MASTER_CF
        if next_port:
            self._write("postfix/main.cf", RELAY_CF.format(next_port=next_port) + extra)
            master += RELAY_MASTER_CF
        for _ in range(3):
            # Between our look and Postfix's somebody else may have taken the port.
            self.port = free_port()
            self._write("postfix/master.cf", master.format(port=self.port))
            self._run()
            if wait_for(lambda: self._greets() or self._has_ended(), PATIENCE) is True:
                return
            self.stop()
        raise RuntimeError(self.log())

    def stop(self):
        """Returns when the last process is gone."""
        if self.process:
            self.process.stdin.close()
            try:
                self.process.wait(PATIENCE)
            finally:
                self.process.kill()

    def received(self):
        path = wait_until(self._next_file, "mail", self.log, PATIENCE)
        envelope, _, data = path.read_bytes().partition(b"\n")
        path.unlink()
        sender, *recipients = envelope.decode().split(" ")
        return Mail(sender, sorted(recipients), data)

    def log(self):
        return "".join(f"{path.name}:\n{path.read_text(errors='replace')}"
                       for path in sorted((self.directory / "log").iterdir()))

    def _write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def _write_files(self, chain, user, password, mechanisms):
        certificates, key = (pathlib.Path(path).read_text() for path in chain)
        for name, text in {
            "log/start": "",
            "postfix/main.cf": MAIN_CF,
            "tls.pem": key + certificates,
            "dovecot-2.3": DOVECOT_2_3,
            "dovecot-2.4": DOVECOT_2_4,
            "dovecot-any": DOVECOT_CONF.format(mechanisms=mechanisms),
            "passwords": f"{user}:{{PLAIN}}{password}\n",
            "passwd": with_accounts("/etc/passwd", "{name}:x:{number}:{number}::/tmp:\n"),
            "group": with_accounts("/etc/group", "{name}:x:{number}:\n"),
            "file": FILE,
        }.items():
            self._write(name, text)

    def _run(self):
        with open(self.directory / "log/start", "ab") as output:
            self.process = subprocess.Popen(
                [*self.unshare, "bash", "-c", START, "bash", self.packages,
                 "on disk" if self.on_disk else ""],
                cwd=self.directory, stdin=subprocess.PIPE, stdout=output,
                stderr=output, env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})

    def _greets(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 10) as connection:
                return b"Postfix" in connection.recv(512)
        except OSError:
            return False

    def _has_ended(self):
        return "ended" if self.process.poll() is not None else False

    def _next_file(self):
        return next((self.directory / "mail").glob("[0-9]*"), None)
