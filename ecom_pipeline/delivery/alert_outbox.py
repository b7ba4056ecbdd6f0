"""Sending what waits in the alert box: in order, outside the quiet hours, each alert to each receiver once.

Who is to have an alert is settled when it is made, in the delivery ledger: a receiver that is configured later
does not get the past week. A receiver that fails is left alone for a while, with everything that waits for it;
the others do not wait.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from zoneinfo import ZoneInfo

from ecom_pipeline.delivery.alert import Alert, body_hash
from ecom_pipeline.delivery.alert_box import AlertBox
from ecom_pipeline.delivery.entry import Entry, State
from ecom_pipeline.delivery.ledger import Ledger
from ecom_pipeline.delivery.outcome import Verdict
from ecom_pipeline.delivery.receivers import Receiver

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class QuietHours:
    """From one time of day to another, over midnight when the second is earlier; never when both are equal."""

    begin: time
    end: time
    zone: ZoneInfo

    def holds(self, now: datetime) -> bool:
        """True while nobody is to be disturbed."""
        clock = now.astimezone(self.zone).time()
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end


@dataclass(frozen=True)
class AlertDelivery:
    """What came of one attempt; holds nothing that may not be shown or stored."""

    alert: str
    display: str
    state: State
    explanation: str
    needs_a_person: bool


def plan_alerts(box: AlertBox, ledger: Ledger, receivers: Sequence[Receiver], now: datetime) -> None:
    """Settle who is to have the alerts that nobody was planned for yet; a kill in between is made good."""
    for alert in box.load_alerts(now, unplanned=True):
        for receiver in _willing(receivers, ledger):
            if alert.kind in receiver.kinds:
                ledger.plan(alert.id, receiver.addressee, body_hash(alert))
        box.mark_planned(alert)


def is_anything_due(
    box: AlertBox, ledger: Ledger, receivers: Sequence[Receiver], quiet: QuietHours | None, now: datetime
) -> bool:
    """Whether `deliver_alerts` would try to send something now."""
    if quiet is not None and quiet.holds(now):
        return False
    if box.load_alerts(now, unplanned=True):
        return True
    alerts = box.load_alerts(now)
    return any(
        entry is not None and entry.is_due
        for receiver in _willing(receivers, ledger)
        if not box.is_waiting(receiver.addressee.display, now)
        for entry in (ledger.find(alert.id, receiver.addressee) for alert in alerts)
    )


def deliver_alerts(
    box: AlertBox, ledger: Ledger, receivers: Sequence[Receiver], quiet: QuietHours | None, now: datetime
) -> list[AlertDelivery]:
    """Send what is due, one attempt each; the attempts made, in order.

    Nothing is sent in the quiet hours: it stays due. What failed for now is due again after a pause.
    """
    with ledger.turn():
        plan_alerts(box, ledger, receivers, now)
        if quiet is not None and quiet.holds(now):
            return []
        alerts = box.load_alerts(now)
        return [
            made
            for receiver in _willing(receivers, ledger)
            for made in _deliver_to(receiver, alerts, box, ledger, now)
        ]


def _willing(receivers: Sequence[Receiver], ledger: Ledger) -> list[Receiver]:
    """All but the people whose mailbox is gone or who want no more mail."""
    return [one for one in receivers if ledger.suppressions.find(one.addressee) is None]


def _deliver_to(
    receiver: Receiver, alerts: Sequence[Alert], box: AlertBox, ledger: Ledger, now: datetime
) -> list[AlertDelivery]:
    made: list[AlertDelivery] = []
    display = receiver.addressee.display
    for alert in alerts:
        if box.is_waiting(display, now):
            break
        if ledger.find(alert.id, receiver.addressee) is None:
            continue  # it was not for this receiver when it was made
        entry = ledger.plan(alert.id, receiver.addressee, body_hash(alert))
        if entry.is_due:
            made.append(_attempt(receiver, alert, entry, box, ledger, now))
    return made


def _attempt(
    receiver: Receiver, alert: Alert, entry: Entry, box: AlertBox, ledger: Ledger, now: datetime
) -> AlertDelivery:
    started = ledger.start(entry, body_hash(alert))
    outcome = receiver.send(alert, started.edition, now, lambda: ledger.mark_completing(started))
    finished = ledger.finish(started, outcome)
    display = receiver.addressee.display
    if finished.is_due:
        box.leave_alone(display, now, outcome.wait_seconds)
    elif outcome.verdict is Verdict.ACCEPTED:
        box.forget_failures(display)
    said = f"{outcome.code} {outcome.words}" if outcome.code else outcome.words
    log.info("%s to %s: %s (attempt %d)", alert.id, display, outcome.verdict, finished.attempts)
    is_unclear = finished.state is State.UNCERTAIN and not finished.is_due
    needs_a_person = outcome.verdict is Verdict.PERMANENT or is_unclear
    return AlertDelivery(alert.id, display, finished.state, said, needs_a_person)
