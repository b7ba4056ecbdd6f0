"""Alerts reach each receiver once: over refusals, breaks, kills, quiet hours; their JSON is as its schema says."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from ecom_pipeline.delivery import (
    ALERT_KINDS,
    Alert,
    AlertBox,
    AlertDelivery,
    DeliveryError,
    Ledger,
    MailReceiver,
    QuietHours,
    Receiver,
    Recipient,
    Sender,
    SlackReceiver,
    SmtpServer,
    State,
    Webhook,
    WebhookReceiver,
    deliver_alerts,
    is_anything_due,
    plan_alerts,
)
from ecom_pipeline.delivery.alert import SCHEMA_FILE, alert_schema, body_of
from ecom_pipeline.sandbox.mail_catcher import MailCatcher

from .conftest import KEY
from .webhook_catcher import Break, WebhookCatcher, answer, run_webhook_catcher

NOW = datetime(2026, 11, 24, 7, 0, tzinfo=UTC)
SIGNING_KEY = "a signing key of the test"
ALL = frozenset(ALERT_KINDS)
NIGHT = QuietHours(time(20), time(7, 30), ZoneInfo("Europe/Paris"))


def make_alert(number: int = 1, **changes: Any) -> Alert:
    values: dict[str, Any] = {
        "id": f"alert/signals/2026-11-23/{number}",
        "kind": "signals",
        "shop": "Maison & <Fils>",
        "currency": "EUR",
        "day": date(2026, 11, 23),
        "created_at": NOW + timedelta(seconds=number),
        "words": {
            "fr": {
                "title": f"Maison & <Fils> : {number} signal",
                "lines": ["Conversion : 1,2 %", "<!channel>"],
            },
            "en": {"title": f"Maison & <Fils>: {number} signal", "lines": ["Conversion: 1.2%"]},
        },
        "signals": [
            {
                "kpi": "conversion_rate",
                "unit": "percent",
                "cause": "unusual",
                "value": Decimal("0.0123"),
                "limit": Decimal("2E-2"),
                "is_new": True,
            }
        ],
    }
    return Alert.model_validate({**values, **changes})


class Post:
    """A box, a ledger and one webhook, reopened for every delivery as after a restart."""

    def __init__(self, folder: Path, hooks: WebhookCatcher) -> None:
        self.folder = folder
        self.hooks = hooks
        self.now = NOW + timedelta(minutes=1)
        self.receivers: list[Receiver] = [self.webhook()]
        self.quiet: QuietHours | None = None

    def webhook(self, name: str = "team", url: str | None = None) -> WebhookReceiver:
        target = self.hooks.url if url is None else url
        return WebhookReceiver(Webhook(name, target, SIGNING_KEY, 0.5), ALL)

    def add(self, *alerts: Alert) -> None:
        with AlertBox(self.folder / "alerts.sqlite") as box, box.transaction():
            for alert in alerts:
                box.add(alert, [alert.id])
        with AlertBox(self.folder / "alerts.sqlite") as box, Ledger(self.ledger_file, KEY) as ledger:
            plan_alerts(box, ledger, self.receivers, self.now)

    @property
    def ledger_file(self) -> Path:
        return self.folder / "ledger.sqlite"

    def deliver(self, after: timedelta = timedelta(0)) -> list[AlertDelivery]:
        self.now += after
        with AlertBox(self.folder / "alerts.sqlite") as box, Ledger(self.ledger_file, KEY) as ledger:
            return deliver_alerts(box, ledger, self.receivers, self.quiet, self.now)

    def is_due(self) -> bool:
        with AlertBox(self.folder / "alerts.sqlite") as box, Ledger(self.ledger_file, KEY) as ledger:
            return is_anything_due(box, ledger, self.receivers, self.quiet, self.now)

    def ids(self) -> list[str]:
        """What arrived whole."""
        return [json.loads(caught.body)["id"] for caught in self.hooks.caught]

    def keys(self) -> list[str]:
        return [caught.headers["idempotency-key"] for caught in self.hooks.caught]


@pytest.fixture
def hooks() -> Iterator[WebhookCatcher]:
    with run_webhook_catcher() as running:
        yield running


@pytest.fixture
def post(tmp_path: Path, hooks: WebhookCatcher) -> Post:
    return Post(tmp_path, hooks)


# Once to each


def test_an_alert_arrives_once_over_reruns_and_restarts(post: Post) -> None:
    post.add(make_alert())
    assert post.is_due()
    (first,) = post.deliver()
    assert (first.state, first.display) == (State.SENT, "webhook team")
    post.add(make_alert(words={"en": {"title": "made again", "lines": []}}))
    assert not post.is_due()
    assert post.deliver(timedelta(hours=1)) == []
    (caught,) = post.hooks.caught
    assert caught.body == body_of(make_alert())


def test_each_receiver_has_a_key_of_its_own_and_only_its_kinds(post: Post) -> None:
    daily = WebhookReceiver(Webhook("sheet", post.hooks.url, SIGNING_KEY), frozenset({"daily"}))
    post.receivers.append(daily)
    post.add(make_alert(), make_alert(2, id="alert/daily/2026-11-23", kind="daily"))
    assert len(post.deliver()) == 3
    assert sorted(post.ids()) == [
        "alert/daily/2026-11-23", "alert/daily/2026-11-23", "alert/signals/2026-11-23/1",
    ]  # fmt: skip
    assert len(set(post.keys())) == 3


def test_who_comes_later_does_not_get_the_past(post: Post) -> None:
    post.add(make_alert())
    post.receivers.append(post.webhook("newcomer"))
    assert [one.display for one in post.deliver()] == ["webhook team"]


def test_a_renewed_address_is_the_same_receiver(post: Post) -> None:
    post.add(make_alert())
    post.deliver()
    with run_webhook_catcher() as renewed:
        post.receivers = [post.webhook(url=renewed.url)]
        assert post.deliver() == []
        assert renewed.connections == 0


def test_an_alert_that_nobody_took_for_a_week_is_given_up(post: Post) -> None:
    post.hooks.script.append(answer(503))
    post.add(make_alert())
    post.deliver()
    assert post.deliver(timedelta(days=6, hours=23)) != []
    post.add(make_alert(2))
    post.hooks.script.append(answer(503))
    post.deliver()
    assert post.deliver(timedelta(days=8)) == []


# Seven outcomes, from each state an alert can be in


OUTCOMES: dict[str, tuple[bytes | Break, State, bool]] = {
    # what the receiver does, the state after the first attempt, whether it is tried again
    "accepted": (answer(200, "ok"), State.SENT, False),
    "refused": (answer(400, "invalid_payload"), State.FAILED, False),
    "address refused": (answer(404, "no_service"), State.FAILED, True),
    "broken": (answer(500, "oops"), State.RETRY, True),
    "throttled": (answer(429, "slow down", Retry_After="7200"), State.RETRY, True),
    "dropped before the body": ("before the body", State.UNCERTAIN, True),
    "dropped after the body": ("after the body", State.UNCERTAIN, True),
    "timeout": ("silence", State.UNCERTAIN, True),
}
MAY_HAVE_ARRIVED = {"dropped before the body", "dropped after the body", "timeout"}


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_planned_alert_meets_each_outcome(post: Post, outcome: str) -> None:
    step, state, again = OUTCOMES[outcome]
    post.hooks.script.append(step)
    post.add(make_alert())
    (made,) = post.deliver()
    assert made.state is state
    assert made.needs_a_person is (outcome in {"refused", "address refused"})
    assert post.deliver() == [], "it was tried again at once"
    seconds = 7199 if outcome == "throttled" else 59
    assert post.deliver(timedelta(seconds=seconds)) == []
    later = post.deliver(timedelta(seconds=1))
    assert [one.state for one in later] == ([State.SENT] if again else [])
    assert len(set(post.keys())) == 1
    assert len(post.hooks.caught) <= 2


@pytest.mark.parametrize("second", OUTCOMES)
@pytest.mark.parametrize("first", ["address refused", "broken", "dropped after the body", "killed"])
def test_an_alert_tried_before_meets_each_outcome(post: Post, first: str, second: str) -> None:
    post.add(make_alert())
    if first == "killed":
        _leave_sending(post, completing=True)
    else:
        post.hooks.script.append(OUTCOMES[first][0])
        post.deliver()
    post.hooks.script.append(OUTCOMES[second][0])
    (made,) = post.deliver(timedelta(minutes=2))
    assert made.state is OUTCOMES[second][1]
    is_used_up = first in {"dropped after the body", "killed"} and second in MAY_HAVE_ARRIVED
    assert made.needs_a_person is (is_used_up or second in {"refused", "address refused"})
    for _ in range(4):
        post.deliver(timedelta(hours=5))
    is_over = is_used_up or not OUTCOMES[second][2]
    assert _state(post) is (made.state if is_over else State.SENT)
    possible = sum(caught.may_count for caught in post.hooks.caught)
    possible += (first == "killed") + (second == "dropped before the body")
    assert possible <= 2, "a third copy may have arrived"
    assert len(set(post.keys())) <= 1


def test_a_receiver_that_fails_is_asked_more_and_more_seldom_and_the_others_do_not_wait(post: Post) -> None:
    with run_webhook_catcher() as healthy:
        post.receivers.append(post.webhook("healthy", healthy.url))
        post.hooks.script += [answer(503)] * 20
        post.add(make_alert(), make_alert(2))
        asked = []
        for minute in range(24 * 60):
            if any(
                one.display == "webhook team" for one in post.deliver(timedelta(minutes=1) * bool(minute))
            ):
                asked.append(minute)
        assert asked[:6] == [0, 1, 6, 21, 81, 321]
        assert len(healthy.caught) == 2
    post.hooks.script.clear()
    assert [one.alert[-1] for one in post.deliver(timedelta(hours=4))] == ["1", "2"], "the order is lost"


def _leave_sending(post: Post, *, completing: bool) -> None:
    """The ledger as a kill leaves it."""
    with Ledger(post.ledger_file, KEY) as ledger:
        (receiver,) = post.receivers
        started = ledger.start(ledger.plan(make_alert().id, receiver.addressee, "x"), "x")
        if completing:
            ledger.mark_completing(started)


def _state(post: Post) -> State:
    with Ledger(post.ledger_file, KEY) as ledger:
        return ledger.load_entries()[0].state


VICTIM = """
    import os, signal, sys
    from datetime import datetime
    from pathlib import Path
    from ecom_pipeline.delivery import AlertBox, Ledger, Webhook, WebhookReceiver, deliver_alerts, webhook

    folder, url, key, moment, now = sys.argv[1:]
    read = webhook._Body.read
    outcome_of_answer = webhook._outcome_of_answer

    def die(*args):
        os.kill(os.getpid(), signal.SIGKILL)

    if moment == "before it leaves":
        webhook._Body.read = die
    elif moment == "accepted, not recorded":
        webhook._outcome_of_answer = die
    else:
        plan = Ledger.plan
        Ledger.plan = lambda *args: (plan(*args), die())
    receivers = [WebhookReceiver(Webhook("team", url, "a signing key of the test"), frozenset({"signals"}))]
    with AlertBox(Path(folder) / "alerts.sqlite") as box, Ledger(Path(folder) / "ledger.sqlite", key.encode()) as book:
        deliver_alerts(box, book, receivers, None, datetime.fromisoformat(now))
"""


def kill_delivering(post: Post, moment: str) -> None:
    """Another process delivers and is killed at a moment."""
    argv = [str(post.folder), post.hooks.url, KEY.decode(), moment, post.now.isoformat()]
    victim = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(VICTIM), *argv],
        capture_output=True, timeout=60, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert victim.returncode == -9, victim.stderr.decode()


@pytest.mark.parametrize(
    ("moment", "copies"), [("while planning", 1), ("before it leaves", 1), ("accepted, not recorded", 2)]
)
def test_a_kill_loses_nothing_and_doubles_at_most_once_under_the_same_key(
    post: Post, moment: str, copies: int
) -> None:
    with AlertBox(post.folder / "alerts.sqlite") as box, box.transaction():
        box.add(make_alert(), ["topic"])
    kill_delivering(post, moment)
    assert [one.state for one in post.deliver()] == [State.SENT]
    assert post.deliver() == []
    assert len(post.hooks.caught) == copies and len(set(post.keys())) == 1


def test_after_two_kills_that_may_have_delivered_there_is_no_third_copy(post: Post) -> None:
    post.add(make_alert())
    for _ in range(2):
        kill_delivering(post, "accepted, not recorded")
    assert post.deliver() == [] and not post.is_due()
    assert len(post.hooks.caught) == 2 and _state(post) is State.UNCERTAIN


# Quiet hours


@pytest.mark.parametrize(
    ("quiet", "instant", "held"),
    [
        (NIGHT, datetime(2026, 11, 24, 18, 59, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 11, 24, 19, 0, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 11, 24, 6, 29, tzinfo=UTC), True),
        (NIGHT, datetime(2026, 11, 24, 6, 30, tzinfo=UTC), False),
        (NIGHT, datetime(2026, 7, 24, 5, 30, tzinfo=UTC), False),  # summer time
        (QuietHours(time(12), time(14), ZoneInfo("UTC")), datetime(2026, 11, 24, 13, tzinfo=UTC), True),
        (QuietHours(time(12), time(14), ZoneInfo("UTC")), datetime(2026, 11, 24, 23, tzinfo=UTC), False),
    ],
)
def test_quiet_hours_are_the_shops(quiet: QuietHours, instant: datetime, held: bool) -> None:
    assert quiet.holds(instant) is held


def test_quiet_hours_hold_an_alert_and_send_it_afterwards(post: Post) -> None:
    post.quiet = NIGHT
    post.now = datetime(2026, 11, 24, 22, 0, tzinfo=UTC)
    post.add(make_alert(created_at=post.now))
    assert not post.is_due() and post.deliver() == []
    assert post.hooks.connections == 0
    assert not post.is_due() and post.deliver(timedelta(hours=8, minutes=29)) == []
    post.now += timedelta(minutes=1)
    assert post.is_due()
    assert [one.state for one in post.deliver()] == [State.SENT]
    assert len(post.hooks.caught) == 1


# What it says


def conforms(value: object, schema: dict[str, Any], root: dict[str, Any]) -> bool:
    """Whether a value is as a JSON schema says; refuses keywords it does not know."""
    told = {"title", "description", "default", "$defs"}
    checks: dict[str, Callable[[Any], bool]] = {
        "$ref": lambda to: conforms(value, root["$defs"][to.removeprefix("#/$defs/")], root),
        "anyOf": lambda options: any(conforms(value, one, root) for one in options),
        "enum": lambda allowed: value in allowed,
        "const": lambda only: value == only,
        "pattern": lambda pattern: isinstance(value, str) and bool(re.search(pattern, value)),
        "format": lambda kind: _has_format(value, kind),
        "type": lambda kind: {
            "object": isinstance(value, dict), "array": isinstance(value, list), "string": isinstance(value, str),
            "boolean": isinstance(value, bool), "null": value is None, "integer": type(value) is int,
        }[kind],
        "required": lambda names: isinstance(value, dict) and set(names) <= set(value),
        "properties": lambda named: isinstance(value, dict)
        and all(conforms(value[name], one, root) for name, one in named.items() if name in value),
        "additionalProperties": lambda one: isinstance(value, dict)
        and all(conforms(each, one, root) for name, each in value.items() if name not in schema.get("properties", {})),
        "items": lambda one: isinstance(value, list) and all(conforms(each, one, root) for each in value),
    }  # fmt: skip
    return all(checks[keyword](said) for keyword, said in schema.items() if keyword not in told)


def _has_format(value: object, kind: str) -> bool:
    parsers = {"date": date.fromisoformat, "date-time": datetime.fromisoformat}
    try:
        return isinstance(value, str) and parsers[kind](value) is not None
    except ValueError:
        return False


FULL = make_alert(
    kind="failures",
    figures={
        "net_sales": {
            "unit": "money", "day_value": Decimal("1234.50"), "week_value": None,
            "week_before": Decimal("1E+4"), "usual_low": None, "usual_high": None,
        }
    },
    checks=[{"asset": "shop/orders", "check": "newest_day_is_complete", "is_blocking": False}],
    run={"run_id": "abc", "job": "extract", "partition": None, "failed_steps": ["extract_shop"]},
)  # fmt: skip


def test_the_shipped_schema_is_the_models() -> None:
    assert json.loads(SCHEMA_FILE.read_text(encoding="utf-8")) == alert_schema()


@pytest.mark.parametrize("alert", [make_alert(), FULL], ids=["signals", "all parts"])
def test_what_is_sent_is_as_the_shipped_schema_says(post: Post, alert: Alert) -> None:
    post.add(alert)
    post.deliver()
    schema = json.loads(SCHEMA_FILE.read_text(encoding="utf-8"))
    sent = json.loads(post.hooks.caught[0].body)
    assert conforms(sent, schema, schema)
    assert Alert.model_validate(sent) == alert
    assert not conforms({**sent, "kind": "weekly"}, schema, schema)
    assert not conforms({**sent, "day": "yesterday"}, schema, schema)
    assert not conforms({name: one for name, one in sent.items() if name != "words"}, schema, schema)


def test_numbers_are_exact_texts_without_exponents() -> None:
    body = json.loads(body_of(FULL))
    assert body["figures"]["net_sales"]["day_value"] == "1234.50"
    assert body["figures"]["net_sales"]["week_before"] == "10000"
    assert body["figures"]["net_sales"]["week_value"] is None
    assert body["signals"][0]["limit"] == "0.02"


def test_a_malformed_alert_is_refused() -> None:
    with pytest.raises(ValidationError):
        make_alert(id="alert/signals/a\r\nb")


def test_slack_gets_its_own_format_in_its_language_and_nobody_is_mentioned(post: Post) -> None:
    post.receivers = [SlackReceiver(Webhook("slack", post.hooks.url), ALL, "fr")]
    long = {"fr": {"title": "T" * 400, "lines": ["L" * 5000]}}
    post.add(make_alert(), make_alert(2, words=long))
    post.deliver()
    first, second = (json.loads(caught.body) for caught in post.hooks.caught)
    assert first["text"] == "Maison &amp; &lt;Fils&gt; : 1 signal"
    header, section = first["blocks"]
    assert header == {"type": "header", "text": {"type": "plain_text", "text": "Maison & <Fils> : 1 signal"}}
    assert section["text"]["text"] == "• Conversion : 1,2 %\n• &lt;!channel&gt;"
    assert len(second["blocks"][0]["text"]["text"]) == 150
    assert len(second["blocks"][1]["text"]["text"]) == 3000


def test_a_person_gets_it_by_mail_once_in_their_language(
    post: Post, catcher: MailCatcher, server: SmtpServer, sender: Sender, marie: Recipient
) -> None:
    post.receivers = [MailReceiver(marie, ALL, lambda: (server, sender))]
    post.add(make_alert())
    assert [one.state for one in post.deliver()] == [State.SENT]
    assert post.deliver() == []
    (mail,) = catcher.mails
    assert mail.recipients == (marie.email,)
    assert mail.message["Subject"] == "Maison & <Fils> : 1 signal"
    assert mail.message["Auto-Submitted"] == "auto-generated"
    assert "- Conversion : 1,2 %" in mail.message.get_content()


def test_nothing_secret_is_stored_logged_or_told(
    post: Post, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    quoted = f"{post.hooks.url} {SIGNING_KEY}"
    post.hooks.script += [answer(500, quoted), "silence", answer(400, quoted)]
    post.add(make_alert())
    told = [one for _ in range(3) for one in post.deliver(timedelta(hours=1))]
    assert [one.state for one in told] == [State.RETRY, State.UNCERTAIN, State.FAILED]
    shown = repr(told) + repr(post.receivers) + caplog.text + "".join(capfd.readouterr())
    for file in post.folder.glob("*.sqlite"):
        with closing(sqlite3.connect(file)) as database:
            shown += "\n".join(database.iterdump())
    assert "webhook team" in shown and "conversion_rate" in shown, "looked into the wrong files"
    for secret in ("T0SECRET", "very-secret-path", SIGNING_KEY):
        assert secret not in shown


def test_the_box_of_a_newer_version_is_refused(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "alerts.sqlite")) as database:
        database.execute("PRAGMA user_version = 99")
    with pytest.raises(DeliveryError, match="format is 99"):
        AlertBox(tmp_path / "alerts.sqlite")
