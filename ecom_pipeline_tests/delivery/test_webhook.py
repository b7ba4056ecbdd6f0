"""What came of handing an alert to a webhook, whatever the other side does; signed; nothing secret told."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from ecom_pipeline.delivery.outcome import Outcome, Stage, Verdict
from ecom_pipeline.delivery.webhook import Webhook, post_webhook, read_retry_after

from .webhook_catcher import Break, WebhookCatcher, answer, run_webhook_catcher

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
SIGNING_KEY = "a signing key of the test"
BODY = '{"id":"alert/daily/2026-11-23","shop":"Été"}'.encode()


@pytest.fixture
def catcher() -> Iterator[WebhookCatcher]:
    with run_webhook_catcher() as running:
        yield running


def hook(url: str, key: str | None = SIGNING_KEY, timeout: float = 5.0) -> Webhook:
    return Webhook("team", url, key, timeout)


def post(catcher: WebhookCatcher, content: bytes = BODY, timeout: float = 5.0) -> tuple[Outcome, int]:
    """The outcome, and how often it was said that the end leaves."""
    ends: list[int] = []
    outcome = post_webhook(
        hook(catcher.url, timeout=timeout), content, "key-1", NOW, lambda: ends.append(len(catcher.caught))
    )
    return outcome, len(ends)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_accepted(catcher: WebhookCatcher, status: int) -> None:
    catcher.script.append(answer(status))
    assert post(catcher) == (Outcome(Verdict.ACCEPTED, Stage.REPLY, status, "accepted"), 1)
    (caught,) = catcher.caught
    assert caught.body == BODY
    assert caught.headers["content-type"] == "application/json; charset=utf-8"
    assert caught.headers["idempotency-key"] == caught.headers["webhook-id"] == "key-1"


@pytest.mark.parametrize(
    ("status", "verdict", "refuses_everything"),
    [
        (400, Verdict.PERMANENT, False),
        (422, Verdict.PERMANENT, False),
        (401, Verdict.PERMANENT, True),
        (404, Verdict.PERMANENT, True),
        (410, Verdict.PERMANENT, True),
        (408, Verdict.TEMPORARY, False),
        (429, Verdict.TEMPORARY, False),
        (500, Verdict.TEMPORARY, False),
        (503, Verdict.TEMPORARY, False),
    ],
)
def test_a_refusal_is_for_now_or_for_good(
    catcher: WebhookCatcher, status: int, verdict: Verdict, refuses_everything: bool
) -> None:
    catcher.script.append(answer(status, "no_service"))
    outcome, _ = post(catcher)
    assert (outcome.verdict, outcome.code, outcome.words) == (verdict, status, "no_service")
    assert outcome.refuses_everyone is refuses_everything


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Tue, 24 Nov 2026 07:10:00 GMT", 600.0),
        ("Tue, 24 Nov 2026 06:00:00 GMT", 0.0),
        ("9" * 400, 86400.0),
        ("soon", None),
        ("nan", None),
        (None, None),
    ],
)
def test_a_throttled_sender_waits_as_long_as_it_is_told(value: str | None, seconds: float | None) -> None:
    assert read_retry_after(value, NOW) == seconds


def test_the_wait_a_receiver_asks_for_is_part_of_the_outcome(catcher: WebhookCatcher) -> None:
    catcher.script.append(answer(429, "rate_limited", Retry_After="90"))
    assert post(catcher)[0].wait_seconds == 90.0


@pytest.mark.parametrize("size", [10, 40_000_000])  # the long one fits no socket's buffers
def test_a_line_that_breaks_before_the_body_is_whole_tells_whether_its_end_had_left(
    catcher: WebhookCatcher, size: int
) -> None:
    catcher.script.append("before the body")
    outcome, ends = post(catcher, b"x" * size)
    assert catcher.caught == []
    # A short body has left before the break is noticed: nobody can know then. A long one has not.
    assert outcome.verdict is (Verdict.UNCERTAIN if ends else Verdict.TEMPORARY)
    assert ends == (1 if size == 10 else 0)


@pytest.mark.parametrize(
    ("how", "words"),
    [("after the body", "the connection ended before an answer"), ("silence", "no answer in time")],
)
def test_no_answer_to_a_whole_body_is_uncertain(catcher: WebhookCatcher, how: Break, words: str) -> None:
    catcher.script.append(how)
    outcome, ends = post(catcher, timeout=0.3 if how == "silence" else 5.0)
    assert (outcome, ends) == (Outcome(Verdict.UNCERTAIN, Stage.REPLY, None, words), 1)
    assert catcher.caught[0].body == BODY


def test_half_an_answer_is_uncertain(catcher: WebhookCatcher) -> None:
    catcher.script.append(b"HTTP/1.1 2")
    assert post(catcher)[0].verdict is Verdict.UNCERTAIN


def test_nobody_there_is_tried_again_and_nothing_has_left() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    ends: list[int] = []
    outcome = post_webhook(hook(f"http://127.0.0.1:{port}/x"), BODY, "key-1", NOW, lambda: ends.append(1))
    assert outcome == Outcome(Verdict.TEMPORARY, Stage.CONNECT, None, "it could not be reached")
    assert ends == []


def test_a_plain_server_behind_https_needs_a_person(catcher: WebhookCatcher) -> None:
    catcher.script.append(answer(200))
    outcome = post_webhook(hook(catcher.url.replace("http:", "https:")), BODY, "key-1", NOW)
    assert outcome.verdict is Verdict.PERMANENT and outcome.refuses_everyone
    assert catcher.caught == []


def test_a_redirect_is_not_followed(catcher: WebhookCatcher) -> None:
    with run_webhook_catcher() as other:
        for status in (301, 302, 303, 307, 308):
            catcher.script.append(answer(status, Location=other.url))
            outcome, _ = post(catcher)
            assert outcome.verdict is Verdict.PERMANENT and outcome.code == status
        assert other.connections == 0


def test_the_signature_is_the_one_a_receiver_computes(catcher: WebhookCatcher) -> None:
    post(catcher)
    (caught,) = catcher.caught
    headers = caught.headers
    assert headers["webhook-timestamp"] == "1795503600"
    signed = b"key-1.1795503600." + caught.body
    # HMAC by its definition (RFC 2104), not by the library the sender uses.
    block = SIGNING_KEY.encode().ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + signed).digest()
    outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
    assert headers["webhook-signature"] == "v1," + base64.b64encode(outer).decode()
    forged = hmac.digest(b"another key of the test", signed, "sha256")
    assert headers["webhook-signature"] != "v1," + base64.b64encode(forged).decode()


def test_a_receiver_without_signatures_gets_none(catcher: WebhookCatcher) -> None:
    post_webhook(hook(catcher.url, None), BODY, "key-1", NOW)
    assert "webhook-signature" not in catcher.caught[0].headers


@pytest.mark.parametrize(
    ("url", "key", "words"),
    [
        ("", SIGNING_KEY, "not set"),
        ("hooks.example.com/x", SIGNING_KEY, "no web address"),
        ("ftp://hooks.example.com/x", SIGNING_KEY, "no web address"),
        ("http://[::1", SIGNING_KEY, "no web address"),
        ("http://hooks.example.com/x", SIGNING_KEY, "https"),
        ("https://hooks.example.com/x", "", "signing key"),
        ("https://hooks.example.com/x", "short", "signing key"),
    ],
)
def test_what_cannot_work_is_told_without_asking_anybody(url: str, key: str, words: str) -> None:
    outcome = post_webhook(hook(url, key), BODY, "key-1", NOW)
    assert outcome.verdict is Verdict.PERMANENT and outcome.refuses_everyone
    assert words in outcome.words
    assert "hooks" not in outcome.words


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_nothing_secret_is_told(
    catcher: WebhookCatcher, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str], status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    quoted = f"POST {catcher.url} /hooks/T0SECRET/very-secret-path very-secret-path {SIGNING_KEY}"
    catcher.script.append(answer(status, quoted))
    outcome, _ = post(catcher)
    shown = repr(outcome) + repr(hook(catcher.url)) + caplog.text + "".join(capfd.readouterr())
    assert "POST" in outcome.words, "the words were thrown away"
    for secret in ("T0SECRET", "very-secret-path", SIGNING_KEY):
        assert secret not in shown
