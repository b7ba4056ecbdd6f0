"""Reading the mailbox that reports come from, over IMAP, for what came back and who wants no more.

It may be people's mailbox too. So of each new message a few headers are looked at, only notices and requests are read
further, only those that were understood are marked as read, and nothing is moved, deleted or kept. How far the mailbox
was read is remembered, because people may have opened a notice before we come to it.
"""

from __future__ import annotations

import contextlib
import imaplib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import Message
from email.utils import format_datetime, parsedate_to_datetime

from ecom_pipeline.delivery.addresses import Recipient, Sender
from ecom_pipeline.delivery.doctor import ServerCheck
from ecom_pipeline.delivery.errors import DeliveryError
from ecom_pipeline.delivery.ledger import Ledger
from ecom_pipeline.delivery.mail_server import ImapServer
from ecom_pipeline.delivery.returned import (
    find_requester,
    find_returned,
    is_notice,
    read_request,
    read_returns,
)
from ecom_pipeline.delivery.scrub import scrub_words
from ecom_pipeline.delivery.status import returns_for_good
from ecom_pipeline.delivery.suppression import SuppressionReason

FIRST_READING = timedelta(days=30)
_HEADERS = "BODY.PEEK[HEADER.FIELDS (FROM SUBJECT CONTENT-TYPE AUTO-SUBMITTED)]"
_MOST_BYTES = 1024 * 1024  # of a notice: what it says comes before the message it returns
_AT_ONCE = 200
_FAILURES = (imaplib.IMAP4.error, OSError, ValueError)


@dataclass(frozen=True)
class InboxReading:
    """What a reading found; holds nothing that may not be shown or stored."""

    messages: int = 0
    bounced: tuple[str, ...] = ()  # suppressed because of it
    unsubscribed: tuple[str, ...] = ()  # suppressed because of it
    returned: tuple[str, ...] = ()  # came back for a reason that may pass; left unread for people
    unknown: int = 0  # notices and requests that are about none of our messages and readers


@dataclass(frozen=True)
class _Found:
    """A message of the mailbox: its number, when it came (UTC), and a few headers."""

    uid: int
    received_at: datetime
    headers: Message = field(repr=False)


def read_inbox(
    server: ImapServer, sender: Sender, readers: Sequence[Recipient], ledger: Ledger, now: datetime
) -> InboxReading:
    """Suppress whom new notices and requests are about; reading again changes nothing.

    Raises:
        DeliveryError: the mailbox cannot be read; what was found before is kept.
    """
    name = f"{server.username}@{server.host}/{server.folder}"
    with _opened(server) as mailbox:
        position = ledger.find_position(name)
        last_uid = position[1] if position is not None and position[0] == mailbox.uid_validity else 0
        uids = mailbox.search(last_uid, now - FIRST_READING)
        judge = _Judge(mailbox, sender, readers, ledger)
        for start in range(0, len(uids), _AT_ONCE):
            for found in mailbox.fetch_headers(uids[start : start + _AT_ONCE]):
                if judge.understands(found):
                    mailbox.mark_read(found.uid)
        if uids:
            ledger.save_position(name, mailbox.uid_validity, max(uids))
    return InboxReading(
        len(uids), tuple(judge.bounced), tuple(judge.unsubscribed), tuple(judge.returned), judge.unknown
    )


def check_inbox(server: ImapServer) -> ServerCheck:
    """Sign in and open the folder, changing nothing; never raises."""
    try:
        with _opened(server):
            return ServerCheck((f"{server.host}:{server.port}, folder {server.folder}",))
    except DeliveryError as error:
        return ServerCheck((), error.why, error.mend)


class _Judge:
    """Decides what each message means, and keeps count."""

    def __init__(
        self, mailbox: _Mailbox, sender: Sender, readers: Sequence[Recipient], ledger: Ledger
    ) -> None:
        self.mailbox = mailbox
        self.sender = sender
        self.readers = readers
        self.ledger = ledger
        self.bounced: list[str] = []
        self.unsubscribed: list[str] = []
        self.returned: list[str] = []
        self.unknown = 0

    def understands(self, found: _Found) -> bool:
        """Act on a message; True when no person need look at it any more."""
        if is_notice(found.headers):
            return self._heed_notice(found)
        request = read_request(found.headers)
        if request is None:
            return False
        reader = find_requester(request, self.readers, self.sender)
        if reader is None:
            self.unknown += 1
            return False
        reason = SuppressionReason.UNSUBSCRIBED
        if self.ledger.suppressions.add(reader, reason, "", found.received_at):
            self.unsubscribed.append(reader.display)
        return True

    def _heed_notice(self, found: _Found) -> bool:
        returns = read_returns(self.mailbox.fetch_start(found.uid))
        settled = bool(returns)
        for one in returns:
            entry = find_returned(one, self.readers, self.sender, self.ledger)
            if entry is None:
                self.unknown += 1
                settled = False
            elif returns_for_good(one.status):
                reason, status = SuppressionReason.BOUNCED, one.status or ""
                # Of when it was sent: a mail from before a reader was allowed again says nothing new.
                if self.ledger.suppressions.add_reader_of(entry, reason, status, entry.changed_at):
                    self.bounced.append(f"{entry.display} ({status})")
            else:
                self.returned.append(f"{entry.display} ({one.status or 'no status'})")
                settled = False
        return settled


class _Mailbox:
    """One folder of a signed-in IMAP session."""

    def __init__(self, client: imaplib.IMAP4, folder: str) -> None:
        self._client = client
        self._expect(client.select(f'"{folder}"'))
        validity = client.response("UIDVALIDITY")[1][0]
        self.uid_validity = int(validity) if isinstance(validity, bytes) else 0

    def search(self, last_uid: int, since: datetime) -> list[int]:
        """The numbers of the messages after one, in order; where nothing was read yet, of those since a day."""
        asked = f"UID {last_uid + 1}:*" if last_uid else f"SINCE {_imap_day(since)}"
        numbers = self._expect(self._client.uid("SEARCH", asked))
        found = [int(number) for line in numbers if isinstance(line, bytes) for number in line.split()]
        # A range that ends with * always holds the last message.
        return sorted(number for number in found if number > last_uid)

    def fetch_headers(self, uids: Sequence[int]) -> Iterator[_Found]:
        """The few headers that decide whether a message is read."""
        asked = ",".join(map(str, uids))
        for about, content in self._fetch(asked, f"(UID INTERNALDATE {_HEADERS})"):
            uid = re.search(rb"UID (\d+)", about)
            date = re.search(rb'INTERNALDATE "([^"]+)"', about)
            if uid and date:
                received_at = parsedate_to_datetime(date[1].decode("ascii").strip()).astimezone(UTC)
                yield _Found(int(uid[1]), received_at, message_from_bytes(content))

    def fetch_start(self, uid: int) -> bytes:
        """The first megabyte of a message."""
        return next((content for _, content in self._fetch(str(uid), f"(BODY.PEEK[]<0.{_MOST_BYTES}>)")), b"")

    def mark_read(self, uid: int) -> None:
        self._expect(self._client.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)"))

    def _fetch(self, uids: str, parts: str) -> list[tuple[bytes, bytes]]:
        """What the server says about each message, before and after its content, and the content."""
        lines = self._expect(self._client.uid("FETCH", uids, parts))
        found = []
        for line, after in zip(lines, [*lines[1:], None], strict=True):
            if isinstance(line, tuple):
                found.append((line[0] + (after if isinstance(after, bytes) else b""), line[1]))
        return found

    @staticmethod
    def _expect(answer: tuple[str, Sequence[object]]) -> list[object]:
        kind, lines = answer
        if kind != "OK":
            said = lines[0] if lines and isinstance(lines[0], bytes) else b""
            raise imaplib.IMAP4.error(said.decode("utf-8", "replace"))
        return list(lines)


def _imap_day(instant: datetime) -> str:
    """The day as IMAP writes it, in English whatever the machine's language: `23-Nov-2026`."""
    _, day, month, year, *_ = format_datetime(instant).split()
    return f"{day}-{month}-{year}"


@contextlib.contextmanager
def _opened(server: ImapServer) -> Iterator[_Mailbox]:
    doing = "connecting"
    client: imaplib.IMAP4 | None = None
    try:
        client = _connect(server)
        doing = "logging in"
        client.login(server.username, server.password)
        doing = "opening the folder"
        mailbox = _Mailbox(client, server.folder)
        doing = "reading"
        yield mailbox
    except _FAILURES as error:
        raise _refused(server, doing, error) from None
    finally:
        if client is not None:
            _leave(client)


def _leave(client: imaplib.IMAP4) -> None:
    try:
        client.logout()  # closes the line, unless it fails
    except _FAILURES:
        with contextlib.suppress(OSError):
            client.shutdown()


def _connect(server: ImapServer) -> imaplib.IMAP4:
    seconds = server.timeout_seconds
    if server.security == "tls":
        context = server.make_tls_context()
        return imaplib.IMAP4_SSL(server.host, server.port, ssl_context=context, timeout=seconds)
    client = imaplib.IMAP4(server.host, server.port, timeout=seconds)
    if server.security == "starttls":
        try:
            client.starttls(server.make_tls_context())
        except BaseException:
            client.shutdown()
            raise
    return client


def _refused(server: ImapServer, doing: str, error: Exception) -> DeliveryError:
    mends = {
        "connecting": "Check host, port and security together: 993 goes with tls, 143 with starttls",
        "logging in": "Check username and password; many providers want a password made for applications, "
        "and IMAP switched on for the mailbox",
        "opening the folder": "Check the name of the folder in [mail.inbox]",
        "reading": "Try again later",
    }
    words = scrub_words(str(error) or type(error).__name__, server.secrets)
    return DeliveryError(
        f"The mailbox at {server.host} cannot be read", f"{doing} failed: {words}", mends[doing]
    )
