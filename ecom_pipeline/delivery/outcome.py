"""What became of one attempt to hand a message to a mail server, or an alert to a webhook.

Four verdicts, because four different things must follow: nothing, trying again, telling a person, and the
delicate one in between, when the line went dead after the whole message had left.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ecom_pipeline.delivery.status import refuses_mailbox


class Verdict(StrEnum):
    """What an attempt came to."""

    ACCEPTED = "accepted"
    TEMPORARY = "temporary"
    PERMANENT = "permanent"
    UNCERTAIN = "uncertain"


class Stage(StrEnum):
    """How far the conversation had come, in the order of RFC 5321."""

    CONNECT = "connect"
    GREETING = "greeting"
    HELLO = "hello"
    STARTTLS = "starttls"
    LOGIN = "login"
    SENDER = "sender"
    RECIPIENT = "recipient"
    DATA = "data"
    BODY = "body"
    REPLY = "reply"


_ABOUT_THE_SERVER = frozenset(
    {Stage.CONNECT, Stage.GREETING, Stage.HELLO, Stage.STARTTLS, Stage.LOGIN, Stage.SENDER}
)


@dataclass(frozen=True)
class Outcome:
    """One attempt: the verdict, where it fell, the server's reply code if it gave one, and scrubbed words.

    `status` is the enhanced code of a mail server's refusal, such as `5.1.1`.
    """

    verdict: Verdict
    stage: Stage
    code: int | None
    words: str
    wait_seconds: float | None = None  # how long the other side asked to be left alone
    status: str | None = None

    @property
    def refuses_everyone(self) -> bool:
        """True when the server, the login or the sender was refused: no recipient can fare better."""
        return self.verdict is Verdict.PERMANENT and self.stage in _ABOUT_THE_SERVER

    @property
    def mailbox_is_gone(self) -> bool:
        """True when the server refused the recipient because it knows no such mailbox."""
        is_refused = self.verdict is Verdict.PERMANENT and self.stage is Stage.RECIPIENT
        return is_refused and refuses_mailbox(self.status)
