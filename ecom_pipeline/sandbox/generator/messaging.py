"""E-mails, SMS and push messages, and who consented to them.

Those who buy are asked whether they may be written to; later some change their minds. A letter goes out
every Thursday (now and then in two versions), a push every Sunday and an SMS on each month's first Sunday, to
those who consented by then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Literal

from ecom_pipeline.sandbox.events import Consent, Message, Order, Shop
from ecom_pipeline.sandbox.generator.clock import Clock
from ecom_pipeline.sandbox.generator.message_results import settle
from ecom_pipeline.sandbox.generator.streams import VendorIds, draw_count, stream

Medium = Literal["email", "sms", "push"]

MEDIA: tuple[Medium, ...] = ("email", "sms", "push")
_FIRST = {"email": 1.0, "sms": 0.2, "push": 0.2}  # of those whom the shop knew before the history begins
_CONSENTING = {"email": 0.28, "sms": 0.09, "push": 0.07}  # of those who buy for the first time
_LEAVING = {"email": 0.0012, "sms": 0.0015, "push": 0.002}  # of those who consented, each day
_SUNDAY_LEAVING = {"email": 2, "sms": 1, "push": 0}  # at least, when people have time to tidy up
_COMING_BACK = 0.0005  # of those who left, each day
_BOUNCING = 0.012  # of new addresses
_LOST = {"email": 0.004, "sms": 0.01, "push": 0.05}  # of messages, besides
_SMS_COST = 6  # cents a message
_THURSDAY, _SUNDAY = 3, 6


def tell(shop: Shop, clock: Clock) -> None:
    """Add consents and messages to the shop."""
    orders = [order for order in shop.orders if not order.test]
    told = _Correspondence(shop.seed, orders, clock)
    for day in clock.days():
        told.live(day)
    shop.consents = sorted(told.consents, key=_order)
    shop.messages = settle(told.messages, shop.consents, orders, stream(shop.seed, "message_results"))


class _Members:
    """Those who may be written to by one medium; drawing and removing cost nothing."""

    def __init__(self) -> None:
        self.people: list[str] = []
        self._places: dict[str, int] = {}

    def __contains__(self, person: str) -> bool:
        return person in self._places

    def add(self, person: str) -> None:
        self._places[person] = len(self.people)
        self.people.append(person)

    def remove(self, person: str) -> None:
        place, last = self._places.pop(person), self.people.pop()
        if last != person:
            self.people[place], self._places[last] = last, place


class _Correspondence:
    """Day by day: who consents, who leaves, what is sent."""

    def __init__(self, seed: int, orders: list[Order], clock: Clock) -> None:
        self._clock = clock
        self._rng = stream(seed, "messaging")
        self._ids = VendorIds(seed)
        self._newcomers = _newcomers(orders, clock)
        self._people = 0
        self._members = {medium: _Members() for medium in MEDIA}
        self._left: dict[str, list[str]] = {medium: [] for medium in MEDIA}
        self._new_addresses: list[str] = []
        self.consents: list[Consent] = []
        self.messages: list[Message] = []
        self._begin(orders)

    def live(self, day: date) -> None:
        """What people decide on a day and what is sent to them, in the order of the hours."""
        sending = self._to_send(day)
        for consent in sorted(self._decisions(day), key=_order):
            while sending and sending[0][0] < consent.at:
                self._send(*sending.pop(0))
            self._record(consent)
        for at, medium in sending:
            self._send(at, medium)

    def _begin(self, orders: list[Order]) -> None:
        """Those whom the shop wrote to before the history begins."""
        first_week = self._clock.start + timedelta(days=7)
        given: list[Consent] = []
        for _ in range(20 + 2 * sum(order.created_at < first_week for order in orders)):
            person = self._person()
            at = self._clock.start - timedelta(minutes=self._rng.randint(60, 400_000))
            given += (Consent(person, one, True, at) for one in MEDIA if self._rng.random() < _FIRST[one])
        for consent in sorted(given, key=_order):
            self._record(consent)
        self._new_addresses.clear()

    def _decisions(self, day: date) -> Iterator[Consent]:
        """New consents of those who bought, and others' second thoughts: one a person and medium at most.

        Only who buys at night decides at night, and never about the app.
        """
        rng = self._rng
        for at in self._newcomers[day]:
            person = self._person()
            for medium in MEDIA:
                if rng.random() < _CONSENTING[medium]:
                    yield Consent(person, medium, True, self._by_day(day) if medium == "push" else at)
        for medium in MEDIA:
            members, left = self._members[medium].people, self._left[medium]
            leaving = min(draw_count(rng, len(members) * _LEAVING[medium]), len(members))
            joining = rng.sample(left, min(draw_count(rng, len(left) * _COMING_BACK), len(left)))
            if day.weekday() == _SUNDAY:
                joining += self._signing_up(medium)
                leaving = max(leaving, min(len(members) // 5, _SUNDAY_LEAVING[medium]))
            for person in rng.sample(members, leaving):
                yield Consent(person, medium, False, self._by_day(day))
            for person in joining:
                yield Consent(person, medium, True, self._by_day(day))

    def _signing_up(self, medium: Medium) -> list[str]:
        """On Sundays visitors of a market leave their address, and some readers accept to receive SMS as well."""
        if medium == "email":
            return [self._person() for _ in range(3)]
        return self._invited() if medium == "sms" else []

    def _invited(self) -> list[str]:
        readers, known, left = self._members["email"].people, self._members["sms"], self._left["sms"]
        asked = self._rng.sample(readers, min(len(readers), 8 + len(readers) // 50))
        willing = [one for one in asked if one not in known and one not in left]
        return willing[: 1 + len(asked) // 10]

    def _record(self, consent: Consent) -> None:
        person, members = consent.person_id, self._members[consent.channel]
        if consent.given and not consent.bounced:
            members.add(person)
            if person in self._left[consent.channel]:
                self._left[consent.channel].remove(person)
            elif consent.channel == "email":
                self._new_addresses.append(person)
        elif person in members:  # whoever bounced this morning does not leave in the afternoon
            members.remove(person)
            if not consent.bounced:
                self._left[consent.channel].append(person)
        else:
            return
        self.consents.append(consent)

    def _to_send(self, day: date) -> list[tuple[datetime, Medium]]:
        found: list[tuple[datetime, Medium]] = []
        if day.weekday() == _THURSDAY:
            found.append((self._clock.moment(day, 10), "email"))
        if day.weekday() == _SUNDAY and day.day <= 7:
            found.append((self._clock.moment(day, 11), "sms"))
        if day.weekday() == _SUNDAY:
            found.append((self._clock.moment(day, 18), "push"))
        return found

    def _send(self, at: datetime, medium: Medium) -> None:
        people = len(self._members[medium].people)
        if people == 0:
            return
        gone = self._bounces(at) if medium == "email" else 0
        campaign = self._ids.uuid("push") if medium == "push" else self._ulid("campaign")
        week = self._clock.day_of(at).isocalendar().week
        first = people // 2 if medium == "email" and week % 5 == 0 and people >= 20 else people
        self._write(medium, campaign, at, first, min(gone, first))
        if first < people:  # the other version
            self._write(medium, campaign, at, people - first, max(gone - first, 0))

    def _write(self, medium: Medium, campaign: str, at: datetime, recipients: int, gone: int) -> None:
        rng = self._rng
        bounced = min(gone + draw_count(rng, recipients * _LOST[medium]), recipients)
        delivered = recipients - bounced
        opens = int(delivered * rng.uniform(0.28, 0.42)) if medium == "email" else 0
        clicks = int((opens or delivered) * rng.uniform(0.05, 0.12))
        self.messages.append(
            Message(
                message_id=campaign if medium == "push" else self._ulid("message"),
                campaign_id=campaign,
                name=_name(medium, self._clock.day_of(at)),
                tool="onesignal" if medium == "push" else "klaviyo",
                channel=medium,
                sent_at=at,
                recipients=recipients,
                delivered=delivered,
                bounced=bounced,
                opens=opens,
                clicks=clicks,
                unsubscribes=0,
                spam_complaints=draw_count(rng, delivered * 0.0004) if medium == "email" else 0,
                conversions=0,
                conversion_value=0,
                cost=recipients * _SMS_COST if medium == "sms" else 0,
            )
        )

    def _bounces(self, at: datetime) -> int:
        """How many of the addresses written to for the first time do not exist."""
        members = self._members["email"]
        gone = [one for one in self._new_addresses if one in members and self._rng.random() < _BOUNCING]
        self._new_addresses.clear()
        for person in gone:
            self._record(Consent(person, "email", True, at + timedelta(minutes=2), bounced=True))
        return len(gone)

    def _person(self) -> str:
        self._people += 1
        return f"person-{self._people:06d}"

    def _by_day(self, day: date) -> datetime:
        return self._clock.moment(day, self._rng.uniform(8.5, 22.5))

    def _ulid(self, kind: str) -> str:
        """An id in the campaigns' manner."""
        return f"01{self._ids.uuid(kind).replace('-', '')[:24].upper()}"


def _order(consent: Consent) -> tuple[datetime, str, str]:
    return consent.at, consent.person_id, consent.channel


def _name(medium: Medium, day: date) -> str:
    year, week, _ = day.isocalendar()
    return {
        "email": f"Lettre {year}-S{week:02d}",
        "sms": f"SMS {day:%Y-%m}",
        "push": f"Push {year}-S{week:02d}",
    }[medium]


def _newcomers(orders: list[Order], clock: Clock) -> defaultdict[date, list[datetime]]:
    """When people who left an address bought for the first time, by day."""
    known: set[str] = set()
    found: defaultdict[date, list[datetime]] = defaultdict(list)
    for order in sorted(orders, key=lambda one: (one.created_at, one.order_id)):
        email = (order.email or "").strip().lower()
        if email and email not in known:
            known.add(email)
            found[clock.day_of(order.created_at)].append(order.created_at)
    return found
