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

DOMAIN = "atelier.example"
PEOPLE = ("marie.lefebvre", "paul")
FULL = f"full@{DOMAIN}"
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
virtual_mailbox_domains = {domain}
virtual_mailbox_base = {folder}/mailboxes
virtual_mailbox_maps = texthash:{folder}/conf/people
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{gid}
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_recipient_access texthash:{folder}/conf/access, reject_unlisted_recipient, permit
smtpd_tls_security_level = may
smtpd_tls_chain_files = {folder}/conf/server.pem
smtpd_peername_lookup = no
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
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running server on loopback, and where it puts what it took."""

    folder: Path
    port: int
    ca_file: Path

    host = "127.0.0.1"
    certified_host = "localhost"

    def start(self) -> None:
        self._control("start")
        _wait_until(self._answers, "Postfix does not answer")

    def stop(self) -> None:
        self._control("stop")

    def mails_of(self, person: str, count: int) -> list[EmailMessage]:
        """What lies in a person's mailbox once the queue is empty; fails when it is not `count` mails."""
        _wait_until(lambda: not self._queued(), "the queue does not empty")
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
def run_postfix() -> Iterator[Postfix]:
    # Its own user must be able to enter, and its sockets' paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="postfix-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        server = Postfix(folder, _free_port(), _configure(folder))
        (folder / "conf" / "master.cf").write_text(_MASTER.format(port=server.port), encoding="utf-8")
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path) -> Path:
    owner = pwd.getpwnam("postfix")
    for name in ("conf", "queue", "data", "mailboxes"):
        (folder / name).mkdir()
    for name in ("data", "mailboxes"):
        os.chown(folder / name, owner.pw_uid, owner.pw_gid)
    values = {"folder": folder, "domain": DOMAIN, "uid": owner.pw_uid, "gid": owner.pw_gid}
    (folder / "conf" / "main.cf").write_text(_MAIN.format(**values), encoding="utf-8")
    people = "".join(f"{person}@{DOMAIN} {person}/\n" for person in (*PEOPLE, "full"))
    (folder / "conf" / "people").write_text(people, encoding="utf-8")
    (folder / "conf" / "access").write_text("", encoding="utf-8")
    return _certify(folder)


def _certify(folder: Path) -> Path:
    """A certificate for localhost with its key, where the server reads it; without the key, what clients trust."""
    key, public = folder / "conf" / "key.pem", folder / "certificate.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", names,
            "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
            "-keyout", str(key), "-out", str(public),
        ],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    chain = folder / "conf" / "server.pem"
    chain.write_bytes(key.read_bytes() + public.read_bytes())
    chain.chmod(0o600)
    return public


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _wait_until(is_so: Callable[[], object], problem: str) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        assert time.monotonic() < ends, problem
        time.sleep(0.05)  # another process is waited for: nothing to be woken by


def _log_of(folder: Path) -> str:
    log = folder / "mail.log"
    return log.read_text(encoding="utf-8", errors="replace")[-2000:] if log.is_file() else ""
