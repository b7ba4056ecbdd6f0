"""The way out to vendors: patient with faults, obedient to throttles, silent about secrets."""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from pydantic import SecretStr

from ecom_pipeline.errors import AuthenticationError, ConfigurationError, SourceError
from ecom_pipeline.sources.failures import (
    Failure,
    RefusedError,
    ThrottledError,
    TruncatedAnswerError,
    UnavailableError,
    UnexpectedAnswerError,
)
from ecom_pipeline.sources.http import CHUNK, HttpClient
from ecom_pipeline.sources.retry import Patience
from ecom_pipeline.sources.scrub import Scrubber

from .scripted_server import Script, Step, answer, scripted_server, silence

TOKEN = "very secret/token+1"
NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
HTML = b"<!DOCTYPE html><html>Back soon</html>"


@pytest.fixture
def script() -> Iterator[Script]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def patience(waits: list[float]) -> Patience:
    return Patience(
        attempts=4, first_wait=1, sleep=waits.append, random=lambda: 0.5, now=lambda: NOW, read_timeout=5
    )


def client_of(script: Script, patience: Patience, **more: Any) -> HttpClient:
    return HttpClient(
        script.url,
        subject="shop, orders, 2026-02-01 to 2026-02-28",
        credentials="Make a key under Settings.",
        headers={"X-Token": SecretStr(TOKEN)},
        patience=patience,
        **more,
    )


def told(error: BaseException) -> str:
    """Everything that a log or a crash report could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__)


def test_json_comes_with_exact_numbers_and_the_token(script: Script, patience: Patience) -> None:
    script.steps = [answer(b'{"price": 0.1, "count": 3}')]
    found = client_of(script, patience).get_json("v1/things", {"limit": 2})
    assert found == {"price": Decimal("0.1"), "count": 3}
    assert script.asked[0].path == "/v1/things?limit=2"
    assert script.asked[0].headers["x-token"] == TOKEN


def test_server_errors_are_retried_with_doubling_jittered_waits(
    script: Script, patience: Patience, waits: list[float]
) -> None:
    script.steps = [answer({}, 500), answer({}, 503), answer({}, 502), answer({"ok": 1})]
    client = client_of(script, patience)
    assert client.post_json("x", {"a": 1}) == {"ok": 1}
    assert waits == [0.5, 1.0, 2.0]
    assert [asked.body for asked in script.asked] == [b'{"a": 1}'] * 4
    usage = client.usage
    assert (usage.requests, usage.retries, usage.seconds_waited) == (4, 3, 3.5)


@pytest.mark.parametrize(
    ("refusal", "waited"),
    [
        (answer({}, 429, Retry_After="7"), 7.0),
        (answer({}, 503, Retry_After="Sun, 01 Mar 2026 12:00:20 GMT"), 20.0),
        (answer({}, 429), 0.5),
    ],
)
def test_retry_after_is_obeyed(
    script: Script, patience: Patience, waits: list[float], refusal: Step, waited: float
) -> None:
    script.steps = [refusal, answer([])]
    assert client_of(script, patience).get_json("x") == []
    assert waits == [waited]


def test_a_wait_longer_than_a_run_can_afford_is_refused(
    script: Script, patience: Patience, waits: list[float]
) -> None:
    script.steps = [answer({}, 429, Retry_After="86400")]
    with pytest.raises(ThrottledError, match="86400 s more"):
        client_of(script, patience).get_json("x")
    assert waits == []


def test_attempts_are_bounded(script: Script, patience: Patience, waits: list[float]) -> None:
    script.steps = [answer({}, 500)]
    with pytest.raises(UnavailableError, match="status 500, 4 attempts"):
        client_of(script, patience).get_json("x")
    assert len(script.asked) == 4
    assert len(waits) == 3


@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_code_goes_before_the_status(
    script: Script, patience: Patience, waits: list[float], status: int
) -> None:
    def recognize(status: int, body: Any) -> Failure | None:
        code = (body or {}).get("code", 0)
        return Failure(AuthenticationError, f"code {code}", again=False, status=status) if code else None

    script.steps = [answer(b'{"code": 7}', status=status), answer(b'{"code": 0}')]
    client = client_of(script, patience, recognize=recognize)
    with pytest.raises(AuthenticationError, match="shop, orders") as caught:
        client.get_json("x")
    assert "code 7" in caught.value.why and "Make a key under Settings." in caught.value.mend
    assert client.get_json("x") == {"code": 0} and waits == []


def test_a_vendors_own_throttle_signal_is_obeyed(
    script: Script, patience: Patience, waits: list[float]
) -> None:
    script.steps = [answer({"wait": n}) for n in (3, 5, 8, 13, 21)] + [answer({"data": 1})]

    def throttle(status: int, headers: Any, body: Any) -> float | None:
        return body.get("wait")  # type: ignore[no-any-return]

    assert client_of(script, patience, throttle=throttle).post_json("x", {}) == {"data": 1}
    assert waits == [3, 5, 8, 13, 21], "a throttle is no failure: it does not use up the attempts"


def test_silence_ends_in_a_named_error(script: Script, waits: list[float]) -> None:
    script.steps = [silence(script)]
    patience = Patience(attempts=2, sleep=waits.append, random=lambda: 0.0, read_timeout=0.05)
    with pytest.raises(UnavailableError, match="no answer in time, 2 attempts"):
        client_of(script, patience).get_json("x")


def test_nobody_there_is_a_named_error(patience: Patience) -> None:
    with scripted_server() as script:
        pass
    with pytest.raises(UnavailableError, match="no connection"):
        client_of(script, patience).get_json("x")


@pytest.mark.parametrize(
    ("broken", "kind"),
    [
        (answer(b'{"data": [1, 2', promise=900), TruncatedAnswerError),
        (answer(b'{"data": [1, 2'), TruncatedAnswerError),
        (answer(HTML, Content_Type="text/html; charset=utf-8"), UnexpectedAnswerError),
        (answer(HTML, Content_Type="application/json"), UnexpectedAnswerError),
    ],
)
def test_broken_answers_are_retried_and_named(
    script: Script, patience: Patience, broken: Any, kind: type[SourceError]
) -> None:
    script.steps = [broken, answer({"data": [1, 2, 3]})]
    assert client_of(script, patience).get_json("x") == {"data": [1, 2, 3]}
    script.steps = [broken]
    with pytest.raises(kind) as caught:
        client_of(script, patience).get_json("x")
    assert "shop, orders, 2026-02-01 to 2026-02-28" in str(caught.value)
    assert caught.value.mend


@pytest.mark.parametrize("method", ["get_bytes", "stream_lines"])
def test_a_web_page_is_no_file(script: Script, patience: Patience, method: str) -> None:
    script.steps = [answer(HTML, Content_Type="text/html")]
    with pytest.raises(UnexpectedAnswerError):
        list(getattr(client_of(script, patience), method)("file.zip"))


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_are_named_at_once(script: Script, patience: Patience, status: int) -> None:
    script.steps = [answer({"error": "no"}, status)]
    with pytest.raises(AuthenticationError, match=r"Make a key under Settings\."):
        client_of(script, patience).get_json("x")
    assert len(script.asked) == 1


def test_a_refusal_carries_the_vendors_code_and_no_body(script: Script, patience: Patience) -> None:
    script.steps = [answer({"code": "bad_date", "customer": "jane@example.org"}, 400)]
    client = client_of(script, patience, explain=lambda body: body["code"])
    with pytest.raises(RefusedError, match="status 400, bad_date") as caught:
        client.get_json("x")
    assert caught.value.status == 400
    assert "jane" not in told(caught.value)


def test_a_refused_token_is_renewed_once(script: Script, patience: Patience) -> None:
    renewals: list[bool] = []

    def authorize(renew: bool) -> dict[str, str]:
        renewals.append(renew)
        return {"Authorization": f"Bearer token-number-{len(renewals)}"}

    script.steps = [answer({}, 401), answer([1]), answer([2]), answer({}, 401)]
    client = client_of(script, patience, authorize=authorize)
    assert client.get_json("x") == [1]
    assert client.get_json("x") == [2]
    assert renewals == [False, True]
    assert [a.headers["authorization"][-1] for a in script.asked] == ["1", "2", "2"]
    with pytest.raises(AuthenticationError) as caught:
        client.get_json("x")
    assert renewals == [False, True, True], "renewed once more, then given up"
    assert "token-number" not in told(caught.value)


def test_a_redirect_does_not_carry_the_token_away(script: Script, patience: Patience) -> None:
    with scripted_server() as other:
        other.steps = [answer({"stolen": True})]
        script.steps = [answer({}, 302, Location=f"{other.url}/elsewhere")]
        with pytest.raises(RefusedError, match="redirect"):
            client_of(script, patience).get_json("x")
        assert other.asked == []


def test_credentials_go_to_their_own_origin_only(script: Script, patience: Patience) -> None:
    with scripted_server() as other:
        other.steps = [answer(b"one\ntwo\n")]
        client = client_of(script, patience, authorize=lambda renew: {"Authorization": "Bearer abcdef"})
        assert list(client.stream_lines(f"{other.url}/result?Signature=1")) == [b"one", b"two"]
        assert "x-token" not in other.asked[0].headers
        assert "authorization" not in other.asked[0].headers


def test_a_netrc_file_does_not_replace_our_sign_in(
    script: Script, patience: Patience, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine localhost login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    script.steps = [answer({})]
    script.url = script.url.replace("127.0.0.1", "localhost")
    client = client_of(script, patience, authorize=lambda renew: {"Authorization": "Bearer ours"})
    client._session.trust_env = True  # as it is for hosts elsewhere
    client.get_json("x")
    assert script.asked[0].headers["authorization"] == "Bearer ours"


def test_a_broken_stream_goes_on_where_it_broke(
    script: Script, patience: Patience, waits: list[float]
) -> None:
    whole = b"".join(b"line %d\n" % n for n in range(1000))
    script.steps = [
        answer(whole[:5000], promise=len(whole)),
        answer(whole[:2000], promise=len(whole)),
        answer(whole[:-1]),
    ]
    found = list(client_of(script, patience).stream_lines("file.jsonl"))
    assert found == [b"line %d" % n for n in range(1000)]
    assert len(waits) == 2


def test_a_stream_that_breaks_often_but_gets_on_is_not_given_up(script: Script, patience: Patience) -> None:
    whole = (b"x" * (CHUNK - 1) + b"\n") * 20
    breaks = [answer(whole[: 2 * CHUNK * n], promise=len(whole)) for n in range(1, 2 * patience.attempts)]
    script.steps = [*breaks, answer(whole)]
    assert len(list(client_of(script, patience).stream_lines("file.jsonl"))) == 20


def test_a_stream_that_never_gets_further_is_given_up(script: Script, patience: Patience) -> None:
    script.steps = [answer(b"one\ntwo\nthr", promise=100)]
    got: list[bytes] = []
    with pytest.raises(TruncatedAnswerError):
        got.extend(client_of(script, patience).stream_lines("file.jsonl"))
    assert len(script.asked) == patience.attempts


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example",
        "ftp://shop.example",
        "https://me:pw@shop.example",
        "shop.example",
        "http://10.0.0.1",
    ],
)
def test_unsafe_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        HttpClient(url, subject="shop", credentials="")
    assert "shop" in str(caught.value)
    assert "pw@" not in str(caught.value)


def test_a_vendor_elsewhere_may_not_point_to_this_machine() -> None:
    client = HttpClient("https://shop.example", subject="shop", credentials="")
    with pytest.raises(RefusedError):
        next(client.stream_lines("http://127.0.0.1:1/internal"))


@pytest.mark.parametrize("fault", ["401", "500", "400", "cut", "silence", "gone"])
def test_no_error_tells_a_secret_or_a_query(script: Script, waits: list[float], fault: str) -> None:
    echo = {"message": f"key {TOKEN} at https://x.example/a?sig=1234567 is bad"}
    steps = {
        "401": answer(echo, 401),
        "500": answer(echo, 500),
        "400": answer(echo, 400),
        "cut": answer(b"{", promise=50),
        "silence": silence(script),
        "gone": answer(echo),
    }
    script.steps = [steps[fault]]
    if fault == "gone":
        script.url = "http://127.0.0.1:1"
    patience = Patience(attempts=2, sleep=waits.append, random=lambda: 0.0, read_timeout=0.05)
    client = client_of(script, patience, explain=lambda body: body["message"])
    params = {"api_key": "query-secret", "email": "jane@example.org"}
    with pytest.raises(SourceError) as caught:
        client.get_json("things", params)
    for hidden in (TOKEN, "very secret", "query-secret", "jane@", "1234567", "api_key"):
        assert hidden not in told(caught.value)
    assert caught.value.__context__ is None and caught.value.__cause__ is None


def test_secrets_are_hidden_in_every_form() -> None:
    scrubber = Scrubber([SecretStr("Bearer a/secret+value")])
    for text in ("a/secret+value", "a%2Fsecret%2Bvalue", "YS9zZWNyZXQrdmFsdWU=", "YS9zZWNyZXQrdmFsdWU"):
        assert text not in scrubber.clean(f"it was <{text}> there")
    cleaned = scrubber.clean("GET https://u:p@host.example/path?key=1#x failed")
    assert cleaned == "GET https://•••@host.example/path?••• failed"
