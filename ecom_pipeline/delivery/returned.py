"""What comes back by mail: notices that a report could not be delivered, and requests to receive no more.

Anybody can write to a mailbox, so a stranger's word suppresses nobody. A notice (RFC 3464) counts when it returns the
Message-ID of a message we sent to the very recipient it names, and only we can make that Message-ID. A request bears
the token of its reader, or comes from the address of one. Both are read, never stored.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from email import message_from_bytes, message_from_string
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

from ecom_pipeline.delivery.addresses import Recipient, Sender
from ecom_pipeline.delivery.entry import Entry
from ecom_pipeline.delivery.ledger import Ledger
from ecom_pipeline.delivery.message import build_message_id, build_reader_token
from ecom_pipeline.delivery.status import read_status

# What people's programs and people themselves write before and in such a subject, in both languages.
_REQUEST = re.compile(r"(?:(?:re|fwd?|tr) ?: ?)*(?:unsubscribe|d[ée]sabonn|d[ée]sinscri)", re.IGNORECASE)
_TOKEN = re.compile(r"\b[0-9a-f]{20}\b")


@dataclass(frozen=True)
class Return:
    """One recipient whom a message did not reach, as a notice names them."""

    message_id: str
    addresses: frozenset[str] = field(repr=False)
    status: str | None


@dataclass(frozen=True)
class Request:
    """Somebody's wish to receive no more mail."""

    address: str = field(repr=False)
    token: str | None = field(repr=False)


def is_notice(headers: Message) -> bool:
    """Whether a message's headers announce a delivery status notification."""
    kind = str(headers.get_param("report-type", ""))
    return headers.get_content_type() == "multipart/report" and kind.lower() == "delivery-status"


def read_request(headers: Message) -> Request | None:
    """The wish a message's subject states; None when it states none, or a program wrote it."""
    if str(headers.get("Auto-Submitted", "no")).strip().lower() != "no":
        return None
    subject = _decoded(headers, "Subject").strip()
    if not _REQUEST.match(subject):
        return None
    token = _TOKEN.search(subject)
    address = parseaddr(_decoded(headers, "From"))[1]
    return Request(address.casefold(), token[0] if token else None)


def read_returns(notice: bytes) -> list[Return]:
    """The recipients a notice says were not reached for good or for now, with the message it returns.

    It may be cut off after the returned message's headers.
    """
    message = message_from_bytes(notice)
    message_id = _returned_message_id(message)
    if not message_id:
        return []
    return [
        Return(message_id, _addresses(block), read_status(str(block.get("Status", ""))))
        for block in _status_blocks(message)
        if str(block.get("Action", "")).strip().lower() == "failed"
    ]


def find_returned(
    found: Return, readers: Sequence[Recipient], sender: Sender, ledger: Ledger
) -> Entry | None:
    """The delivery that came back; None when it is none of ours to the recipient the notice names."""
    for reader in readers:
        if reader.identity not in found.addresses:
            continue
        for entry in ledger.load_entries_of(reader):
            if found.message_id == build_message_id(entry.report_key, reader, sender, entry.edition):
                return entry
    return None


def find_requester(request: Request, readers: Sequence[Recipient], sender: Sender) -> Recipient | None:
    """The reader whose wish it is: by its token, and without one by the address it came from."""
    for reader in readers:
        if request.token is None and request.address == reader.identity:
            return reader
        if request.token == build_reader_token(reader, sender):
            return reader
    return None


def _status_blocks(message: Message) -> Iterator[Message]:
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status" and isinstance(part.get_payload(), list):
            yield from (block for block in part.get_payload() if isinstance(block, Message))


def _returned_message_id(message: Message) -> str:
    for part in message.walk():
        payload = part.get_payload()
        if part.get_content_type() == "message/rfc822" and isinstance(payload, list) and payload:
            returned = payload[0]
        elif part.get_content_type() == "text/rfc822-headers":
            text = part.get_payload(decode=True)
            returned = message_from_string(text.decode("utf-8", "replace") if isinstance(text, bytes) else "")
        else:
            continue
        if isinstance(returned, Message):
            return str(returned.get("Message-ID", "")).strip()
    return ""


def _addresses(block: Message) -> frozenset[str]:
    named = (str(block.get(name, "")) for name in ("Final-Recipient", "Original-Recipient"))
    return frozenset(one.partition(";")[2].strip().strip("<>").casefold() for one in named) - {""}


def _decoded(headers: Message, name: str) -> str:
    written = str(headers.get(name, ""))
    try:
        return str(make_header(decode_header(written)))
    except (HeaderParseError, LookupError, UnicodeError, ValueError):
        return written
