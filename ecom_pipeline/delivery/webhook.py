"""Handing an alert to a webhook over HTTP, and saying what came of it.

A webhook's address is a secret: whoever has it can write there. So no exception of the HTTP library leaves this
module (it would quote the address), its debug log is switched off, and what a receiver answers is scrubbed.
Redirects are not followed: the signed body would go to whoever the answer names.

What is signed and how follows the public Standard Webhooks conventions, so that ready-made code can verify it.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import requests
import urllib3

from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.scrub import scrub_words

# On DEBUG it logs the path of every request.
logging.getLogger("urllib3").setLevel(logging.INFO)

TIMEOUT_SECONDS = 20.0
SHORTEST_KEY = 16
LONGEST_WAIT = 24 * 3600.0
_WORDS_BYTES = 1000
_ADDRESS_REFUSED = frozenset({401, 403, 404, 405, 407, 410})
_TRY_LATER = frozenset({408, 409, 425, 429})
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, OSError, UnicodeError)


@dataclass(frozen=True)
class Webhook:
    """An address that takes alerts. Empty secrets are told when something is to be sent, not before."""

    name: str
    url: str = field(repr=False)
    signing_key: str | None = field(default=None, repr=False)  # None: the receiver knows no signatures
    timeout_seconds: float = TIMEOUT_SECONDS

    @property
    def identity(self) -> str:
        """By its name: a renewed address is the same receiver."""
        return f"webhook:{self.name}"

    @property
    def display(self) -> str:
        return f"webhook {self.name}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every spelling in which a receiver could repeat what nobody may see."""
        parts = urlsplit(self.url) if _is_url(self.url) else None
        found = [self.url, self.signing_key or ""]
        if parts is not None:
            found += [parts.path.rstrip("/"), parts.query, *parts.path.split("/"), parts.password or ""]
        return tuple(one for one in found if len(one) > 5)

    def find_problem(self) -> str | None:
        """Why nothing can be sent there, or None."""
        if not self.url:
            return "its address is not set"
        if not _is_url(self.url):
            return "its address is no web address"
        parts = urlsplit(self.url)
        if parts.scheme != "https" and not _is_loopback(parts.hostname or ""):
            return "its address does not begin with https, and the network would see everything"
        if self.signing_key is not None and len(self.signing_key) < SHORTEST_KEY:
            return f"its signing key is not set, or has fewer than {SHORTEST_KEY} characters"
        return None


class _Body:
    """The body in two parts, so that it is known whether its end has left."""

    def __init__(self, content: bytes, before_completion: Callable[[], None]) -> None:
        self._parts = [content[:-1], content[-1:]]
        self._length = len(content)
        self._before_completion = before_completion
        self.is_complete = False

    def __len__(self) -> int:
        return self._length

    def read(self, _size: int = -1) -> bytes:
        if len(self._parts) == 1:
            self._before_completion()
            self.is_complete = True
        return self._parts.pop(0) if self._parts else b""


def sign(body: bytes, message_id: str, timestamp: int, key: str) -> str:
    """The header `webhook-signature`: v1, and the HMAC-SHA256 of id, timestamp and body joined by points."""
    signed = b".".join((message_id.encode(), str(timestamp).encode(), body))
    digest = hmac.new(key.encode(), signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode('ascii')}"


def post_webhook(
    webhook: Webhook,
    content: bytes,
    key: str,
    now: datetime,
    before_completion: Callable[[], None] = lambda: None,
) -> Outcome:
    """One attempt to hand over the JSON under an idempotency key; never raises for what the network does.

    `before_completion` is called just before the last byte leaves: from then on it may have been accepted.
    """
    if problem := webhook.find_problem():
        return Outcome(Verdict.PERMANENT, Stage.LOGIN, None, problem)
    body = _Body(content, before_completion)
    headers = _headers(webhook, content, key, int(now.timestamp()))
    try:
        with requests.Session() as session:
            session.trust_env = not _is_loopback(urlsplit(webhook.url).hostname or "")
            with session.post(
                webhook.url,
                data=body,
                headers=headers,
                timeout=webhook.timeout_seconds,
                allow_redirects=False,
                stream=True,  # an endless answer is not read
            ) as answer:
                return _outcome_of_answer(answer, webhook, now)
    except _FAILURES as error:
        return _outcome_of_failure(error, body)


def _headers(webhook: Webhook, content: bytes, key: str, timestamp: int) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "ecom-pipeline"}
    headers |= {"Idempotency-Key": key, "webhook-id": key, "webhook-timestamp": str(timestamp)}
    if webhook.signing_key is not None:
        headers["webhook-signature"] = sign(content, key, timestamp, webhook.signing_key)
    return headers


def _outcome_of_answer(answer: requests.Response, webhook: Webhook, now: datetime) -> Outcome:
    code = answer.status_code
    if code // 100 == 2:
        return Outcome(Verdict.ACCEPTED, Stage.REPLY, code, "accepted")
    if code // 100 == 3:
        return Outcome(Verdict.PERMANENT, Stage.LOGIN, code, "it redirects elsewhere, which is not followed")
    words = scrub_words(_first_words(answer) or "no words", webhook.secrets)
    if code in _TRY_LATER or code // 100 == 5:
        wait = read_retry_after(answer.headers.get("Retry-After"), now)
        return Outcome(Verdict.TEMPORARY, Stage.REPLY, code, words, wait)
    # A wrong or withdrawn address refuses everything until a person mends it; else this body is refused.
    stage = Stage.LOGIN if code in _ADDRESS_REFUSED else Stage.REPLY
    return Outcome(Verdict.PERMANENT, stage, code, words)


def _first_words(answer: requests.Response) -> bytes:
    with contextlib.suppress(*_FAILURES):
        return next(answer.iter_content(_WORDS_BYTES), b"")
    return b""


def _outcome_of_failure(error: Exception, body: _Body) -> Outcome:
    verdict = Verdict.UNCERTAIN if body.is_complete else Verdict.TEMPORARY
    stage = Stage.REPLY if body.is_complete else Stage.CONNECT
    if isinstance(error, requests.exceptions.SSLError) and not body.is_complete:
        # A certificate does not mend itself.
        return Outcome(Verdict.PERMANENT, Stage.STARTTLS, None, "the encrypted connection failed")
    if isinstance(error, requests.Timeout):
        return Outcome(verdict, stage, None, "no answer in time")
    if body.is_complete:
        return Outcome(verdict, stage, None, "the connection ended before an answer")
    return Outcome(verdict, stage, None, "it could not be reached")


def read_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds to wait, from a number of seconds or a date; a day at most, None when it says neither."""
    if not value:
        return None
    if value.strip().isdecimal():
        seconds = float(value)
    else:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
