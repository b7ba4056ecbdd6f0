"""Enhanced status codes (RFC 3463): which of a server's refusals mean that a mailbox is gone.

`5.1.1` is class (5: for good), subject (1: the address) and detail. Subjects 3, 5, 6 and 7 speak of a system, a
protocol, the content or a policy, which somebody may mend; the mailbox is there.
"""

from __future__ import annotations

import re

_CODE = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)")
# 5.1.0 may speak of either address; 5.1.7 and 5.1.8 speak of the sender's.
_NOT_THE_RECIPIENT = frozenset({"5.1.0", "5.1.7", "5.1.8"})
# Of a message that was accepted and came back: the last server gave no code, the mailbox is disabled, and the domain
# has no mail server.
_GONE_IN_A_RETURN = frozenset({"5.0.0", "5.2.0", "5.2.1", "5.4.4"})


def read_status(words: str) -> str | None:
    """The enhanced code a reply or a status field begins with."""
    found = _CODE.match(words.strip())
    return found[1] if found else None


def refuses_mailbox(status: str | None) -> bool:
    """Whether a refusal of RCPT says that there is no such mailbox."""
    return status is not None and status.startswith("5.1.") and status not in _NOT_THE_RECIPIENT


def returns_for_good(status: str | None) -> bool:
    """Whether the return of an accepted message says that its mailbox takes no mail any more."""
    return refuses_mailbox(status) or status in _GONE_IN_A_RETURN
