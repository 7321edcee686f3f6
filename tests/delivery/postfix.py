"""A real Postfix and a real Dovecot of the tests' own: on loopback, in a folder that goes away with them.

Postfix keeps the mailboxes of its domains as Maildirs, which Dovecot shows to an IMAP client. Nothing is looked up in
DNS, and there is no way to any other machine.
"""

from __future__ import annotations

import contextlib
import email
import email.policy
import grp
import imaplib
import os
import pwd
import shutil
import signal
import smtplib
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from tests.ports import free_port
from tests.serve.processes import until
from tests.smtp_server import scripted

PEOPLE, OFFICES, BOUNCES, PIPED = "example.org", "example.net", "bounce.example.org", "pipe.example.org"
"""Domains: of signers, and of offices; and two for what comes back, into a Maildir and through a pipe."""
SIGNER = f"ana.garcia@{PEOPLE}"
OFFICE = f"hageman.staff@{OFFICES}"
REFUSED_LATER = f"hageman.office@{OFFICES}"
"""Postfix takes what is for it, and the server behind it refuses that."""
FAILS_LATER = f"hageman.intern@{OFFICES}"
"""Postfix takes what is for it, and the program behind it knows no such user."""
UNKNOWN = f"nobody.there@{OFFICES}"
RETURNED = f"b@{BOUNCES}"
MAILBOXES = (SIGNER, OFFICE, RETURNED)

_PACKAGES = {"postfix": "postfix", "dovecot": "dovecot-imapd"}
_OWNER = "nobody"
_PASSWORD = "not-a-secret"
_READY_IN, _ARRIVE_IN = 15.0, 15.0

_MAIN = """
compatibility_level = 3.6
config_directory = {folder}/postfix
queue_directory = {folder}/queue
data_directory = {folder}/state
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = mx.example.com
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
alias_maps =
alias_database =
local_recipient_maps =
local_transport = error:nobody is local here
default_transport = error:nothing leaves this machine
recipient_delimiter = +
virtual_mailbox_domains = {people}, {offices}, {bounces}
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = texthash:{folder}/postfix/mailboxes
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
relay_domains = {piped}
relay_recipient_maps = texthash:{folder}/postfix/bounce_recipients
transport_maps = texthash:{folder}/postfix/transport
redress_destination_recipient_limit = 1
"""

# The last service is the one of docs/operating.md, with a program that only hands over what it is given.
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
postlog unix-dgram n - n - 1 postlogd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
gone unix - n n - - pipe
  flags=q user={owner} argv=/bin/sh -c {{exit 67}}
redress unix - n n - 2 pipe
  flags=q user={owner} argv={folder}/pipe/hand-over outbox bounces - --recipient=${{original_recipient}}
"""

_TRANSPORT = """
{refused_later} smtp:[127.0.0.1]:{next_port}
{fails_later} gone:
b@{piped} redress:
"""

# The command may stand where Postfix's user cannot go, so that the test runs it instead, and says how it ended.
_HAND_OVER = """#!/bin/sh
set -eu
cd {folder}/pipe
printf '%s\\n' "$@" >arguments
cat >message
: >asked
until [ -e code ]; do
    [ -d "/proc/$PPID" ] || exit 75
    sleep 0.05
done
read -r code <code
rm -f arguments message asked code
exit "$code"
"""

_DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state-of-dovecot
log_path = {folder}/dovecot.log
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%d/%n
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/home/%d/%n
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap_port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
"""


def obstacle() -> str:
    """Why they cannot run here, as a sentence; empty when they can."""
    packages = [package for program, package in _PACKAGES.items() if _program(program) is None]
    if packages:
        return f"no mail servers of our own: apt-get install {' '.join(packages)}"
    version = _said(str(_program("dovecot")), "--version")
    return "" if version.startswith("2.3.") else f"Dovecot 2.3 is needed, and {version.split()[0]} is installed"


def _program(name: str) -> str | None:
    """Where it is: Debian has them in a folder that only root looks into."""
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")


def _said(*command: str) -> str:
    """What a program writes."""
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.strip()


@dataclass(frozen=True)
class MailHost:
    """Both, running. `port` is that of Postfix."""

    folder: Path
    port: int
    imap_port: int

    def maildir(self, address: str) -> Path:
        """The folder of a mailbox."""
        local, _, domain = address.partition("@")
        return self.folder / "mail" / domain / local

    def read(self, address: str, message_id: str) -> bytes:
        """What a mail program gets of the message, once it has arrived."""
        found: list[bytes] = []

        def arrived() -> bool:
            found[:] = self._search(address, message_id)
            return bool(found)

        assert until(arrived, _ARRIVE_IN), self.log
        assert len(found) == 1
        return found[0]

    def _search(self, address: str, message_id: str) -> list[bytes]:
        with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=10) as client:
            client.login(address, _PASSWORD)
            client.select("INBOX", readonly=True)
            numbers = client.search(None, "HEADER", "Message-ID", message_id)[1][0].split()
            answers = [client.fetch(number.decode(), "(BODY.PEEK[])")[1][0] for number in numbers]
        return [answer[1] for answer in answers if isinstance(answer, tuple)]

    def came_back(self) -> EmailMessage:
        """The one message that waits in the mailbox for what comes back, once it is there."""
        new = self.maildir(RETURNED) / "new"
        assert until(lambda: new.is_dir() and any(new.iterdir()), _ARRIVE_IN), self.log
        (path,) = new.iterdir()
        return email.message_from_bytes(path.read_bytes(), policy=email.policy.default)

    def through_the_pipe(self, command: Callable[[Sequence[str], bytes], int]) -> None:
        """Run what Postfix's pipe calls, with its arguments and its standard input; Postfix gets the exit code."""
        folder = self.folder / "pipe"
        assert until((folder / "asked").exists, _ARRIVE_IN), self.log
        arguments, message = (folder / "arguments").read_text().splitlines(), (folder / "message").read_bytes()
        (folder / "code.new").write_text(f"{command(arguments, message)}\n")
        (folder / "code.new").rename(folder / "code")

    def waits(self) -> bool:
        """Whether Postfix could not get rid of a message, and will try again."""
        return any(path.is_file() for path in (self.folder / "queue" / "deferred").rglob("*"))

    def is_empty(self) -> bool:
        """Whether Postfix has nothing left to do."""
        return "queue is empty" in self._run("postqueue", "-p")

    def try_again(self) -> None:
        """Let Postfix try what waits now."""
        self._run("postqueue", "-f")

    @property
    def log(self) -> str:
        """What both have written."""
        logs = (self.folder / "postfix.log", self.folder / "dovecot.log")
        return "".join(path.read_text("utf-8", "replace") for path in logs if path.exists())

    def _run(self, program: str, *arguments: str) -> str:
        return _said(str(_program(program)), "-c", str(self.folder / "postfix"), *arguments)

    def check(self) -> None:
        """Let Postfix make its folders, and say what is wrong with its configuration."""
        self._run("postfix", "check")

    def is_ready(self) -> bool:
        """Whether both answer."""
        with contextlib.suppress(OSError, smtplib.SMTPException, imaplib.IMAP4.error):
            with smtplib.SMTP("127.0.0.1", self.port, timeout=10):
                pass
            with imaplib.IMAP4("127.0.0.1", self.imap_port, timeout=10):
                return True
        return False


@contextlib.contextmanager
def mail_host() -> Iterator[MailHost]:
    """Both servers, which end with the block; and behind Postfix a server of ours that knows nobody."""
    # The path of a socket has at most 107 characters; and both servers have users that have to get there.
    with tempfile.TemporaryDirectory(prefix="redress-", ignore_cleanup_errors=True) as name:
        folder = Path(name).resolve()
        folder.chmod(0o755)
        host = MailHost(folder, free_port(), free_port())
        with scripted(rcpt="550 5.1.1 no such user here") as behind:
            _write(host, behind.port)
            host.check()
            with (
                _process(_master(), "-c", folder / "postfix", "-d"),
                _process(str(_program("dovecot")), "-F", "-c", folder / "dovecot.conf"),
            ):
                assert until(host.is_ready, _READY_IN), host.log
                yield host


def _master() -> str:
    """Postfix's parent process; `postfix start` would send it where nobody waits for its end."""
    return f"{_said(str(_program('postconf')), '-d', '-h', 'daemon_directory')}/master"


@contextlib.contextmanager
def _process(*command: str | Path) -> Iterator[None]:
    """A server and its children, which are all gone afterwards."""
    process = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _write(host: MailHost, next_port: int) -> None:
    """The folders and the configuration of both."""
    owner = pwd.getpwnam(_OWNER)
    for name, user in (("postfix", "root"), ("state", "postfix"), ("mail", _OWNER), ("home", _OWNER), ("pipe", _OWNER)):
        (host.folder / name).mkdir()
        shutil.chown(host.folder / name, user)
    (host.folder / "queue").mkdir()
    values = {
        "folder": host.folder,
        "port": host.port,
        "imap_port": host.imap_port,
        "next_port": next_port,
        "owner": f"{_OWNER}:{grp.getgrgid(owner.pw_gid).gr_name}",
        "uid": owner.pw_uid,
        "gid": owner.pw_gid,
        "password": _PASSWORD,
        "people": PEOPLE,
        "offices": OFFICES,
        "bounces": BOUNCES,
        "piped": PIPED,
        "refused_later": REFUSED_LATER,
        "fails_later": FAILS_LATER,
    }
    known = (*MAILBOXES, REFUSED_LATER, FAILS_LATER)
    texts = {
        "postfix/main.cf": _MAIN.format(**values),
        "postfix/master.cf": _MASTER.format(**values),
        "postfix/mailboxes": "".join(
            f"{one} {host.maildir(one).relative_to(host.folder / 'mail')}/\n" for one in known
        ),
        "postfix/bounce_recipients": f"b@{PIPED} x\n",
        "postfix/transport": _TRANSPORT.format(**values),
        "dovecot.conf": _DOVECOT.format(**values),
        "pipe/hand-over": _HAND_OVER.format(**values),
    }
    for name, text in texts.items():
        path = host.folder / name
        path.write_text(text)
        path.chmod(0o755 if name.startswith("pipe") else 0o644)
