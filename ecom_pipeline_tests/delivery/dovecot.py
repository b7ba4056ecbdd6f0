"""A Dovecot of a test's own: IMAP over TLS and LMTP on unprivileged ports, its own mailboxes, nothing of the machine's
touched. Its configuration is that of Dovecot 2.3 and, where it differs, of 2.4."""

from __future__ import annotations

import imaplib
import os
import pwd
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from .certified import certify

PASSWORD = "inbox-Passw0rd"
_PATIENCE_SECONDS = 30.0
_OWNER = "nobody"

_COMMON = """
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_login_user = dovenull
default_internal_user = dovecot
protocols = imap lmtp
first_valid_uid = 1
listen = 127.0.0.1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {imap_port}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp_port}
  }}
}}
service anvil {{
  chroot =
}}
"""
_2_3 = """
ssl = required
ssl_cert = <{folder}/server.pem
ssl_key = <{folder}/server.pem
mail_location = maildir:~/Maildir
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
}}
"""
_2_4 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
ssl = required
ssl_server_cert_file = {folder}/server.pem
ssl_server_key_file = {folder}/server.pem
mail_driver = maildir
mail_path = ~/Maildir
passdb passwd-file {{
  default_password_scheme = PLAIN
  passwd_file_path = {folder}/users
}}
userdb passwd-file {{
  passwd_file_path = {folder}/users
}}
"""


@dataclass(frozen=True)
class Dovecot:
    """A running server on loopback."""

    folder: Path
    imap_port: int
    lmtp_port: int
    ca_file: Path

    host = "localhost"

    @contextmanager
    def signed_in(self, address: str) -> Iterator[imaplib.IMAP4_SSL]:
        """A person's mail program."""
        context = ssl.create_default_context(cafile=self.ca_file)
        client = imaplib.IMAP4_SSL(self.host, self.imap_port, ssl_context=context, timeout=20)
        try:
            client.login(address, PASSWORD)
            client.select("INBOX")
            yield client
        finally:
            client.logout()

    def mails_of(self, address: str) -> list[EmailMessage]:
        """What a person finds in their inbox, leaving it as it was."""
        with self.signed_in(address) as client:
            numbers = client.search(None, "ALL")[1][0].split()
            parts = [client.fetch(number, "(BODY.PEEK[])")[1][0] for number in numbers]
        return [
            message_from_bytes(part[1], policy=policy.default) for part in parts if isinstance(part, tuple)
        ]

    def unread(self, address: str) -> int:
        with self.signed_in(address) as client:
            return len(client.search(None, "UNSEEN")[1][0].split())

    def put(self, address: str, message: bytes) -> None:
        """Lay a message into a person's inbox."""
        with self.signed_in(address) as client:
            assert client.append("INBOX", "", "", message.replace(b"\n", b"\r\n"))[0] == "OK"

    def empty(self) -> None:
        """Forget every mail, and start each mailbox anew."""
        for home in (self.folder / "homes").iterdir():
            shutil.rmtree(home / "Maildir", ignore_errors=True)


def why_not() -> str:
    """Why no Dovecot can be run here, or nothing."""
    lmtp = Path("/usr/lib/dovecot/lmtp").is_file()
    if not shutil.which("dovecot", path="/usr/sbin:/usr/bin") or not lmtp:
        return "Dovecot is not installed (apt-get install dovecot-imapd dovecot-lmtpd)"
    return "" if os.geteuid() == 0 else "Dovecot is started as root only"


@contextmanager
def run_dovecot(addresses: Sequence[str]) -> Iterator[Dovecot]:
    """The server with an empty inbox for each address."""
    folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        ports = _free_ports(2)
        server = Dovecot(folder, ports[0], ports[1], _configure(folder, addresses, *ports))
        with (folder / "output").open("wb") as output:
            process = subprocess.Popen(
                ["/usr/sbin/dovecot", "-F", "-c", str(folder / "dovecot.conf")],
                stdout=output, stderr=output,
            )  # fmt: skip
        try:
            _wait_until(lambda: _listens(ports[0]) and _listens(ports[1]), process, folder)
            yield server
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, addresses: Sequence[str], imap_port: int, lmtp_port: int) -> Path:
    owner = pwd.getpwnam(_OWNER)
    lines = []
    for address in addresses:
        home = folder / "homes" / address
        home.mkdir(parents=True)
        os.chown(home, owner.pw_uid, owner.pw_gid)
        lines.append(f"{address}:{PASSWORD}:{owner.pw_uid}:{owner.pw_gid}::{home}::\n")
    (folder / "users").write_text("".join(lines), encoding="utf-8")
    shown = subprocess.run(["/usr/sbin/dovecot", "--version"], capture_output=True, text=True, check=True)
    version = tuple(int(number) for number in re.findall(r"\d+", shown.stdout)[:2])
    # The version's own lines first: 2.4 wants to be told it before anything else.
    text = (_2_4 if version >= (2, 4) else _2_3) + _COMMON
    values = {"folder": folder, "imap_port": imap_port, "lmtp_port": lmtp_port}
    (folder / "dovecot.conf").write_text(text.format(**values), encoding="utf-8")
    return certify(folder, folder / "server.pem")


def _free_ports(number: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(number)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True


def _wait_until(is_so: Callable[[], object], process: subprocess.Popen[bytes], folder: Path) -> None:
    ends = time.monotonic() + _PATIENCE_SECONDS
    while not is_so():
        log = folder / "dovecot.log"
        said = (folder / "output").read_text() + (log.read_text() if log.is_file() else "")
        assert process.poll() is None and time.monotonic() < ends, f"Dovecot does not answer: {said[-2000:]}"
        time.sleep(0.05)  # another process is waited for: nothing to be woken by
