"""What can go wrong with a vendor over HTTP: one name, one sentence and one remedy for each."""

from __future__ import annotations

from dataclasses import dataclass

import requests
import urllib3

from ecom_pipeline.errors import AuthenticationError, SourceError


class UnavailableError(SourceError):
    """The vendor could not be reached or kept failing, however patiently it was asked."""


class ThrottledError(SourceError):
    """The vendor asks for a longer wait than one run can afford."""


class UnexpectedAnswerError(SourceError):
    """The vendor answered with success, but not with JSON: a maintenance or sign-in page, mostly."""


class TruncatedAnswerError(SourceError):
    """The vendor's answer ended before its end."""


class RefusedError(SourceError):
    """The vendor understood the request and refuses it; asking again would not help."""

    def __init__(self, what: str, *, why: str = "", mend: str = "", status: int = 0) -> None:
        super().__init__(what, why=why, mend=mend)
        self.status = status


class TooMuchAskedError(SourceError):
    """The vendor could not compute so much at once; a shorter span may do."""


@dataclass(frozen=True)
class Failure:
    """One failed attempt: what to raise when patience ends, and how the next attempt is timed."""

    error: type[SourceError]
    why: str
    again: bool = True
    status: int = 0
    wait: float | None = None  # asked for by the vendor; None: our own backoff


TRANSPORT_ERRORS = (requests.RequestException, urllib3.exceptions.HTTPError)

SAID: dict[type[SourceError], tuple[str, str]] = {
    UnavailableError: (
        "the vendor did not answer properly.",
        "Look at the vendor's status page and at this machine's network, then run this window again.",
    ),
    ThrottledError: (
        "the vendor asks to wait too long.",
        "Run this window again later, or in smaller parts.",
    ),
    TooMuchAskedError: (
        "the vendor could not compute so much at once.",
        "Run this window again later, or in smaller parts.",
    ),
    UnexpectedAnswerError: (
        "the vendor answered with a web page instead of data.",
        "Check the address in the settings; if it is right, the vendor is under maintenance: try later.",
    ),
    TruncatedAnswerError: ("the vendor's answer was cut off.", "Run this window again."),
    AuthenticationError: (
        "the vendor refuses the credentials.",
        "Check that the key is right, not expired, and has the rights needed.",
    ),
    RefusedError: (
        "the vendor refuses the request.",
        "Check the source's settings; if they are right, the vendor's API has changed.",
    ),
}


def transport_failure(error: Exception) -> Failure:
    """What to call an exception of the HTTP library, in words that quote nothing of it."""
    if isinstance(error, requests.exceptions.ChunkedEncodingError | requests.exceptions.ContentDecodingError):
        return Failure(TruncatedAnswerError, "the connection broke in the middle of the answer")
    if isinstance(error, requests.exceptions.Timeout):
        return Failure(UnavailableError, "no answer in time")
    # Other TLS failures are connections that broke early, and pass.
    if isinstance(error, requests.exceptions.SSLError) and "verify failed" in str(error):
        return Failure(UnavailableError, "the vendor's certificate could not be verified", again=False)
    if isinstance(error, requests.exceptions.ConnectionError):
        return Failure(UnavailableError, "no connection, or it broke")
    return Failure(RefusedError, f"the request could not be sent ({type(error).__name__})", again=False)
