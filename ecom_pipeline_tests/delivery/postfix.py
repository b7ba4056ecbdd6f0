"""A Postfix of a test's own: unprivileged ports, its own queue and mailboxes, nothing of the machine's touched."""

from __future__ import annotations

import mailbox
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from .certified import certify

DOMAIN = "atelier.example"
OWN_DOMAIN = "boutique.example"  # the sender's, whose mailbox takes what comes back
PEOPLE = ("marie.lefebvre", "paul")
FULL = f"full@{DOMAIN}"
GHOST = f"ghost@{DOMAIN}"  # the server takes mail for them, and has no mailbox when it comes to deliver it
STAGES = ("greeting", "hello", "sender", "recipient", "data", "reply")
REPLIES = {"4xx": "450 4.3.0 not now", "5xx": "554 5.7.1 not from you"}
_PATIENCE_SECONDS = 30.0
_DAEMONS = Path("/usr/lib/postfix/sbin")

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
daemon_directory = /usr/lib/postfix/sbin
command_directory = /usr/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
myhostname = mail.{domain}
mydestination =
local_recipient_maps =
alias_maps =
virtual_mailbox_domains = {domain}, {own_domain}
virtual_transport = {transport}
virtual_mailbox_base = {folder}/mailboxes
virtual_mailbox_maps = texthash:{folder}/conf/people
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/conf/access, reject_unlisted_recipient, permit
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/conf/server.pem
smtpd_peername_lookup = no
smtpd_delay_reject = no
bounce_queue_lifetime = 1d
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
smtp unix - - n - - discard
lmtp unix - - n - - lmtp
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
# One more listener for each stage and kind of refusal.
_REFUSING = """
127.0.0.1:{port} inet n - n - - smtpd
  -o {{ smtpd_{stage}_restrictions = check_client_access static:{{ {reply} }} }}
"""
_RESTRICTIONS = {
    "greeting": "client",
    "hello": "helo",
    "sender": "sender",
    "recipient": "recipient",
    "data": "data",
    "reply": "end_of_data",
}
_SMALL = """
127.0.0.1:{port} inet n - n - - smtpd
  -o message_size_limit=200
127.0.0.1:{strict_port} inet n - n - - smtpd
  -o cleanup_service_name=strict
strict unix n - n - 0 cleanup
  -o {{ header_checks = regexp:{{ {{ /^Subject:/ REJECT 5.7.1 not this content }} }} }}
"""


@dataclass(frozen=True)
class Postfix:
    """A running server on loopback, and where it puts what it took.

    `refusing` are further ports, by the stage they refuse at and the kind of their reply; `small` takes tiny messages
    only, `strict` looks into the content.
    """

    folder: Path
    port: int
    ca_file: Path
    refusing: dict[tuple[str, str], int]
    small: int
    strict: int

    host = "127.0.0.1"
    certified_host = "localhost"

    def start(self) -> None:
        self._control("start")
        _wait_until(self._answers, "Postfix does not answer")

    def stop(self) -> None:
        self._control("stop")

    def wait_until_idle(self) -> None:
        """Until all it took was delivered or sent back."""
        _wait_until(lambda: not self._queued(), "the queue does not empty")

    def mails_of(self, person: str, count: int) -> list[EmailMessage]:
        """What lies in a person's mailbox once the queue is empty; fails when it is not `count` mails."""
        self.wait_until_idle()
        box = mailbox.Maildir(str(self.folder / "mailboxes" / person), create=False)
        with closing(box):
            found = [
                message_from_bytes(box.get_bytes(key), policy=policy.default) for key, _ in box.iteritems()
            ]
        assert len(found) == count, f"{person} has {len(found)} mails"
        return found

    def empty(self) -> None:
        """Forget what was delivered."""
        for box in (self.folder / "mailboxes").iterdir():
            shutil.rmtree(box)

    def refuse(self, address: str, reply: str) -> None:
        """Answer RCPT for an address so, from the next connection of a new process on; "" accepts it again."""
        lines = f"{address} {reply}\n" if reply else ""
        (self.folder / "conf" / "access").write_text(lines, encoding="utf-8")
        self._control("reload")
        _wait_until(self._answers, "Postfix does not answer")

    def _queued(self) -> list[Path]:
        folders = ("incoming", "active", "deferred", "maildrop")
        return [
            file for name in folders for file in (self.folder / "queue" / name).rglob("*") if file.is_file()
        ]

    def _answers(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), 2) as line:
                return line.recv(3) == b"220"
        except OSError:
            return False

    def _control(self, command: str) -> None:
        done = subprocess.run(
            ["/usr/sbin/postfix", "-c", str(self.folder / "conf"), command],
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"postfix {command}: {done.stderr} {_log_of(self.folder)}"


def why_not() -> str:
    """Why no Postfix can be run here, or nothing."""
    if not shutil.which("postfix", path="/usr/sbin") or not (_DAEMONS / "master").is_file():
        return "Postfix is not installed (apt-get install postfix)"
    if not shutil.which("openssl"):
        return "openssl is not installed (apt-get install openssl)"
    if os.geteuid() != 0:
        return "Postfix starts as root only"
    return ""


@contextmanager
def run_postfix(lmtp_port: int | None = None) -> Iterator[Postfix]:
    """The server; with an LMTP port mailboxes are behind it, without they are folders of its own."""
    # Its own user must be able to enter, and its sockets' paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        kinds = [(stage, kind) for stage in STAGES for kind in REPLIES]
        port, small, strict, *others = _free_ports(3 + len(kinds))
        refusing = dict(zip(kinds, others, strict=True))
        server = Postfix(folder, port, _configure(folder, lmtp_port), refusing, small, strict)
        services = [_MASTER.format(port=port), _SMALL.format(port=small, strict_port=strict)]
        for (stage, kind), listens in refusing.items():
            services.append(_REFUSING.format(port=listens, stage=_RESTRICTIONS[stage], reply=REPLIES[kind]))
        (folder / "conf" / "master.cf").write_text("".join(services), encoding="utf-8")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, lmtp_port: int | None) -> Path:
    owner = pwd.getpwnam("postfix")
    for name in ("conf", "queue", "data", "mailboxes"):
        (folder / name).mkdir()
    for name in ("data", "mailboxes"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    values = {"folder": folder, "domain": DOMAIN, "own_domain": OWN_DOMAIN}
    values |= {"uid": owner.pw_uid, "gid": owner.pw_gid}
    values["transport"] = "virtual" if lmtp_port is None else f"lmtp:inet:[127.0.0.1]:{lmtp_port}"
    (folder / "conf" / "main.cf").write_text(_MAIN.format(**values), encoding="utf-8")
    people = "".join(f"{person}@{DOMAIN} {person}/\n" for person in (*PEOPLE, "full", "ghost"))
    people += f"@{OWN_DOMAIN} own/\n"
    (folder / "conf" / "people").write_text(people, encoding="utf-8")
    (folder / "conf" / "access").write_text("", encoding="utf-8")
    return certify(folder, folder / "conf" / "server.pem")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait_until(is_so: Callable[[], object], problem: str) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends, problem
        time.sleep(0.05)  # another process is waited for: nothing to be woken by


def _log_of(folder: Path) -> str:
    log = folder / "mail.log"
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.is_file() else ""
