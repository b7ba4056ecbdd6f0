"""Qonto's business API, version 2: the organisation with its balances, and the transactions.

Amounts are positive; `side` tells the direction. A transaction's `updated_at` moves when it
completes, so a client that asks for what changed sees it again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from starlette.routing import BaseRoute

from ecom_pipeline.sandbox.endpoint import Answer, Call, FailureKind, Vendor, route
from ecom_pipeline.sandbox.events import BankAccount, BankTransaction
from ecom_pipeline.sandbox.twins import Instance
from ecom_pipeline.sandbox.world import PERSONAL_CANARY, World, digest

MAX_PER_PAGE = 100
STATUSES = ("pending", "declined", "completed")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2}))?")
RANGES = {
    f"{field}_{end}": (field, end)
    for field in ("updated_at", "settled_at", "emitted_at")
    for end in ("from", "to")
}
SORTS = ("updated_at", "settled_at", "emitted_at")
INCLUDES = ("vat_details", "labels", "attachments")


class Refused(Exception):
    """The request is answered with one of Qonto's errors."""

    def __init__(self, status: int, code: str, detail: str, parameter: str | None = None) -> None:
        super().__init__(detail)
        self.answer = error_answer(status, code, detail, parameter)


@dataclass(frozen=True)
class Seen:
    """A transaction as of an instant."""

    facts: BankTransaction
    status: str
    settled_at: datetime | None
    updated_at: datetime

    @property
    def emitted_at(self) -> datetime:
        return self.facts.emitted_at


@dataclass(frozen=True)
class Asked:
    """What a list request asks for, validated."""

    account: BankAccount
    statuses: tuple[str, ...]
    bounds: tuple[tuple[str, str, datetime], ...]  # field, from or to, instant
    page: int
    per_page: int
    sort: str
    descending: bool

    def wants(self, seen: Seen) -> bool:
        if seen.facts.account_id != self.account.account_id or seen.status not in self.statuses:
            return False
        for field, end, bound in self.bounds:
            at = getattr(seen, field)
            if at is None or (at < bound if end == "from" else at > bound):
                return False
        return True


def instances(world: World, url: str) -> list[Instance]:
    """The organisation's accounts, as one bank."""
    secrets = {"login": world.secrets["qonto_login"], "secret_key": world.secrets["qonto_secret_key"]}
    return [Instance("bank", "qonto", {"base_url": f"{url}/qonto"}, secrets)]


def routes(world: World) -> list[BaseRoute]:
    api = Qonto(world)
    vendor = Vendor("qonto", failure)
    return [
        route(world, vendor, "/qonto/v2/organization", api.guarded(api.organization)),
        route(world, vendor, "/qonto/v2/transactions", api.guarded(api.transactions)),
        route(world, vendor, "/qonto/v2/transactions/{id}", api.guarded(api.transaction)),
    ]


class Qonto:
    """One organisation's accounts."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.accounts = world.shop.bank_accounts

    def guarded(self, handler: Callable[[Call], Answer]) -> Callable[[Call], Answer]:
        def answer(call: Call) -> Answer:
            secrets = self.world.secrets
            expected = f"{secrets['qonto_login']}:{secrets['qonto_secret_key']}"
            if call.headers.get("authorization") != expected:
                return failure("expired_token", 401)
            if self.world.lacks("qonto", "organization.read"):
                return error_answer(403, "forbidden", "The key lacks organization.read")
            try:
                return handler(call)
            except Refused as refused:
                return refused.answer

        return answer

    def seen(self) -> list[Seen]:
        """Every transaction that exists by now."""
        now = self.world.now()
        return [
            seen_at(transaction, now)
            for transaction in self.world.shop.bank_transactions
            if transaction.emitted_at <= now
        ]

    def organization(self, call: Call) -> Answer:
        for name, _ in call.query:
            if name != "include_external_accounts":
                raise Refused(422, "invalid_parameter", f"unknown parameter {name}", name)
        shop, seen = self.world.shop, self.seen()
        return Answer(
            {
                "organization": {
                    "id": digest(shop.seed, "organization")[:32],
                    "name": shop.name,
                    "slug": self.world.accounts["qonto_organization"],
                    "legal_name": f"{shop.name} SAS",
                    "locale": "fr",
                    "legal_country": "FR",
                    "bank_accounts": [
                        account_json(account, seen, at == 0) for at, account in enumerate(self.accounts)
                    ],
                }
            }
        )

    def transactions(self, call: Call) -> Answer:
        asked = parsed(call.query, self.accounts)
        found = [seen for seen in self.seen() if asked.wants(seen)]
        found.sort(key=lambda seen: (sort_key(seen, asked.sort), seen.facts.transaction_id))
        if asked.descending:
            found.reverse()
        start = (asked.page - 1) * asked.per_page
        pages = -(-len(found) // asked.per_page)
        meta = {
            "current_page": asked.page,
            "next_page": asked.page + 1 if asked.page < pages else None,
            "prev_page": asked.page - 1 if asked.page > 1 else None,
            "total_pages": pages,
            "total_count": len(found),
            "per_page": asked.per_page,
        }
        page = [transaction_json(self.world, seen) for seen in found[start : start + asked.per_page]]
        series = digest(0, *(pair for pair in call.query if pair[0] not in ("current_page", "page")))
        return Answer({"transactions": page, "meta": meta}, series=series, continues=asked.page > 1)

    def transaction(self, call: Call) -> Answer:
        for seen in self.seen():
            if object_id(self.world, seen.facts) == call.path_params["id"]:
                return Answer({"transaction": transaction_json(self.world, seen)})
        raise Refused(404, "not_found", "The transaction was not found")


def seen_at(facts: BankTransaction, now: datetime) -> Seen:
    """The transaction as it stood at `now`: pending until it settles."""
    if facts.status == "completed" and facts.settled_at is not None and facts.settled_at > now:
        return Seen(facts, "pending", None, facts.emitted_at)
    settled_at = facts.settled_at if facts.status == "completed" else None
    return Seen(facts, facts.status, settled_at, settled_at or facts.emitted_at)


def sort_key(seen: Seen, field: str) -> datetime:
    at: datetime | None = getattr(seen, field)
    return at or seen.emitted_at


def parsed(query: tuple[tuple[str, str], ...], accounts: list[BankAccount]) -> Asked:
    """The query, checked. Raises Refused."""
    one: dict[str, str] = {}
    statuses, bounds = [], []
    for name, value in query:
        if name in ("status[]", "status"):
            if value not in STATUSES:
                raise Refused(
                    422, "invalid_parameter", f"status must be one of {', '.join(STATUSES)}", "status"
                )
            statuses.append(value)
        elif name in ("includes[]", "includes"):
            if value not in INCLUDES:
                raise Refused(422, "invalid_parameter", f"cannot include {value}", "includes")
        elif name in RANGES:
            bounds.append((*RANGES[name], instant(name, value)))
        elif name in ("bank_account_id", "iban", "slug", "current_page", "page", "per_page", "sort_by"):
            one[name] = value
        else:
            raise Refused(422, "invalid_parameter", f"unknown parameter {name}", name)
    field, _, direction = one.get("sort_by", "updated_at:desc").partition(":")
    if field not in SORTS or direction not in ("", "asc", "desc"):
        raise Refused(422, "invalid_parameter", "sort_by must be a date field and asc or desc", "sort_by")
    per_page = number(one.get("per_page", str(MAX_PER_PAGE)), "per_page")
    if per_page > MAX_PER_PAGE:
        raise Refused(422, "invalid_parameter", f"per_page must be at most {MAX_PER_PAGE}", "per_page")
    page = number(one.get("current_page", one.get("page", "1")), "current_page")
    account = asked_account(one, accounts)
    kept = tuple(statuses) or ("completed",)
    return Asked(account, kept, tuple(bounds), page, per_page, field, direction != "asc")


def asked_account(one: Mapping[str, str], accounts: list[BankAccount]) -> BankAccount:
    wanted_id, iban = one.get("bank_account_id"), one.get("iban")
    if not wanted_id and not iban:
        raise Refused(422, "missing_parameter", "bank_account_id or iban is needed", "bank_account_id")
    for account in accounts:
        if account.account_id == wanted_id or (not wanted_id and account.iban == iban):
            return account
    raise Refused(404, "not_found", "The bank account was not found")


def instant(name: str, value: str) -> datetime:
    if INSTANT.fullmatch(value):
        text = value if "T" in value else f"{value}T00:00:00Z"
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise Refused(422, "invalid_parameter", f"{name} must be an ISO 8601 instant", name)


def number(value: str, name: str) -> int:
    if not value.isdigit() or int(value) < 1:
        raise Refused(422, "invalid_parameter", f"{name} must be a number from 1", name)
    return int(value)


def account_json(account: BankAccount, seen: list[Seen], main: bool) -> dict[str, Any]:
    """The account with its booked balance, and the authorised one with pending debits taken off."""
    own = [one for one in seen if one.facts.account_id == account.account_id]
    booked = account.opening_balance + sum(one.facts.amount for one in own if one.status == "completed")
    held = sum(one.facts.amount for one in own if one.status == "pending" and one.facts.amount < 0)
    return {
        "id": account.account_id,
        "slug": account.account_id,
        "name": account.name,
        "iban": account.iban,
        "bic": "QNTOFRP1XXX",
        "currency": account.currency,
        "balance": booked / 100,
        "balance_cents": booked,
        "authorized_balance": (booked + held) / 100,
        "authorized_balance_cents": booked + held,
        "status": "active",
        "main": main,
    }


def object_id(world: World, facts: BankTransaction) -> str:
    name = digest(world.shop.seed, "bank", facts.transaction_id)
    return "-".join((name[:8], name[8:12], name[12:16], name[16:20], name[20:32]))


def transaction_json(world: World, seen: Seen) -> dict[str, Any]:
    """A transaction as the API shows it at this moment, with the personal texts clients must not keep."""
    facts, cents = seen.facts, abs(seen.facts.amount)
    return {
        "id": object_id(world, facts),
        "transaction_id": facts.transaction_id,
        "amount": cents / 100,
        "amount_cents": cents,
        "settled_balance": None,
        "settled_balance_cents": None,
        "attachment_ids": [],
        "local_amount": cents / 100,
        "local_amount_cents": cents,
        "side": "credit" if facts.amount > 0 else "debit",
        "operation_type": facts.operation_type,
        "currency": facts.currency,
        "local_currency": facts.currency,
        "label": facts.label,
        "clean_counterparty_name": facts.label,
        "settled_at": written(seen.settled_at),
        "emitted_at": written(facts.emitted_at),
        "updated_at": written(seen.updated_at),
        "status": seen.status,
        "note": f"{PERSONAL_CANARY} Jeanne Martin",
        "reference": facts.reference,
        "vat_amount": None,
        "vat_amount_cents": None,
        "vat_rate": None,
        "initiator_id": f"{PERSONAL_CANARY}-member-1",
        "label_ids": [],
        "attachment_lost": False,
        "attachment_required": False,
        "card_last_digits": "4242" if facts.operation_type == "card" else None,
        "category": facts.category,
        "bank_account_id": facts.account_id,
        "is_external_transaction": False,
    }


def written(at: datetime | None) -> str | None:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z" if at else None


def error_answer(status: int, code: str, detail: str, parameter: str | None = None) -> Answer:
    error: dict[str, Any] = {"code": code, "detail": detail}
    if parameter:
        error["source"] = {"parameter": parameter}
    return Answer({"errors": [error]}, status)


def failure(kind: FailureKind, status: int) -> Answer:
    if kind == "rate_limited":
        return error_answer(429, "too_many_requests", "Too many requests from this address")
    if kind == "expired_token":
        return error_answer(401, "unauthorized", "Authentication failed: check login and secret key")
    return error_answer(status, "internal_server_error", "An error occurred on our side")
