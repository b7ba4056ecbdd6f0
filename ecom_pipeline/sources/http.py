"""The one way out to vendors: sessions, time limits, retries, throttles, sign-in and clean errors.

Vendors' clients say what to ask; here is decided how often, how long, and what a failure is called.
The libraries' own exceptions quote URLs and headers, so none of them leaves this module, not even
as the context of ours. Bodies are never logged or quoted.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import requests
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, SourceError
from ecom_pipeline.sources.address import checked_url, is_loopback
from ecom_pipeline.sources.contract import Table, Window
from ecom_pipeline.sources.failures import (
    SAID,
    TRANSPORT_ERRORS,
    Failure,
    RefusedError,
    ThrottledError,
    TruncatedAnswerError,
    UnavailableError,
    UnexpectedAnswerError,
    transport_failure,
)
from ecom_pipeline.sources.retry import SHORTEST_WAIT, Patience, Usage
from ecom_pipeline.sources.scrub import Scrubber

T = TypeVar("T")
Throttle = Callable[[int, Mapping[str, str], Any], float | None]
"""A vendor's own throttle signal: (status, headers, decoded JSON or None) → seconds to wait, or None."""

Authorize = Callable[[bool], Mapping[str, str]]
"""The headers that sign a request; True asks for a renewed token because the last one was refused."""

Explain = Callable[[Any], str]
"""A vendor's error body (decoded JSON or None) → its code and message, free of personal data."""

Recognize = Callable[[int, Any], Failure | None]
"""A vendor whose statuses do not tell: (status, decoded JSON or None) → the failure its code means, or None."""

# At level DEBUG it writes every URL with its query, and signed addresses are secrets.
logging.getLogger("urllib3").setLevel(logging.INFO)

RETRIED = frozenset((408, 425, 429, 500, 502, 503, 504, 520, 522, 524))
CHUNK = 1 << 16


@dataclass(frozen=True)
class Ask:
    """One request as the vendor's client wants it."""

    method: str
    url: str
    params: Mapping[str, Any] | None = None
    json: Any = None
    data: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {urlsplit(self.url).path}"


def subject(source: str, table: Table | None = None, window: Window | None = None) -> str:
    """How errors name what was being read: source instance, table, window."""
    named = source if table is None else f"{source}, {table.name}"
    return named if window is None else f"{named}, {window.first_day} to {window.last_day}"


class HttpClient:
    """Asks one vendor, patiently, and answers with decoded JSON or a named error without secrets.

    `subject` opens every error (see `subject()`); `credentials` says in them where rights are granted.
    Headers and `authorize` are sent to the base URL's own origin only.

    Raises:
        ConfigurationError: the base URL is neither https nor plain http on this machine.
    """

    def __init__(
        self,
        base_url: str,
        *,
        subject: str,
        credentials: str,
        headers: Mapping[str, str | SecretStr] | None = None,
        authorize: Authorize | None = None,
        secrets: Iterable[SecretStr | str] = (),
        throttle: Throttle = lambda status, headers, body: None,
        explain: Explain = lambda body: "",
        recognize: Recognize = lambda status, body: None,
        patience: Patience | None = None,
        usage: Usage | None = None,
    ) -> None:
        self.base_url = checked_url(base_url, subject).rstrip("/") + "/"
        self.subject = subject
        self.credentials = credentials
        self.patience = patience or Patience()
        self.usage = usage if usage is not None else Usage()
        self.scrubber = Scrubber(secrets)
        self._authorize = authorize
        self._signature: Mapping[str, str] | None = None
        self._throttle = throttle
        self._explain = explain
        self._recognize = recognize
        self._headers: dict[str, str] = {}
        for name, value in (headers or {}).items():
            if isinstance(value, SecretStr):
                self.scrubber.register(value)
            self._headers[name] = value.get_secret_value() if isinstance(value, SecretStr) else value
        self._session = requests.Session()
        # A .netrc would quietly replace our own sign-in; a set `auth` keeps requests from reading it.
        self._session.auth = lambda prepared: prepared
        self._session.trust_env = not is_loopback(self.base_url)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._session.close()

    def get_json(
        self, path: str, params: Mapping[str, Any] | None = None, *, headers: Mapping[str, str] | None = None
    ) -> Any:
        """The decoded JSON answer; numbers with a point are Decimal. `path` is relative, or a whole URL."""
        return self._patiently(Ask("GET", self._url(path), params=params, headers=headers or {}), self._json)

    def get_page(self, path: str, params: Mapping[str, Any]) -> tuple[Any, Mapping[str, str]]:
        """The decoded JSON answer with its headers, where vendors tell how many there are in all."""

        def read(response: requests.Response) -> tuple[Any, Mapping[str, str]] | Failure:
            decoded = self._json(response)
            return decoded if isinstance(decoded, Failure) else (decoded, response.headers)

        return self._patiently(Ask("GET", self._url(path), params=params), read)

    def post_json(
        self,
        path: str,
        body: Any = None,
        *,
        form: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Post JSON (or a form), decode the JSON answer. Retried: only for what may happen twice."""
        ask = Ask("POST", self._url(path), json=body, data=form, headers=headers or {})
        return self._patiently(ask, self._json)

    def get_bytes(self, path: str) -> bytes:
        """The whole answer as it is."""
        return self._patiently(Ask("GET", self._url(path)), _content)

    def stream_lines(self, path: str) -> Iterator[bytes]:
        """The lines of a finished file, without their ends, holding one chunk at a time.

        A connection that breaks is opened again and the lines already given are skipped: the file
        must not change meanwhile.
        """
        ask = Ask("GET", self._url(path), stream=True)
        given, failures, waited = 0, 0, 0.0
        while True:
            response = self._patiently(ask, lambda response: response)
            try:
                for number, line in enumerate(_lines(response)):
                    if number >= given:
                        given += 1
                        failures = 0
                        yield line
                return
            except TRANSPORT_ERRORS as error:
                failure = transport_failure(error)
            finally:
                response.close()
            failures += 1
            waited += self._wait(ask, failure, failures, waited)

    def pause(self, seconds: float) -> None:
        """Wait, and count it."""
        self.usage.seconds_waited += seconds
        self.patience.sleep(seconds)

    def error(self, kind: type[SourceError], what: str, *, why: str = "", mend: str = "") -> SourceError:
        """An error that names the subject, free of every secret, for the vendor's client to raise."""
        clean = self.scrubber.clean
        return kind(f"{self.subject}: {clean(what)}", why=clean(why), mend=clean(mend))

    def _url(self, path: str) -> str:
        if "://" not in path:
            return self.base_url + path.lstrip("/")
        if is_loopback(path) and not is_loopback(self.base_url):
            raise self.error(RefusedError, "the vendor points to an address on this machine; not followed.")
        return checked_url(path, self.subject)

    def _patiently(self, ask: Ask, read: Callable[[requests.Response], T | Failure]) -> T:
        failures, waited, renewed = 0, 0.0, False
        while True:
            outcome = self._attempt(ask, read)
            if not isinstance(outcome, Failure):
                return outcome
            if outcome.status == 401 and self._authorize is not None and not renewed:
                renewed, self._signature = True, None
                self._sign(renew=True)
                continue
            if outcome.wait is None:
                failures += 1
            waited += self._wait(ask, outcome, failures, waited)

    def _wait(self, ask: Ask, failure: Failure, failures: int, waited: float) -> float:
        """Sleep before the next attempt and tell how long; raise when there shall be none."""
        patience = self.patience
        if not failure.again or failures >= patience.attempts:
            raise self._final(ask, failure, failures)
        seconds = patience.backoff(failures) if failure.wait is None else max(failure.wait, SHORTEST_WAIT)
        if waited + seconds > patience.total_wait:
            asked = Failure(
                ThrottledError if failure.wait is not None else failure.error,
                f"{failure.why}; waited {waited:.0f} s and would have to wait {seconds:.0f} s more",
                status=failure.status,
            )
            raise self._final(ask, asked, failures)
        self.usage.retries += 1
        self.pause(seconds)
        return seconds

    def _attempt(self, ask: Ask, read: Callable[[requests.Response], T | Failure]) -> T | Failure:
        try:
            response = self._send(ask)
            if not response.ok or response.status_code >= 300:
                return self._refusal(response)
            if response.headers.get("Content-Type", "").lower().startswith("text/html"):
                return Failure(UnexpectedAnswerError, "success, but a web page", status=response.status_code)
            return read(response)
        except TRANSPORT_ERRORS as error:
            return transport_failure(error)

    def _send(self, ask: Ask) -> requests.Response:
        self.usage.requests += 1
        own = urlsplit(ask.url)[:2] == urlsplit(self.base_url)[:2]
        headers = {"Accept": "application/json", "User-Agent": "ecom-pipeline"}
        if own:
            headers |= {**self._headers, **self._sign()}
        return self._session.request(
            ask.method,
            ask.url,
            params=ask.params,
            json=ask.json,
            data=ask.data,
            headers={**headers, **ask.headers},
            timeout=(self.patience.connect_timeout, self.patience.read_timeout),
            stream=ask.stream,
            # A redirect could carry our credentials to another host.
            allow_redirects=False,
        )

    def _sign(self, *, renew: bool = False) -> Mapping[str, str]:
        if self._authorize is None:
            return {}
        if self._signature is None:
            self._signature = self._authorize(renew)
            for value in self._signature.values():
                self.scrubber.register(value)
        return self._signature

    def _json(self, response: requests.Response) -> Any:
        """The decoded body, or the failure that it is: HTML, cut off, throttled."""
        body = response.content
        if body.lstrip()[:1] == b"<":
            return Failure(UnexpectedAnswerError, "success, but a web page", status=200)
        try:
            decoded = json.loads(body, parse_float=Decimal)
        except ValueError:
            return Failure(TruncatedAnswerError, f"JSON broken off after {len(body)} bytes", status=200)
        wait = self._throttle(200, response.headers, decoded)
        if wait is not None:
            return Failure(ThrottledError, "throttled by the vendor", status=200, wait=wait)
        failure = self._recognize(200, decoded)
        return decoded if failure is None else failure

    def _refusal(self, response: requests.Response) -> Failure:
        status = response.status_code
        try:
            body = json.loads(response.content, parse_float=Decimal)
        except ValueError:
            body = None
        told = self._explain(body) if body is not None else ""
        why = f"status {status}" + (f", {told[:300]}" if told else "")
        wait = self._throttle(status, response.headers, body)
        if wait is None and (failure := self._recognize(status, body)) is not None:
            return failure
        if wait is None and (status in RETRIED or status >= 500):
            wait = self.patience.asked_for(response.headers.get("Retry-After"))
        if wait is not None or status in RETRIED or status >= 500:
            return Failure(UnavailableError, why, status=status, wait=wait)
        if status in (401, 403):
            return Failure(AuthenticationError, why, again=False, status=status)
        if 300 <= status < 400:
            why += ": a redirect, not followed because it could carry the credentials elsewhere"
        return Failure(RefusedError, why, again=False, status=status)

    def _final(self, ask: Ask, failure: Failure, failures: int) -> SourceError:
        what, mend = SAID[failure.error]
        times = f", {failures} attempts" if failures > 1 else ""
        if failure.error is AuthenticationError:
            mend = f"{mend} {self.credentials}"
        error = self.error(failure.error, what, why=f"{ask.name}: {failure.why}{times}.", mend=mend)
        if isinstance(error, RefusedError):
            error.status = failure.status
        return error


def _content(response: requests.Response) -> bytes:
    content: bytes = response.content
    return content


def _lines(response: requests.Response) -> Iterator[bytes]:
    """Whole lines of a streamed answer; the last one needs no end."""
    rest = b""
    for chunk in response.iter_content(CHUNK):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from whole
    if rest:
        yield rest


__all__ = [
    "AuthenticationError",
    "HttpClient",
    "Patience",
    "RefusedError",
    "ThrottledError",
    "TruncatedAnswerError",
    "UnavailableError",
    "UnexpectedAnswerError",
    "Usage",
    "subject",
]
